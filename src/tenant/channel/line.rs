//! One socket, from its opening to its loss.

use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until};

use super::frames::Taker;
use super::handover::{Handed, Handover};
use super::topics::Wanted;
use super::{Listener, is_gone};
use crate::clock;
use crate::genesys::channel::backlog::Gap;
use crate::genesys::channel::lease::Due;
use crate::genesys::channel::pulse::{self, Lost, Pulse, Step, Tries};
use crate::genesys::channel::{Frame, MAX_FRAME, PING, Subscription};
use crate::genesys::trouble::Trouble;
use crate::outbound::chance;
use crate::platform::socket::{Heard, Socket};

/// Longest that a ping may take to leave.
const SENDING: Duration = Duration::from_secs(5);

/// Time between two notes of how far nothing was missed.
const REMEMBER_EVERY: Duration = Duration::from_secs(60);

/// Time between two looks at which topics there are: a deployment's configuration is known only once
/// the deployment was looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

type Renewed = (Timestamp, Wanted, Result<Vec<Subscription>, Trouble>);
type Renewal = Pin<Box<dyn Future<Output = Renewed> + Send>>;

/// Follows it. What is stored is waited for beside it, so that one slow disk does not make the
/// server's heartbeats late; where too much waits, nothing is read.
pub async fn hold(listener: &mut Listener, mut socket: Socket, mut taker: Taker) -> Lost {
    let begun = Instant::now();
    let mut pulse = Pulse::new(Duration::ZERO);
    let mut handover = Handover::default();
    let mut renewals: FuturesUnordered<Renewal> = FuturesUnordered::new();
    let mut remember_at = begun + REMEMBER_EVERY;
    let mut look_at = begun + LOOK_EVERY;
    // Not forgotten while the topics of another time are being set.
    let mut looks = false;
    let (mut tries, mut opened) = (Tries::default(), begun);
    let mut settings = listener.desk.settings.clone();
    let stop = listener.desk.stop.clone();
    let lost = loop {
        if taker.is_refused() {
            break Lost::Refused;
        }
        if let Some(handed) = handover.take() {
            listener.handed(&handed);
            let old = std::mem::replace(&mut socket, handed.socket);
            if handed.is_open {
                old.close().await;
            }
            pulse = Pulse::new(begun.elapsed());
            opened = Instant::now();
        }
        let until = match pulse.step(begun.elapsed()) {
            _ if handover.goes_on() => handover.until(),
            Step::Leave(Lost::Closing) => {
                // The first at once. Where each is closed as soon as it is open, they become rarer.
                let wait = match tries.lost(opened.elapsed()) {
                    0 => Duration::ZERO,
                    tries => pulse::wait(tries, chance()),
                };
                handover = listener.handover(wait);
                match handover.goes_on() {
                    true => continue,
                    false => break Lost::Closing,
                }
            }
            Step::Leave(lost) => break lost,
            Step::Ping => {
                pulse.asked(begun.elapsed());
                if !socket.send(PING, SENDING).await {
                    break Lost::Closed;
                }
                continue;
            }
            Step::Wait(until) => begun + until,
        };
        let renew_at = match listener.due() {
            // The channel is over; another one begins with another socket.
            Due::Over => break Lost::Gone,
            Due::Renew if renewals.is_empty() => {
                renewals.push(listener.renewal());
                continue;
            }
            Due::Renew => until,
            Due::Wait(at) => {
                let left = Duration::try_from(at.duration_since(clock::now()));
                Instant::now() + left.unwrap_or_default()
            }
        };
        if looks && renewals.is_empty() {
            looks = false;
            if listener.has_other_topics() {
                renewals.push(listener.renewal());
                continue;
            }
        }
        tokio::select! {
            heard = socket.next(), if taker.has_room() && !handover.has_ended() => match heard {
                Heard::Text(text) => {
                    let Some(frame) = Frame::read(&text) else { break Lost::Nonsense };
                    pulse.heard(&frame, begun.elapsed());
                    let now = clock::now();
                    listener.meters.frame(now);
                    listener.desk.show(|view| view.channel(|channel| channel.last_frame_at = Some(now)));
                    if let Frame::Event { topic } = frame {
                        taker.take(&topic, text, now).await;
                    }
                    // As long as all before it were stored.
                    if taker.is_whole() {
                        listener.whole_until = Some(now);
                    }
                }
                Heard::Life => pulse.heard(&Frame::Other, begun.elapsed()),
                Heard::Nonsense => break Lost::Nonsense,
                Heard::End if handover.goes_on() => handover.ended(),
                Heard::End => break Lost::Closed,
            },
            opened = handover.opened(), if handover.is_opening() => if let Err(error) = opened {
                tracing::warn!(why = error.to_string(), "no socket takes the place of one that closes");
                break Lost::Closing;
            },
            () = taker.settle() => if taker.is_whole() {
                listener.whole_until = Some(clock::now());
            },
            Some(renewed) = renewals.next(), if !renewals.is_empty() => {
                if let Err(lost) = listener.renewed(renewed) {
                    break lost;
                }
            }
            changed = settings.changed() => {
                // The doors may be others, and with them the topics.
                if changed.is_err() {
                    break Lost::Closed;
                }
                looks = true;
            }
            () = sleep_until(look_at) => {
                look_at = Instant::now() + LOOK_EVERY;
                // What failed is tried again when the channel is to be renewed again.
                looks |= !listener.has_failed();
            }
            () = sleep_until(remember_at) => {
                remember_at = Instant::now() + REMEMBER_EVERY;
                listener.remember().await;
            }
            () = sleep_until(until.min(renew_at)) => {}
            () = stop.cancelled() => break Lost::Closed,
        }
    };
    taker.finish().await;
    if lost != Lost::Closed || stop.is_cancelled() {
        socket.close().await;
    }
    lost
}

impl Listener {
    /// Opens another socket on the same channel, beside the one that is about to be closed.
    fn handover(&self, wait: Duration) -> Handover {
        let Some((channel, _)) = &self.channel else { return Handover::default() };
        let (uri, tls) = (channel.connect_uri.clone(), self.tls.clone());
        let platform = self.desk.platform.clone();
        Handover::begin(Box::pin(async move {
            sleep(wait).await;
            Socket::open(platform.bases(), &tls, &uri, MAX_FRAME).await
        }))
    }

    /// Another socket is open in the place of the first.
    fn handed(&mut self, handed: &Handed) {
        self.meters.lost(Lost::Closing);
        tracing::info!(
            "another socket of the notification channel took the place of one that closes"
        );
        let to = clock::now();
        if let Some(from) = to.checked_sub(handed.without).ok().filter(|from| *from < to) {
            self.missed(Gap { from, to });
        }
    }

    fn due(&self) -> Due {
        self.channel.as_ref().map_or(Due::Over, |(_, lease)| lease.due(clock::now()))
    }

    /// Whether the topics could not be set when they were to be.
    fn has_failed(&self) -> bool {
        self.channel.as_ref().is_some_and(|(_, lease)| lease.has_failed())
    }

    /// Whether what is wanted is not what was set.
    fn has_other_topics(&self) -> bool {
        self.topics.differ_from(&self.topics.wanted(&self.desk))
    }

    /// Sets the topics again.
    fn renewal(&self) -> Renewal {
        let wanted = self.topics.wanted(&self.desk);
        let (platform, now) = (self.desk.platform.clone(), clock::now());
        let id = self.channel.as_ref().map(|(channel, _)| channel.id.clone());
        Box::pin(async move {
            let told = match id {
                Some(id) => platform.subscribe(&id, &wanted.topics).await,
                None => Ok(Vec::new()),
            };
            (now, wanted, told)
        })
    }

    fn renewed(&mut self, (at, wanted, told): Renewed) -> Result<(), Lost> {
        match told {
            Ok(told) => {
                if let Some((_, lease)) = &mut self.channel {
                    *lease = lease.renewed(at);
                }
                self.topics.set(wanted, told);
                self.topics.show(&self.desk, &self.meters);
                Ok(())
            }
            Err(trouble) if is_gone(&trouble) => Err(Lost::Gone),
            Err(trouble) => {
                let code = trouble.kind.code();
                let why = self.without_secret(trouble.to_string());
                tracing::warn!(trouble = code, why, "the notification channel is not renewed");
                if let Some((_, lease)) = &mut self.channel {
                    lease.failed(at);
                }
                Ok(())
            }
        }
    }
}
