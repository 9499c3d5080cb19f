//! The WebSocket probe: the opening handshake of RFC 6455 as a page makes it, then a few words.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;

use super::Run;
use super::answer::{self, Door};
use super::conversation::{Capped, Conversation};
use super::dial::{Stream, dial};
use super::head::{Head, MAX_HEAD_BYTES};
use super::io_error;
use super::witness::Witness;
use crate::check::probe::Websocket;
use crate::outcome::extension;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;
use crate::outcome::upgrade::Agreed;

/// Most bytes of a refusal's body that are read.
const MAX_BODY_BYTES: usize = 1024;

/// Most bytes that are read of an answer, with what TLS adds to them: at least 22 for a record.
const MAX_ANSWER_BYTES: usize = 2 * MAX_HEAD_BYTES;

/// Longest that the body of a refusal is waited for.
const BODY_WAIT: Duration = Duration::from_millis(250);

/// Runs it.
pub async fn run(
    run: &Run<'_>,
    websocket: &Websocket,
    witness: &mut Witness,
) -> Result<(), Failure> {
    let stream = dial(run, witness).await?;
    match upgrade(run, websocket, witness, stream).await {
        // Alerts that speak of a certificate can only mean ours if one was asked for.
        Err(Failure::ClientCertificateRefused { alert }) if !witness.certificate_asked => {
            Err(io_error::late_alert(&alert))
        }
        ended => ended,
    }
}

async fn upgrade(
    run: &Run<'_>,
    websocket: &Websocket,
    witness: &mut Witness,
    mut stream: Stream,
) -> Result<(), Failure> {
    witness.enter(Phase::Upgrade);
    stream.allow(MAX_ANSWER_BYTES);
    let key = generate_key();
    let request = request(run, websocket, &key);
    let sent = async {
        stream.write_all(&request).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| io_error::failure(&error, Phase::Upgrade))?;
    let head = Head::read(&mut stream, Phase::Upgrade).await?;
    let answer = answer::read(&head, &key, &websocket.subprotocols)?;
    witness.seen.http_status = Some(answer.status);
    match answer.door? {
        Door::Shut(mut response) => {
            witness.enter(Phase::Close);
            let length =
                response.header("content-length").and_then(|text| text.as_str().parse().ok());
            response.body = body(stream, head.into_rest(), length, run.last_word()).await;
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
            let mut conversation = Conversation::open(stream, head.into_rest(), deflate);
            if run.expects_entry() && !websocket.conversation.is_empty() {
                witness.enter(Phase::Transfer);
                conversation.hold(&websocket.conversation, run.last_word()).await?;
            }
            witness.enter(Phase::Close);
            conversation.close(run.last_word()).await
        }
    }
}

/// The request, header by header in the order in which browsers send them.
fn request(run: &Run<'_>, websocket: &Websocket, key: &str) -> Vec<u8> {
    let target = &run.check.endpoint.target;
    let mut request = Vec::with_capacity(512);
    let mut line = |parts: &[&[u8]]| {
        parts.iter().for_each(|part| request.extend_from_slice(part));
        request.extend_from_slice(b"\r\n");
    };
    line(&[b"GET ", target.path.as_bytes(), b" HTTP/1.1"]);
    line(&[b"Host: ", target.authority().as_bytes()]);
    line(&[b"Connection: Upgrade"]);
    if !websocket.headers.iter().any(|header| header.name() == "user-agent") {
        line(&[b"User-Agent: ", run.prober.user_agent.as_bytes()]);
    }
    line(&[b"Upgrade: websocket"]);
    if let Some(origin) = run.check.origin.as_ref().and_then(|rule| rule.origin.header()) {
        line(&[b"Origin: ", origin.as_bytes()]);
    }
    line(&[b"Sec-WebSocket-Version: 13"]);
    line(&[b"Sec-WebSocket-Key: ", key.as_bytes()]);
    line(&[b"Sec-WebSocket-Extensions: ", extension::OFFER.as_bytes()]);
    if !websocket.subprotocols.is_empty() {
        let offer = websocket.subprotocols.join(", ");
        line(&[b"Sec-WebSocket-Protocol: ", offer.as_bytes()]);
    }
    for header in &websocket.headers {
        line(&[header.name().as_bytes(), b": ", header.value()]);
    }
    line(&[]);
    request
}

/// The first bytes of a body: as many as the head announces, or what comes soon.
pub(super) async fn body(
    stream: Stream,
    mut bytes: Vec<u8>,
    length: Option<usize>,
    until: Instant,
) -> Quoted {
    let wanted = length.unwrap_or(MAX_BODY_BYTES).min(MAX_BODY_BYTES);
    let room = wanted.saturating_sub(bytes.len()) as u64;
    if room > 0 {
        let until = until.min(Instant::now() + BODY_WAIT);
        // How it ends does not matter.
        timeout_at(until, stream.take(room).read_to_end(&mut bytes)).await.ok();
    }
    bytes.truncate(MAX_BODY_BYTES);
    Quoted::bytes(bytes.trim_ascii())
}
