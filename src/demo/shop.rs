//! The demo's shop: a small organisation of a simulated Genesys Cloud, and its customers.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};

use aws_lc_rs::rand;
use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;

use super::DemoError;
use super::courier::Courier;
use super::story::{Story, TICK};
use crate::clock;
use crate::edge::authority::Authority;
use crate::signing::SigningKey;
use crate::simulator::{Org, Simulator};

/// The shop; its customers go when this is dropped.
#[derive(Debug)]
pub struct Shop {
    secret: String,
    bases: (String, String),
    places: Vec<(&'static str, String)>,
    opens: Option<Sender<SocketAddr>>,
    customers: Option<JoinHandle<()>>,
}

impl Shop {
    /// Sets it up; there are no customers before it [opens](Self::open).
    pub fn set(authority: &Authority, now: Timestamp) -> Result<Self, DemoError> {
        let simulator = Simulator::open(Org::shop(now), authority)?;
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
        let secret = format!("whsec_{}", BASE64_STANDARD.encode(bytes));
        let key = SigningKey::new(&bytes);
        let bases = (simulator.base(), simulator.socket_base());
        let places = [("shop-messenger", Org::SHOP), ("help-centre", Org::HELP)];
        let places = places.map(|(name, id)| (name, simulator.messaging_url(id))).to_vec();
        let (opens, opened) = channel();
        let customers = thread::Builder::new()
            .name("customers".to_owned())
            .spawn(move || serve(&simulator, key, &opened))?;
        Ok(Self { secret, bases, places, opens: Some(opens), customers: Some(customers) })
    }

    /// The story begins, and is told to the daemon at this address.
    pub fn open(&self, daemon: SocketAddr) {
        if let Some(opens) = &self.opens {
            // Where the thread has ended there is nobody to hear of it.
            opens.send(daemon).ok();
        }
    }

    /// What events are signed with.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The organisation of the daemon's config.
    pub fn organisation(&self) -> String {
        let (base, socket_base) = &self.bases;
        let client = Org::CLIENT;
        format!(
            "\n[genesys]\n\
             region = \"eu-west-1\"\n\
             client-id = \"{client}\"\n\
             client-secret = {{ file = \"client.secret\" }}\n\
             ca-file = \"ca.pem\"\n\
             refresh = \"5s\"\n\
             connections-per-minute = 200\n\
             topics = [\n  \
               \"v2.webdeployments.deployments.{{id}}\",\n  \
               \"v2.audits.entitytype.DEPLOYMENT.entityid.{{id}}\",\n\
             ]\n\
             login-url = \"{base}\"\n\
             api-url = \"{base}\"\n\
             cdn-url = \"{base}\"\n\
             apps-url = \"{base}\"\n\
             status-url = \"{base}\"\n\
             messaging-url = \"{socket_base}\"\n\
             streaming-url = \"{socket_base}\"\n"
        )
    }

    /// The endpoints: names and URLs.
    pub fn places(&self) -> &[(&'static str, String)] {
        &self.places
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.opens = None;
        if let Some(customers) = self.customers.take() {
            customers.join().ok();
        }
    }
}

/// Tells the story from the word that the shop is open until it is dropped.
fn serve(simulator: &Simulator, key: SigningKey, opened: &Receiver<SocketAddr>) {
    let Ok(daemon) = opened.recv() else { return };
    let mut courier = Courier::new(daemon, key);
    let mut story = Story::default();
    while opened.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        let now = clock::now();
        let events = simulator.with(|org| {
            story.go_on(org, now);
            org.take_envelopes(now)
        });
        for (id, body) in events {
            // What is lost is a moment of a demo.
            if !courier.post(&id, &body, now) {
                break;
            }
        }
    }
}
