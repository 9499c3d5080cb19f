//! What the daemon serves: the page, the metrics, the API, all out of snapshots; and what it
//! receives.

mod api;
mod assets;
pub mod chains;
pub mod drawings;
pub mod drill;
pub mod exposition;
mod live;
pub mod metrics;
pub mod negotiation;
mod openapi;
mod pages;
pub mod past;
pub mod portrait;
pub mod reload;
mod room;
mod scrape;
pub mod server;
pub mod signature;
pub mod status;
pub mod webhook;

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use ::metrics::counter;
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::casebook::question::Asker;
use crate::inbox::Inbox;
use crate::record::Reader;
use crate::tenant::view::View;
pub use scrape::Pages;

/// Largest body of a request; receivers alone take one, and have a limit of their own.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Longest that an answer may take to begin.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What handlers share.
#[derive(Debug, Clone)]
pub struct Context {
    /// Where snapshots come from.
    pub reader: Reader,
    /// Where the past is known.
    pub drawings: drawings::Drawings,
    /// Where events go.
    pub inbox: Inbox,
    /// Where incidents, windows and events are known.
    pub casebook: Asker,
    /// What is known of the organisation at Genesys Cloud.
    pub tenant: watch::Receiver<Arc<View>>,
    /// The daemon's own numbers.
    pub own: PrometheusHandle,
    /// What may change while the daemon runs.
    pub settings: watch::Receiver<Settings>,
    /// Drills, and who is told of them.
    pub drills: drill::Drills,
    /// Where reloads are asked for.
    pub reloads: SyncSender<reload::Request>,
    /// Metrics that are being rendered.
    pub pages: Pages,
}

/// How requests are answered.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How metrics are rendered.
    pub metrics: metrics::Settings,
    /// Whether the daemon may be told something.
    pub admin: bool,
    /// Where events may be posted.
    pub receivers: webhook::Receivers,
}

/// Every route.
pub fn router(context: Context) -> Router {
    Router::new()
        .route("/", get(status::page))
        .route("/certificates", get(status::certificates))
        .route("/endpoint/{name}", get(status::endpoint))
        .route("/incident/{id}", get(status::incident))
        .route(assets::STYLE, get(assets::style))
        .route(assets::SCRIPT, get(assets::script))
        .route("/metrics", get(scrape::scrape))
        .route("/api/v1/checks", get(api::checks))
        .route("/api/v1/certificates", get(api::certificates::list))
        .route("/api/v1/changes", get(api::changes::list))
        .route("/api/v1/correlations", get(api::correlations::list))
        .route("/api/v1/deployments", get(api::deployments::list))
        .route("/api/v1/endpoints/{name}", get(api::endpoints::one))
        .route("/api/v1/drill", get(drill::last))
        .route("/api/v1/events", get(api::events::list))
        .route("/api/v1/incidents", get(api::incidents::list))
        .route("/api/v1/incidents/{id}", get(api::incidents::one))
        .route("/api/v1/incidents/{id}/evidence/{n}", get(api::incidents::evidence))
        .route("/api/v1/news", get(api::news::show))
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/-/drill", post(drill::begin))
        .route("/-/healthy", get(live::healthy))
        .route("/-/ready", get(live::ready))
        .route("/-/reload", post(reload::reload))
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such page; see /\n") })
        .with_state(context.clone())
        .layer(from_fn(count))
        .layer(CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest))
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER_TIMEOUT))
        .layer(from_fn_with_state(context, webhook::divert))
}

/// Counts answers by route; what matches no route is one series, whatever strangers ask for.
async fn count(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let handler = path.map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let code = response.status().as_str().to_owned();
    counter!("watchpost_http_requests_total", "handler" => handler, "code" => code).increment(1);
    response
}
