//! Ids that look like those of Genesys Cloud.

use aws_lc_rs::rand;

/// Makes ids, no two of which are the same; those of another organisation neither.
#[derive(Debug)]
pub struct Ids {
    run: u32,
    next: u64,
}

impl Ids {
    /// Ids of an organisation of its own.
    pub fn new() -> Self {
        let mut run = [0; 4];
        // Without them, ids of two organisations are alike, which only a shared inbox would see.
        rand::fill(&mut run).ok();
        Self { run: u32::from_le_bytes(run), next: 0 }
    }

    /// One more.
    pub fn uuid(&mut self) -> String {
        self.next += 1;
        let (run, next) = (self.run, self.next);
        format!("{run:08x}-{:04x}-4000-8000-{:012x}", next >> 48, next & 0xffff_ffff_ffff)
    }

    /// One that may be told to nobody: a token.
    pub fn secret(&mut self) -> String {
        let mut bytes = [0; 24];
        rand::fill(&mut bytes).ok();
        self.next += 1;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}-{}", self.next)
    }
}
