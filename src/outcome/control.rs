//! What a refusal is held against: an allowed page at the same door.

use std::sync::Arc;

use super::failure::Failure;
use crate::check::origin::OriginRule;

/// What became of a page that must get in, at the address and in the round of one that must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// The page.
    pub page: Arc<OriginRule>,
    /// Whether it got in; if not, why.
    pub entry: Result<(), Failure>,
}
