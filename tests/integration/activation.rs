//! Sockets that systemd listens on for the daemon, really passed.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use crate::fixture::daemon::{Daemon, Home, PATIENCE, watchpost};

const NOBODY: &str = "[[endpoints]]\nname = \"nobody\"\nurl = \"ws://127.0.0.1:9/\"\n";

/// Becomes the daemon, with what is its standard input as descriptor 3, as systemd leaves it. The
/// process id must be the daemon's own: `exec` keeps it.
const PASS: &str = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";

/// The same, with what is its standard output as descriptor 4.
const PASS_TWO: &str = "exec 3<&0 4>&1 </dev/null >/dev/null; \
    LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=page:other exec \"$0\" \"$@\"";

fn passing(script: &str, home: &Home, socket: OwnedFd) -> Command {
    let run = watchpost(&["run", "--config"]);
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(run.get_program()).args(run.get_args()).arg(home.config());
    command.env_remove("RUST_LOG").env_remove("STATE_DIRECTORY").stdin(Stdio::from(socket));
    command
}

/// Asks for the page's metrics on a connection that was made before.
fn is_served(mut stream: TcpStream) -> bool {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200") && answer.contains("watchpost_build_info")
}

#[test]
fn what_connects_while_no_daemon_runs_is_served_by_the_next() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let home = Home::new(NOBODY);
    // With daemon.listen it could not begin.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = TcpListener::bind(taken).unwrap();
    let text = std::fs::read_to_string(home.config()).unwrap();
    std::fs::write(home.config(), text.replace("127.0.0.1:0", &taken.to_string())).unwrap();
    for _ in 0..2 {
        let early = TcpStream::connect(address).unwrap();
        let passed = OwnedFd::from(socket.try_clone().unwrap());
        let mut daemon = Daemon::launch(passing(PASS, &home, passed));
        assert_eq!(daemon.address, address);
        assert!(is_served(early), "it waited in the socket's queue");
        assert!(is_served(TcpStream::connect(address).unwrap()));
        daemon.signal("TERM");
        assert_eq!(daemon.wait().code(), Some(0));
    }
    drop(holder);
}

#[test]
fn whoever_has_come_before_the_end_is_answered() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let home = Home::new(NOBODY);
    let mut daemon = Daemon::launch(passing(PASS, &home, socket.into()));
    let early = TcpStream::connect(address).unwrap();
    assert!(is_served(TcpStream::connect(address).unwrap()), "so the first was taken in");
    daemon.signal("TERM");
    while TcpStream::connect(address).is_ok() {
        std::thread::yield_now();
    }
    assert!(is_served(early), "the door is shut, and it was inside");
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn it_says_which_address_is_not_used() {
    let socket = TcpListener::bind("[::1]:0").unwrap();
    let home = Home::new(NOBODY);
    let mut command = passing(PASS, &home, socket.into());
    let said = ended(command.env("RUST_LOG", "info"), "TERM");
    assert!(said.contains("systemd listens on [::1]:"), "{said}");
    assert!(said.contains("daemon.listen = 127.0.0.1:0 is not used"), "{said}");
}

/// What a daemon wrote that was ended once it had begun.
fn ended(command: &mut Command, signal: &str) -> String {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = child.stderr.take().unwrap();
    let mut said = String::new();
    let mut part = [0; 1024];
    while !said.contains("see http://") {
        let length = log.read(&mut part).unwrap();
        assert_ne!(length, 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&part[..length]));
    }
    let pid = child.id().to_string();
    Command::new("kill").args(["-s", signal, &pid]).status().unwrap();
    log.read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    said
}

#[track_caller]
fn is_refused(command: &mut Command, home: &Home, why: &str) {
    let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(why) && said.lines().count() == 1, "{said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!home.path().join("watchpost.db").exists(), "the store was not touched");
}

#[test]
fn what_does_not_listen_on_tcp_is_refused() {
    let home = Home::new(NOBODY);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let unfit: [OwnedFd; 4] = [
        UdpSocket::bind("127.0.0.1:0").unwrap().into(),
        UnixListener::bind(home.path().join("socket")).unwrap().into(),
        connected.into(),
        File::open(home.config()).unwrap().into(),
    ];
    for socket in unfit {
        is_refused(&mut passing(PASS, &home, socket), &home, "does not listen on a TCP port");
    }
}

#[test]
fn several_sockets_are_refused() {
    let home = Home::new(NOBODY);
    let [first, second] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let mut command = passing(PASS_TWO, &home, first.into());
    command.stdout(Stdio::from(OwnedFd::from(second)));
    is_refused(&mut command, &home, "passed 2 sockets, and one is wanted");
}

#[test]
fn sockets_of_another_process_are_left_alone() {
    let home = Home::new(NOBODY);
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let pass = PASS.replace("LISTEN_PID=$$", "LISTEN_PID=1");
    let daemon = Daemon::launch(passing(&pass, &home, socket.into()));
    assert_ne!(daemon.address, address, "it took a port of its own, as the config says");
}

#[test]
fn numbers_that_are_none_are_refused() {
    let home = Home::new(NOBODY);
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let pass = PASS.replace("LISTEN_FDS=1", "LISTEN_FDS=one");
    is_refused(&mut passing(&pass, &home, socket.into()), &home, "are not numbers");
}
