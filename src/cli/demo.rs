//! `watchpost demo`: the whole thing in one command, offline.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitCode;

use super::{exit, run};
use crate::clock;
use crate::config::Config;
use crate::config::values::LogFormat;
use crate::demo::{DOORS, Door, Scene};

/// The port of the shipped config.
const USUAL_PORT: u16 = 9720;

/// Opens the doors, says where everything is, and watches until it is told to end.
pub fn demo(listen: Option<SocketAddr>) -> ExitCode {
    let listen = listen.unwrap_or_else(free_address);
    let scene = match Scene::set(listen, clock::now()) {
        Ok(scene) => scene,
        Err(error) => {
            anstream::eprintln!("watchpost: {error}");
            return ExitCode::from(exit::TROUBLE);
        }
    };
    let config = match Config::load(&scene.config()) {
        Ok(config) => config,
        Err(error) => return run::refuse(&error),
    };
    let log = run::log_to_stderr(LogFormat::Text, "warn,health=info");
    run::daemon(config, log, |address| {
        introduce(&scene, address);
        scene.open(address);
    })
}

/// The usual port, or any other where somebody has that one.
fn free_address() -> SocketAddr {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, USUAL_PORT));
    match TcpListener::bind(usual) {
        Ok(_) => usual,
        Err(_) => {
            anstream::println!("{usual} is taken: the system chooses another port.\n");
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
        }
    }
}

/// How this program was started, so that what is printed can be run as it stands.
fn program() -> String {
    std::env::current_exe()
        .map_or_else(|_| "watchpost".to_owned(), |path| path.display().to_string())
}

fn introduce(scene: &Scene, address: SocketAddr) {
    anstream::println!("A shop on a simulated Genesys Cloud, with a few customers a second:\n");
    for (name, url) in scene.places() {
        anstream::println!("  {name:<21} {url}");
    }
    anstream::println!(
        "\n10 seconds from now an administrator enters https://shop.example among the domains of the\n\
         shop's deployment, where shop.example stood: entries are hosts, so nobody gets in. The door\n\
         is called down within seconds, with the change and who made it in the incident; once the\n\
         minute is over, the conversations that broke off say the same (both_bad), and it becomes\n\
         critical. 60 seconds later it is mended; after 3 minutes it begins anew.\n"
    );
    anstream::println!("A messaging edge, door by door:\n");
    for door in DOORS {
        anstream::println!("  {:<21} {}", door.name(), door.trouble());
    }
    anstream::println!(
        "\nA daemon asks each door every 5 seconds, for a shop that must get in and for a page"
    );
    anstream::println!("that must not. A door takes some seconds to be called down.\n");
    anstream::println!("  status page   http://{address}/");
    anstream::println!("  metrics       http://{address}/metrics");
    anstream::println!("  API           http://{address}/api/v1/checks");
    anstream::println!("  incidents     http://{address}/api/v1/incidents");
    anstream::println!("  changes       http://{address}/api/v1/changes");
    anstream::println!("  users         http://{address}/api/v1/correlations");
    anstream::println!("  config        {}", scene.config().display());
    if let Some(port) = scene.port(Door::Forgetful) {
        anstream::println!("\nIn another terminal, ask one door yourself:\n");
        anstream::println!(
            "  {} check wss://{}:{port}/ --connect-to 127.0.0.1 \\\n    --ca {} --origin https://www.shop.example",
            program(),
            Door::Forgetful.asked_host(),
            scene.ca().display()
        );
    }
    anstream::println!("\nCtrl-C ends it. What changes is told here:\n");
}
