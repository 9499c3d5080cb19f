//! Name servers that answer with something else.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use watchpost::outcome::phase::Phase::{self, Connect, Resolve};
use watchpost::outcome::reason::Reason::{self, *};

/// A question to an answer.
type Reply = fn(&[u8]) -> Vec<u8>;

/// A name server that is wrong in one way.
pub struct Babbler {
    pub name: &'static str,
    /// Where and why a run that asks it ends.
    pub ends: (Phase, Reason),
    reply: Reply,
    /// How it answers over TCP, which it does not where there is none.
    stream: Option<Reply>,
}

pub fn babblers() -> Vec<Babbler> {
    let udp = |name, ends, reply| Babbler { name, ends: (Resolve, ends), reply, stream: None };
    vec![
        udp("silence", TimedOut, |_| Vec::new()),
        udp("an echo", ResolverFailed, <[u8]>::to_vec),
        udp("garbage", TimedOut, |_| vec![0xa5; 400]),
        udp("one byte", TimedOut, |_| vec![0]),
        udp("another id", TimedOut, |question| {
            let mut reply = header(question, 0x8180, 0);
            reply[0] ^= 0xff;
            reply
        }),
        udp("half an answer", ResolverFailed, |question| header(question, 0x8180, 1)),
        udp("a million answers announced", ResolverFailed, |question| {
            header(question, 0x8180, 0xffff)
        }),
        udp("a pointer to itself", ResolverFailed, |question| {
            let mut reply = header(question, 0x8180, 1);
            let here = reply.len() as u8;
            reply.extend([0xc0, here, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
            reply
        }),
        udp("an alias of itself", NoAddress, |question| {
            let mut reply = header(question, 0x8180, 1);
            reply.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12]);
            reply
        }),
        udp("REFUSED", ResolverFailed, |question| header(question, 0x8185, 0)),
        udp("cut, and no TCP", ResolverUnreachable, |question| header(question, 0x8380, 0)),
        Babbler {
            name: "cut, and TCP that says nothing",
            ends: (Resolve, TimedOut),
            reply: |question| header(question, 0x8380, 0),
            stream: Some(|_| Vec::new()),
        },
        Babbler {
            name: "cut, and TCP that announces more than it says",
            ends: (Resolve, TimedOut),
            reply: |question| header(question, 0x8380, 0),
            stream: Some(|_| vec![0xff, 0xff, 0, 0]),
        },
        Babbler {
            name: "4,000 addresses",
            // Of loopback, where nothing listens.
            ends: (Connect, ConnectionRefused),
            reply: |question| header(question, 0x8380, 0),
            stream: Some(|question| {
                let asked_for_v4 = question[..].windows(5).any(|end| end == [0, 0, 1, 0, 1]);
                let records = if asked_for_v4 { 4_000 } else { 0 };
                let mut reply = header(question, 0x8180, records);
                for n in 0..records {
                    let [high, low] = (n + 0x0100).to_be_bytes();
                    reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 9, high, low]);
                }
                [&u16::try_from(reply.len()).unwrap().to_be_bytes()[..], &reply].concat()
            }),
        },
    ]
}

/// The question, turned into an answer with these flags that announces so many records.
fn header(question: &[u8], flags: u16, records: u16) -> Vec<u8> {
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let mut reply = question[..end].to_vec();
    reply[2..4].copy_from_slice(&flags.to_be_bytes());
    reply[6..8].copy_from_slice(&records.to_be_bytes());
    reply[8..12].fill(0);
    reply
}

impl Babbler {
    /// Lets it serve.
    pub async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = UdpSocket::bind(address).await.unwrap();
        let reply = self.reply;
        tokio::spawn(async move {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question).await {
                let answer = reply(&question[..length]);
                if !answer.is_empty() {
                    socket.send_to(&answer, from).await.ok();
                }
            }
        });
        if let Some(say) = self.stream {
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    tokio::spawn(async move {
                        while let Ok(length) = stream.read_u16().await {
                            let mut question = vec![0; length.into()];
                            stream.read_exact(&mut question).await.ok();
                            stream.write_all(&say(&question)).await.ok();
                        }
                    });
                }
            });
        }
        address
    }
}
