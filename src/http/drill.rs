//! `POST /-/drill`: a check that watches nothing turns red for a while; and what came of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::Context;
use super::api::query::{Query, number};
use super::api::trouble::Trouble;
use super::reload::comes_from_a_page;
use crate::casebook::drills::{Delivery, queue};
use crate::casebook::question::Question;
use crate::clock;
use crate::drill::{Drill, named};
use crate::incident::id::IncidentId;
use crate::incident::notice::Subscription;
use crate::incident::{ChangeEvent, ChangeSource};
use crate::outcome::quoted::Quoted;

/// How long a drill may last, in seconds.
const SECONDS: std::ops::RangeInclusive<u64> = 1..=30 * 60;

/// How long what is told of its end may take.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// Time between looks at what was told.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The last drill, and who is to be told of the next.
#[derive(Debug, Clone)]
pub struct Drills {
    last: watch::Sender<Option<Arc<Drill>>>,
    subscriptions: watch::Receiver<Arc<[Subscription]>>,
}

/// What is shown of a drill.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// By what it is known among messages.
    pub id: String,
    /// The endpoint whose pager was tried.
    pub endpoint: String,
    /// The label of its series and alerts.
    pub label: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ends; none of one from before a restart, which ended it.
    pub ends_at: Option<Timestamp>,
    /// Whether it has ended.
    pub over: bool,
    /// Who asked for it, as they say.
    pub by: Option<String>,
    /// Who was told, for as long as that is known.
    pub told: Vec<Delivery>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Last {
    /// The drill, if there is one.
    pub drill: Option<Shown>,
}

impl Drills {
    /// None yet.
    pub fn new(subscriptions: watch::Receiver<Arc<[Subscription]>>) -> Self {
        Self { last: watch::Sender::new(None), subscriptions }
    }

    /// The one that goes on.
    pub fn under_way(&self, now: Timestamp) -> Option<Arc<Drill>> {
        self.last.borrow().clone().filter(|drill| drill.lasts(now))
    }

    /// Begins one, where none goes on.
    fn begin(&self, drill: &Arc<Drill>) -> bool {
        self.last.send_if_modified(|last| {
            let free = last.as_ref().is_none_or(|last| !last.lasts(drill.began));
            if free {
                *last = Some(drill.clone());
            }
            free
        })
    }

    /// It never began.
    fn take_back(&self, drill: &Arc<Drill>) {
        self.last.send_if_modified(|last| {
            let mine = last.as_ref().is_some_and(|last| Arc::ptr_eq(last, drill));
            if mine {
                *last = None;
            }
            mine
        });
    }
}

/// Begins a drill, where the config lets whoever asks.
pub async fn begin(
    State(context): State<Context>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let refuse = |status: StatusCode, why: &str| (status, format!("{why}\n")).into_response();
    if comes_from_a_page(&headers) {
        return refuse(StatusCode::FORBIDDEN, "not from a web page: use watchpost drill");
    }
    if !context.settings.borrow().admin {
        return refuse(StatusCode::FORBIDDEN, "daemon.admin is false: set it in the config");
    }
    let (endpoint, seconds, who) = match asked(query.as_deref()) {
        Ok(asked) => asked,
        Err(trouble) => return trouble.into_response(),
    };
    let Some(snapshot) = context.reader.look().await else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "the recorder has ended");
    };
    let mut checks = snapshot.checks.iter().map(|record| &record.check);
    let Some(like) = checks.find(|check| *check.endpoint.name == *endpoint) else {
        return Trouble::missing("endpoint").into_response();
    };
    let now = clock::now();
    let ends = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
    let drill = Arc::new(Drill::of(like, now, ends, who));
    if !context.drills.begin(&drill) {
        return refuse(StatusCode::CONFLICT, "another drill goes on: see /api/v1/drill");
    }
    // To its end, also where whoever asked has gone away: nothing stays red for want of a reader.
    let opened = tokio::spawn(open(context.clone(), drill.clone(), seconds));
    match opened.await {
        Ok(true) => show(&context, Some(drill)).await.into_response(),
        _ => refuse(StatusCode::SERVICE_UNAVAILABLE, "the events file cannot be written"),
    }
}

/// Queues what is to be told of a drill, and has it end; whether that could be written.
async fn open(context: Context, drill: Arc<Drill>, seconds: i64) -> bool {
    let messages = drill.messages(&context.drills.subscriptions.borrow());
    let told: std::collections::BTreeSet<_> =
        messages.iter().map(|(message, _)| message.target.to_string()).collect();
    if context.inbox.write(None, queue(messages)).await.is_err() {
        context.drills.take_back(&drill);
        return false;
    }
    tracing::info!(endpoint = %drill.endpoint.name, seconds, "a drill begins");
    let told = match told.is_empty() {
        true => "nobody".to_owned(),
        false => told.into_iter().collect::<Vec<_>>().join(", "),
    };
    let what = format!("a drill begins, for {seconds} s; to be told: {told}");
    note(&context, &drill, drill.began, what).await;
    tokio::spawn(end(context, drill));
    true
}

/// The last drill since the daemon began.
pub async fn last(
    State(context): State<Context>,
    RawQuery(query): RawQuery,
) -> Result<Json<Last>, Trouble> {
    Query::new(query.as_deref(), &[])?;
    let last = context.drills.last.borrow().clone();
    show(&context, last).await
}

/// Which endpoint, for how many seconds, and who says that they ask.
fn asked(query: Option<&str>) -> Result<(String, i64, Option<String>), Trouble> {
    let query = Query::new(query, &["endpoint", "seconds", "by"])?;
    let Some(endpoint) = query.text("endpoint") else {
        return Err(Trouble::wrong("endpoint", "write the name of an endpoint"));
    };
    let (least, most) = (SECONDS.start(), SECONDS.end());
    let what = format!("write a number from {least} to {most}");
    let seconds = query.read("seconds", &what, |text| {
        number::<u64>(text).filter(|seconds| SECONDS.contains(seconds))
    })?;
    let seconds = i64::try_from(seconds.unwrap_or(300)).unwrap_or(300);
    let who = query.text("by").filter(|by| !by.is_empty());
    let who = who.map(|by| Quoted::text(by).as_str().to_owned());
    Ok((endpoint.to_owned(), seconds, who))
}

/// Waits for its end, and for what is told of that; then writes down what came of it.
async fn end(context: Context, drill: Arc<Drill>) {
    let left = drill.ends.duration_since(clock::now());
    sleep(Duration::try_from(left).unwrap_or_default()).await;
    let deadline = Instant::now() + LAST_WORDS;
    let deliveries = loop {
        let deliveries = deliveries(&context, &drill.id).await;
        let waiting = |told: &[Delivery]| told.iter().any(|one| one.result.is_none());
        let over = deliveries.as_deref().is_none_or(|told| !waiting(told));
        if over || Instant::now() >= deadline {
            break deliveries.unwrap_or_default();
        }
        sleep_until(deadline.min(Instant::now() + LOOK_EVERY)).await;
    };
    let mut told: Vec<_> = deliveries.iter().map(Delivery::to_string).collect();
    if told.is_empty() {
        told.push("nobody was told".to_owned());
    }
    tracing::info!(endpoint = %drill.endpoint.name, "a drill has ended");
    note(&context, &drill, drill.ends, format!("a drill has ended; {}", told.join(", "))).await;
}

/// Writes something down beside what else was done.
async fn note(context: &Context, drill: &Drill, at: Timestamp, what: String) {
    let (source, endpoint) = (ChangeSource::Drill, Some(drill.endpoint.name.clone()));
    context.casebook.tell(ChangeEvent { at, source, endpoint, what, who: drill.who.clone() }).await;
}

async fn deliveries(context: &Context, id: &IncidentId) -> Option<Vec<Delivery>> {
    let id = id.clone();
    context.casebook.ask(|answer| Question::Deliveries(id, answer)).await.flatten()
}

async fn show(context: &Context, drill: Option<Arc<Drill>>) -> Result<Json<Last>, Trouble> {
    let Some(drill) = drill else { return Ok(Json(Last { drill: None })) };
    let told = deliveries(context, &drill.id).await.ok_or_else(Trouble::unreadable)?;
    Ok(Json(Last { drill: Some(Shown::of(&drill, told)) }))
}

/// What is known of a drill by the id that its messages bear; none where the id is no drill's.
///
/// One from before a restart is known by its name alone, and by who was told.
pub async fn known(context: &Context, id: &IncidentId) -> Result<Option<Shown>, Trouble> {
    let Some((endpoint, began_at)) = named(id) else { return Ok(None) };
    let told = deliveries(context, id).await.ok_or_else(Trouble::unreadable)?;
    let last = context.drills.last.borrow().clone();
    Ok(Some(match last.filter(|last| last.id == *id) {
        Some(drill) => Shown::of(&drill, told),
        None => Shown {
            id: id.to_string(),
            label: Drill::label(&endpoint).to_string(),
            endpoint: endpoint.to_string(),
            began_at,
            ends_at: None,
            over: true,
            by: None,
            told,
        },
    }))
}

impl Shown {
    fn of(drill: &Drill, told: Vec<Delivery>) -> Self {
        Self {
            id: drill.id.to_string(),
            endpoint: drill.endpoint.name.to_string(),
            label: drill.name().to_string(),
            began_at: drill.began,
            ends_at: Some(drill.ends),
            over: !drill.lasts(clock::now()),
            by: drill.who.clone(),
            told,
        }
    }
}
