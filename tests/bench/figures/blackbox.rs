//! blackbox_exporter: its `tcp` prober with TLS, and the same upgrade as a query and an answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::peers::is_there;
use super::process::Process;
use super::server::HOST;

/// Asked for at a time.
const INFLIGHT: usize = 8;

/// Starts it, and threads that ask for one probe after the other.
pub fn start(folder: &Path, target: u16) -> Result<Process, &'static str> {
    let names = ["prometheus-blackbox-exporter", "blackbox_exporter"];
    let Some(program) = names.into_iter().find(|name| is_there(name)) else {
        return Err("install prometheus-blackbox-exporter");
    };
    let config = folder.join("blackbox.yml");
    std::fs::write(&config, module(folder)).unwrap();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let process = Process::start(command.arg("--log.level=error").stderr(Stdio::null()));
    for _ in 0..INFLIGHT {
        std::thread::spawn(move || ask_until_it_has_gone(port, target));
    }
    Ok(process)
}

fn module(folder: &Path) -> String {
    // The key and its answer are those of RFC 6455, section 1.3.
    format!(
        r#"modules:
  upgrade:
    prober: tcp
    timeout: 5s
    tcp:
      tls: true
      tls_config: {{ ca_file: "{}", server_name: "{HOST}" }}
      query_response:
      - send: "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://app.test\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r"
      - expect: "^HTTP/1.1 101"
      - expect: "^Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\\+xOo=$"
"#,
        folder.join("ca.pem").display()
    )
}

fn ask_until_it_has_gone(port: u16, target: u16) {
    while let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
        // An error here is the end of the process.
        if converse(stream, target).is_err() {
            return;
        }
    }
    // It has not begun to listen.
    std::thread::sleep(Duration::from_millis(50));
    if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
        ask_until_it_has_gone(port, target);
    }
}

fn converse(mut stream: TcpStream, target: u16) -> std::io::Result<()> {
    let mut answers = BufReader::new(stream.try_clone()?);
    loop {
        write!(
            stream,
            "GET /probe?module=upgrade&target=127.0.0.1:{target} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )?;
        let body = read_body(&mut answers)?;
        assert!(body.contains("\nprobe_success 1\n"), "{body}");
    }
}

/// A body of known length, or one in chunks.
fn read_body(stream: &mut impl BufRead) -> std::io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = String::new();
    if let Some(length) = length {
        stream.take(length.parse().unwrap()).read_to_string(&mut body)?;
        return Ok(body);
    }
    loop {
        let mut size = String::new();
        stream.read_line(&mut size)?;
        let size = u64::from_str_radix(size.trim(), 16).unwrap_or(0);
        stream.take(size).read_to_string(&mut body)?;
        stream.read_line(&mut String::new())?;
        if size == 0 {
            return Ok(body);
        }
    }
}
