//! A config that changes while the daemon runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Duration, Instant};
use watchpost::check::CheckId;
use watchpost::schedule::slot::Grid;

use crate::fixture::daemon::{Daemon, Home, PATIENCE};
use crate::fixture::raw::{self, OPEN};

const TAKEN: &str = "config read again";
const REFUSED: &str = "the config is not taken up";

/// The value of the series that begins so.
#[track_caller]
fn value(page: &str, series: &str) -> f64 {
    let found = page.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
    found.unwrap_or_else(|| panic!("no {series} in\n{page}"))
}

fn runs(endpoint: &str, result: &str) -> String {
    format!(
        "probe_runs_total{{endpoint=\"{endpoint}\",probe=\"websocket\",origin=\"none\",expect=\"allow\",result=\"{result}\"}}"
    )
}

/// What the API says of an endpoint's only check.
#[track_caller]
fn seen(daemon: &Daemon, endpoint: &str) -> Value {
    let mut api: Value = serde_json::from_str(&daemon.get("/api/v1/checks")).unwrap();
    let id = format!("{endpoint}/websocket/none");
    let checks = api["checks"].as_array_mut().unwrap();
    let at = checks.iter().position(|check| check["id"] == *id).expect(endpoint);
    checks.remove(at)
}

fn endpoint(name: &str, url: &str) -> String {
    format!("[[endpoints]]\nname = \"{name}\"\nurl = \"{url}\"\n")
}

/// What may stand in the place of a config.
enum Broken {
    /// A file with so many faults.
    Faults(PathBuf, usize),
    Text(&'static str, Vec<u8>),
    Link(&'static str),
    Folder,
    Nothing,
}

impl Broken {
    /// Puts it there.
    fn put(&self, home: &Home) {
        let config = home.config();
        clear(&config);
        match self {
            Self::Faults(path, _) => drop(fs::copy(path, &config).unwrap()),
            Self::Text(_, text) => fs::write(&config, text).unwrap(),
            Self::Link(to) => symlink(to, &config).unwrap(),
            Self::Folder => fs::create_dir(&config).unwrap(),
            Self::Nothing => {}
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Faults(path, _) => path.file_name().unwrap().to_str().unwrap(),
            Self::Text(name, _) => name,
            Self::Link(to) => to,
            Self::Folder => "a folder",
            Self::Nothing => "nothing",
        }
    }
}

/// Every wrong config of the tests, and what is no config at all.
fn broken(home: &Home) -> Vec<Broken> {
    let mut all = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => {
                let told = fs::read_to_string(path.with_extension("txt")).unwrap();
                let count = told.lines().last().unwrap().split(' ').next().unwrap();
                all.push(Broken::Faults(path, count.parse().unwrap()));
            }
            // What they name lies beside them.
            Some("pem") | None => {
                fs::copy(&path, home.path().join(path.file_name().unwrap())).unwrap();
            }
            _ => {}
        }
    }
    let garbage = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let whole = fs::read(home.config()).unwrap();
    all.extend([
        Broken::Text("garbage", garbage),
        Broken::Text("zeros", vec![0; 4096]),
        Broken::Text("empty", Vec::new()),
        Broken::Text("half written", whole[..whole.len() - 4].to_vec()),
        Broken::Nothing,
        Broken::Folder,
        Broken::Link("/no/such/file"),
        // Root may read every file; this one fails for root too.
        Broken::Link("/proc/self/mem"),
    ]);
    all
}

/// Removes whatever stands there.
fn clear(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(file) if file.is_dir() => fs::remove_dir(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

/// Threads, descriptors and resident bytes of a daemon.
fn burden(daemon: &Daemon) -> (usize, usize, u64) {
    let proc = Path::new("/proc").join(daemon.pid().to_string());
    let count = |name: &str| fs::read_dir(proc.join(name)).unwrap().count();
    let statm = fs::read_to_string(proc.join("statm")).unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    (count("task"), count("fd"), pages * 4096)
}

/// Waits until no run is under way.
fn wait_for_rest(daemon: &Daemon) {
    let deadline = Instant::now() + PATIENCE;
    while value(&daemon.get("/metrics"), "watchpost_inflight_probes ") > 0.0 {
        assert!(Instant::now() < deadline, "a run never ends");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_reloads_lose_no_slot_no_count_and_no_streak() {
    let open = raw::answering(OPEN).await;
    let url = format!("ws://{}/", open.address);
    let kept = format!(
        "[defaults]\ninterval = \"1s\"\n{}{}",
        endpoint("open", &url),
        endpoint("dead", "ws://127.0.0.1:9/")
    );
    let good = |n: usize| match n % 4 {
        0 => kept.clone(),
        1 => format!("{kept}{}", endpoint("other", &url)),
        2 => format!("{kept}{}", endpoint("other", "ws://127.0.0.1:9/")),
        _ => {
            format!("prime-failures = false\nmax-inflight = {n}\n{kept}{}", endpoint("third", &url))
        }
    };
    let home = Home::new(&kept);
    let mut daemon = home.start();
    daemon.wait_for_line("down check=dead/websocket/none");
    daemon.wait_for_line("check=open/websocket/none result=success");
    let before = ["open", "dead"].map(|name| seen(&daemon, name));
    let broken = broken(&home);
    assert!(broken.len() >= 30, "{}", broken.len());
    let mut early = None;
    for n in 0..100 {
        if let Some(broken) = broken.get(n / 2).filter(|_| n % 2 == 1) {
            let name = broken.name();
            broken.put(&home);
            daemon.signal("HUP");
            let lines = daemon.lines_to(REFUSED);
            let named = lines.iter().filter(|line| line.contains("config: ")).count();
            if let Broken::Faults(_, faults) = broken {
                assert_eq!(named, *faults, "{name}: {lines:?}");
            }
            assert!(lines.iter().filter(|line| line.contains("ERROR")).count() > 1, "{name}");
            let page = daemon.get("/metrics");
            assert_eq!(value(&page, "watchpost_config_last_reload_successful "), 0.0, "{name}");
        } else {
            clear(&home.config());
            home.write(&good(n));
            daemon.signal("HUP");
            let line = daemon.wait_for_line(TAKEN);
            assert!(line.contains("2 kept") || line.contains("3 kept"), "{line}");
            let page = daemon.get("/metrics");
            assert_eq!(value(&page, "watchpost_config_last_reload_successful "), 1.0);
        }
        if n % 9 == 0 {
            daemon.wait_for_line("check=open/websocket/none result=success");
        }
        if n == 25 {
            wait_for_rest(&daemon);
            early = Some(burden(&daemon));
        }
    }
    wait_for_rest(&daemon);
    let ((threads, files, bytes), late) = (early.unwrap(), burden(&daemon));
    assert!(late.0 <= threads + 1, "{threads} threads, then {}", late.0);
    assert!(late.1 <= files + 4, "{files} descriptors, then {}", late.1);
    assert!(late.2 <= bytes + 8 * 1024 * 1024, "{bytes} bytes, then {}", late.2);

    // A burst: those that find the queue full are answered by the ones before them.
    (0..30).for_each(|_| daemon.signal("HUP"));
    daemon.wait_for_line(TAKEN);
    daemon.wait_for_line("check=open/websocket/none result=success");

    for (before, name) in before.iter().zip(["open", "dead"]) {
        let after = seen(&daemon, name);
        assert_eq!((&before["health"], &before["since"]), (&after["health"], &after["since"]));
        assert_eq!(after["runs"]["missed"], 0, "{name}");
        assert_eq!(after["runs"]["inconclusive"], 0, "{name}");
    }
    let page = daemon.get("/metrics");
    let counted = value(&page, &runs("open", "success"));
    assert!(counted > 11.0, "{counted} runs in all that time");
    let measured = "probe_phase_duration_seconds_count{endpoint=\"open\",probe=\"websocket\",phase=\"connect\",result=\"success\"}";
    let measured = value(&page, measured);
    let ring = seen(&daemon, "open")["percentiles"]["runs"].as_f64().unwrap();
    assert!(ring >= measured, "{ring} of {measured}");
    assert!(!page.contains("endpoint=\"other\"") && page.contains("endpoint=\"third\""));

    daemon.signal("TERM");
    daemon.wait();
    for name in ["open", "dead"] {
        let slots = slots(&home, name);
        assert!(slots.windows(2).all(|pair| pair[1] == pair[0] + 1), "{name}: {slots:?}");
        assert!(name == "dead" || slots.len() as f64 >= counted, "{slots:?}");
    }
    // Times that are partly ours are in no histogram; all others still are.
    let store = rusqlite::Connection::open(home.path().join("watchpost.db")).unwrap();
    let sql = "SELECT total(stalled_us = 0) FROM (SELECT stalled_us FROM results
        JOIN checks ON key = check_key WHERE id = 'open/websocket/none' AND confirm = 0
        AND result = 'success' ORDER BY seq LIMIT ?1)";
    let whole: f64 = store.query_row(sql, [counted], |row| row.get(0)).unwrap();
    assert_eq!(measured, whole);
}

/// The slots of an endpoint's only check that are in the store.
fn slots(home: &Home, endpoint: &str) -> Vec<i64> {
    let store = rusqlite::Connection::open(home.path().join("watchpost.db")).unwrap();
    let sql = "SELECT slot FROM results JOIN checks ON key = check_key
        WHERE id = ?1 AND confirm = 0 AND slots = 1 ORDER BY seq";
    let mut statement = store.prepare(sql).unwrap();
    let id = format!("{endpoint}/websocket/none");
    let slots = statement.query_map([id], |row| row.get(0)).unwrap();
    slots.map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_come_change_go_and_come_back() {
    let open = raw::answering(OPEN).await;
    let url = format!("ws://{}/", open.address);
    let a = format!("[defaults]\ninterval = \"1s\"\n{}", endpoint("a", &url));
    let home = Home::new(&a);
    let daemon = home.start();
    let reload = |config: &str, says: &str| {
        home.write(config);
        daemon.signal("HUP");
        let line = daemon.wait_for_line(TAKEN);
        assert!(line.contains(says), "{line}");
    };
    let series = "endpoint=\"b\"";
    assert!(!daemon.get("/metrics").contains(series));

    let with_b = format!("{a}{}", endpoint("b", &url));
    reload(&with_b, "1 added, 0 removed, 0 changed, 1 kept");
    daemon.wait_for_line("check=b/websocket/none result=success");
    let up = seen(&daemon, "b");
    assert_eq!(up["health"], "up");

    // Other settings of the same question: everything stays.
    reload(&format!("{with_b}team = \"x\"\ninterval = \"24h\"\n"), "1 changed, 1 kept");
    let page = daemon.get("/metrics");
    assert!(page.contains("team=\"x\""), "{page}");
    assert_eq!(
        value(&page, "probe_interval_seconds{endpoint=\"b\",probe=\"websocket\"}"),
        86_400.0
    );
    let tuned = seen(&daemon, "b");
    assert_eq!((&tuned["health"], &tuned["since"]), (&up["health"], &up["since"]));
    let counted = tuned["runs"]["success"].as_u64().unwrap();
    // A run that was held up here has no place among the percentiles.
    let ring = |view: &Value| view["percentiles"]["runs"].as_u64().unwrap_or(0);
    assert!(counted >= 1 && ring(&tuned) >= ring(&up), "{tuned} after {up}");

    // Another question: its counts go on, and nothing is known of the answer.
    let elsewhere = format!("{a}{}interval = \"24h\"\n", endpoint("b", &format!("{url}v2")));
    home.write(&elsewhere);
    daemon.signal("HUP");
    // The recorder and the reader of the config tell of it in whatever order.
    let mut lines = daemon.lines_to(TAKEN);
    assert!(lines.last().unwrap().contains("1 changed, 1 kept"), "{lines:?}");
    lines.extend(daemon.lines_to("check=a/websocket/none result=success"));
    let told = |line: &String| line.contains("check=b/websocket/none from=up");
    assert!(lines.iter().any(told), "{lines:?}");
    let moved = seen(&daemon, "b");
    assert_eq!((&moved["health"], &moved["last"]), (&"unknown".into(), &Value::Null));
    assert_eq!(moved["percentiles"], Value::Null);
    assert_eq!(moved["runs"]["success"], counted);

    reload(&a, "0 added, 1 removed, 0 changed, 1 kept");
    assert!(!daemon.get("/metrics").contains(series));
    reload(&with_b, "1 added, 0 removed, 0 changed, 1 kept");
    assert_eq!(value(&daemon.get("/metrics"), &runs("b", "missed")), 0.0);
    daemon.wait_for_line("check=b/websocket/none result=success");
    assert!(value(&daemon.get("/metrics"), &runs("b", "success")) >= 1.0);
}

/// Names of endpoints whose checks are due within moments of each other.
fn neighbours(interval: Duration) -> impl Iterator<Item = String> {
    let names = (0..).map(|n| format!("e{n}"));
    names.filter(move |name| {
        let id = CheckId::from_text(&format!("{name}/websocket/none"));
        let first = Grid::new(&id, interval).first(Timestamp::UNIX_EPOCH).planned;
        first.as_millisecond() < 300
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_under_way_outlive_a_reload_or_are_thrown_away() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = gate.clone();
    let held = raw::serve(move |mut stream| {
        let gate = closed.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            raw::answer(&mut stream, OPEN).await;
            raw::hold(stream).await;
        }
    })
    .await;
    let url = format!("ws://{}/", held.address);
    let mut names = neighbours(Duration::from_secs(8));
    let [kept, gone, moved] = [(); 3].map(|()| names.next().unwrap());
    let cadence = "[defaults]\ninterval = \"8s\"\ntimeout = \"7s\"\n";
    let all = [&kept, &gone, &moved].map(|name| endpoint(name, &url)).concat();
    let home = Home::new(&format!("{cadence}{all}"));
    let mut daemon = home.start();
    let deadline = Instant::now() + PATIENCE;
    while held.visits.load(Ordering::SeqCst) < 3 {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    let elsewhere = endpoint(&moved, &format!("{url}v2"));
    home.write(&format!("{cadence}{elsewhere}{}", endpoint(&kept, &url)));
    daemon.signal("HUP");
    let line = daemon.wait_for_line(TAKEN);
    assert!(line.contains("0 added, 1 removed, 1 changed, 1 kept"), "{line}");
    gate.add_permits(3);
    daemon.wait_for_line(&format!("check={kept}/websocket/none result=success"));
    wait_for_rest(&daemon);
    assert_eq!(seen(&daemon, &moved)["runs"]["success"], 0, "an answer to another question");
    // The next ones are due eight seconds after the first.
    gate.add_permits(2);
    for name in [&kept, &moved] {
        while seen(&daemon, name)["health"] != "up" {
            assert!(Instant::now() < deadline + PATIENCE);
            tokio::task::yield_now().await;
        }
    }
    daemon.signal("TERM");
    daemon.wait();
    let rows = [&kept, &gone, &moved].map(|name| slots(&home, name).len());
    assert!(rows[0] >= 1 && rows[1] == 0 && rows[2] >= 1, "{rows:?}");
}

#[test]
fn a_reload_over_http_wants_to_be_allowed() {
    let nobody = endpoint("nobody", "ws://127.0.0.1:9/");
    let home = Home::new(&nobody);
    let daemon = home.start();
    let post = |headers: &str| daemon.post("/-/reload", headers);
    let refused = |headers: &str| {
        let (head, body) = post(headers);
        assert!(head.starts_with("HTTP/1.1 403"), "{headers}: {head}");
        body
    };
    assert!(refused("").contains("daemon.admin is false"));
    let (head, _) = daemon.get_with("/-/reload", "");
    assert!(head.starts_with("HTTP/1.1 405") && head.contains("allow: POST"), "{head}");

    let allowed = format!("admin = true\n{nobody}");
    home.write(&allowed);
    daemon.signal("HUP");
    daemon.wait_for_line(TAKEN);
    for page in [
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Sec-Fetch-Site: none\r\nOrigin: https://evil.example\r\n",
        "Origin: null\r\n",
    ] {
        assert!(refused(page).contains("not from a web page"), "{page}");
    }
    for (headers, config, says) in [
        ("", allowed.clone(), "checks: 0 added, 0 removed, 0 changed, 1 kept\n"),
        (
            "Sec-Fetch-Site: none\r\n",
            format!("{allowed}{}", endpoint("second", "ws://127.0.0.1:9/")),
            "checks: 1 added, 0 removed, 0 changed, 1 kept\n",
        ),
        (
            "Sec-Fetch-Site: same-origin\r\n",
            format!("log-format = \"json\"\n{allowed}[store]\npath = \"other.db\"\n"),
            "checks: 0 added, 1 removed, 0 changed, 1 kept; needs a restart: daemon.log-format, store.path\n",
        ),
    ] {
        home.write(&config);
        let (head, body) = post(headers);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(body, says);
    }
    let (head, _) = daemon.get_with("/-/reload", "");
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");

    home.write("admin = 1\n[[endpoints]]\nname = \"x\"\n");
    let (head, body) = post("");
    assert!(head.starts_with("HTTP/1.1 422"), "{head}");
    for part in ["daemon.admin", "endpoints[0].url: missing", "fix: ", "2 faults in"] {
        assert!(body.contains(part), "{body}");
    }
    home.write(&nobody);
    assert!(post("").0.starts_with("HTTP/1.1 200"));
    refused("");
}

#[test]
fn a_watched_file_is_read_when_it_changes_in_whatever_way() {
    let config = |n: usize| {
        let endpoints: String =
            (0..=n).map(|n| endpoint(&format!("e{n}"), "ws://127.0.0.1:9/")).collect();
        format!("watch-config = true\n{endpoints}")
    };
    let home = Home::new(&config(0));
    let daemon = home.start();
    let added = || {
        let line = daemon.wait_for_line(TAKEN);
        assert!(line.contains("1 added, 0 removed, 0 changed"), "{line}");
    };
    home.write(&config(1));
    added();
    let beside = home.path().join("beside");
    fs::write(&beside, Home::text(&config(2))).unwrap();
    fs::rename(&beside, home.config()).unwrap();
    added();
    // As Kubernetes does: a link to a folder behind a link, which is swapped.
    for n in [3, 4] {
        let version = home.path().join(format!("v{n}"));
        fs::create_dir(&version).unwrap();
        fs::write(version.join("config.toml"), Home::text(&config(n))).unwrap();
        symlink(&version, &beside).unwrap();
        fs::rename(&beside, home.path().join("..data")).unwrap();
        if n == 3 {
            symlink("..data/config.toml", &beside).unwrap();
            fs::rename(&beside, home.config()).unwrap();
        }
        added();
    }
    fs::remove_file(home.config()).unwrap();
    daemon.wait_for_line(REFUSED);
    home.write(&config(5));
    added();
}
