//! Whether each acknowledgement in a log of strace's rests on a sync that was over before.

use std::collections::{HashMap, HashSet};

/// What a log says.
#[derive(Debug, Default)]
pub struct Order {
    /// Acknowledgements whose event was on disk by then.
    pub covered: usize,
    /// Those whose event was not.
    pub violations: Vec<String>,
}

/// Where the numbers of events stand, in requests and in rows: `fixture/sender.rs` writes it.
const MARK: &str = "0b5e55ed-0000-4000-8000-";

/// The log of `strace -f -y -s 16384`, of a receiver of events that bear the mark.
pub fn check(log: &str) -> Order {
    let mut order = Order::default();
    // By thread: a call that has begun, with its arguments and what was written by then.
    let mut begun: HashMap<&str, Call> = HashMap::new();
    // By file: what was written to it and neither synced nor given up by a sync that failed.
    let mut written: HashMap<String, HashSet<String>> = HashMap::new();
    let mut durable: HashSet<String> = HashSet::new();
    let mut requests: HashMap<String, String> = HashMap::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let call = match rest.strip_prefix("<... ") {
            Some(resumed) => {
                let Some(mut call) = begun.remove(thread) else { continue };
                let tail = resumed.split_once("resumed>").map_or("", |(_, tail)| tail);
                call.text.push_str(tail);
                call
            }
            None => {
                let mut call = Call { text: rest.to_owned(), written: HashSet::new() };
                if call.is_sync() {
                    // What was written before the sync began is what it covers.
                    call.written = written.get(&call.path()).cloned().unwrap_or_default();
                }
                // What is answered counts from when the answer begins.
                if call.is_acknowledgement() {
                    match requests.get(&call.file()) {
                        Some(event) if durable.contains(event) => order.covered += 1,
                        Some(event) => order.violations.push(format!("event {event}: {rest:.120}")),
                        None => order.violations.push(format!("an answer to nobody: {rest:.120}")),
                    }
                }
                if rest.ends_with("<unfinished ...>") {
                    begun.insert(thread, call);
                    continue;
                }
                call
            }
        };
        let failed = call.text.rsplit_once(" = ").is_none_or(|(_, value)| value.starts_with('-'));
        if call.is_sync() {
            // After one that failed, the kernel may call pages clean that it has lost: these rows
            // count only where they are written once more.
            if let Some(left) = written.get_mut(&call.path()) {
                left.retain(|event| !call.written.contains(event));
            }
            if !failed {
                durable.extend(call.written);
            }
            continue;
        }
        if failed {
            continue;
        }
        match call.name() {
            "pwrite64" => written.entry(call.path()).or_default().extend(call.events()),
            "read" | "recvfrom" => {
                if let Some(event) = call.events().pop() {
                    requests.insert(call.file(), event);
                }
            }
            _ => {}
        }
    }
    order
}

struct Call {
    text: String,
    /// The events whose rows were written when it began.
    written: HashSet<String>,
}

impl Call {
    fn name(&self) -> &str {
        self.text.split('(').next().unwrap_or_default()
    }

    fn is_sync(&self) -> bool {
        matches!(self.name(), "fdatasync" | "fsync")
    }

    /// The path without its descriptor.
    fn path(&self) -> String {
        let file = self.file();
        let path = file.split_once('<').and_then(|(_, rest)| rest.split('>').next());
        path.unwrap_or_default().to_owned()
    }

    /// The descriptor with its path.
    fn file(&self) -> String {
        let argument = self.text.split_once('(').map_or("", |(_, rest)| rest);
        argument.split([',', ')']).next().unwrap_or_default().to_owned()
    }

    fn is_acknowledgement(&self) -> bool {
        matches!(self.name(), "write" | "writev" | "sendto")
            && self.file().contains("socket:")
            && self.text.contains("\"HTTP/1.1 200")
            && self.text.contains("stored")
    }

    /// The numbers of the events in its data.
    fn events(&self) -> Vec<String> {
        let after = self.text.split(MARK).skip(1);
        after.filter_map(|rest| rest.get(..12)).map(str::to_owned).collect()
    }
}

#[test]
fn an_answer_before_its_sync_is_seen() {
    let request =
        |n: u32| format!("1 recvfrom(9<socket:[7]>, \"POST {MARK}{n:012x}\", 8192) = 99\n");
    let row =
        |n: u32| format!("2 pwrite64(5</x/events.db-wal>, \"{MARK}{n:012x}\", 4096, 0) = 4096\n");
    let sync = "2 fdatasync(5</x/events.db-wal>) = 0\n";
    let answer = "1 writev(9<socket:[7]>, [{iov_base=\"HTTP/1.1 200 OK stored\"}], 1) = 80\n";
    let judged = |log: &[&str]| {
        let order = check(&log.concat());
        (order.covered, order.violations.len())
    };
    let (first, row_1, row_2) = (request(1), row(1), row(2));
    assert_eq!(judged(&[&first, &row_1, sync, answer]), (1, 0));
    assert_eq!(judged(&[&first, &row_1, answer, sync]), (0, 1));
    assert_eq!(judged(&[&first, &row_2, sync, answer]), (0, 1), "the sync is of another's row");
    let failed = "2 fdatasync(5</x/events.db-wal>) = -1 EIO (Input/output error) (INJECTED)\n";
    assert_eq!(judged(&[&first, &row_1, failed, answer]), (0, 1));
    assert_eq!(judged(&[&first, &row_1, failed, sync, answer]), (0, 1), "what failed is lost");
    let (folded, file_sync) =
        (row_1.replace("-wal", ""), "2 fsync(6</x/events.db>) = 0\n".to_owned());
    assert_eq!(judged(&[&first, &row_1, failed, &folded, sync, answer]), (0, 1));
    assert_eq!(judged(&[&first, &row_1, failed, &folded, &file_sync, answer]), (1, 0));
    let (begin, end) = (
        "2 fdatasync(5</x/events.db-wal> <unfinished ...>\n",
        "2 <... fdatasync resumed>)        = 0\n",
    );
    assert_eq!(judged(&[&first, &row_1, begin, answer, end]), (0, 1), "it is not over yet");
    assert_eq!(judged(&[&first, begin, &row_1, end, answer]), (0, 1), "the row came too late");
    assert_eq!(judged(&[&first, &row_1, begin, end, answer]), (1, 0));
}
