//! `GET /api/v1/news`: what was read and heard of the organisation at Genesys Cloud.

use axum::Json;
use axum::extract::{RawQuery, State};
use jiff::Timestamp;
use serde::Serialize;

use super::query::Query;
use super::trouble::Trouble;
use crate::event::key::Key;
use crate::genesys::statuspage::{Component, Notice, Standing};
use crate::http::Context;
use crate::tenant::view::View;
use crate::tenant::view::news::{self, Channel, Missed};

#[derive(Serialize)]
pub struct News {
    /// The AWS name; `null` where the config has no `[genesys]`.
    region: Option<&'static str>,
    audits: Audits,
    status_page: StatusPage,
    /// `null` where no topic is wanted.
    channel: Option<ChannelView>,
}

#[derive(Serialize)]
struct Audits {
    read_at: Option<Timestamp>,
    entries: u64,
    trouble: Option<Why>,
}

#[derive(Serialize)]
struct StatusPage {
    read_at: Option<Timestamp>,
    /// The worst of the region's components; `null` where none is known.
    worst: Option<Standing>,
    /// What goes on, in one line; `null` where all is well. No verdict.
    hint: Option<String>,
    components: Vec<Component>,
    notices: Vec<Notice>,
    trouble: Option<Why>,
}

#[derive(Serialize)]
struct ChannelView {
    connected_at: Option<Timestamp>,
    last_frame_at: Option<Timestamp>,
    topics: Vec<Key>,
    refused: Vec<Refused>,
    gaps: Vec<Gap>,
    trouble: Option<Why>,
}

#[derive(Serialize)]
struct Refused {
    topic: Key,
    #[serde(flatten)]
    why: Why,
}

#[derive(Serialize)]
struct Gap {
    from: Timestamp,
    to: Timestamp,
    /// Events that were found afterwards.
    found: u64,
    /// Whether that is all there were; `null` while nobody can say.
    whole: Option<bool>,
}

#[derive(Serialize)]
struct Why {
    code: &'static str,
    message: String,
}

/// All of it.
pub async fn show(
    State(context): State<Context>,
    RawQuery(query): RawQuery,
) -> Result<Json<News>, Trouble> {
    Query::new(query.as_deref(), &[])?;
    Ok(Json(of(&context.tenant.borrow())))
}

fn of(view: &View) -> News {
    let page = &view.status_page;
    let summary = page.summary.as_deref();
    News {
        region: view.organisation.as_ref().map(|organisation| organisation.region),
        audits: Audits {
            read_at: view.audits.read_at,
            entries: view.audits.count,
            trouble: why(&view.audits.trouble),
        },
        status_page: StatusPage {
            read_at: page.read_at,
            worst: summary.and_then(|summary| summary.worst),
            hint: summary.and_then(|summary| summary.hint()),
            components: summary.map(|summary| summary.components.clone()).unwrap_or_default(),
            notices: summary.map(|summary| summary.notices.clone()).unwrap_or_default(),
            trouble: why(&page.trouble),
        },
        channel: view.channel.as_ref().map(channel),
    }
}

fn channel(channel: &Channel) -> ChannelView {
    let refused = channel.faults.iter().map(|(topic, fault)| Refused {
        topic: topic.clone(),
        why: Why { code: fault.code(), message: fault.to_string() },
    });
    let gap = |missed: &Missed| Gap {
        from: missed.gap.from,
        to: missed.gap.to,
        found: missed.found,
        whole: missed.whole.as_ref().and_then(|whole| whole.as_ref().ok().copied()),
    };
    ChannelView {
        connected_at: channel.connected_at,
        last_frame_at: channel.last_frame_at,
        topics: channel.topics.clone(),
        refused: refused.collect(),
        gaps: channel.gaps.iter().map(gap).collect(),
        trouble: why(&channel.trouble),
    }
}

fn why(trouble: &Option<news::Trouble>) -> Option<Why> {
    trouble.as_ref().map(|(code, message)| Why { code, message: message.clone() })
}
