//! The public status page, asked again and again: what it tells becomes changes, and a hint.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::IF_NONE_MATCH;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::Desk;
use super::view::news::is_news;
use crate::casebook;
use crate::clock;
use crate::event::key::Key;
use crate::genesys::api::Api;
use crate::genesys::statuspage::{Matcher, Notice, SUMMARY, Summary};
use crate::genesys::trouble::{Kind, Trouble};
use crate::incident::{ChangeEvent, ChangeSource};
use crate::platform::Call;

/// Time between two questions. The page is everybody's.
const EVERY: Duration = Duration::from_secs(60);

/// After trouble, the next question waits for so many times longer, each time.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Asks for as long as it is let.
pub async fn run(desk: Desk) {
    let genesys = &desk.genesys;
    // What another config made of it holds no longer.
    hint(&desk.casebook, None).await;
    if !genesys.news.status_page {
        return;
    }
    let matcher = Matcher::new(genesys.news.status_component.as_deref(), genesys.account.region);
    let mut page = Page { matcher, etag: None, known: BTreeMap::new(), hint: None };
    let mut wait = EVERY;
    loop {
        let now = clock::now();
        match page.ask(&desk, now).await {
            Ok(()) => wait = EVERY,
            Err(trouble) => {
                let (code, why) = (trouble.kind.code(), trouble.to_string());
                if is_news(&desk.view.borrow().status_page.trouble, code) {
                    tracing::warn!(trouble = code, why, "the status page cannot be read");
                }
                desk.show(|view| view.status_page.trouble = Some((code, why)));
                wait = (2 * wait).min(LONGEST);
            }
        }
        sleep(wait).await;
    }
}

struct Page {
    matcher: Matcher,
    etag: Option<HeaderValue>,
    /// What was on it last.
    known: BTreeMap<Key, Notice>,
    hint: Option<Arc<str>>,
}

impl Page {
    async fn ask(&mut self, desk: &Desk, now: Timestamp) -> Result<(), Trouble> {
        let mut call = Call::get(Api::StatusPage, SUMMARY);
        if let Some(etag) = &self.etag {
            call = call.header(IF_NONE_MATCH, etag.clone());
        }
        let reply = desk.platform.ask(call).await?;
        if reply.status == 304 {
            desk.show(|view| view.status_page.read(now));
            return Ok(());
        }
        let malformed = |field| Trouble::new(Api::StatusPage, Kind::Malformed { field });
        let mut summary = Summary::read(&reply.json, &self.matcher).map_err(malformed)?;
        // What cannot be read may well be what was known: it is not over for that.
        let stay = self.known.values().filter(|notice| summary.may_have(&notice.id)).cloned();
        let stay: Vec<_> = stay.collect();
        let is_whole = stay.is_empty();
        summary.notices.extend(stay);
        // Not before it was read: what nobody can read must be asked for again.
        self.etag = reply.etag.filter(|_| is_whole);
        let is_first = desk.view.borrow().status_page.summary.is_none();
        if summary.worst.is_none() && is_first {
            tracing::warn!("no component of the status page is the region's: set status-component");
        }
        self.tell(desk, &summary, now).await;
        desk.show(|view| {
            view.status_page.summary = Some(Arc::new(summary));
            view.status_page.read(now);
        });
        match is_whole {
            true => Ok(()),
            false => Err(malformed("list of incidents that can be read")),
        }
    }

    /// Tells of what is new, and of what is over.
    async fn tell(&mut self, desk: &Desk, summary: &Summary, now: Timestamp) {
        let Some(casebook) = desk.casebook.upgrade() else { return };
        let change = |at, what| {
            let source = ChangeSource::StatusPage;
            casebook::Message::Changed(ChangeEvent { at, source, endpoint: None, what, who: None })
        };
        let mut messages = Vec::new();
        let is_new = |notice: &&Notice| self.known.get(&notice.id) != Some(*notice);
        for notice in summary.notices.iter().filter(is_new) {
            // With what it came through before, which is known again, also after a restart.
            messages.extend(notice.updates().map(|(at, what)| change(at, what)));
        }
        let now_there: BTreeMap<_, _> =
            summary.notices.iter().map(|notice| (notice.id.clone(), notice.clone())).collect();
        let gone = self.known.iter().filter(|(id, _)| !now_there.contains_key(id));
        messages.extend(gone.map(|(_, notice)| change(now, notice.over())));
        self.known = now_there;
        for message in messages {
            // Without a receiver the daemon ends, here and below.
            casebook.send(message).await.ok();
        }
        drop(casebook);
        let now_hinted: Option<Arc<str>> = summary.hint().map(Into::into);
        if now_hinted != self.hint {
            hint(&desk.casebook, now_hinted.clone()).await;
            self.hint = now_hinted;
        }
    }
}

/// Tells the casebook what is going on, or that nothing is known to be.
pub(super) async fn hint(casebook: &mpsc::WeakSender<casebook::Message>, hint: Option<Arc<str>>) {
    if let Some(casebook) = casebook.upgrade() {
        casebook.send(casebook::Message::Hint(hint)).await.ok();
    }
}
