//! One run: read, hold against the file, write, look at the doors, put back.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::Instant;

use super::doors::{self, Door, Pace, Seen};
use super::manifest::{By, Manifest, Wanted};
use super::objects::{Found, Missing, Objects};
use super::plan::{Change, at, changes};
use super::report::{Cdn, NoDoors, Object, Report, Stage};
use super::{cdn, channel, former, register, undo, webhook, write};
use crate::check::endpoint::Trust;
use crate::check::origin::OriginRule;
use crate::check::target::Target;
use crate::clock::lag::Lag;
use crate::config::fault::Faults;
use crate::genesys::Compat;
use crate::genesys::bases::join;
use crate::genesys::domains::OriginMatch;
use crate::genesys::paths::Paths;
use crate::outcome::quoted::Quoted;
use crate::outcome::verdict::Verdict;
use crate::platform::Platform;
use crate::probe::Prober;

/// How a file is applied.
pub struct Run<'a> {
    /// What is declared.
    pub manifest: &'a Manifest,
    /// Where it is written.
    pub platform: &'a Platform,
    /// Where things are there.
    pub paths: &'a Paths,
    /// By which rule a list lets pages in.
    pub rule: OriginMatch,
    /// Connections a minute to the doors of one object.
    pub connections_per_minute: u32,
    /// Makes the one who looks at these doors.
    pub look: Look<'a>,
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// How long doors have to become as declared.
    pub within: Duration,
    /// Whether the former values are put back where they do not.
    pub rollback: bool,
    /// Sees what is to be done, before anything is.
    pub planned: &'a dyn Fn(&Report),
    /// Hears how it goes on.
    pub tell: &'a dyn Fn(&str),
}

/// Who looks at doors: name servers to ask, and whom their owners may write to.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Instead of the machine's own.
    pub nameservers: &'a [std::net::SocketAddr],
    /// Part of the `User-Agent`.
    pub contact: Option<&'a str>,
}

/// What was read of an object, beside what the report has.
struct Read<'a> {
    wanted: &'a Wanted,
    object: Value,
    door: Option<Target>,
}

impl Run<'_> {
    /// Does it; `report` always says how far it has come. Where the file does not fit what is
    /// there, nothing is written, and the faults say why.
    pub async fn run(&self, report: &mut Report) -> Result<(), Faults> {
        report.dry_run = self.dry_run;
        let Some(read) = self.read(report).await? else { return Ok(()) };
        if let Some(webhook::Webhook::Registered(registration)) = &self.manifest.webhook {
            match register::plan(self.platform, self.paths, registration).await {
                Ok(hook) => report.webhook = Some(hook),
                Err(trouble) => {
                    report.unread = Some((&trouble).into());
                    return Ok(());
                }
            }
        }
        (self.planned)(report);
        // One for each object, whatever its doors are looked at for.
        let mut paces: Vec<_> =
            read.iter().map(|_| Pace::new(self.connections_per_minute)).collect();
        if !self.dry_run && self.write(report, &read).await {
            self.look(report, &read, &mut paces).await;
        }
        let failed = report.is_refused() || report.verdict() != Verdict::Pass;
        if !self.dry_run && failed && self.rollback {
            self.put_back(report, &read, &mut paces).await;
        }
        report.ended = true;
        Ok(())
    }

    fn objects(&self) -> Objects<'_> {
        Objects::new(self.platform, self.compat(), self.paths)
    }

    fn compat(&self) -> Compat {
        self.platform.settings().compat
    }

    fn say(&self, object: &Object, text: &str) {
        (self.tell)(&format!("{}: {text}", title(object)));
    }

    /// Reads all that is there; `None` where it could not be.
    async fn read(&self, report: &mut Report) -> Result<Option<Vec<Read<'_>>>, Faults> {
        let objects = self.objects();
        let mut faults = self.manifest.faults();
        let mut read: Vec<Read<'_>> = Vec::with_capacity(self.manifest.objects.len());
        for wanted in &self.manifest.objects {
            let Found { id, object } = match objects.find(&wanted.by).await {
                Ok(found) => found,
                Err(Missing::Trouble(trouble)) => {
                    report.unread = Some((&trouble).into());
                    return Ok(None);
                }
                Err(missing) => {
                    self.missing(wanted, &missing, &mut faults);
                    continue;
                }
            };
            if report.objects.iter().any(|other| other.id == id) {
                let problem = format!("another table declares the same {}", objects.noun());
                faults.add(&wanted.span, &wanted.place, problem, "put both into one table");
                continue;
            }
            let plan = changes(&wanted.fields, &object);
            let mut known = Object::new(&wanted.place, objects.noun(), id, plan);
            known.name = object.get("name").and_then(Value::as_str).map(Quoted::text);
            let door = self.door(wanted, &known, &object);
            known.without_doors = match &door {
                _ if wanted.doors.is_empty() => Some(NoDoors::NoOrigins),
                None => Some(NoDoors::NoAddress),
                Some(_) => None,
            };
            report.objects.push(known);
            read.push(Read { wanted, object, door });
        }
        if faults.is_empty() { Ok(Some(read)) } else { Err(faults) }
    }

    fn missing(&self, wanted: &Wanted, missing: &Missing, faults: &mut Faults) {
        let noun = self.objects().noun();
        let what = match &wanted.by {
            By::Id(id) => format!("no {noun} has the id {id}"),
            By::Name(name) => format!("no {noun} has the name \"{name}\""),
        };
        let (problem, fix) = match missing {
            Missing::Several(several) => {
                (format!("{several} {noun}s have this name"), "name one by its id".to_owned())
            }
            Missing::Removed => (
                format!("{what}: {missing}"),
                "declare [[deployments]], with compat = \"genesys\"".to_owned(),
            ),
            _ if self.compat() == Compat::Seed => (
                what,
                "see that api-url and id are right; Genesys Cloud itself has had none since \
                 2026-08-15"
                    .to_owned(),
            ),
            _ => (what, "see that region, id and name are right: none is made here".to_owned()),
        };
        faults.add(&wanted.span, &wanted.place, problem, fix);
    }

    /// Where the doors of an object are. An address that the platform tells is used only where it
    /// is one of its own.
    fn door(&self, wanted: &Wanted, known: &Object, object: &Value) -> Option<Target> {
        let bases = self.platform.bases();
        match self.compat() {
            Compat::Genesys => {
                let path = format!("/v1?deploymentId={}&application=watchpost", known.id);
                Some(join(&bases.messaging, &path))
            }
            Compat::Seed => wanted.door.clone().or_else(|| {
                let path = ["webchatSettings".to_owned(), "webchatUrl".to_owned()];
                let url: Target = at(object, &path)?.as_str()?.parse().ok()?;
                let socket = channel::socket(&url, &wanted.websocket_path);
                bases.owns(&socket).then_some(socket)
            }),
        }
    }

    /// Writes what is to be changed; whether all of it was.
    async fn write(&self, report: &mut Report, read: &[Read<'_>]) -> bool {
        for (object, Read { wanted, .. }) in report.objects.iter_mut().zip(read) {
            if object.plan.is_empty() {
                continue;
            }
            self.say(object, &format!("writing {}", keys(&object.plan)));
            object.stage = Stage::Writing;
            let begin = Instant::now();
            let title = title(object);
            let told = |conflicts| {
                let what = "somebody else has changed it meanwhile; read again";
                (self.tell)(&format!("{title}: {what} ({conflicts})"));
            };
            let declare = |_: &Value| wanted.fields.clone();
            let done = write::write(self.objects(), &object.id, declare, told).await;
            object.conflicts = done.conflicts;
            object.changed = done.changes;
            match done.ended {
                Ok(()) => {
                    object.stage = Stage::Written;
                    object.took = Some(begin.elapsed());
                    self.say(object, "written");
                }
                Err(error) => {
                    object.stage = Stage::Refused;
                    object.refusal = Some((&error).into());
                    self.say(object, "not written");
                    return false;
                }
            }
        }
        let Some(webhook::Webhook::Registered(registration)) = &self.manifest.webhook else {
            return true;
        };
        match &mut report.webhook {
            Some(hook) => register::write(self.platform, self.paths, registration, hook).await,
            None => true,
        }
    }

    /// Looks at every door in the file; those of different objects at the same time.
    async fn look(&self, report: &mut Report, read: &[Read<'_>], paces: &mut [Pace]) {
        let planned = report.objects.iter().zip(read).map(|(object, read)| match &read.door {
            Some(target) => {
                self.doors(object, read.wanted, target, &read.wanted.doors, read.wanted.shut)
            }
            None => Vec::new(),
        });
        let planned: Vec<Vec<Door>> = planned.collect();
        let lag = Arc::new(Lag::default());
        let prober = self.prober(&planned).measured_by(lag.clone());
        let deadline = Instant::now() + self.within;
        let looks = report.objects.iter_mut().zip(read).zip(planned).zip(paces);
        let looks = looks.map(|(((object, read), planned), pace)| {
            self.look_at(object, read, planned, pace, &prober, deadline)
        });
        lag.beside(join_all(looks)).await;
    }

    async fn look_at(
        &self,
        object: &mut Object,
        read: &Read<'_>,
        planned: Vec<Door>,
        pace: &mut Pace,
        prober: &Prober,
        deadline: Instant,
    ) {
        let title = title(object);
        let told = |seen: &Seen| (self.tell)(&format!("{title}: {}", doors::told(seen)));
        let doors = doors::look(prober, planned, pace, deadline, told);
        let list = async {
            match self.compat() {
                Compat::Genesys if !read.wanted.shut => {
                    Some(cdn::look(self.platform, self.objects(), &object.id, deadline).await)
                }
                // The seeds have no CDN, and the files of what is switched off are taken away.
                _ => None,
            }
        };
        let (doors, list) = tokio::join!(doors, list);
        object.doors = doors;
        object.cdn = list;
        if object.cdn == Some(Cdn::Stale) {
            self.say(object, "the list on the CDN is another one");
        }
    }

    /// Puts the former values back, and looks at the doors once more.
    async fn put_back(&self, report: &mut Report, read: &[Read<'_>], paces: &mut [Pace]) {
        let objects = self.objects();
        for object in report.objects.iter_mut().filter(|object| object.is_touched()) {
            self.say(object, "putting the former values back");
            undo::undo(objects, object).await;
        }
        let mut planned = Vec::with_capacity(read.len());
        for (object, read) in report.objects.iter().zip(read) {
            let target = read.door.as_ref().filter(|_| object.stage == Stage::Undone);
            planned.push(target.map_or_else(Vec::new, |target| {
                let former = former::expected(&read.object, read.wanted, self.compat(), self.rule);
                self.doors(object, read.wanted, target, &former.doors, former.shut)
            }));
        }
        let lag = Arc::new(Lag::default());
        let prober = self.prober(&planned).measured_by(lag.clone());
        let deadline = Instant::now() + self.within;
        for ((object, planned), pace) in report.objects.iter_mut().zip(planned).zip(paces) {
            let title = title(object);
            let told = |seen: &Seen| (self.tell)(&format!("{title}: {}", doors::told(seen)));
            let looks = doors::look(&prober, planned, pace, deadline, told);
            object.doors_after = lag.beside(looks).await;
        }
    }

    fn doors(
        &self,
        object: &Object,
        wanted: &Wanted,
        target: &Target,
        rules: &[Arc<OriginRule>],
        shut: bool,
    ) -> Vec<Door> {
        let trust: &Trust = &self.platform.settings().trust;
        let deployment = (self.compat() == Compat::Genesys).then_some(&object.id);
        doors::doors(&wanted.place, deployment, target, trust, rules, shut)
    }

    fn prober(&self, doors: &[Vec<Door>]) -> Prober {
        let endpoints = doors.iter().flatten().map(|door| &door.check.endpoint);
        Prober::new(endpoints, self.look.nameservers, self.look.contact)
    }
}

/// `deployment "Shop"`
fn title(object: &Object) -> String {
    let name = object.name.as_ref().map_or_else(|| object.id.as_str(), Quoted::as_str);
    format!("{} \"{name}\"", object.noun)
}

/// `name, allowed-domains`
pub fn keys(changes: &[Change]) -> String {
    let keys: Vec<_> = changes.iter().map(|change| change.declared.key.as_str()).collect();
    keys.join(", ")
}
