//! Real servers with a real allow list of one origin.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use watchpost::demo::authority::{Authority, Served};

use crate::program::{Program, file, free_port, installed};

/// The name in the certificates.
pub const HOST: &str = "chat.test";

/// A server, and how it is reached.
pub struct Server {
    pub url: String,
    pub connect_to: String,
    /// What must live as long as the server: itself first.
    _parts: (Vec<Program>, Option<TempDir>),
}

impl Server {
    fn plain(port: u16, programs: Vec<Program>, folder: Option<TempDir>) -> Self {
        let url = format!("ws://{HOST}:{port}/");
        Self { url, connect_to: format!("127.0.0.1:{port}"), _parts: (programs, folder) }
    }

    fn handshaking(port: u16, programs: Vec<Program>, folder: TempDir) -> Self {
        let url = format!("tls://{HOST}:{port}");
        let connect_to = format!("127.0.0.1:{port}");
        Self { url, connect_to, _parts: (programs, Some(folder)) }
    }
}

/// Node's `ws` with `verifyClient`.
pub fn node_ws() -> Server {
    let port = free_port();
    Server::plain(port, vec![node("verify", port)], None)
}

fn node(mode: &str, port: u16) -> Program {
    let mut command = Command::new("node");
    command
        .arg(file("servers/ws.js"))
        .args([mode, &port.to_string()])
        .env("NODE_PATH", installed("node_modules"));
    Program::start(&mut command).listening(port)
}

/// Python's `websockets` with `origins=`.
pub fn python_websockets() -> Server {
    let port = free_port();
    Server::plain(port, vec![python("servers/websockets_server.py", port)], None)
}

/// aiohttp, which does not look at origins.
pub fn aiohttp() -> Server {
    let port = free_port();
    Server::plain(port, vec![python("servers/aiohttp_server.py", port)], None)
}

fn python(script: &str, port: u16) -> Program {
    let mut command = Command::new(installed("venv/bin/python"));
    command.arg(file(script)).arg(port.to_string());
    Program::start(&mut command).listening(port)
}

/// nginx with TLS and `map $http_origin`, in front of a server that lets everybody in.
pub fn nginx(served: &Served) -> Server {
    nginx_with(served, "")
}

/// The same, which staples this file to its chain.
pub fn nginx_stapling(served: &Served, staple: &Path) -> Server {
    let staple = staple.display();
    nginx_with(served, &format!("ssl_stapling on; ssl_stapling_file {staple};"))
}

fn nginx_with(served: &Served, stapling: &str) -> Server {
    let (port, upstream) = (free_port(), free_port());
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path(), served);
    let config = template("servers/nginx.conf", folder.path(), port, upstream);
    let text = fs::read_to_string(&config).unwrap().replace("@STAPLING@", stapling);
    fs::write(&config, text).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder.path()).arg("-c").arg(config).args(["-g", "daemon off;"]);
    let programs = vec![Program::start(&mut command).listening(port), node("open", upstream)];
    let url = format!("wss://{HOST}:{port}/");
    Server { url, connect_to: format!("127.0.0.1:{port}"), _parts: (programs, Some(folder)) }
}

/// Apache with `mod_rewrite` and `mod_proxy_wstunnel`, in front of the same.
pub fn apache() -> Server {
    let (port, upstream) = (free_port(), free_port());
    let folder = tempfile::tempdir().unwrap();
    let config = template("servers/apache.conf", folder.path(), port, upstream);
    let mut command = Command::new("apache2");
    command.arg("-f").arg(config).args(["-D", "FOREGROUND"]);
    let programs = vec![Program::start(&mut command).listening(port), node("open", upstream)];
    Server::plain(port, programs, Some(folder))
}

/// `openssl s_server` with a chain, and more options.
pub fn openssl(served: &Served, options: &[&str]) -> Server {
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path(), served);
    let mut command = Command::new("openssl");
    command
        .args(["s_server", "-quiet", "-www", "-port", &port.to_string(), "-cert"])
        .arg(folder.path().join("chain.pem"))
        .arg("-key")
        .arg(folder.path().join("key.pem"))
        .args(options);
    // Of the first file it takes the leaf alone.
    if served.chain.len() > 1 {
        let rest = Served { chain: served.chain[1..].to_vec(), key: served.key.clone_key() };
        fs::write(folder.path().join("rest.pem"), rest.chain_pem()).unwrap();
        command.arg("-cert_chain").arg(folder.path().join("rest.pem"));
    }
    let programs = vec![Program::start(&mut command).listening(port)];
    Server::handshaking(port, programs, folder)
}

/// `gnutls-serv` with a chain, a priority string and more options.
pub fn gnutls(served: &Served, priority: &str, options: &[&str]) -> Server {
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path(), served);
    let mut command = Command::new("gnutls-serv");
    command
        .args(["--quiet", "--http", "--port", &port.to_string(), "--priority", priority])
        .args(options)
        .arg("--x509certfile")
        .arg(folder.path().join("chain.pem"))
        .arg("--x509keyfile")
        .arg(folder.path().join("key.pem"));
    let programs = vec![Program::start(&mut command).listening(port)];
    Server::handshaking(port, programs, folder)
}

/// A CA for the tests, and its root in a file.
pub fn authority(name: &str, folder: &Path) -> Authority {
    let authority = Authority::new(name, watchpost::clock::now()).unwrap();
    fs::write(folder.join("ca.pem"), authority.root_pem()).unwrap();
    authority
}

fn write_pair(folder: &Path, served: &Served) {
    fs::write(folder.join("chain.pem"), served.chain_pem()).unwrap();
    fs::write(folder.join("key.pem"), served.key_pem()).unwrap();
}

/// A config of this folder, with its places filled in.
pub fn template(name: &str, folder: &Path, port: u16, upstream: u16) -> std::path::PathBuf {
    let text = fs::read_to_string(file(name)).unwrap();
    let text = text
        .replace("@FOLDER@", folder.to_str().unwrap())
        .replace("@PORT@", &port.to_string())
        .replace("@UPSTREAM@", &upstream.to_string());
    let path = folder.join("server.conf");
    fs::write(&path, text).unwrap();
    path
}
