//! HTTP/1.1 with as little work as it takes: the generator shares its machine with the receiver.

use std::io::{self, ErrorKind, Write as _};
use std::str::FromStr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// The longest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// Where events are posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    host: String,
    port: u16,
    path: String,
}

/// A place where none can be posted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write it as http://127.0.0.1:9720/hooks/genesys; TLS is not spoken here")]
pub struct PlaceError;

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let url = Url::parse(text).map_err(|_| PlaceError)?;
        let host = url.host_str().filter(|_| url.scheme() == "http").ok_or(PlaceError)?;
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        Ok(Self {
            host: host.to_owned(),
            port: url.port_or_known_default().ok_or(PlaceError)?,
            path: format!("{}{query}", url.path()),
        })
    }
}

impl Place {
    /// The first lines of a request.
    pub fn head(&self, request: &mut Vec<u8>) {
        let Self { host, port, path } = self;
        // Writing to memory does not fail.
        drop(write!(
            request,
            "POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        ));
    }
}

/// The last lines of a head, and the body.
pub fn finish(request: &mut Vec<u8>, body: &[u8]) {
    drop(write!(request, "Content-Length: {}\r\n\r\n", body.len()));
    request.extend_from_slice(body);
}

/// A connection that is kept, and made again where it broke.
#[derive(Debug)]
pub struct Connection<'p> {
    place: &'p Place,
    stream: Option<TcpStream>,
    answer: Vec<u8>,
}

impl<'p> Connection<'p> {
    /// None yet.
    pub fn new(place: &'p Place) -> Self {
        Self { place, stream: None, answer: Vec::new() }
    }

    /// Ends it.
    pub fn close(&mut self) {
        self.stream = None;
    }

    /// Sends a request; gives the status of its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let address = (self.place.host.trim_matches(['[', ']']), self.place.port);
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                none.insert(stream)
            }
        };
        stream.write_all(request).await?;
        self.answer.clear();
        loop {
            if stream.read_buf(&mut self.answer).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if let Some(Answer { status, is_last }) = read(&self.answer)? {
                if is_last {
                    self.close();
                }
                return Ok(status);
            }
        }
    }
}

/// What an answer says, once all of it is there.
struct Answer {
    status: u16,
    is_last: bool,
}

fn read(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let bad = || io::Error::from(ErrorKind::InvalidData);
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if bytes.len() > MAX_ANSWER { Err(bad()) } else { Ok(None) };
    };
    let (head, rest) = bytes.split_at(end);
    let head = std::str::from_utf8(head).map_err(|_| bad())?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(bad)?;
    let (mut length, mut is_last) = (0, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(|_| bad())?;
        } else if name.eq_ignore_ascii_case("connection") {
            is_last = value.trim().eq_ignore_ascii_case("close");
        }
    }
    if length > MAX_ANSWER {
        return Err(bad());
    }
    Ok((rest.len() >= 4 + length).then_some(Answer { status, is_last }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_body() {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\nabc";
        for cut in 0..answer.len() {
            assert!(read(&answer[..cut]).unwrap().is_none(), "{cut}");
        }
        assert_eq!(read(answer).unwrap().unwrap().status, 503);
        assert!(read(b"nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn a_place_is_an_http_url() {
        let place: Place = "http://[::1]:9720/hooks/genesys?a=b".parse().unwrap();
        let expected =
            Place { host: "[::1]".into(), port: 9720, path: "/hooks/genesys?a=b".into() };
        assert_eq!(place, expected);
        assert!("https://a.example/".parse::<Place>().is_err());
        assert!("127.0.0.1:9720".parse::<Place>().is_err());
    }
}
