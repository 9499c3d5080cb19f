//! A Prometheus on loopback, and its tool.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};
use url::form_urlencoded;

use super::ReplayError;
use super::work::{Work, end_of};
use crate::check::endpoint::Trust;
use crate::check::target::{Host, Scheme, Target};
use crate::http::exposition::{Format, Labels};
use crate::outbound::{Outbound, OutboundError, Request};
use crate::outcome::quoted::Quoted;

/// Longest that it may take to begin: it reads what blocks hold.
const START: Duration = Duration::from_secs(120);

/// Longest that a day of one expression may take.
const QUERY: Duration = Duration::from_secs(15 * 60);

/// Most that is read of an answer.
const MAX_ANSWER: usize = 512 * 1024 * 1024;

/// Most moments of one question: Prometheus gives no more than 11,000.
const MOMENTS: i64 = 10_000;

/// A program of Prometheus'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// The server.
    Prometheus,
    /// The tool beside it.
    Promtool,
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Promtool => "promtool",
        }
    }

    fn missing(self, error: io::Error) -> ReplayError {
        match error.kind() {
            io::ErrorKind::NotFound => ReplayError::Missing(self.name()),
            _ => ReplayError::Io(error),
        }
    }

    /// Runs it to its end; gives what it wrote where it says no.
    fn run(self, prepare: impl FnOnce(&mut Command)) -> Result<Result<(), Quoted>, ReplayError> {
        let mut command = Command::new(self.name());
        prepare(&mut command);
        let output = command.stdin(Stdio::null()).output().map_err(|error| self.missing(error))?;
        if output.status.success() {
            return Ok(Ok(()));
        }
        let said = [output.stdout, output.stderr].concat();
        Ok(Err(Quoted::text(String::from_utf8_lossy(&said).trim())))
    }

    /// Has the rule file looked at.
    pub fn check_rules(self, work: &Work) -> Result<(), ReplayError> {
        let rules = work.file("rules.yml");
        let said = self.run(|command| {
            command.args(["check", "rules"]).arg(rules);
        })?;
        said.map_err(ReplayError::Rules)
    }

    /// Makes blocks of samples.
    pub fn blocks(self, text: &Path, data: &Path) -> Result<(), ReplayError> {
        let said = self.run(|command| {
            // By default, it reads the text again for every two hours in it.
            command.args(["tsdb", "create-blocks-from", "--quiet", "--max-block-duration=54h"]);
            command.arg("openmetrics").arg(text).arg(data);
        })?;
        said.map_err(|said| ReplayError::Refused { tool: self.name(), said })
    }
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Makes a series.
    Recording,
    /// Makes alerts.
    Alerting,
}

/// A rule, as Prometheus reads it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it does.
    pub kind: Kind,
    /// Of the alert, or of the series.
    pub name: String,
    /// The expression.
    pub query: String,
    /// `for`.
    pub hold: Duration,
    /// `keep_firing_for`.
    pub keep: Duration,
    /// Those that it adds.
    pub labels: BTreeMap<String, String>,
    /// Of its group.
    pub interval: Duration,
}

impl Rule {
    /// How often it is evaluated.
    pub fn interval(&self, step: Duration) -> Duration {
        if self.interval.is_zero() { step } else { self.interval }
    }
}

/// What an expression gives of one series.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its labels.
    pub metric: BTreeMap<String, String>,
    /// By time.
    pub values: Vec<(Timestamp, f64)>,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    interval: f64,
    rules: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRule {
    #[serde(rename = "type")]
    kind: Kind,
    name: String,
    query: String,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    keep_firing_for: f64,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Matrix {
    result: Vec<RawSeries>,
}

#[derive(Deserialize)]
struct RawSeries {
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// A running Prometheus; it ends with this.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    client: Outbound,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Server {
    /// Starts one over the blocks, with a rule file or without, and waits until it answers. An
    /// instant selector sees what is no older than `lookback`.
    pub async fn start(
        work: &Work,
        rules: Option<&str>,
        lookback: Duration,
    ) -> Result<Self, ReplayError> {
        let files: Vec<_> = rules.into_iter().collect();
        let config = serde_json::json!({
            "global": { "evaluation_interval": format!("{}s", lookback.as_secs().max(1)) },
            "rule_files": files,
        });
        // JSON is YAML.
        work.write("prometheus.yml", &config.to_string())?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let log = work.file("prometheus.log");
        // Where there are rules, it records something by the clock of now: that is not history.
        let data = if rules.is_some() { work.file("scratch") } else { work.data() };
        let mut command = Command::new(Tool::Prometheus.name());
        command
            .arg(format!("--config.file={}", work.file("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .args(["--storage.tsdb.retention.time=100y", "--log.level=warn"])
            // Blocks stay as they are.
            .args(["--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h"])
            .arg(format!("--query.lookback-delta={}s", lookback.as_secs()))
            .args(["--query.timeout=1h", "--query.max-samples=500000000"])
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?);
        let client = Outbound::new(&Trust::Anchors(Vec::new().into()))?;
        let child = command.spawn().map_err(|error| Tool::Prometheus.missing(error))?;
        let mut server = Self { child, address, client };
        let deadline = Instant::now() + START;
        loop {
            if server.child.try_wait()?.is_some() || Instant::now() > deadline {
                let said = Quoted::text(&end_of(&log));
                return Err(ReplayError::Refused { tool: Tool::Prometheus.name(), said });
            }
            let within = Duration::from_secs(5);
            if matches!(server.ask("/-/ready", &[], within).await, Ok((200, _))) {
                return Ok(server);
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The rules of its file.
    pub async fn rules(&self) -> Result<Vec<Rule>, ReplayError> {
        let groups: Groups = self.json("/api/v1/rules", &[]).await?;
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let rules = groups.groups.into_iter().flat_map(|group| {
            let interval = seconds(group.interval);
            group.rules.into_iter().map(move |rule| Rule {
                kind: rule.kind,
                name: rule.name,
                query: rule.query,
                hold: seconds(rule.duration),
                keep: seconds(rule.keep_firing_for),
                labels: rule.labels.unwrap_or_default(),
                interval,
            })
        });
        Ok(rules.collect())
    }

    /// What an expression gives from one moment to another, both of them evaluated.
    pub async fn range(
        &self,
        query: &str,
        (from, to): (Timestamp, Timestamp),
        interval: Duration,
    ) -> Result<Vec<Series>, ReplayError> {
        let mut found: BTreeMap<BTreeMap<String, String>, Vec<(Timestamp, f64)>> = BTreeMap::new();
        let seconds = i64::try_from(interval.as_secs()).unwrap_or(1).max(1);
        let mut begin = from;
        while begin <= to {
            let most = SignedDuration::from_secs(seconds.saturating_mul(MOMENTS));
            let end = to.min(begin.saturating_add(most).unwrap_or(to));
            let form = [
                ("query", query.to_owned()),
                ("start", instant(begin)),
                ("end", instant(end)),
                ("step", seconds.to_string()),
            ];
            let matrix: Matrix = self.json("/api/v1/query_range", &form).await?;
            for series in matrix.result {
                let values = series.values.iter().filter_map(|(at, value)| {
                    let at = Timestamp::from_millisecond((at * 1000.0).round() as i64).ok()?;
                    Some((at, value.parse().ok()?))
                });
                found.entry(series.metric).or_default().extend(values);
            }
            let asked = end.duration_since(begin).as_secs() / seconds + 1;
            let next = SignedDuration::from_secs(asked.saturating_mul(seconds));
            begin = begin.checked_add(next).unwrap_or(Timestamp::MAX);
        }
        Ok(found.into_iter().map(|(metric, values)| Series { metric, values }).collect())
    }

    async fn json<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, String)],
    ) -> Result<T, ReplayError> {
        let (_, body) = self.ask(path, form, QUERY).await?;
        let strange =
            |error: &serde_json::Error| ReplayError::Answer(Quoted::text(&error.to_string()));
        let answer: Answer<T> = serde_json::from_slice(&body).map_err(|error| strange(&error))?;
        answer.data.ok_or_else(|| ReplayError::Answer(Quoted::text(&answer.error)))
    }

    /// Asks: with a form, or without one.
    async fn ask(
        &self,
        path: &str,
        form: &[(&str, String)],
        within: Duration,
    ) -> Result<(u16, Vec<u8>), OutboundError> {
        let url = Target {
            scheme: Scheme::Http,
            host: Host::Address(self.address.ip()),
            port: self.address.port(),
            path: path.to_owned(),
        };
        let deadline = Instant::now() + within;
        let mut headers = Vec::new();
        let mut body = Vec::new();
        if !form.is_empty() {
            let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.push((CONTENT_TYPE, form_type));
            body =
                form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().into();
        }
        let method = if form.is_empty() { Method::GET } else { Method::POST };
        let request = Request { method, url: &url, headers, body, deadline };
        let answer = self.client.send(request).await?;
        Ok((answer.status(), answer.whole(MAX_ANSWER, deadline).await?))
    }
}

/// Labels as they stand between braces.
pub fn labels(labels: &BTreeMap<String, String>) -> String {
    let none = Labels::new(Format::Text);
    let labels = labels.iter().fold(none, |labels, (name, value)| labels.with(name, value));
    labels.text()
}

/// A moment in seconds, to the millisecond.
pub fn instant(at: Timestamp) -> String {
    let millis = at.as_millisecond();
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}
