//! Why a browser keeps an answer from a page: Chromium's list, name by name.

use std::fmt;

use crate::outcome::quoted::Quoted;
use crate::outcome::reason::Reason;

macro_rules! errors {
    ($($variant:ident $reason:ident $preflight:ident)+) => {
        /// One of Chromium's `corsErrorStatus.corsError` (`network::mojom::CorsError`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CorsError {
            $(#[doc = concat!("`", stringify!($variant), "`")] $variant,)+
        }

        impl CorsError {
            /// Every one that is told here.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name in Chromium's DevTools protocol.
            pub fn chromium(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)+ }
            }

            /// The label.
            pub fn reason(self) -> Reason {
                match self { $(Self::$variant => Reason::$reason,)+ }
            }

            /// What it is called where a preflight is judged.
            pub fn of_preflight(self) -> Self {
                match self { $(Self::$variant => Self::$preflight,)+ }
            }
        }
    };
}

errors! {
    WildcardOriginNotAllowed CorsWildcardOriginNotAllowed PreflightWildcardOriginNotAllowed
    MissingAllowOriginHeader CorsMissingAllowOriginHeader PreflightMissingAllowOriginHeader
    MultipleAllowOriginValues CorsMultipleAllowOriginValues PreflightMultipleAllowOriginValues
    InvalidAllowOriginValue CorsInvalidAllowOriginValue PreflightInvalidAllowOriginValue
    AllowOriginMismatch CorsAllowOriginMismatch PreflightAllowOriginMismatch
    InvalidAllowCredentials CorsInvalidAllowCredentials PreflightInvalidAllowCredentials
    PreflightInvalidStatus CorsPreflightInvalidStatus PreflightInvalidStatus
    PreflightDisallowedRedirect CorsPreflightDisallowedRedirect PreflightDisallowedRedirect
    PreflightWildcardOriginNotAllowed CorsPreflightWildcardOriginNotAllowed PreflightWildcardOriginNotAllowed
    PreflightMissingAllowOriginHeader CorsPreflightMissingAllowOriginHeader PreflightMissingAllowOriginHeader
    PreflightMultipleAllowOriginValues CorsPreflightMultipleAllowOriginValues PreflightMultipleAllowOriginValues
    PreflightInvalidAllowOriginValue CorsPreflightInvalidAllowOriginValue PreflightInvalidAllowOriginValue
    PreflightAllowOriginMismatch CorsPreflightAllowOriginMismatch PreflightAllowOriginMismatch
    PreflightInvalidAllowCredentials CorsPreflightInvalidAllowCredentials PreflightInvalidAllowCredentials
    InvalidAllowMethodsPreflightResponse CorsInvalidAllowMethodsPreflightResponse InvalidAllowMethodsPreflightResponse
    InvalidAllowHeadersPreflightResponse CorsInvalidAllowHeadersPreflightResponse InvalidAllowHeadersPreflightResponse
    MethodDisallowedByPreflightResponse CorsMethodDisallowedByPreflightResponse MethodDisallowedByPreflightResponse
    HeaderDisallowedByPreflightResponse CorsHeaderDisallowedByPreflightResponse HeaderDisallowedByPreflightResponse
    RedirectContainsCredentials CorsRedirectContainsCredentials RedirectContainsCredentials
}

impl CorsError {
    /// Whether it is told of the answer to a preflight.
    pub fn is_of_preflight(self) -> bool {
        self.of_preflight() == self && self != Self::RedirectContainsCredentials
    }

    /// Whether it says that this page may not read, whatever it asks.
    fn is_about_the_page(self) -> bool {
        !matches!(
            self,
            Self::PreflightInvalidStatus
                | Self::PreflightDisallowedRedirect
                | Self::InvalidAllowMethodsPreflightResponse
                | Self::InvalidAllowHeadersPreflightResponse
                | Self::MethodDisallowedByPreflightResponse
                | Self::HeaderDisallowedByPreflightResponse
                | Self::RedirectContainsCredentials
        )
    }
}

/// An error, and what in the answer makes it one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// What Chromium calls it.
    pub error: CorsError,
    /// The status of the answer.
    pub status: u16,
    /// What stood there, if anything.
    pub found: Option<Quoted>,
    /// The method or header that is lacking there.
    pub lacks: Option<Quoted>,
}

impl Blocked {
    pub(super) fn new(error: CorsError, found: Option<Quoted>) -> Self {
        Self { error, status: 0, found, lacks: None }
    }

    pub(super) fn lacking(self, what: &str) -> Self {
        Self { lacks: Some(Quoted::text(what)), ..self }
    }

    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Whether it shows that the server keeps this page out: then an origin that must be refused
    /// is. A server in trouble keeps everybody out, and so does one that does not take the method.
    pub fn refuses_the_page(&self) -> bool {
        match self.status {
            500.. | 429 => false,
            401 | 403 if self.error == CorsError::PreflightInvalidStatus => true,
            _ => self.error.is_about_the_page(),
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CorsError as E;
        write!(f, "status {}", self.status)?;
        let name = match self.error {
            E::PreflightInvalidStatus => return Ok(()),
            E::RedirectContainsCredentials => return f.write_str(", Location with credentials"),
            E::PreflightDisallowedRedirect => "Location",
            E::InvalidAllowCredentials | E::PreflightInvalidAllowCredentials => {
                "Access-Control-Allow-Credentials"
            }
            E::InvalidAllowMethodsPreflightResponse | E::MethodDisallowedByPreflightResponse => {
                "Access-Control-Allow-Methods"
            }
            E::InvalidAllowHeadersPreflightResponse | E::HeaderDisallowedByPreflightResponse => {
                "Access-Control-Allow-Headers"
            }
            _ => "Access-Control-Allow-Origin",
        };
        match &self.found {
            Some(found) => write!(f, ", {name}: {found}")?,
            None => write!(f, ", no {name}")?,
        }
        match &self.lacks {
            Some(lacks) => write!(f, ", which lacks {lacks}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_chromiums_names() {
        for error in CorsError::ALL {
            let snake = error.chromium().chars().fold(String::from("cors"), |mut text, c| {
                if c.is_ascii_uppercase() {
                    text.push('_');
                }
                text.push(c.to_ascii_lowercase());
                text
            });
            assert_eq!(error.reason().code(), snake);
            assert!(
                error.of_preflight().is_of_preflight()
                    || error.reason().code().contains("redirect")
            );
        }
        let codes: HashSet<_> = CorsError::ALL.iter().map(|error| error.reason()).collect();
        assert_eq!(codes.len(), CorsError::ALL.len());
    }

    #[test]
    fn a_server_in_trouble_refuses_nobody_in_particular() {
        let blocked = |error, status| Blocked::new(error, None).with_status(status);
        for status in [200, 204, 302, 401, 403, 404] {
            assert!(blocked(CorsError::MissingAllowOriginHeader, status).refuses_the_page());
        }
        for status in [429, 500, 502, 503] {
            assert!(!blocked(CorsError::MissingAllowOriginHeader, status).refuses_the_page());
        }
        assert!(blocked(CorsError::PreflightInvalidStatus, 403).refuses_the_page());
        assert!(!blocked(CorsError::PreflightInvalidStatus, 405).refuses_the_page());
        assert!(!blocked(CorsError::MethodDisallowedByPreflightResponse, 200).refuses_the_page());
    }
}
