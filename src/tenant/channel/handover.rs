//! A socket that takes the place of one that is about to be closed, before that one ends: nothing
//! is missed between them.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::platform::socket::{Socket, SocketError};

/// How long what is still on its way over the old socket is read, once the new one is open.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A second socket ends the first. One that ended so shortly before the second was known to be open
/// was ended by it.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Longest that anything here is waited for in one piece.
const A_WHILE: Duration = Duration::from_secs(60);

/// A socket that is being opened.
pub type Opening = BoxFuture<'static, Result<Socket, SocketError>>;

/// Between two sockets, or on the only one.
#[derive(Default)]
pub struct Handover {
    opening: Option<Opening>,
    open: Option<(Socket, Instant)>,
    /// When the old one ended.
    ended_at: Option<Instant>,
}

/// The new socket.
pub struct Handed {
    /// It.
    pub socket: Socket,
    /// Whether the old one is still to be told good-bye.
    pub is_open: bool,
    /// For how long there was none.
    pub without: Duration,
}

impl Handover {
    /// Begins one.
    pub fn begin(opening: Opening) -> Self {
        Self { opening: Some(opening), ..Self::default() }
    }

    /// Whether there is, or will be, a second socket.
    pub fn goes_on(&self) -> bool {
        self.opening.is_some() || self.open.is_some()
    }

    /// Whether the second socket is waited for.
    pub fn is_opening(&self) -> bool {
        self.opening.is_some()
    }

    /// Waits until it is open.
    pub async fn opened(&mut self) -> Result<(), SocketError> {
        let Some(opening) = &mut self.opening else { return std::future::pending().await };
        let opened = opening.await;
        self.opening = None;
        self.open = Some((opened?, Instant::now()));
        Ok(())
    }

    /// The old one ended.
    pub fn ended(&mut self) {
        self.ended_at = Some(Instant::now());
    }

    /// Whether it did.
    pub fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    /// Until when there is nothing to do here but to wait.
    pub fn until(&self) -> Instant {
        match &self.open {
            Some((_, opened_at)) => *opened_at + LAST_WORDS,
            None => Instant::now() + A_WHILE,
        }
    }

    /// The new socket, where it can take the old one's place.
    pub fn take(&mut self) -> Option<Handed> {
        let ended_at = self.ended_at;
        let (socket, opened_at) =
            self.open.take_if(|(_, at)| ended_at.is_some() || at.elapsed() >= LAST_WORDS)?;
        *self = Self::default();
        let without = ended_at.map(|ended_at| opened_at.saturating_duration_since(ended_at));
        let without = without.filter(|without| *without > AT_ONCE).unwrap_or_default();
        Some(Handed { socket, is_open: ended_at.is_none(), without })
    }
}
