//! A timer for the schedule. The runtime's own rounds up to the next millisecond.

use std::io;
use std::os::fd::OwnedFd;

use futures_util::FutureExt;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

/// Waits for moments, one at a time.
#[derive(Debug)]
pub struct Timer(Option<Precise>);

#[derive(Debug)]
struct Precise {
    fd: AsyncFd<OwnedFd>,
    armed: Option<Instant>,
}

impl Timer {
    /// A timer of the kernel's, good to some tens of microseconds; the runtime's where there is
    /// none to be had.
    pub fn precise() -> Self {
        let precise = Precise::new();
        if let Err(error) = &precise {
            tracing::warn!(%error, "no timerfd: runs begin up to 2 ms late");
        }
        Self(precise.ok())
    }

    /// The runtime's timer, which tests can pause.
    pub fn of_runtime() -> Self {
        Self(None)
    }

    /// Returns at this moment, or soon after. May be dropped and called anew.
    pub async fn until(&mut self, due: Instant) {
        if let Some(precise) = &mut self.0 {
            match precise.until(due).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "the timerfd broke: runs begin late"),
            }
            self.0 = None;
        }
        sleep_until(due).await;
    }
}

impl Precise {
    #[expect(
        deprecated,
        reason = "its successor is unsafe, since a source could give up its descriptor while it is \
                  registered; an OwnedFd that nobody else can reach cannot"
    )]
    fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self { fd: AsyncFd::new(fd)?, armed: None })
    }

    async fn until(&mut self, due: Instant) -> io::Result<()> {
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            // It stays armed while others are polled: the same moment is not set twice.
            if self.armed != Some(due) {
                // That it once fired for another moment says nothing about this one.
                if let Some(stale) = self.fd.readable().now_or_never() {
                    stale?.clear_ready();
                }
                let once = Itimerspec {
                    it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
                    it_value: Timespec {
                        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                        tv_nsec: left.subsec_nanos().into(),
                    },
                };
                timerfd_settime(&self.fd, TimerfdTimerFlags::empty(), &once)?;
                self.armed = Some(due);
            }
            // It is not read: setting it anew takes back what it counted.
            self.fd.readable().await?.clear_ready();
            self.armed = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_fires_before_its_time_however_often_it_is_set_anew() {
        let mut timer = Timer::precise();
        let begin = Instant::now();
        let due = begin + Duration::from_millis(5);
        // Dropped in the middle, set to another moment, set back.
        tokio::select! {
            biased;
            () = timer.until(due) => {}
            () = tokio::task::yield_now() => {}
        }
        tokio::select! {
            biased;
            () = timer.until(begin + Duration::from_millis(1)) => {}
            () = sleep_until(due) => {}
        }
        timer.until(due).await;
        assert!(Instant::now() >= due);
        timer.until(begin).await;
    }
}
