//! The CORS probe: the preflight where a browser would send one, then the request itself.

mod forged;
mod message;

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout_at;

use super::conversation::Capped;
use super::dial::{self, Stream, dial};
use super::head::{Head, MAX_HEAD_BYTES};
use super::witness::Witness;
use super::{Run, answer, io_error, websocket};
use crate::check::origin::Origin;
use crate::check::probe::Cors;
use crate::outcome::cors::{self, Readable, Request, Seen, remarks};
use crate::outcome::failure::Failure;
use crate::outcome::header::Header;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;
use crate::outcome::response::Response;
use crate::outcome::warning::Remark;
pub use forged::Forgeries;

/// Most bytes that are read of an answer, with what TLS adds to them.
const MAX_ANSWER_BYTES: usize = 2 * MAX_HEAD_BYTES;

/// Most answers that only say that another is to come (1xx).
const MAX_INTERIM: usize = 8;

/// Runs it. Each request has a connection of its own, which hangs on nothing that was before.
pub async fn run(run: &Run<'_>, cors: &Cors, witness: &mut Witness) -> Result<(), Failure> {
    match attempt(run, cors, witness).await {
        // Alerts that speak of a certificate can only mean ours if one was asked for.
        Err(Failure::ClientCertificateRefused { alert }) if !witness.certificate_asked => {
            Err(io_error::late_alert(&alert))
        }
        ended => ended,
    }
}

async fn attempt(run: &Run<'_>, cors: &Cors, witness: &mut Witness) -> Result<(), Failure> {
    let origin = run.check.origin.as_ref().map_or(&Origin::Null, |rule| &rule.origin);
    let request = Request { origin, fetch: &cors.fetch };
    let mut stream = dial(run, witness).await?;
    let mut remarks = Vec::new();
    if request.needs_preflight() {
        let message = message::preflight(run, &request);
        let head = exchange(&mut stream, &message, Phase::Preflight, witness).await?;
        let judged = head.parse(|status, phrase, headers| {
            witness.seen.http_status = Some(status);
            let judged = cors::judge_preflight(&request, status, headers);
            let remark = [remarks::of_preflight(&request, headers), remarks::of_max_age(headers)];
            Ok(judged
                .map_err(|why| (why, answer::evidence(status, phrase, headers)))
                .map(|()| remark))
        })?;
        goodbye(run, stream, witness).await;
        match judged {
            Ok(remark) => remarks.extend(remark.into_iter().flatten()),
            Err((blocked, response)) => return Err(keep_out(witness, blocked, response)),
        }
        if cors.preflight_only {
            witness.seen.cors = Some(Box::new(Seen { blocked: None, remarks }));
            forged::try_one(run, cors, witness).await;
            return Ok(());
        }
        // Whether the page may read is not known yet.
        witness.seen.http_status = None;
        let address = witness.seen.address.ok_or(Failure::NoAddress)?;
        stream = dial::connect(run, address, witness).await?;
    }
    let message = message::request(run, &request);
    let head = exchange(&mut stream, &message, Phase::Request, witness).await?;
    let read = head.parse(|status, phrase, headers| {
        witness.seen.http_status = Some(status);
        Ok(read(&request, status, phrase, headers))
    })?;
    let Read { judged, remark, location, mut response } = read;
    let length = response.header("content-length").and_then(|text| text.as_str().parse().ok());
    match judged {
        Err(blocked) => {
            goodbye(run, stream, witness).await;
            let failure = keep_out(witness, blocked, response);
            witness.seen.cors.get_or_insert_default().remarks.extend(remarks);
            Err(failure)
        }
        Ok(readable) => {
            let seen = witness.seen.cors.get_or_insert_default();
            seen.remarks.extend(remarks.into_iter().chain(remark));
            let ended = match readable {
                Readable::Redirect => Err(Failure::CorsRedirected { location }),
                Readable::Answer if cors.statuses.contains(response.status) => Ok(()),
                Readable::Answer => {
                    witness.enter(Phase::Close);
                    let rest = head.into_rest();
                    response.body = websocket::body(stream, rest, length, run.last_word()).await;
                    let response = Arc::new(response);
                    witness.seen.refusal = Some(response.clone());
                    return Err(Failure::HttpStatusUnexpected(response));
                }
            };
            goodbye(run, stream, witness).await;
            forged::try_one(run, cors, witness).await;
            ended
        }
    }
}

/// What was made of the head of the answer itself.
struct Read {
    judged: Result<Readable, cors::error::Blocked>,
    remark: Option<Remark>,
    location: Quoted,
    response: Response,
}

fn read(request: &Request<'_>, status: u16, phrase: &[u8], headers: &[Header<'_>]) -> Read {
    let location = cors::check::redirect(status, headers).unwrap_or_default();
    Read {
        judged: cors::judge_response(request, status, headers),
        remark: remarks::of_answer(request, headers),
        location: Quoted::bytes(&location),
        response: answer::evidence(status, phrase, headers),
    }
}

/// Notes that the page is kept out, and by what.
fn keep_out(witness: &mut Witness, blocked: cors::error::Blocked, response: Response) -> Failure {
    let seen = witness.seen.cors.get_or_insert_default();
    seen.blocked = Some(blocked.clone());
    witness.seen.refusal = Some(Arc::new(response));
    Failure::CorsBlocked(blocked)
}

/// Sends a request and reads the head of the answer to it.
async fn exchange(
    stream: &mut Stream,
    message: &[u8],
    phase: Phase,
    witness: &mut Witness,
) -> Result<Head, Failure> {
    witness.enter(phase);
    stream.allow(MAX_ANSWER_BYTES);
    let sent = async {
        stream.write_all(message).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| io_error::failure(&error, phase))?;
    let mut before = Vec::new();
    for _ in 0..MAX_INTERIM {
        let mut unread = before.as_slice();
        let head = Head::read(&mut (&mut unread).chain(&mut *stream), phase).await?;
        let unread = unread.to_vec();
        let status = head.parse(|status, _, _| Ok(status))?;
        if !matches!(status, 100 | 102..=199) {
            return Ok(head);
        }
        before = head.into_rest();
        before.extend(unread);
    }
    Err(Failure::HttpMalformed { phase, start: Quoted::text("1xx, again and again") })
}

/// Ends a connection. The verdict stands: a server that does not wait for this does no harm.
async fn goodbye(run: &Run<'_>, mut stream: Stream, witness: &mut Witness) {
    witness.enter(Phase::Close);
    timeout_at(run.last_word(), stream.shutdown()).await.ok();
}
