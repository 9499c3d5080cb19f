//! The opening handshake of RFC 6455, as a page makes it.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;

use super::answer::{self, Door};
use super::body::{self, Framing};
use super::conversation::{Capped, Conversation};
use super::dial::{Stream, dial};
use super::head::{Head, MAX_HEAD_BYTES};
use super::witness::Witness;
use super::{Run, io_error};
use crate::check::header::Header;
use crate::outcome::extension;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::upgrade::Agreed;

/// Most bytes that are read of an answer, with what TLS adds to them: at least 22 for a record.
const MAX_ANSWER_BYTES: usize = 2 * MAX_HEAD_BYTES;

/// What is said besides what every page says.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// Headers beyond those of the handshake.
    pub headers: &'a [Header],
    /// Offered in this order.
    pub subprotocols: &'a [String],
}

/// Dials and asks for an upgrade; gives the WebSocket where the door opens.
pub async fn open(
    run: &Run<'_>,
    offer: &Offer<'_>,
    witness: &mut Witness,
) -> Result<Conversation<Stream>, Failure> {
    let mut stream = dial(run, witness).await?;
    witness.enter(Phase::Upgrade);
    stream.allow(MAX_ANSWER_BYTES);
    let key = generate_key();
    let request = request(run, offer, &key);
    let sent = async {
        stream.write_all(&request).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| io_error::failure(&error, Phase::Upgrade))?;
    let head = Head::read(&mut stream, Phase::Upgrade).await?;
    let answer = answer::read(&head, &key, offer.subprotocols)?;
    witness.seen.http_status = Some(answer.status);
    match answer.door? {
        Door::Shut(mut response) => {
            witness.enter(Phase::Close);
            let framing = Framing::of(&head, "GET")?;
            response.body = body::excerpt(stream, head.into_rest(), framing, run.last_word()).await;
            let response = Arc::new(response);
            witness.seen.refusal = Some(response.clone());
            // How nginx says that it wanted a client certificate.
            if witness.certificate_wanted && response.status == 400 {
                let alert = response.body.clone();
                return Err(Failure::ClientCertificateRefused { alert });
            }
            Err(Failure::UpgradeRejected(response))
        }
        Door::Open(Agreed { subprotocol, deflate }) => {
            witness.seen.upgraded = true;
            witness.seen.subprotocol = subprotocol;
            Ok(Conversation::open(stream, head.into_rest(), deflate))
        }
    }
}

/// The request, header by header in the order in which browsers send them.
fn request(run: &Run<'_>, offer: &Offer<'_>, key: &str) -> Vec<u8> {
    let target = &run.check.endpoint.target;
    let mut request = Vec::with_capacity(512);
    let mut line = |parts: &[&[u8]]| {
        parts.iter().for_each(|part| request.extend_from_slice(part));
        request.extend_from_slice(b"\r\n");
    };
    line(&[b"GET ", target.path.as_bytes(), b" HTTP/1.1"]);
    line(&[b"Host: ", target.authority().as_bytes()]);
    line(&[b"Connection: Upgrade"]);
    if !offer.headers.iter().any(|header| header.name() == "user-agent") {
        line(&[b"User-Agent: ", run.prober.user_agent.as_bytes()]);
    }
    line(&[b"Upgrade: websocket"]);
    if let Some(origin) = run.check.origin.as_ref().and_then(|rule| rule.origin.header()) {
        line(&[b"Origin: ", origin.as_bytes()]);
    }
    line(&[b"Sec-WebSocket-Version: 13"]);
    line(&[b"Sec-WebSocket-Key: ", key.as_bytes()]);
    line(&[b"Sec-WebSocket-Extensions: ", extension::OFFER.as_bytes()]);
    if !offer.subprotocols.is_empty() {
        let offer = offer.subprotocols.join(", ");
        line(&[b"Sec-WebSocket-Protocol: ", offer.as_bytes()]);
    }
    for header in offer.headers {
        line(&[header.name().as_bytes(), b": ", header.value()]);
    }
    line(&[]);
    request
}
