//! `watchpost demo`: a loopback messaging edge with good and bad doors, a shop with customers, and
//! the config of a daemon that watches them.

mod courier;
mod door;
mod edge;
mod shop;
mod story;

use std::fmt::Write;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::edge::EdgeError;
pub use crate::edge::authority;
use crate::simulator::Org;
pub use door::{DOORS, Door};
pub use edge::Edge;
pub use shop::Shop;

/// Where the daemon takes events.
const RECEIVER: &str = "/hooks/genesys";

/// A folder with everything that the demo needs; it goes when the demo ends.
#[derive(Debug)]
pub struct Scene {
    folder: PathBuf,
    edge: Edge,
    shop: Shop,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder, the sockets.
    #[error("cannot set up the demo: {0}")]
    Io(#[from] io::Error),
    /// The certificates.
    #[error("cannot mint the demo's certificates: {0}")]
    Mint(#[from] rcgen::Error),
    /// The servers.
    #[error("cannot set up the demo's servers: {0}")]
    Edge(#[from] EdgeError),
}

impl Scene {
    /// Mints the CA, opens the doors, and writes the config of a daemon that watches them.
    pub fn set(listen: SocketAddr, now: Timestamp) -> Result<Self, DemoError> {
        let folder = std::env::temp_dir().join(format!("watchpost-demo-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let edge = Edge::open(now)?;
        fs::write(folder.join("ca.pem"), edge.root_pem())?;
        let shop = Shop::set(edge.authority(), now)?;
        fs::write(folder.join("events.secret"), shop.secret())?;
        fs::write(folder.join("client.secret"), Org::SECRET)?;
        fs::write(folder.join("config.toml"), config(listen, &edge, &shop))?;
        Ok(Self { folder, edge, shop })
    }

    /// The config.
    pub fn config(&self) -> PathBuf {
        self.folder.join("config.toml")
    }

    /// The CA that the doors' certificates lead to.
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The shop's deployments: names of endpoints, and URLs.
    pub fn places(&self) -> &[(&'static str, String)] {
        self.shop.places()
    }

    /// The shop opens: the daemon is at this address.
    pub fn open(&self, daemon: SocketAddr) {
        self.shop.open(daemon);
    }

    /// The port of a door.
    pub fn port(&self, door: Door) -> Option<u16> {
        self.edge.port(door)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

fn remove(folder: &Path) {
    // What stays behind lies in the folder for such things.
    fs::remove_dir_all(folder).ok();
}

fn config(listen: SocketAddr, edge: &Edge, shop: &Shop) -> String {
    let mut text = format!(
        "# Written by `watchpost demo`; it goes when the demo ends.\n\
         [daemon]\n\
         listen = \"{listen}\"\n\n\
         [correlation]\n\
         settle = \"2s\"\n\
         silence = \"hours\"\n\n\
         [[receivers]]\n\
         name = \"genesys\"\n\
         path = \"{RECEIVER}\"\n\
         auth = [{{ standard-webhooks = {{ values = [{{ file = \"events.secret\" }}] }} }}]\n\n\
         [defaults]\n\
         interval = \"5s\"\n\
         timeout = \"2s\"\n\
         connect-to = \"127.0.0.1\"\n\
         ca-file = \"ca.pem\"\n\
         team = \"demo\"\n\
         health = {{ confirm-delay = \"1s\" }}\n\
         origins = [\n  \
           {{ origin = \"https://www.shop.example\", expect = \"allow\" }},\n  \
           {{ origin = \"https://evil.example\", expect = \"deny\" }},\n\
         ]\n"
    );
    text.push_str(&shop.organisation());
    for (name, url) in shop.places() {
        write!(
            text,
            "\n# A deployment of the shop\n[[endpoints]]\nname = \"{name}\"\nurl = \"{url}\"\n"
        )
        .ok();
        if *name == "help-centre" {
            text.push_str(
                "origins = [{ origin = \"https://www.shop.example\", expect = \"allow\" }]\n\
                 # As a guest: a session is begun and closed, and no conversation with it.\n\
                 probes = [\"messaging\"]\n\
                 messaging = { level = \"session\" }\n",
            );
        }
    }
    for door in DOORS {
        let Some(port) = edge.port(door) else { continue };
        let (name, host) = (door.name(), door.asked_host());
        // Writing to a `String` cannot fail.
        write!(text, "\n# {}\n[[endpoints]]\nname = \"{name}\"\n", door.trouble()).ok();
        writeln!(text, "url = \"wss://{host}:{port}/v1\"").ok();
        if door == Door::Good {
            text.push_str(
                "probes = [\"websocket\", \"tls\"]\n\
                 messages = [{ send = '{\"action\":\"echo\"}' }, { expect-json = { pointer = \"/action\" } }]\n",
            );
        }
    }
    text
}
