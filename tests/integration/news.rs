//! What happens and what changes at Genesys Cloud, by the program against the simulator.

mod audits;
mod changes;
mod channel;
mod organisation;
mod statuspage;

use jiff::Timestamp;
use watchpost::simulator::{Org, Simulator};

use crate::fixture::daemon::Home;

/// The time of day, for the simulator.
fn now() -> Timestamp {
    Timestamp::from_microsecond(
        std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros().try_into().unwrap(),
    )
    .unwrap()
}

/// A shop that listens.
fn shop() -> Simulator {
    Simulator::shop(now()).unwrap()
}

/// A folder with a config that has this organisation, and these keys in `[genesys]`.
fn home(simulator: &Simulator, keys: &str, rest: &str) -> Home {
    let (base, sockets) = (simulator.base(), simulator.socket_base());
    let (client, secret) = (Org::CLIENT, Org::SECRET);
    let home = Home::new(&format!(
        "{rest}\n[genesys]\nregion = \"eu-west-1\"\nclient-id = \"{client}\"\n\
         client-secret = {{ file = \"secret\" }}\nca-file = \"ca.pem\"\n\
         login-url = \"{base}\"\napi-url = \"{base}\"\ncdn-url = \"{base}\"\napps-url = \"{base}\"\n\
         status-url = \"{base}\"\nmessaging-url = \"{sockets}\"\nstreaming-url = \"{sockets}\"\n{keys}"
    ));
    std::fs::write(home.path().join("secret"), secret).unwrap();
    std::fs::write(home.path().join("ca.pem"), simulator.root_pem()).unwrap();
    home
}

/// An endpoint that is the door of the shop's deployment.
fn door(simulator: &Simulator) -> String {
    format!(
        "[[endpoints]]\nname = \"shop\"\nurl = \"{}\"\nca-file = \"ca.pem\"\n\
         origins = [{{ origin = \"https://www.shop.example\" }}]\n\
         users = {{ deployments = [\"{}\"], queues = [\"{QUEUE}\"] }}\n",
        simulator.messaging_url(Org::SHOP),
        Org::SHOP
    )
}

/// A queue of the shop's.
const QUEUE: &str = "90e0e000-0000-4000-8000-000000000001";
