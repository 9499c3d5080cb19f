//! Posts the shop's events to the daemon, signed, as a relay behind EventBridge does.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::signing::SigningKey;

/// Longest that an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read.
const MAX_ANSWER: usize = 16 * 1024;

/// A connection to the daemon, which is made again where it broke.
#[derive(Debug)]
pub struct Courier {
    address: SocketAddr,
    key: SigningKey,
    stream: Option<TcpStream>,
}

impl Courier {
    /// Posts to the daemon at `address`.
    pub fn new(address: SocketAddr, key: SigningKey) -> Self {
        Self { address, key, stream: None }
    }

    /// Posts one; whether it was taken.
    pub fn post(&mut self, id: &str, body: &Value, now: Timestamp) -> bool {
        let answer = self.exchange(&self.request(id, &body.to_string(), now));
        if answer.is_err() {
            self.stream = None;
        }
        answer.is_ok_and(|status| (200..300).contains(&status))
    }

    fn request(&self, id: &str, body: &str, now: Timestamp) -> String {
        let timestamp = now.as_second().to_string();
        let signature = self.key.sign_message(id, &timestamp, body.as_bytes());
        format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             webhook-id: {id}\r\nwebhook-timestamp: {timestamp}\r\n\
             webhook-signature: v1,{signature}\r\nContent-Length: {}\r\n\r\n{body}",
            super::RECEIVER,
            self.address,
            body.len()
        )
    }

    fn exchange(&mut self, request: &str) -> io::Result<u16> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                none.insert(stream)
            }
        };
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        let mut bytes = [0; 2048];
        loop {
            let length = stream.read(&mut bytes)?;
            answer.extend(bytes.iter().take(length));
            if let Some(status) = status(&answer) {
                return Ok(status);
            }
            if length == 0 || answer.len() > MAX_ANSWER {
                return Err(ErrorKind::InvalidData.into());
            }
        }
    }
}

/// The status of an answer, once it has come whole.
fn status(answer: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    (body.len() >= length.unwrap_or(0)).then(|| head.split(' ').nth(1)?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_once_it_is_whole() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(status(answer), Some(200));
        assert_eq!(status(&answer[..answer.len() - 1]), None);
        assert_eq!(status(b"HTTP/1.1 503 x\r\n\r\n"), Some(503));
        assert_eq!(status(b"HTTP/1.1 200"), None);
    }
}
