//! What the machine did to a measurement: time stolen by the host, load, how late it wakes.

use std::fs;
use std::time::Duration;

use tokio::time::Instant;

/// Wakes a second of the yardstick.
const RATE: u32 = 500;

/// What else was going on while something was measured.
#[derive(Debug, Clone, Copy)]
pub struct Noise {
    /// The share of all CPU time that the host took.
    pub steal: f64,
    /// The share in which no CPU was free.
    pub busy: f64,
    /// How late a thread that only sleeps was woken, 50 and 99 of 100, in milliseconds.
    pub woken: (f64, f64),
}

impl std::fmt::Display for Noise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (p50, p99) = self.woken;
        let (steal, busy) = (self.steal * 100.0, self.busy * 100.0);
        write!(f, "steal {steal:.0} %, busy {busy:.0} %, a mere sleep {p50:.2} / {p99:.2} ms late")
    }
}

/// Waits for a window, and watches the machine meanwhile.
pub fn watch(window: Duration) -> Noise {
    let before = cpu();
    let begin = Instant::now();
    let mut late = Vec::new();
    for n in 1.. {
        let due = begin + Duration::from_secs(1) * n / RATE;
        if due > begin + window {
            break;
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        late.push(due.elapsed().as_secs_f64() * 1e3);
    }
    let after = cpu();
    let all: f64 = (0..8).map(|field| after[field] - before[field]).sum();
    let (steal, idle) = (after[7] - before[7], after[3] - before[3] + after[4] - before[4]);
    let woken = (quantile(&mut late, 0.5), quantile(&mut late, 0.99));
    Noise { steal: steal / all, busy: 1.0 - idle / all, woken }
}

/// The value that so large a share does not exceed.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() as f64 * share).ceil() as usize).clamp(1, values.len()) - 1]
}

/// user, nice, system, idle, iowait, irq, softirq, steal: ticks of all CPUs.
fn cpu() -> Vec<f64> {
    let stat = fs::read_to_string("/proc/stat").unwrap();
    let line = stat.lines().next().unwrap();
    line.split_whitespace().skip(1).map(|ticks| ticks.parse().unwrap()).collect()
}
