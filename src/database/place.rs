//! Which file a name stands for.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Which file on which disk: another one may come to bear the name of one that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    device: u64,
    inode: u64,
}

impl Place {
    /// The file that bears a name now.
    pub fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        Some(Self { device: file.dev(), inode: file.ino() })
    }
}
