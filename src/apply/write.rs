//! Writes an object: read, merge, write; and once more from the beginning where somebody else has
//! written in between.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::objects::{Objects, WriteTrouble};
use super::plan::{Change, Declared, changes};
use crate::event::key::Key;
use crate::outbound::chance;

/// Times that an object is written at the most, while others write it too.
const MAX_ATTEMPTS: u32 = 6;

/// Times that what was written is looked at.
const LOOKS: u32 = 3;

/// The first wait after a conflict; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// What became of an object.
#[derive(Debug)]
pub struct Written {
    /// What was changed, or may have been, and what was there before.
    pub changes: Vec<Change>,
    /// How often somebody else was faster.
    pub conflicts: u32,
    /// How it ended.
    pub ended: Result<(), WriteError>,
}

/// Why an object is not as it must be.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The platform refused.
    #[error(transparent)]
    Refused(#[from] WriteTrouble),
    /// Others were faster every time.
    #[error("somebody else has changed it {0} times meanwhile")]
    Contended(u32),
    /// It was taken, and what is there is not what was written.
    #[error("the platform took it, and holds something else in {0}")]
    NotHeld(String),
}

/// Makes an object hold what is declared. `declare` says what that is, for the object as it is;
/// `told` hears of each conflict.
pub async fn write(
    objects: Objects<'_>,
    id: &Key,
    declare: impl Fn(&Value) -> Vec<Declared>,
    told: impl FnMut(u32),
) -> Written {
    let mut written = Written { changes: Vec::new(), conflicts: 0, ended: Ok(()) };
    written.ended = attempts(objects, id, declare, told, &mut written).await;
    written
}

async fn attempts(
    objects: Objects<'_>,
    id: &Key,
    declare: impl Fn(&Value) -> Vec<Declared>,
    mut told: impl FnMut(u32),
    written: &mut Written,
) -> Result<(), WriteError> {
    loop {
        let read = objects.read(id).await.map_err(WriteTrouble::from)?;
        let declared = declare(&read);
        let differing = changes(&declared, &read);
        if differing.is_empty() {
            // Where there was a conflict, it may have been our own write, whose answer was lost.
            return Ok(());
        }
        let attempt = objects.write(id, &read, &differing).await;
        written.changes = differing;
        match attempt {
            Ok(()) => return held(objects, id, &declared).await,
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error.into()),
        }
        written.conflicts += 1;
        if written.conflicts >= MAX_ATTEMPTS {
            written.changes.clear();
            return Err(WriteError::Contended(written.conflicts));
        }
        told(written.conflicts);
        sleep(wait(written.conflicts, chance())).await;
    }
}

/// Looks at what was written; it may take a moment until it can be read.
async fn held(objects: Objects<'_>, id: &Key, declared: &[Declared]) -> Result<(), WriteError> {
    let mut look = 1;
    loop {
        let now = objects.read(id).await.map_err(WriteTrouble::from)?;
        let differing = changes(declared, &now);
        if differing.is_empty() {
            return Ok(());
        }
        if look == LOOKS {
            let keys: Vec<_> = differing.iter().map(|c| c.declared.key.as_str()).collect();
            return Err(WriteError::NotHeld(keys.join(", ")));
        }
        sleep(wait(look, chance())).await;
        look += 1;
    }
}

/// Twice as long each time, less a part by chance, so that two who write do not meet again.
fn wait(conflicts: u32, chance: f64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << conflicts.saturating_sub(1).min(8));
    doubled.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_differ() {
        let millis = |conflicts, chance| wait(conflicts, chance).as_millis();
        assert_eq!((millis(1, 0.0), millis(1, 1.0)), (100, 200));
        assert_eq!((millis(3, 1.0), millis(99, 1.0)), (800, 51_200));
    }
}
