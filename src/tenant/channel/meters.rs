//! The numbers of the channel.

use std::sync::Arc;

use jiff::Timestamp;
use metrics::{counter, gauge};

use super::RECEIVER;
use crate::genesys::channel::backlog::Gap;
use crate::genesys::channel::pulse::Lost;
use crate::inbox::meters::{self, Received};

/// What the channel counts; the events as receivers count theirs.
#[derive(Debug, Clone)]
pub struct Meters(Arc<meters::Meters>);

impl Meters {
    /// Those of a channel that is not open yet.
    pub fn new() -> Self {
        let meters = Self(Arc::new(meters::Meters::new(RECEIVER)));
        meters.connected(false);
        meters.topics(0, 0);
        for lost in Lost::ALL {
            counter!("watchpost_channel_lost_total", "reason" => lost.code()).increment(0);
        }
        counter!("watchpost_channel_gaps_total").increment(0);
        counter!("watchpost_channel_gap_seconds_total").increment(0);
        counter!("watchpost_channel_backfilled_events_total").increment(0);
        meters
    }

    /// Whether a socket is open.
    pub fn connected(&self, connected: bool) {
        gauge!("watchpost_channel_connected").set(f64::from(u8::from(connected)));
    }

    /// A frame came.
    pub fn frame(&self, now: Timestamp) {
        let seconds = now.as_microsecond() as f64 / 1e6;
        gauge!("watchpost_channel_last_frame_timestamp_seconds").set(seconds);
    }

    /// A socket was lost.
    pub fn lost(&self, lost: Lost) {
        counter!("watchpost_channel_lost_total", "reason" => lost.code()).increment(1);
    }

    /// Events may have been missed.
    pub fn gap(&self, gap: &Gap) {
        counter!("watchpost_channel_gaps_total").increment(1);
        let seconds = gap.to.duration_since(gap.from).as_secs().max(0).unsigned_abs();
        counter!("watchpost_channel_gap_seconds_total").increment(seconds);
    }

    /// One that was missed was found.
    pub fn filled(&self) {
        counter!("watchpost_channel_backfilled_events_total").increment(1);
    }

    /// How many topics are subscribed to, and how many are not.
    pub fn topics(&self, subscribed: usize, refused: usize) {
        for (state, count) in [("subscribed", subscribed), ("refused", refused)] {
            gauge!("watchpost_channel_topics", "state" => state).set(count as f64);
        }
    }

    /// An event was stored.
    pub fn received(&self, received: Received) {
        self.0.received(received);
    }
}
