//! Sends what waits for one target, message by message.

use std::path::Path;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use metrics::{counter, gauge};
use tokio::time::{Instant, sleep};

use super::answer::{Verdict, back_off, judge};
use super::client::Client;
use super::queue::{Due, Queue};
use super::{Target, alertmanager, signature};
use crate::clock;
use crate::inbox::Inbox;
use crate::incident::alert;
use crate::incident::notice::Form;
use crate::outbound::{SetupError, chance};

/// Time between looks at the queue.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Time between repetitions of alerts, and between looks for what waits for too long.
const REPEAT_EVERY: Duration = Duration::from_secs(60);

/// Time between attempts to write down what became of a message.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// Every result of a message.
const RESULTS: [&str; 4] = ["sent", "retried", "expired", "gone"];

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The queue.
    #[error(transparent)]
    Queue(#[from] crate::inbox::InboxError),
    /// TLS.
    #[error(transparent)]
    Client(#[from] SetupError),
}

/// Sends to one target.
#[derive(Debug)]
pub struct Sender {
    target: Target,
    client: Client,
    queue: Queue,
    /// The target said so: nothing more until the config is read again.
    gone: bool,
    repeat_at: Instant,
    /// Whether the last message was not taken.
    failing: bool,
}

impl Sender {
    /// Opens the queue.
    pub fn new(target: Target, path: &Path, inbox: Inbox) -> Result<Self, SenderError> {
        let name = target.subscription.name.clone();
        for result in RESULTS {
            count(&name, result, 0);
        }
        let client = Client::new(target.url.clone(), &target.trust)?;
        let queue = Queue::open(name, path, inbox)?;
        let repeat_at = Instant::now();
        Ok(Self { target, client, queue, gone: false, repeat_at, failing: false })
    }

    /// Sends for ever.
    pub async fn run(mut self) {
        loop {
            let now = clock::now();
            self.queue.follow();
            let due = if self.gone { Ok(None) } else { self.queue.due(now) };
            match due {
                Ok(Some(due)) => {
                    self.send(due).await;
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "the queue of messages cannot be read"),
            }
            self.look(now).await;
            sleep(LOOK_EVERY).await;
        }
    }

    async fn send(&mut self, due: Due) {
        let now = clock::now();
        let verdict = self.post(&due, now).await;
        let name = self.target.subscription.name.clone();
        match verdict {
            Verdict::Sent => {
                count(&name, "sent", 1);
                if std::mem::take(&mut self.failing) {
                    tracing::info!(target = %name, "it takes messages again");
                }
                while self.queue.done(&due, "sent", clock::now()).await.is_err() {
                    self.wait_for_disk().await;
                }
            }
            Verdict::Gone => {
                count(&name, "gone", 1);
                tracing::error!(target = %name, "410: it is sent nothing more until the config is read again");
                self.gone = true;
            }
            Verdict::Again(asked) => {
                count(&name, "retried", 1);
                self.failing = true;
                let wait = back_off(due.attempts.saturating_add(1), asked, chance());
                let at = clock::now().saturating_add(wait).unwrap_or(now);
                while self.queue.again(&due, at).await.is_err() {
                    self.wait_for_disk().await;
                }
            }
        }
    }

    /// Alerts are repeated all the same: else a full disk would end them.
    async fn wait_for_disk(&mut self) {
        sleep(WRITE_AGAIN).await;
        self.queue.follow();
        self.look(clock::now()).await;
    }

    async fn post(&mut self, due: &Due, now: Timestamp) -> Verdict {
        let (headers, body) = match self.target.subscription.form {
            Form::Webhook => (self.signed(&due.id, &due.body, now), due.body.clone()),
            Form::Alertmanager => {
                let until = alertmanager::until(now);
                (Vec::new(), alert::believed_until(&due.body, until).unwrap_or_default())
            }
        };
        self.exchange(&headers, body).await
    }

    async fn exchange(&mut self, headers: &[(HeaderName, HeaderValue)], body: String) -> Verdict {
        let name = &self.target.subscription.name;
        match self.client.post(headers, body).await {
            Ok(answer) => {
                let verdict = judge(answer.status, answer.retry_after);
                if verdict != Verdict::Sent && !self.failing {
                    let (status, said) = (answer.status, &answer.body);
                    tracing::warn!(target = %name, status, %said, "a message was not taken");
                }
                verdict
            }
            Err(error) => {
                if !self.failing {
                    tracing::warn!(target = %name, %error, "a message could not be sent");
                }
                Verdict::Again(None)
            }
        }
    }

    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    fn signed(&self, id: &str, body: &str, now: Timestamp) -> Vec<(HeaderName, HeaderValue)> {
        let timestamp = now.as_second();
        let signature = signature::sign(&self.target.keys, id, timestamp, body);
        let header = |name, value: &str| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
        };
        [
            header("webhook-id", id),
            header("webhook-timestamp", &timestamp.to_string()),
            header("webhook-signature", &signature),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// What is due by the clock, and the numbers.
    async fn look(&mut self, now: Timestamp) {
        let due = Instant::now() >= self.repeat_at;
        let name = self.target.subscription.name.clone();
        match self.queue.waiting(now) {
            Ok(waiting) => {
                let label = name.to_string();
                gauge!("watchpost_notifications_queue_length", "target" => label.clone())
                    .set(waiting.length as f64);
                gauge!("watchpost_notifications_oldest_seconds", "target" => label)
                    .set(waiting.oldest_seconds);
                if due && waiting.expired > 0 && self.queue.expire(now).await.is_ok() {
                    count(&name, "expired", waiting.expired);
                }
            }
            Err(error) => tracing::error!(%error, "the queue of messages cannot be read"),
        }
        if !due {
            return;
        }
        self.repeat_at = Instant::now() + REPEAT_EVERY;
        if self.target.subscription.form == Form::Alertmanager && !self.gone {
            self.repeat(now).await;
        }
    }

    async fn repeat(&mut self, now: Timestamp) {
        let subscription = self.target.subscription.clone();
        match alertmanager::standing(self.queue.connection(), &subscription, now) {
            Ok(Some(alerts)) => {
                // What comes of it shows with the next message that counts.
                self.exchange(&[], alerts).await;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "incidents cannot be read"),
        }
    }
}

fn count(target: &str, result: &'static str, by: u64) {
    let target = target.to_owned();
    counter!("watchpost_notifications_total", "target" => target, "result" => result).increment(by);
}
