//! `watchpost drill`: does the pager ring?

use std::process::ExitCode;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime;
use tokio::time::{Instant, sleep};
use url::form_urlencoded;

use super::exit;
use super::style::{BAD, BOLD, DIM, GOOD, UNSURE};
use crate::check::endpoint::Trust;
use crate::check::target::{Scheme, Target};
use crate::config::values::HumanDuration;
use crate::outbound::{Outbound, Request};
use crate::outcome::quoted::Quoted;

/// What the exit status means.
pub const EXIT_STATUSES: &str = "Exit status: 0 what could be proven was; 1 something was not told, \
    or the daemon does not do it; 2 wrong usage; 3 nothing could be proven.";

/// Longest that an answer may take, and its size.
const PATIENCE: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Time between looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long what is told of the end may take.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// What is wanted.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The endpoint whose pager is tried.
    endpoint: String,
    /// For how long: rules wait a minute or two before they fire.
    #[arg(long = "for", default_value = "5m", value_parser = length, value_name = "DURATION")]
    length: Duration,
    /// The daemon.
    #[arg(long, default_value = "http://127.0.0.1:9720", value_name = "URL", value_parser = place)]
    daemon: Target,
    /// An Alertmanager, which is asked whether the alert of Prometheus' rules arrived there.
    #[arg(long, value_name = "URL", value_parser = place)]
    alertmanager: Option<Target>,
}

fn length(text: &str) -> Result<Duration, String> {
    let HumanDuration(length) = HumanDuration::try_from(text.to_owned())
        .map_err(|problem| format!("{problem}; write 5m"))?;
    let fits = length.subsec_nanos() == 0 && (1..=30 * 60).contains(&length.as_secs());
    fits.then_some(length).ok_or_else(|| "write 1s to 30m".to_owned())
}

fn place(text: &str) -> Result<Target, String> {
    let target: Target = text.parse().map_err(|error| format!("{error}"))?;
    match target.scheme {
        Scheme::Http | Scheme::Https => Ok(target),
        _ => Err("write http:// or https://".to_owned()),
    }
}

#[derive(Debug, Deserialize)]
struct Last {
    drill: Option<Drill>,
}

/// What fires for as long as Prometheus and Alertmanager hear of each other.
const DEAD_MAN: &str = "WatchpostDeadMan";

#[derive(Debug, Deserialize)]
struct Drill {
    id: String,
    label: String,
    began_at: Timestamp,
    ends_at: Timestamp,
    over: bool,
    told: Vec<Delivery>,
}

#[derive(Debug, Deserialize)]
struct Delivery {
    target: String,
    event: String,
    attempts: u32,
    result: Option<String>,
}

/// Begins a drill, waits for its end, and says what it proved.
pub fn drill(args: &Args) -> ExitCode {
    let made = runtime::Builder::new_current_thread().enable_all().build();
    let (runtime, client) = match (made, Outbound::new(&Trust::System)) {
        (Ok(runtime), Ok(client)) => (runtime, client),
        (Err(error), _) => return cannot(&error.to_string()),
        (_, Err(error)) => return cannot(&error.to_string()),
    };
    match runtime.block_on(through(args, &client)) {
        Ok(status) => ExitCode::from(status),
        Err(problem) => cannot(&problem),
    }
}

fn cannot(problem: &str) -> ExitCode {
    anstream::eprintln!("watchpost: {problem}");
    ExitCode::from(exit::TROUBLE)
}

async fn through(args: &Args, client: &Outbound) -> Result<u8, String> {
    let by = std::env::var("USER").unwrap_or_default();
    let seconds = args.length.as_secs().to_string();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("endpoint", &*args.endpoint), ("seconds", &seconds), ("by", &by)])
        .finish();
    let asked = ask(client, Method::POST, &args.daemon, &format!("/-/drill?{query}")).await?;
    let mut drill = read(&asked)?;
    let id = drill.id.clone();
    anstream::println!(
        "{BOLD}a drill for {}{BOLD:#}: {} is down until {}",
        args.endpoint,
        drill.label,
        drill.ends_at.strftime("%H:%M:%SZ")
    );
    if drill.told.is_empty() {
        anstream::println!(
            "  the daemon itself tells nobody of this endpoint: no [[notify]] wants it"
        );
    }
    let mut said = Vec::new();
    let mut arrived = Vec::new();
    let mut deadline = None;
    loop {
        for one in &drill.told {
            let line = told(one);
            if !said.contains(&line) {
                anstream::println!("  {line}");
                said.push(line);
            }
        }
        if let Some(alertmanager) = &args.alertmanager {
            // It may be away for a moment: it is asked again.
            for alert in alerts(client, alertmanager, &drill).await.unwrap_or_default() {
                if !arrived.iter().any(|known: &Arrived| known.name == alert.name) {
                    anstream::println!(
                        "  Alertmanager has {GOOD}{}{GOOD:#}, for {}",
                        alert.name,
                        alert.receivers
                    );
                    arrived.push(alert);
                }
            }
        }
        let waits = drill.told.iter().any(|one| one.result.is_none());
        let last = *deadline.get_or_insert(Instant::now() + args.length + LAST_WORDS);
        if (drill.over && !waits) || Instant::now() >= last {
            break;
        }
        sleep(LOOK_EVERY).await;
        drill = read(&ask(client, Method::GET, &args.daemon, "/api/v1/drill").await?)?;
        if drill.id != id {
            return Err("another drill has begun: what became of this one is not known".to_owned());
        }
    }
    if let Some(alertmanager) = &args.alertmanager {
        let alive = holds(client, alertmanager, DEAD_MAN).await;
        match alive.as_ref().map(Vec::is_empty) {
            Ok(false) => anstream::println!("  Alertmanager has {GOOD}{DEAD_MAN}{GOOD:#}"),
            Ok(true) => anstream::println!(
                "  {BAD}Alertmanager has no {DEAD_MAN}{BAD:#}: nobody would hear of a Prometheus that is gone"
            ),
            Err(problem) => anstream::println!("  not known: {DEAD_MAN}: {problem}"),
        }
    }
    Ok(conclude(args, &drill, &arrived))
}

fn told(one: &Delivery) -> String {
    let (target, event) = (Quoted::text(&one.target), Quoted::text(&one.event));
    match (one.result.as_deref(), one.attempts) {
        (Some("sent"), _) => format!("{target} of {event}: {GOOD}it was taken{GOOD:#}"),
        (Some(result), _) => {
            format!("{target} of {event}: {BAD}never, {}{BAD:#}", Quoted::text(result))
        }
        (None, 0) => format!("{DIM}{target} of {event}: it waits to be sent{DIM:#}"),
        (None, _) => format!("{target} of {event}: {UNSURE}not taken yet{UNSURE:#}"),
    }
}

/// Says what was proven, and what was not; gives the exit status.
fn conclude(args: &Args, drill: &Drill, arrived: &[Arrived]) -> u8 {
    anstream::println!("{BOLD}it is over{BOLD:#}");
    let lost = drill.told.iter().any(|one| one.result.as_deref() != Some("sent"));
    let taken = drill.told.iter().filter(|one| one.result.as_deref() == Some("sent")).count();
    if !drill.told.is_empty() {
        anstream::println!("  {taken} of {} messages of the daemon were taken", drill.told.len());
    }
    let by_rules = arrived.iter().any(|alert| alert.name != "WatchpostIncident");
    match (&args.alertmanager, by_rules) {
        (None, _) => anstream::println!(
            "  not known: whether Prometheus' rules fired and reached Alertmanager (--alertmanager URL asks it)"
        ),
        (Some(_), true) => {
            anstream::println!("  Prometheus' rules fired and reached Alertmanager");
        }
        (Some(_), false) => anstream::println!(
            "  {BAD}no alert of Prometheus' rules reached Alertmanager{BAD:#}: is the daemon scraped, \
             are the rules loaded, and was this long enough for them?"
        ),
    }
    anstream::println!("  not known: whether anybody was woken, and acknowledged it: ask them");
    let failed = lost || (args.alertmanager.is_some() && !by_rules);
    let proven = taken > 0 || by_rules;
    match (failed, proven) {
        (true, _) => 1,
        (false, true) => 0,
        (false, false) => 3,
    }
}

/// An alert that pages: neither silenced nor inhibited.
struct Arrived {
    name: String,
    /// To whom it goes.
    receivers: String,
}

/// The alerts of a drill. One that a drill before it left behind proves nothing of this one.
async fn alerts(client: &Outbound, at: &Target, drill: &Drill) -> Result<Vec<Arrived>, String> {
    let alerts = holds_where(client, at, &format!("endpoint=\"{}\"", drill.label)).await?;
    let of_it = |alert: &Value| {
        let began: Timestamp = alert.pointer("/startsAt")?.as_str()?.parse().ok()?;
        let name = alert.pointer("/labels/alertname")?.as_str()?;
        let receivers = alert.pointer("/receivers").and_then(Value::as_array);
        let receivers = receivers.into_iter().flatten().filter_map(|one| one.get("name")?.as_str());
        let receivers = receivers.collect::<Vec<_>>().join(", ");
        (began >= drill.began_at).then(|| Arrived {
            name: Quoted::text(name).to_string(),
            receivers: Quoted::text(&receivers).to_string(),
        })
    };
    Ok(alerts.iter().filter_map(of_it).collect())
}

/// The alerts of a name.
async fn holds(client: &Outbound, at: &Target, name: &str) -> Result<Vec<Value>, String> {
    holds_where(client, at, &format!("alertname=\"{name}\"")).await
}

async fn holds_where(client: &Outbound, at: &Target, filter: &str) -> Result<Vec<Value>, String> {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("filter", filter), ("silenced", "false"), ("inhibited", "false")])
        .finish();
    let answer = ask(client, Method::GET, at, &format!("/api/v2/alerts?{query}")).await?;
    serde_json::from_slice(&answer).map_err(|error| format!("Alertmanager: {error}"))
}

fn read(body: &[u8]) -> Result<Drill, String> {
    let last: Last =
        serde_json::from_slice(body).map_err(|error| format!("the daemon: {error}"))?;
    last.drill.ok_or_else(|| "the daemon knows of no drill any more: it began anew".to_owned())
}

async fn ask(
    client: &Outbound,
    method: Method,
    at: &Target,
    path: &str,
) -> Result<Vec<u8>, String> {
    let root = at.path.trim_end_matches('/');
    let url = Target { path: format!("{root}{path}"), ..at.clone() };
    let deadline = Instant::now() + PATIENCE;
    let request = Request { method, url: &url, headers: Vec::new(), body: Vec::new(), deadline };
    let whom = at.origin();
    let said = |error| format!("{whom}: {error}");
    let unreachable =
        |error| format!("{}; --daemon and --alertmanager say where they are", said(error));
    let answer = client.send(request).await.map_err(unreachable)?;
    let status = answer.status();
    let body = answer.whole(MAX_ANSWER, deadline).await.map_err(said)?;
    match status {
        200 => Ok(body),
        _ => {
            let text = String::from_utf8_lossy(&body);
            Err(format!("{whom} answers {status}: {}", Quoted::text(text.trim())))
        }
    }
}
