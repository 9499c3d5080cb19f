//! The servers behind the doors.

use jiff::Timestamp;

use super::DemoError;
use super::door::{DOORS, Door};
use crate::edge;
use crate::edge::authority::Authority;

/// The open doors; they close when this is dropped.
#[derive(Debug)]
pub struct Edge {
    ports: Vec<(Door, u16)>,
    authority: Authority,
    _edge: edge::Edge,
}

impl Edge {
    /// Opens every door on a port of its own.
    pub fn open(now: Timestamp) -> Result<Self, DemoError> {
        let authority = Authority::new("Watchpost demo", now)?;
        let edge = edge::Edge::new()?;
        let mut ports = Vec::with_capacity(DOORS.len());
        for door in DOORS {
            let opened = edge.open(door.certificate(&authority)?, door)?;
            ports.push((door, opened.address.port()));
        }
        Ok(Self { ports, authority, _edge: edge })
    }

    /// The port of a door.
    pub fn port(&self, door: Door) -> Option<u16> {
        self.ports.iter().find(|(other, _)| *other == door).map(|(_, port)| *port)
    }

    /// Who signs the certificates.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The CA that the certificates lead to.
    pub fn root_pem(&self) -> &str {
        self.authority.root_pem()
    }
}
