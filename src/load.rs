//! Many events a second, as the contact centre would send them, and how long each took to be
//! acknowledged.
//!
//! Each event has its time, whatever became of those before it, and its latency counts from
//! there: a receiver that stands still for a second is seen to have kept a second's events waiting.

mod envelope;
pub mod signer;
mod wire;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::clock;
use envelope::Envelope;
use signer::Signer;
use wire::Connection;
pub use wire::{Place, PlaceError};

/// Longest that an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is to be sent.
#[derive(Debug)]
pub struct Plan {
    /// Where to.
    pub place: Place,
    /// Events a second.
    pub rate: f64,
    /// For how long.
    pub length: Duration,
    /// At a time at the most.
    pub connections: usize,
    /// How each shows who sends it.
    pub signer: Signer,
    /// The size of a body, where what must be in it is not larger.
    pub body_bytes: usize,
}

/// What came of it so far.
#[derive(Debug)]
pub struct Tally {
    begun: Instant,
    sent: u64,
    acknowledged: u64,
    refused: BTreeMap<u16, u64>,
    unanswered: u64,
    last_answer: Instant,
    /// Microseconds from when an event was due.
    latencies: Histogram<u64>,
}

/// What came of it, in numbers.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Events that were sent.
    pub sent: u64,
    /// Those that were answered with 2xx.
    pub acknowledged: u64,
    /// Those that were answered otherwise, by status.
    pub refused: BTreeMap<u16, u64>,
    /// Those whose connection broke, or that were not answered in time.
    pub unanswered: u64,
    /// How long it took.
    pub seconds: f64,
    /// Acknowledgements a second.
    pub rate: f64,
    /// From when an event was due until it was acknowledged.
    pub latency_ms: Latency,
}

/// Of acknowledgements, in milliseconds.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// Half of them.
    pub p50: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1000.
    pub p99_9: f64,
    /// All.
    pub max: f64,
}

impl Plan {
    /// Sends all of it; `progress` is told once a second how it goes.
    pub async fn carry_out(self, mut progress: impl FnMut(&Outcome)) -> Outcome {
        let total = (self.rate * self.length.as_secs_f64()).round() as u64;
        let begun = Instant::now();
        let tally = Rc::new(RefCell::new(Tally::new(begun)));
        let (plan, next) = (Rc::new(self), Rc::new(Cell::new(0)));
        let envelope = Rc::new(Envelope::new(plan.body_bytes));
        let senders = LocalSet::new();
        for _ in 0..plan.connections {
            let (plan, envelope) = (plan.clone(), envelope.clone());
            let (tally, next) = (tally.clone(), next.clone());
            senders.spawn_local(async move {
                let mut sender = Sender {
                    connection: Connection::new(&plan.place),
                    request: Vec::new(),
                    body: String::new(),
                };
                loop {
                    let n = next.get();
                    if n >= total {
                        break;
                    }
                    next.set(n + 1);
                    let due = begun + Duration::from_secs_f64(n as f64 / plan.rate);
                    sleep_until(due).await;
                    let answer = sender.send(&plan, &envelope, n).await;
                    tally.borrow_mut().note(answer, due);
                }
            });
        }
        let mut second = begun;
        let watch = async {
            loop {
                second += Duration::from_secs(1);
                sleep_until(second).await;
                progress(&tally.borrow().outcome(Instant::now()));
            }
        };
        tokio::select! { () = senders => {}, () = watch => {} }
        let tally = tally.borrow();
        tally.outcome(tally.last_answer)
    }
}

/// One connection, and room for what goes over it.
struct Sender<'p> {
    connection: Connection<'p>,
    request: Vec<u8>,
    body: String,
}

impl Sender<'_> {
    /// The status of the answer; `None` where there is none.
    async fn send(&mut self, plan: &Plan, envelope: &Envelope, n: u64) -> Option<u16> {
        let now = clock::now();
        let id = envelope.write(n, now, &mut self.body);
        self.request.clear();
        plan.place.head(&mut self.request);
        plan.signer.sign(&id, now.as_second(), self.body.as_bytes(), &mut self.request);
        wire::finish(&mut self.request, self.body.as_bytes());
        let exchange = self.connection.exchange(&self.request);
        match timeout_at(Instant::now() + PATIENCE, exchange).await {
            Ok(Ok(status)) => Some(status),
            Ok(Err(_)) | Err(_) => {
                self.connection.close();
                None
            }
        }
    }
}

impl Tally {
    fn new(begun: Instant) -> Self {
        let mut latencies = Histogram::new_with_bounds(1, 60_000_000, 3)
            .unwrap_or_else(|error| unreachable!("these are bounds: {error}"));
        latencies.auto(true);
        Self {
            begun,
            sent: 0,
            acknowledged: 0,
            refused: BTreeMap::new(),
            unanswered: 0,
            last_answer: begun,
            latencies,
        }
    }

    fn note(&mut self, answer: Option<u16>, due: Instant) {
        let now = Instant::now();
        self.sent += 1;
        self.last_answer = now;
        match answer {
            Some(200..300) => {
                self.acknowledged += 1;
                let micros = now.saturating_duration_since(due).as_micros();
                self.latencies.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX).max(1));
            }
            Some(status) => *self.refused.entry(status).or_default() += 1,
            None => self.unanswered += 1,
        }
    }

    fn outcome(&self, now: Instant) -> Outcome {
        let seconds = now.saturating_duration_since(self.begun).as_secs_f64();
        let millis = |quantile| self.latencies.value_at_quantile(quantile) as f64 / 1e3;
        Outcome {
            sent: self.sent,
            acknowledged: self.acknowledged,
            refused: self.refused.clone(),
            unanswered: self.unanswered,
            seconds,
            rate: self.acknowledged as f64 / seconds.max(f64::MIN_POSITIVE),
            latency_ms: Latency {
                p50: millis(0.5),
                p99: millis(0.99),
                p99_9: millis(0.999),
                max: self.latencies.max() as f64 / 1e3,
            },
        }
    }
}
