//! What was missed, asked for afterwards.

use std::time::Duration;

use tokio::time::sleep;

use super::frames::store_late;
use super::meters::Meters;
use crate::clock;
use crate::genesys::channel::backlog::{Gap, MAX_PAGES, PAGE_SIZE};
use crate::genesys::trouble::Trouble;
use crate::tenant::Desk;

/// When it is asked for, after the gap: analytics are late, and nobody says how late.
const PASSES: [Duration; 3] = [Duration::ZERO, Duration::from_secs(60), Duration::from_secs(600)];

/// How long a full inbox is waited for, each time.
const PATIENCE: Duration = Duration::from_secs(1);

/// Times that it is waited for, for one event.
const MAX_TRIES: u32 = 300;

/// Asks for it more than once: what came already is known again.
pub async fn fill(desk: Desk, meters: Meters, gap: Gap) {
    let mut waited = Duration::ZERO;
    let mut filled = 0;
    for pass in PASSES {
        sleep(pass.saturating_sub(waited)).await;
        waited = pass;
        let asked = ask(&desk, &meters, &gap.asked(), &mut filled).await;
        let Gap { from, to } = gap;
        match &asked {
            Ok(_) => tracing::info!(%from, %to, events = filled, "what was missed was asked for"),
            Err(trouble) => {
                let code = trouble.kind.code();
                let why = trouble.to_string();
                tracing::warn!(trouble = code, why, "what was missed cannot be asked for");
            }
        }
        let is_whole = asked.map_err(|trouble| trouble.to_string());
        desk.show(|view| view.channel(|channel| channel.filled(&gap, filled, is_whole)));
    }
}

/// Says whether that was all there is.
async fn ask(desk: &Desk, meters: &Meters, gap: &Gap, filled: &mut u64) -> Result<bool, Trouble> {
    for page in 1..=MAX_PAGES {
        let (frames, conversations) = desk.platform.missed(gap, page).await?;
        for frame in &frames {
            let mut tries = 0;
            let is_new = loop {
                match store_late(desk, meters, frame, clock::now()).await {
                    Ok(is_new) => break is_new,
                    Err(_) if tries < MAX_TRIES => tries += 1,
                    Err(_) => return Ok(false),
                }
                sleep(PATIENCE).await;
            };
            if is_new {
                *filled += 1;
                meters.filled();
            }
        }
        if conversations < PAGE_SIZE as usize {
            return Ok(true);
        }
    }
    Ok(false)
}
