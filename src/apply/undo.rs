//! Puts the former values of an object back: by the same way by which they were taken away, and
//! only where nobody else has changed them since.

use std::cell::RefCell;

use serde_json::Value;

use super::objects::Objects;
use super::plan::undoing;
use super::report::{Object, Stage};
use super::write::write;

/// Puts them back.
pub async fn undo(objects: Objects<'_>, object: &mut Object) {
    object.stage = Stage::Undoing;
    let left = RefCell::new(Vec::new());
    let changed = std::mem::take(&mut object.changed);
    let declare = |now: &Value| {
        let (back, theirs) = undoing(&changed, now);
        *left.borrow_mut() = theirs.iter().map(|change| change.declared.key.clone()).collect();
        back
    };
    let done = write(objects, &object.id, declare, |_| ()).await;
    object.left = left.into_inner();
    object.changed = changed;
    object.stage = match &done.ended {
        Ok(()) => Stage::Undone,
        Err(error) => {
            object.refusal = Some(error.into());
            Stage::NotUndone
        }
    };
}
