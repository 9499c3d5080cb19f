//! The token: one for all calls, and one request for it however many wait.

mod given;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use metrics::gauge;
use tokio::time::{Instant, timeout_at};
use url::form_urlencoded;

use super::exchange::Prepared;
use super::{Api, Inner, Kind, Trouble};
use crate::clock;
use crate::genesys::account::Credentials;
use crate::genesys::bases::{Surface, join};
pub use given::Token;

/// Most of an answer that is read.
const MAX_BYTES: usize = 64 * 1024;

/// Time between two tokens that are asked for because one was refused: an API that refuses
/// everything is no reason to ask for one with every call.
const FORCED_EVERY: Duration = Duration::from_secs(10);

/// How long a token that grows old is gone on with after no other was to be had.
const AGING_FOR: Duration = Duration::from_secs(60);

/// Longest that a call waits for another token while it has one that is still good.
const AGING_WAIT: Duration = Duration::from_secs(5);

/// How long an answer about wrong credentials is believed.
const WRONG_FOR: Duration = Duration::from_secs(30);

/// The one that is in use, and what came of asking for others.
#[derive(Debug, Default)]
pub struct Tokens {
    /// Held by whoever asks for one. Not the state's own lock: nobody holds that over a wait.
    flight: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Token>,
    /// How often one was asked for, whatever came of it.
    flights: u64,
    /// What came of the last, where there was none.
    failed: Option<(Trouble, Instant)>,
    /// Whether that was for want of the time that its call had.
    hurried: bool,
    forced_at: Option<Instant>,
}

impl State {
    /// What a call may do now.
    fn choose(&self, refused: Option<&Token>, now: Instant) -> Choice {
        let current = self.current.as_ref();
        let usable = current.filter(|token| token.is_alive(now) && Some(*token) != refused);
        let Some(token) = usable else {
            return match &self.failed {
                Some((trouble, at)) if is_wrong(&trouble.kind) && now < *at + WRONG_FOR => {
                    Choice::Fail(trouble.clone())
                }
                _ => Choice::Wait,
            };
        };
        let tried = self.failed.as_ref().is_some_and(|(_, at)| now < *at + AGING_FOR);
        match token.is_old(now) && !tried {
            true => Choice::Try(token.clone()),
            false => Choice::Take(token.clone()),
        }
    }
}

/// What to do for a token.
enum Choice {
    /// There is one.
    Take(Token),
    /// There is one that grows old: who comes first asks for another.
    Try(Token),
    /// There is none: who comes first asks, the others wait.
    Wait,
    /// There is none, and it was said just now why.
    Fail(Trouble),
}

impl Inner {
    /// The token.
    pub(super) async fn token(&self, deadline: Instant) -> Result<Token, Trouble> {
        self.token_after(None, deadline).await
    }

    /// Another token than that which was refused; `None` where that was done just now.
    pub(super) async fn renewed(
        &self,
        refused: &Token,
        deadline: Instant,
    ) -> Option<Result<Token, Trouble>> {
        {
            let mut state = self.tokens();
            let now = Instant::now();
            if state.current.as_ref() == Some(refused) {
                if state.forced_at.is_some_and(|at| now < at + FORCED_EVERY) {
                    return None;
                }
                // It is gone for all others, too.
                state.current = None;
                state.forced_at = Some(now);
            }
        }
        Some(self.token_after(Some(refused), deadline).await)
    }

    async fn token_after(
        &self,
        refused: Option<&Token>,
        deadline: Instant,
    ) -> Result<Token, Trouble> {
        let Some(credentials) = &self.settings.credentials else {
            return Err(Trouble::new(Api::Token, Kind::NoCredentials));
        };
        let now = Instant::now();
        let (choice, seen) = {
            let state = self.tokens();
            (state.choose(refused, now), state.flights)
        };
        match choice {
            Choice::Take(token) => Ok(token),
            Choice::Fail(trouble) => Err(trouble),
            Choice::Try(token) => {
                let Ok(_flight) = self.tokens.flight.try_lock() else { return Ok(token) };
                let soon = deadline.min(now + AGING_WAIT);
                Ok(self.fly(credentials, soon).await.unwrap_or(token))
            }
            Choice::Wait => {
                let flight = timeout_at(deadline, self.tokens.flight.lock()).await;
                let late = |_| Trouble::new(Api::Token, Kind::TimedOut);
                let _flight = flight.map_err(late)?;
                if let Some(landed) = self.landed_since(seen, refused) {
                    return landed;
                }
                self.fly(credentials, deadline).await
            }
        }
    }

    /// What came of a flight while this one waited for its own.
    fn landed_since(&self, seen: u64, refused: Option<&Token>) -> Option<Result<Token, Trouble>> {
        let state = self.tokens();
        let current = state.current.as_ref();
        let usable =
            current.filter(|token| token.is_alive(Instant::now()) && Some(*token) != refused);
        match (usable, &state.failed) {
            (Some(token), _) => Some(Ok(token.clone())),
            // Whoever has more time than the one that asked may fare better.
            (None, Some((trouble, _))) if state.flights != seen && !state.hurried => {
                Some(Err(trouble.clone()))
            }
            _ => None,
        }
    }

    /// Asks for one. Whoever calls holds the flight.
    async fn fly(&self, credentials: &Credentials, deadline: Instant) -> Result<Token, Trouble> {
        let result = self.ask_for_token(credentials, deadline).await;
        let mut state = self.tokens();
        state.flights = state.flights.wrapping_add(1);
        match result {
            Ok((header, life)) => {
                let now = Instant::now();
                let token = Token::new(header, state.flights, now, life);
                let expiry = clock::now().as_microsecond() as f64 / 1e6 + life.as_secs_f64();
                gauge!("watchpost_genesys_token_expiry_timestamp_seconds").set(expiry);
                state.current = Some(token.clone());
                state.failed = None;
                Ok(token)
            }
            Err(trouble) => {
                let now = Instant::now();
                let waits = matches!(trouble.kind, Kind::RateLimited { .. });
                state.hurried = waits || now >= deadline;
                state.failed = Some((trouble.clone(), now));
                Err(trouble)
            }
        }
    }

    async fn ask_for_token(
        &self,
        credentials: &Credentials,
        deadline: Instant,
    ) -> Result<(HeaderValue, Duration), Trouble> {
        let url = join(self.settings.bases.at(Surface::Login), "/oauth/token");
        let pair = format!("{}:{}", credentials.id, credentials.secret.reveal());
        let basic = given::secret_header(&format!("Basic {}", STANDARD.encode(pair)));
        let basic = basic.ok_or(Trouble::new(Api::Token, Kind::Unsendable))?;
        let mut body = "grant_type=client_credentials".to_owned();
        if let Some(scope) = &self.settings.scope {
            let scope: String = form_urlencoded::byte_serialize(scope.as_bytes()).collect();
            body = format!("{body}&scope={scope}");
        }
        let prepared = Prepared {
            api: Api::Token,
            method: Method::POST,
            url: &url,
            headers: vec![
                (AUTHORIZATION, basic),
                (ACCEPT, HeaderValue::from_static("application/json")),
                (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
            ],
            body: body.into_bytes(),
            // One token too many does no harm.
            idempotent: true,
            max_bytes: MAX_BYTES,
        };
        let reply = self.persist(&prepared, deadline).await?;
        given::read(&reply.json).map_err(|kind| Trouble {
            api: Api::Token,
            kind,
            status: Some(reply.status),
            correlation_id: reply.correlation_id,
        })
    }

    fn tokens(&self) -> MutexGuard<'_, State> {
        self.tokens.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it will be no better in a moment.
fn is_wrong(kind: &Kind) -> bool {
    matches!(kind, Kind::WrongRegion | Kind::WrongSecret | Kind::BadClient { .. })
}
