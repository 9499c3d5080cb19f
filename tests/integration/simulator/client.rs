//! Somebody who asks the simulator over plain HTTP.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use tokio_tungstenite::tungstenite::handshake::HandshakeError;
use tokio_tungstenite::tungstenite::http::{self, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::WebSocket;
use tokio_tungstenite::tungstenite::{self, Error, Message, client::IntoClientRequest};
use watchpost::simulator::{Org, Simulator};

use crate::fixture::daemon::PATIENCE;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Asks once, over a connection of its own.
pub fn ask(simulator: &Simulator, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut stream = connect(simulator);
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: genesys\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer { status, headers, body: body.to_owned() }
}

fn connect(simulator: &Simulator) -> TcpStream {
    let stream = TcpStream::connect(simulator.gateway()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Asks for a token.
pub fn login(simulator: &Simulator, id: &str, secret: &str) -> Answer {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let basic = BASE64_STANDARD.encode(format!("{id}:{secret}"));
    let headers = format!("Authorization: Basic {basic}\r\n");
    ask(simulator, "POST", "/oauth/token", &headers, "grant_type=client_credentials")
}

/// Somebody with a token.
pub struct Api<'s> {
    simulator: &'s Simulator,
    token: String,
}

impl<'s> Api<'s> {
    pub fn login(simulator: &'s Simulator) -> Self {
        let answer = login(simulator, Org::CLIENT, Org::SECRET).json();
        Self { simulator, token: answer["access_token"].as_str().unwrap().to_owned() }
    }

    pub fn send(&self, method: &str, path: &str, body: &str, headers: &str) -> Answer {
        let headers = format!("Authorization: Bearer {}\r\n{headers}", self.token);
        ask(self.simulator, method, path, &headers, body)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "")
    }

    pub fn put(&self, path: &str, body: &str, headers: &str) -> Answer {
        self.send("PUT", path, body, headers)
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &body.to_string(), "")
    }
}

/// A socket.
pub struct Socket(WebSocket<TcpStream>);

impl Socket {
    /// Opens it, or gives the status that refused.
    pub fn open(simulator: &Simulator, path: &str, origin: Option<&str>) -> Result<Self, u16> {
        let stream = connect(simulator);
        let mut request =
            format!("ws://{}{path}", simulator.gateway()).into_client_request().unwrap();
        if let Some(origin) = origin {
            let origin = HeaderValue::from_str(origin).unwrap();
            request.headers_mut().insert(http::header::ORIGIN, origin);
        }
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(HandshakeError::Failure(Error::Http(answer))) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub fn send(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).unwrap();
    }

    /// The next frame of text; `None` once it is closed.
    pub fn next(&mut self) -> Option<Value> {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) => return None,
                Ok(_) => {}
                Err(Error::ConnectionClosed | Error::Protocol(_) | Error::AlreadyClosed) => {
                    return None;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Sends a frame; gives the next one that comes.
    pub fn ask(&mut self, frame: &Value) -> Value {
        self.send(frame);
        self.next().unwrap()
    }
}
