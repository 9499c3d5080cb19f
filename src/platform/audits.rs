//! The audit log, page by page, in whichever way it can be asked.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::{Call, Platform};
use crate::event::key::Key;
use crate::genesys::Compat;
use crate::genesys::api::Api;
use crate::genesys::audit::{self, Next, Page, Progress, Query, Way};
use crate::genesys::trouble::{Kind, Trouble};

/// Pages of one listing at the most.
const MAX_PAGES: u32 = 200;

/// Longest that a query may run.
const RUNNING: Duration = Duration::from_secs(300);

/// Time between looks at a query that runs: the first, and the longest.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

const REALTIME: &str = "/api/v2/audits/query/realtime";
const QUERY: &str = "/api/v2/audits/query";

/// A listing that is under way.
#[derive(Debug)]
pub struct Audits<'a> {
    platform: &'a Platform,
    query: Query,
    seed_path: &'a str,
    way: Way,
    place: Place,
    pages: u32,
}

#[derive(Debug)]
enum Place {
    Begin,
    Page(u32),
    /// Of a query's results, or of the seeds' list.
    Cursor {
        query: Option<Key>,
        cursor: Option<String>,
    },
    End {
        cut: bool,
    },
}

impl<'a> Audits<'a> {
    /// Finds out in which way to ask. `seed_path` is where the seeds ask.
    pub async fn open(
        platform: &'a Platform,
        query: Query,
        compat: Compat,
        seed_path: &'a str,
        now: Timestamp,
    ) -> Result<Self, Trouble> {
        let way = match compat {
            Compat::Seed => Way::Seed,
            Compat::Genesys if now.duration_since(query.from) >= audit::AT_ONCE => Way::Query,
            Compat::Genesys => {
                let path = format!("{REALTIME}/servicemapping");
                match platform.ask(Call::get(Api::Audits, path.as_str())).await {
                    Ok(reply) if query.is_realtime(&reply.json, now) => Way::Realtime,
                    // Whoever has no list of them has no such audits either.
                    Ok(_) => Way::Query,
                    Err(trouble) if matches!(trouble.kind, Kind::NotFound | Kind::Gone) => {
                        Way::Query
                    }
                    Err(trouble) => return Err(trouble),
                }
            }
        };
        Ok(Self { platform, query, seed_path, way, place: Place::Begin, pages: 0 })
    }

    /// The way that was found; another one, perhaps, once the first page was asked for.
    pub fn way(&self) -> Way {
        self.way
    }

    /// Whether there are more than were given.
    pub fn is_cut(&self) -> bool {
        matches!(self.place, Place::End { cut: true })
    }

    /// The next page; none at the end.
    pub async fn next(&mut self) -> Result<Option<Page>, Trouble> {
        if self.pages >= MAX_PAGES && !matches!(self.place, Place::End { .. }) {
            self.place = Place::End { cut: true };
        }
        self.pages += 1;
        if matches!((&self.place, self.way), (Place::Begin, Way::Query)) {
            let query = self.run().await?;
            self.place = Place::Cursor { query: Some(query), cursor: None };
        }
        let (path, body) = match (&self.place, self.way) {
            (Place::End { .. }, _) => return Ok(None),
            (Place::Begin, Way::Realtime) => {
                (REALTIME.to_owned(), Some(self.query.realtime_body(1)))
            }
            (Place::Page(page), _) => (REALTIME.to_owned(), Some(self.query.realtime_body(*page))),
            (Place::Cursor { query: Some(query), cursor }, _) => {
                let parameters = audit::result_parameters(cursor.as_deref());
                (format!("{QUERY}/{query}/results?{parameters}"), None)
            }
            (Place::Cursor { query: None, cursor }, _) => (self.seed(cursor.as_deref()), None),
            (Place::Begin, _) => (self.seed(None), None),
        };
        let api = if self.way == Way::Seed { Api::SeedAudits } else { Api::Audits };
        // It asks, though it is a POST.
        let call = match body {
            Some(body) => Call::new(api, Method::POST, path).body(body).idempotent(),
            None => Call::get(api, path),
        };
        let reply = match self.platform.ask(call).await {
            // Whatever is said to be given at once: this service, or this time, is not.
            Err(Trouble { kind: Kind::BadRequest { .. }, .. })
                if matches!((&self.place, self.way), (Place::Begin, Way::Realtime)) =>
            {
                self.way = Way::Query;
                self.pages = 0;
                return Box::pin(self.next()).await;
            }
            reply => reply?,
        };
        let malformed = || Trouble::new(api, Kind::Malformed { field: "entities" });
        let page = Page::read(&reply.json).ok_or_else(malformed)?;
        self.place = self.after(&page.next);
        Ok(Some(page))
    }

    /// Where to go on. Whoever leads in a circle has come to the end.
    fn after(&self, next: &Next) -> Place {
        match next {
            Next::End => Place::End { cut: false },
            Next::Nowhere => Place::End { cut: true },
            Next::Page(page) => match self.place {
                Place::Page(before) if *page <= before => Place::End { cut: true },
                _ => Place::Page(*page),
            },
            Next::Cursor(next) => match &self.place {
                Place::Cursor { cursor: Some(before), .. } if before == next => {
                    Place::End { cut: true }
                }
                Place::Cursor { query, .. } => {
                    Place::Cursor { query: query.clone(), cursor: Some(next.clone()) }
                }
                _ => Place::Cursor { query: None, cursor: Some(next.clone()) },
            },
        }
    }

    fn seed(&self, cursor: Option<&str>) -> String {
        format!("{}?{}", self.seed_path, self.query.seed_parameters(cursor))
    }

    /// Begins a query, and waits until there are results.
    async fn run(&self) -> Result<Key, Trouble> {
        let trouble = |kind| Trouble::new(Api::Audits, kind);
        let malformed = || trouble(Kind::Malformed { field: "id" });
        let call = Call::new(Api::Audits, Method::POST, QUERY).body(self.query.body());
        let begun = self.platform.ask(call).await?;
        let (id, mut progress) = audit::progress(&begun.json).ok_or_else(malformed)?;
        let deadline = Instant::now() + RUNNING;
        let mut wait = LOOK_AGAIN.0;
        let path = format!("{QUERY}/{id}");
        loop {
            match progress {
                Progress::Succeeded => return Ok(id),
                Progress::Failed => return Err(trouble(Kind::Nonsense)),
                Progress::Running if Instant::now() + wait > deadline => {
                    return Err(trouble(Kind::TimedOut));
                }
                Progress::Running => sleep(wait).await,
            }
            wait = (2 * wait).min(LOOK_AGAIN.1);
            let looked = self.platform.ask(Call::get(Api::Audits, path.as_str())).await?;
            progress = audit::progress(&looked.json).ok_or_else(malformed)?.1;
        }
    }
}
