//! The CORS probe: the preflight where a browser would send one, then the request itself.

mod forged;
mod message;

use std::sync::Arc;

use super::body::{self, Framing};
use super::dial::{self, dial};
use super::exchange::{exchange, goodbye};
use super::witness::Witness;
use super::{Run, answer};
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

/// Runs it. Each request has a connection of its own, which hangs on nothing that was before.
pub async fn run(run: &Run<'_>, cors: &Cors, witness: &mut Witness) -> Result<(), Failure> {
    let ended = attempt(run, cors, witness).await;
    ended.map_err(|failure| witness.meant_by(failure))
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
                    let framing = Framing::of(&head, cors.fetch.method().as_str())?;
                    let rest = head.into_rest();
                    response.body = body::excerpt(stream, rest, framing, run.last_word()).await;
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
