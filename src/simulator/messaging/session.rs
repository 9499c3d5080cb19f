//! A guest's session.

use crate::simulator::limits::Window;

/// A session: what a token stands for.
#[derive(Debug)]
pub struct Session {
    /// Whether it is too old.
    pub expired: bool,
    /// Whether its conversation is over.
    pub read_only: bool,
    /// Its conversation.
    pub conversation: Option<String>,
    /// Its connections, oldest first.
    pub lines: Vec<u64>,
    /// Its messages.
    pub messages: Window,
}
