//! A mail world in this process: an IMAP, an SMTP and an OAuth 2.0 server and a webhook's receiver, on free ports of 127.0.0.1, with mailboxes in
//! memory. `mailjob demo` runs the program against it.
//!
//! It is a world to try things in, not a server to run: one process, made-up people, passwords drawn at random, a certificate by an
//! authority that nobody else trusts, and nothing that leaves this machine. Every size and every number of anything has a limit.

mod authority;
mod credentials;
mod delivered;
mod event;
mod hook;
mod https;
mod imap;
mod post_office;
mod sasl;
mod smtp;
mod tokens;
mod trays;
mod wire;

use std::{io, net::Ipv4Addr, sync::Arc};

use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};

use self::{authority::Identity, credentials::Credentials, wire::listen};
pub use self::{
    credentials::{Desk, DeskSignIn},
    delivered::Delivered,
    event::SandboxEvent,
    hook::{Hook, HookCall},
    post_office::PostOffice,
    trays::{PostOfficeFull, StoredMail},
};

/// Events that wait for whoever tells them. More are dropped: nothing waits for a reader.
const EVENTS: usize = 1000;
/// Random bytes of each secret.
const SECRET: usize = 24;
/// What the world's mail server calls itself, in `Received` and `Authentication-Results`.
pub const MAIL_SERVER: &str = "mail.contoso.example";

/// A running world. All of it ends when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    /// The mailboxes.
    pub post_office: Arc<PostOffice>,
    /// The webhook's receiver.
    pub hook: Arc<Hook>,
    /// Whose mailboxes Mailjob may sign in to, and how.
    pub desks: Vec<Desk>,
    /// What a client has to trust, in PEM.
    pub authority: String,
    /// Ports of 127.0.0.1, each with TLS from the first byte.
    pub ports: SandboxPorts,
    _servers: JoinSet<()>,
}

/// Where the servers are.
#[derive(Debug, Clone, Copy)]
pub struct SandboxPorts {
    /// IMAP.
    pub imap: u16,
    /// Submission.
    pub smtp: u16,
    /// The token server, by HTTPS below `/token`.
    pub tokens: u16,
    /// The webhook, by HTTPS below `/hooks/`.
    pub hook: u16,
}

impl Sandbox {
    /// Starts a world in which these may sign in, each by its kind of sign-in. What happens in it comes out of the receiver.
    ///
    /// # Errors
    /// When there is no port, or this system has no random numbers.
    pub async fn start(users: &[(&str, DeskSignIn)]) -> io::Result<(Self, mpsc::Receiver<SandboxEvent>)> {
        let Identity { authority, acceptor } = Identity::draw()?;
        let (events, told) = mpsc::channel(EVENTS);
        let desks = users
            .iter()
            .map(|(user, sign_in)| Desk::draw(user, *sign_in))
            .collect::<io::Result<Vec<_>>>()?;
        let credentials = Arc::new(Credentials::new(desks.clone()));
        let post_office = Arc::new(PostOffice::new(events.clone()));
        let hook = Arc::new(Hook::new(secret()?, events));
        let mut servers = JoinSet::new();

        let (office, keys) = (post_office.clone(), credentials.clone());
        let imap = open(&mut servers, |listener| {
            listen(listener, acceptor.clone(), move |wire| {
                imap::serve(wire, office.clone(), keys.clone())
            })
        });
        let imap = imap.await?;
        let (office, keys) = (post_office.clone(), credentials.clone());
        let smtp = open(&mut servers, |listener| {
            listen(listener, acceptor.clone(), move |wire| {
                smtp::serve(wire, office.clone(), keys.clone())
            })
        });
        let smtp = smtp.await?;
        let tokens = open(&mut servers, |listener| {
            https::listen(
                listener,
                acceptor.clone(),
                Arc::new(move |asked| tokens::answer(&credentials, &asked)),
            )
        });
        let tokens = tokens.await?;
        let receiver = hook.clone();
        let hooks = open(&mut servers, |listener| {
            https::listen(
                listener,
                acceptor.clone(),
                Arc::new(move |asked| receiver.answer(&asked)),
            )
        });
        let ports = SandboxPorts {
            imap,
            smtp,
            tokens,
            hook: hooks.await?,
        };
        let sandbox = Self {
            post_office,
            hook,
            desks,
            authority,
            ports,
            _servers: servers,
        };
        Ok((sandbox, told))
    }
}

/// Serves on a free port of this machine alone, and says which.
async fn open<S>(servers: &mut JoinSet<()>, serve: impl FnOnce(TcpListener) -> S) -> io::Result<u16>
where
    S: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    servers.spawn(serve(listener));
    Ok(port)
}

/// A secret that nobody knows yet: bytes in base64.
fn secret() -> io::Result<String> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use ring::rand::{SecureRandom as _, SystemRandom};

    let mut bytes = [0; SECRET];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("this system has no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
