//! Proxies on the way out: Tinyproxy (HTTP) and Dante (SOCKS5), each of Debian 12, and a door of TLS before a server that has none.
//!
//! Each proxy runs with a hosts file of its own, in which alone [`FAR`] stands: whoever reaches a server by that name went by the proxy.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};
use tokio_rustls::TlsAcceptor;

use crate::{others::taken_out, process::Process, tls::FAR, world::World};

/// Who may use a proxy that asks.
pub const PROXY_USER: &str = "walker";
/// That user's password.
pub const PROXY_PASSWORD: &str = "proxy-password-4711";

/// Binds files over those of the system for this process alone, and becomes the program.
const ALONE: &str =
    "for name in hosts passwd shadow; do mount --bind \"$FILES/$name\" /etc/$name || exit 1; done; exec \"$@\"";

/// Where a proxy's configuration lies in its folder.
const CONF: &str = "proxy.conf";

/// A running proxy.
#[derive(Debug)]
pub struct OutProxy {
    /// Where it answers, on 127.0.0.1.
    pub port: u16,
    log: PathBuf,
    _process: Process,
}

impl OutProxy {
    /// Starts Tinyproxy. It asks who one is where `asks`, and connects to these ports alone where there are some.
    ///
    /// # Errors
    /// When it doesn't answer; the error holds its log.
    pub async fn tinyproxy(world: &World, asks: bool, ports: &[u16]) -> Result<Self> {
        let port = world.ports.next();
        let mut conf = format!("Port {port}\nListen 127.0.0.1\nTimeout 600\nLogLevel Connect\nMaxClients 200\n");
        if asks {
            conf.push_str(&format!("BasicAuth {PROXY_USER} {PROXY_PASSWORD}\n"));
        }
        conf.extend(ports.iter().map(|port| format!("ConnectPort {port}\n")));
        let dir = folder(world, port, &conf)?;
        let conf = dir.join(CONF).display().to_string();
        let program = taken_out()?.join("usr/bin/tinyproxy").display().to_string();
        Self::start(dir, port, &[&program, "-d", "-c", &conf]).await
    }

    /// Starts Dante. It asks who one is where `asks`, and refuses this port.
    ///
    /// # Errors
    /// The same.
    pub async fn dante(world: &World, asks: bool, refused: u16) -> Result<Self> {
        let port = world.ports.next();
        let method = if asks { "username" } else { "none" };
        let conf = format!(
            "logoutput: stderr\ninternal: 127.0.0.1 port = {port}\nexternal: 127.0.0.1\nclientmethod: none\nsocksmethod: {method}\n\
             user.privileged: root\nuser.unprivileged: nobody\n\
             client pass {{\n from: 0.0.0.0/0 to: 0.0.0.0/0\n}}\n\
             socks block {{\n from: 0.0.0.0/0 to: 0.0.0.0/0 port = {refused}\n log: error\n}}\n\
             socks pass {{\n from: 0.0.0.0/0 to: 0.0.0.0/0\n protocol: tcp\n log: connect\n}}\n"
        );
        let dir = folder(world, port, &conf)?;
        let [conf, pid] = [CONF, "pid"].map(|name| dir.join(name).display().to_string());
        let program = taken_out()?.join("usr/sbin/danted").display().to_string();
        Self::start(dir, port, &[&program, "-f", &conf, "-p", &pid]).await
    }

    async fn start(dir: PathBuf, port: u16, argv: &[&str]) -> Result<Self> {
        Ok(Self {
            port,
            log: dir.join("proxy.log"),
            _process: alone(&dir, argv, port).await?,
        })
    }

    /// What it logged: a line for each connection.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Its configuration, and the files that it sees in /etc.
fn folder(world: &World, port: u16, conf: &str) -> Result<PathBuf> {
    let taken = taken_out()?;
    ensure!(
        taken.join("usr/sbin/danted").exists(),
        "no proxies in {}: tests/run takes them out of their packages",
        taken.display()
    );
    let dir = world.dir().join(format!("proxy-{port}"));
    fs::create_dir_all(&dir)?;
    fs::write(dir.join(CONF), conf)?;
    fs::write(dir.join("hosts"), format!("127.0.0.1 localhost {FAR}\n"))?;
    let hashed = Command::new("openssl")
        .args(["passwd", "-6", PROXY_PASSWORD])
        .output()?;
    let hash = String::from_utf8(hashed.stdout)?;
    let passwd = fs::read_to_string("/etc/passwd")?;
    fs::write(
        dir.join("passwd"),
        format!("{passwd}{PROXY_USER}:x:65001:65001::/:/bin/false\n"),
    )?;
    fs::write(
        dir.join("shadow"),
        format!("{PROXY_USER}:{}:20000:0:99999:7:::\n", hash.trim_end()),
    )?;
    Ok(dir)
}

async fn alone(dir: &Path, argv: &[&str], port: u16) -> Result<Process> {
    let files = dir.display().to_string();
    let argv = [&["unshare", "--mount", "sh", "-c", ALONE, "sh"], argv].concat();
    let mut process = Process::start(&argv, &[("FILES", &files)], &dir.join("proxy.log"))?;
    let answers = async || TcpStream::connect(("127.0.0.1", port)).await.is_ok();
    process.await_ready("the proxy", answers).await?;
    Ok(process)
}

/// A door of TLS, with the world's certificate, before a server on 127.0.0.1 that has none.
#[derive(Debug)]
pub struct TlsFront {
    /// Where it answers, on 127.0.0.1.
    pub port: u16,
    serving: AbortHandle,
}

impl TlsFront {
    /// Starts one before this port.
    ///
    /// # Errors
    /// When there is no port or certificate.
    pub async fn start(world: &World, behind: u16) -> Result<Self> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&world.tls.cert)?.collect();
        let key = PrivateKeyDer::from_pem_file(&world.tls.key)?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain?, key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let port = world.ports.next();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.context("a door of TLS")?;
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut outside = acceptor.accept(socket).await?;
                    let mut inside = TcpStream::connect(("127.0.0.1", behind)).await?;
                    copy_bidirectional(&mut outside, &mut inside).await
                });
            }
        });
        let serving = serving.abort_handle();
        Ok(Self { port, serving })
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
