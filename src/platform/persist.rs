//! One call over several requests: when each may be made, and whether there is another.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{counter, gauge, histogram};
use tokio::time::{Instant, sleep_until};

use super::exchange::{Exchanged, Prepared, exchange};
use super::pace::Pace;
use super::{Api, Inner, Kind, Reply, Trouble, retry};
use crate::genesys::bases::Surface;
use crate::outbound::chance;

/// Longest that one request takes: another one may have better luck.
const ATTEMPT: Duration = Duration::from_secs(10);

/// What all calls share, locked for moments alone.
#[derive(Debug)]
pub struct Shared {
    pace: Mutex<Pace>,
    retries: Mutex<retry::Budget>,
}

impl Shared {
    /// Nothing was asked yet.
    pub fn new(per_minute: u32, now: Instant) -> Self {
        Self {
            pace: Mutex::new(Pace::new(per_minute, now)),
            retries: Mutex::new(retry::Budget::new(now)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// Asks until there is an answer, no hope or no time.
    pub(super) async fn persist(
        &self,
        prepared: &Prepared<'_>,
        deadline: Instant,
    ) -> Result<Reply, Trouble> {
        lock(&self.shared.retries).earn(Instant::now());
        let mut attempt: u32 = 1;
        loop {
            self.admit(prepared.api, deadline).await?;
            let until = deadline.min(Instant::now() + ATTEMPT);
            let begun = Instant::now();
            let exchanged = exchange(&self.outbound, prepared, until).await;
            let taken = exchanged.at.saturating_duration_since(begun).as_secs_f64();
            histogram!("watchpost_genesys_request_duration_seconds", "api" => prepared.api.as_str())
                .record(taken);
            let asked = self.heed(prepared.api, &exchanged);
            let trouble = match exchanged.result {
                Ok(reply) => return Ok(reply),
                Err(trouble) => trouble,
            };
            let idempotent = prepared.idempotent;
            let wait = retry::wait(&trouble.kind, asked, attempt, idempotent, chance());
            let now = Instant::now();
            let at = wait.and_then(|wait| now.checked_add(wait)).filter(|at| *at < deadline);
            let Some(at) = at.filter(|_| lock(&self.shared.retries).spend(now)) else {
                return Err(trouble);
            };
            sleep_until(at).await;
            attempt = attempt.saturating_add(1);
        }
    }

    /// Waits until a request may be made. Whoever has to wait for longer than it can takes no place
    /// from the others.
    async fn admit(&self, api: Api, deadline: Instant) -> Result<(), Trouble> {
        self.pass(api, deadline).await?;
        if api.surface() == Surface::Api {
            let at = lock(&self.shared.pace).take(Instant::now(), deadline);
            let at = at.map_err(|wait| Trouble::new(api, Kind::Throttled { wait }))?;
            sleep_until(at).await;
            // Somebody else may have been told to wait meanwhile.
            self.pass(api, deadline).await?;
        }
        Ok(())
    }

    /// Waits for as long as the surface wants to be left alone.
    async fn pass(&self, api: Api, deadline: Instant) -> Result<(), Trouble> {
        let surface = api.surface();
        let at = self.settings.bases.at(surface);
        loop {
            let now = Instant::now();
            match self.gates.closed(surface, at, now) {
                None => return Ok(()),
                Some(until) if until < deadline => sleep_until(until).await,
                Some(until) => {
                    let wait = until.saturating_duration_since(now);
                    return Err(Trouble::new(api, Kind::RateLimited { wait }));
                }
            }
        }
    }

    /// Takes up what an answer says about the next request; gives how long the server wants none.
    fn heed(&self, api: Api, exchanged: &Exchanged) -> Option<Duration> {
        let now = Instant::now();
        count(api, exchanged);
        if let (Some(limit), Surface::Api) = (exchanged.limit, api.surface()) {
            gauge!("watchpost_genesys_ratelimit_remaining").set(f64::from(limit.remaining()));
            lock(&self.shared.pace).heed(limit, now);
        }
        let asked = match &exchanged.result {
            Err(Trouble { kind: Kind::RateLimited { wait }, .. }) => Some(*wait),
            _ => exchanged.asked,
        };
        if let Some(until) = asked.and_then(|asked| exchanged.at.checked_add(asked)) {
            let surface = api.surface();
            self.gates.close(surface, self.settings.bases.at(surface), until, now);
        }
        asked
    }
}

/// By status where the answer can be used or was meant so, else by what is wrong with it.
fn count(api: Api, exchanged: &Exchanged) {
    let code = match &exchanged.result {
        Ok(reply) => status(reply.status),
        Err(trouble) => match (trouble.status, &trouble.kind) {
            (
                Some(_),
                Kind::NotJson { .. }
                | Kind::TooLarge { .. }
                | Kind::TooDeep { .. }
                | Kind::Network { .. }
                | Kind::TimedOut,
            )
            | (None, _) => trouble.kind.code(),
            (Some(number), _) => status(number),
        },
    };
    counter!("watchpost_genesys_requests_total", "api" => api.as_str(), "code" => code)
        .increment(1);
}

/// A status as a label: those that say something, and classes of the others, as a stranger could
/// answer with a thousand.
fn status(number: u16) -> &'static str {
    match number {
        200 => "200",
        201 => "201",
        202 => "202",
        204 => "204",
        304 => "304",
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        409 => "409",
        410 => "410",
        412 => "412",
        429 => "429",
        500 => "500",
        502 => "502",
        503 => "503",
        504 => "504",
        _ => match number / 100 {
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            5 => "5xx",
            _ => "other",
        },
    }
}
