//! The token: one for all calls.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Api, Inner, Kind, Trouble, exchange};
use crate::genesys::account::Credentials;
use crate::genesys::bases::{Surface, join};
use crate::outbound::Request;

/// Most of an answer that is read.
const MAX_BYTES: usize = 64 * 1024;

/// A token that was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    header: Arc<HeaderValue>,
    generation: u64,
}

impl Token {
    /// `Authorization`.
    pub fn header(&self) -> HeaderValue {
        (*self.header).clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.generation)
    }
}

/// The one that is in use.
#[derive(Debug, Default)]
pub struct Tokens {
    current: Mutex<Option<Token>>,
}

impl Inner {
    /// The token, or another one than that which was refused.
    pub(super) async fn token(
        &self,
        refused: Option<Token>,
        deadline: Instant,
    ) -> Result<Token, Trouble> {
        let mut current = self.tokens.current.lock().await;
        if let Some(token) = &*current
            && Some(token) != refused.as_ref()
        {
            return Ok(token.clone());
        }
        let Some(credentials) = &self.settings.credentials else {
            return Err(Trouble::new(Api::Token, Kind::NoCredentials));
        };
        let generation = current.as_ref().map_or(0, |token| token.generation + 1);
        let token = self.ask_for_token(credentials, generation, deadline).await?;
        *current = Some(token.clone());
        Ok(token)
    }

    async fn ask_for_token(
        &self,
        credentials: &Credentials,
        generation: u64,
        deadline: Instant,
    ) -> Result<Token, Trouble> {
        let url = join(self.settings.bases.at(Surface::Login), "/oauth/token");
        let pair = format!("{}:{}", credentials.id, credentials.secret.reveal());
        let basic = secret_header(&format!("Basic {}", STANDARD.encode(pair)))?;
        let headers = vec![
            (AUTHORIZATION, basic),
            (ACCEPT, HeaderValue::from_static("application/json")),
            (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        ];
        let body = b"grant_type=client_credentials".to_vec();
        let request = Request { method: Method::POST, url: &url, headers, body, deadline };
        let reply = exchange::post(&self.outbound, Api::Token, request, MAX_BYTES).await?;
        let token = reply.json.get("access_token").and_then(serde_json::Value::as_str);
        let token = token.filter(|token| !token.is_empty()).ok_or(Trouble {
            api: Api::Token,
            kind: Kind::Malformed { field: "access_token" },
            status: Some(reply.status),
            correlation_id: reply.correlation_id,
        })?;
        let header = Arc::new(secret_header(&format!("Bearer {token}"))?);
        Ok(Token { header, generation })
    }
}

/// Shown in no debug output.
fn secret_header(text: &str) -> Result<HeaderValue, Trouble> {
    let header = HeaderValue::from_str(text);
    let mut header = header.map_err(|_| Trouble::new(Api::Token, Kind::Unsendable))?;
    header.set_sensitive(true);
    Ok(header)
}
