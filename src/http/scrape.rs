//! `GET /metrics`.

use std::sync::LazyLock;

use ::metrics::counter;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use tokio::sync::Semaphore;

use super::{Context, metrics, negotiation};
use crate::log;

/// Pages that are rendered at a time.
static RENDERING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(4));

/// Answers a scrape in the format that the scraper likes best.
pub async fn scrape(State(context): State<Context>, headers: HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let format = negotiation::format(accept);
    // The semaphore is never closed.
    let _permit = RENDERING.acquire().await;
    let Some(snapshot) = context.reader.look().await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the recorder has ended\n").into_response();
    };
    let settings = context.settings.borrow().metrics;
    let rendered = tokio::task::spawn_blocking(move || {
        metrics_process::Collector::default().collect();
        counter!("watchpost_log_dropped_total").absolute(log::dropped());
        metrics::render(&snapshot, settings, format, &context.own.render()).body
    });
    match rendered.await {
        Ok(page) => ([(CONTENT_TYPE, format.content_type())], page).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics page cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
