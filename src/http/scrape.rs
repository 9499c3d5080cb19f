//! `GET /metrics`.

use std::sync::Arc;

use ::metrics::counter;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use tokio_util::bytes::Bytes;

use super::exposition::Format;
use super::pages::Shared;
use super::room::Room;
use super::{Context, metrics, negotiation};
use crate::clock;
use crate::log;

/// The page in each format.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    text: Arc<Shared<Bytes>>,
    open_metrics: Arc<Shared<Bytes>>,
    protobuf: Arc<Shared<Bytes>>,
    room: Room,
}

/// Answers a scrape in the format that the scraper likes best.
pub async fn scrape(State(context): State<Context>, headers: HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let format = negotiation::format(accept);
    let shared = match format {
        Format::Text => context.pages.text.clone(),
        Format::OpenMetrics => context.pages.open_metrics.clone(),
        Format::Protobuf => context.pages.protobuf.clone(),
    };
    // In a task of its own: whoever asks and goes away leaves no half-made page behind.
    let page =
        tokio::spawn(async move { shared.get(async || render(context, format).await).await });
    match page.await {
        Ok(Ok(page)) => ([(CONTENT_TYPE, format.content_type())], page).into_response(),
        Ok(Err(refusal)) => refusal.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn render(context: Context, format: Format) -> Result<Bytes, (StatusCode, &'static str)> {
    let Some(snapshot) = context.reader.look().await else {
        return Err((StatusCode::SERVICE_UNAVAILABLE, "the recorder has ended\n"));
    };
    let now = clock::now();
    let snapshot = match context.drills.under_way(now) {
        Some(drill) => Arc::new(drill.beside(&snapshot, now)),
        None => snapshot,
    };
    let settings = context.settings.borrow().metrics;
    let rendered = tokio::task::spawn_blocking(move || {
        metrics_process::Collector::default().collect();
        counter!("watchpost_log_dropped_total").absolute(log::dropped());
        let (room, own) = (context.pages.room.take(), context.own.render());
        let numbers = context.casebook.numbers();
        let view = context.tenant.borrow().clone();
        let known = (&*numbers, &*view);
        let page = metrics::render_within(room, &snapshot, known, settings, format, &own);
        context.pages.room.page(page.body)
    });
    rendered.await.map_err(|error| {
        tracing::error!(%error, "the metrics page cannot be rendered");
        (StatusCode::INTERNAL_SERVER_ERROR, "")
    })
}
