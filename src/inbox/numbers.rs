//! What the way to the writer knows of it without asking.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Each is written by one side and only looked at by the other: none orders anything.
#[derive(Debug, Default)]
pub struct Numbers {
    queued: AtomicU64,
    backlog: AtomicU64,
    capacity: AtomicU64,
    /// The file is as large as it may be, and nothing in it may go yet.
    no_room: AtomicBool,
    broken: AtomicBool,
}

impl Numbers {
    /// So many errands are on their way.
    pub fn queued(&self, errands: u64) {
        self.queued.fetch_add(errands, Relaxed);
    }

    /// So many are not any more.
    pub fn unqueued(&self, errands: u64) {
        self.queued.fetch_sub(errands, Relaxed);
    }

    /// What the writer found after a batch.
    pub fn found(&self, backlog: u64, capacity: u64, no_room: bool) {
        self.backlog.store(backlog, Relaxed);
        self.capacity.store(capacity, Relaxed);
        self.no_room.store(no_room, Relaxed);
    }

    /// Whether the disk fails.
    pub fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Relaxed);
    }

    /// Events that nothing was made of yet, on disk or on their way to it.
    pub fn length(&self) -> u64 {
        self.backlog.load(Relaxed) + self.queued.load(Relaxed)
    }

    /// As many as there may be.
    pub fn capacity(&self) -> u64 {
        self.capacity.load(Relaxed)
    }

    /// Whether another event would be one too many.
    pub fn is_full(&self) -> bool {
        self.no_room.load(Relaxed) || self.length() >= self.capacity()
    }

    /// Whether the disk fails.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Relaxed)
    }
}
