//! The public files of a deployment.

use std::hash::{DefaultHasher, Hash, Hasher};

use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, ETAG};
use http::{Method, StatusCode};
use serde_json::Value;

use super::answer::Answer;
use super::org::Org;
use super::request::Request;

/// What storage says of files that are not there.
const DENIED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

/// A file, which any page may read.
pub fn file(org: &mut Org, request: &Request) -> Answer {
    if request.method != Method::GET && request.method != Method::HEAD {
        return denied();
    }
    let authority = org.authority();
    let answer = match request.segments().as_slice() {
        ["genesys-bootstrap", "genesys.min.js"] => Answer::text(
            StatusCode::OK,
            "text/javascript",
            "/*! @version: 2.14.0 */(function(){})();",
        ),
        [_, _, _, id, name] => {
            let Some(deployment) = org.deployment(id).filter(|found| found.published) else {
                return denied();
            };
            match *name {
                "domains.json" => Answer::ok(&deployment.cdn.to_json()),
                _ => {
                    let mut body = deployment.configuration.published(&authority);
                    if let Value::Object(body) = &mut body {
                        body.insert("status".to_owned(), deployment.status.word().into());
                    }
                    Answer::ok(&body)
                }
            }
        }
        _ => return denied(),
    };
    let mut hash = DefaultHasher::new();
    answer.body.hash(&mut hash);
    let tag = format!("\"{:016x}\"", hash.finish());
    let known = request.header("if-none-match").is_some_and(|known| known.contains(&tag));
    let answer = if known { Answer::empty(StatusCode::NOT_MODIFIED) } else { answer };
    answer
        .with(ETAG, &tag)
        .with(CACHE_CONTROL, "max-age=120")
        .with(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}

fn denied() -> Answer {
    Answer::text(StatusCode::FORBIDDEN, "application/xml", DENIED)
        .with(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}
