//! Names to addresses, asked afresh for every run.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use tokio::net::UdpSocket;

use super::io_error;
use crate::check::endpoint::{AddressFamily, Endpoint};
use crate::check::target::Host;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;

/// Most addresses of one name that are taken in turn.
const MAX_ADDRESSES: usize = 8;

/// How long one name server has for one answer; the second attempt fits into a usual timeout.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Asks the machine's name servers, or those of the config. Keeps no answers.
#[derive(Debug)]
pub struct Resolver {
    /// `None` where the machine names no resolver that can be used.
    resolver: Option<TokioResolver>,
}

impl Resolver {
    /// Asks `nameservers`, or the ones of `/etc/resolv.conf` where there are none.
    pub fn new(nameservers: &[SocketAddr]) -> Self {
        let builder = if nameservers.is_empty() {
            TokioResolver::builder_tokio()
        } else {
            let servers = nameservers.iter().map(name_server).collect();
            let config = ResolverConfig::from_parts(None, Vec::new(), servers);
            Ok(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
        };
        let resolver = builder.and_then(|mut builder| {
            options(builder.options_mut());
            builder.build()
        });
        if let Err(error) = &resolver {
            tracing::error!(%error, "no name server can be asked: see /etc/resolv.conf");
        }
        Self { resolver: resolver.ok() }
    }

    /// The address that this turn dials, and how many there are to choose from.
    pub async fn address(
        &self,
        endpoint: &Endpoint,
        turn: u64,
    ) -> Result<(SocketAddr, usize), Failure> {
        let target = &endpoint.target;
        if let Some(to) = endpoint.reach.connect_to {
            return Ok((SocketAddr::new(to.address, to.port.unwrap_or(target.port)), 1));
        }
        let name = match &target.host {
            Host::Address(address) => return Ok((SocketAddr::new(*address, target.port), 1)),
            Host::Name(name) => name,
        };
        let mut addresses = self.lookup(name.as_ref()).await?;
        addresses.retain(|address| match endpoint.reach.family {
            AddressFamily::Any => true,
            AddressFamily::Ipv4 => address.is_ipv4(),
            AddressFamily::Ipv6 => address.is_ipv6(),
        });
        if addresses.is_empty() {
            return Err(Failure::NoAddress);
        }
        let addresses = routable(addresses).await?;
        let turn = usize::try_from(turn % addresses.len().max(1) as u64).unwrap_or(0);
        match addresses.get(turn) {
            Some(address) => Ok((SocketAddr::new(*address, target.port), addresses.len())),
            None => Err(Failure::NoRoute),
        }
    }

    /// Every address of a name, in a fixed order.
    pub async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, Failure> {
        let resolver = self.resolver.as_ref().ok_or(Failure::ResolverUnreachable)?;
        let answer = match resolver.lookup_ip(name).await {
            Ok(answer) => answer,
            Err(error) => return Err(local(failure(&error)).await),
        };
        let mut addresses: Vec<_> = answer.iter().collect();
        // Servers shuffle their answers: only a fixed order lets turns go round.
        addresses.sort();
        addresses.dedup();
        addresses.truncate(MAX_ADDRESSES);
        Ok(addresses)
    }
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

fn options(options: &mut ResolverOpts) {
    // A monitor that answers from a cache would not see the zone break.
    options.cache_size = 0;
    options.timeout = ATTEMPT;
    options.attempts = 1;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
}

/// Leaves out families that this machine has no route for, as a browser does.
///
/// Connecting a UDP socket sends nothing: it only asks the routing table.
async fn routable(addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, Failure> {
    if addresses.iter().all(IpAddr::is_ipv4) {
        return Ok(addresses);
    }
    let mut kept = Vec::with_capacity(addresses.len());
    for address in addresses {
        let any: IpAddr = match address {
            IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = match UdpSocket::bind((any, 0)).await {
            Ok(socket) => socket,
            Err(error) => match exhaustion(&error) {
                Some(failure) => return Err(failure),
                None => continue,
            },
        };
        if socket.connect((address, 9)).await.is_ok() {
            kept.push(address);
        }
    }
    Ok(kept)
}

/// A name server that cannot be asked, told apart from a socket that cannot be made: the
/// resolver does not say which it was.
async fn local(failure: Failure) -> Failure {
    if failure != Failure::ResolverUnreachable {
        return failure;
    }
    let socket = UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0)).await;
    socket.err().as_ref().and_then(exhaustion).unwrap_or(failure)
}

/// That this machine has nothing left to make a socket of, if that is what the error says.
fn exhaustion(error: &std::io::Error) -> Option<Failure> {
    let failure = io_error::failure(error, Phase::Resolve);
    matches!(failure, Failure::LocalExhaustion { .. }).then_some(failure)
}

fn failure(error: &NetError) -> Failure {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Failure::NameNotFound,
            ResponseCode::NoError => Failure::NoAddress,
            code => Failure::ResolverFailed { code: Quoted::text(&format!("{code:?}")) },
        },
        NetError::Dns(DnsError::ResponseCode(code)) => {
            Failure::ResolverFailed { code: Quoted::text(&format!("{code:?}")) }
        }
        NetError::Proto(_) => Failure::ResolverFailed { code: Quoted::text("what is no DNS") },
        NetError::Timeout => Failure::TimedOut(Phase::Resolve),
        _ => Failure::ResolverUnreachable,
    }
}
