//! What senders are told. None of it depends on who they are, or on what is kept here.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};

use crate::event::fault::Fault;
use crate::inbox::{Refused, Stored};

/// Why a request is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// Not a POST.
    Method,
    /// A browser sends it for a page, to a receiver that is open.
    Page,
    /// More than is taken.
    TooLarge,
    /// Nobody whom we know.
    Unauthenticated,
    /// A signature of another time.
    Stale,
    /// More events than are taken in a second; there is room after this.
    Rate(Duration),
    /// Packed.
    Encoded,
    /// It did not come in time.
    Slow,
    /// It broke off.
    Broken,
    /// It is no event.
    NoEvent(Fault),
    /// It is not known in time whether it is kept.
    Unsure,
    /// It cannot be kept now.
    NotKept(Refused),
}

impl Rejection {
    /// Every word that [`Self::reason`] gives.
    pub const REASONS: [&str; 21] = [
        "method",
        "page",
        "too_large",
        "unauthenticated",
        "stale",
        "rate",
        "encoded",
        "slow",
        "broken_off",
        "not_json",
        "not_an_object",
        "too_deep",
        "too_many_fields",
        "text_too_long",
        "empty_envelope",
        "nothing_known",
        "inbox_full",
        "inbox_broken",
        "inbox_ended",
        "inbox_failed",
        "inbox_slow",
    ];

    /// The word for it, in labels.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Page => "page",
            Self::TooLarge => "too_large",
            Self::Unauthenticated => "unauthenticated",
            Self::Stale => "stale",
            Self::Rate(_) => "rate",
            Self::Encoded => "encoded",
            Self::Slow => "slow",
            Self::Broken => "broken_off",
            Self::NoEvent(fault) => fault.as_str(),
            Self::Unsure => "inbox_slow",
            Self::NotKept(Refused::Full) => "inbox_full",
            Self::NotKept(Refused::Broken) => "inbox_broken",
            Self::NotKept(Refused::Failed) => "inbox_failed",
            Self::NotKept(Refused::Ended) => "inbox_ended",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Page => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unauthenticated | Self::Stale => StatusCode::UNAUTHORIZED,
            Self::Rate(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken | Self::NoEvent(_) => StatusCode::BAD_REQUEST,
            Self::Unsure | Self::NotKept(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Method => "this is a receiver: POST one event as JSON",
            Self::Page => "not from a web page",
            Self::TooLarge => "an event is 1 MiB at the most",
            Self::Unauthenticated | Self::Stale => "unauthorized",
            Self::Rate(_) => "more events than max-rate; send it again",
            Self::Encoded => "send it without Content-Encoding",
            Self::Slow => "the body did not come in time",
            Self::Broken => "the body broke off",
            Self::NoEvent(fault) => fault.help(),
            Self::Unsure | Self::NotKept(_) => "it cannot be kept now; send it again",
        }
    }

    /// A header that goes with the status.
    fn header(self) -> Option<(HeaderName, String)> {
        match self {
            Self::Method => Some((ALLOW, "POST".to_owned())),
            Self::Unauthenticated | Self::Stale => {
                Some((WWW_AUTHENTICATE, "Basic realm=\"watchpost\"".to_owned()))
            }
            Self::Rate(wait) => Some((RETRY_AFTER, wait.as_secs().max(1).to_string())),
            Self::NotKept(Refused::Full) => Some((RETRY_AFTER, "1".to_owned())),
            Self::Unsure | Self::NotKept(_) => Some((RETRY_AFTER, "5".to_owned())),
            _ => None,
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let header = self.header();
        let mut response = (self.status(), format!("{}\n", self.text())).into_response();
        if let Some((name, value)) = header
            && let Ok(value) = value.try_into()
        {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// That an event is kept.
pub fn stored(stored: Stored) -> Response {
    let body = match stored {
        Stored::New => "{\"stored\":\"new\"}\n",
        Stored::Duplicate => "{\"stored\":\"duplicate\"}\n",
        Stored::Conflict => "{\"stored\":\"conflict\"}\n",
    };
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const REFUSED: [Refused; 4] = [Refused::Full, Refused::Broken, Refused::Failed, Refused::Ended];

    fn every() -> Vec<Rejection> {
        let own = [
            Rejection::Method,
            Rejection::Page,
            Rejection::TooLarge,
            Rejection::Unauthenticated,
            Rejection::Stale,
            Rejection::Rate(Duration::from_millis(1)),
            Rejection::Encoded,
            Rejection::Slow,
            Rejection::Broken,
            Rejection::Unsure,
        ];
        let faults = Fault::ALL.map(Rejection::NoEvent);
        own.into_iter().chain(faults).chain(REFUSED.map(Rejection::NotKept)).collect()
    }

    #[test]
    fn every_reason_has_its_series() {
        let reasons: BTreeSet<_> = every().into_iter().map(Rejection::reason).collect();
        assert_eq!(reasons, BTreeSet::from(Rejection::REASONS));
        assert_eq!(every().len(), Rejection::REASONS.len(), "one for each");
    }

    #[test]
    fn what_is_to_be_sent_again_says_when() {
        for rejection in every() {
            let response = rejection.into_response();
            let again = matches!(response.status().as_u16(), 429 | 503);
            assert_eq!(response.headers().contains_key(RETRY_AFTER), again, "{rejection:?}");
            assert!(!response.status().is_success());
        }
    }

    #[test]
    fn whoever_is_unknown_is_told_nothing_of_why() {
        let answers = [Rejection::Unauthenticated, Rejection::Stale]
            .map(|rejection| (rejection.status(), rejection.text(), rejection.header()));
        assert_eq!(answers[0], answers[1]);
    }
}
