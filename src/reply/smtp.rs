//! A submission session (RFC 6409): TLS, sign-in, then one reply after the other on the same connection.
//!
//! Nothing is said in the clear but EHLO and STARTTLS, nothing from before TLS is believed. A session on which anything went wrong
//! is dropped by its owner; what the server thinks of a reply ends that reply's exchange, not the session.

use std::{path::Path, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{
    answer::{Meaning, meaning},
    inspect::has_only_crlf,
    trouble::{Stage, Trouble},
    wire::{Reply, Wire},
};
use crate::{
    addr_spec::is_sendable,
    auth::{Credential, sasl},
    config::{Account, Server, Tls},
    job::NewReply,
    net::{self, Handshake},
    secret::{ExposeSecret, Secret},
};

/// From the first address to the end of the TLS handshake.
const CONNECT: Duration = Duration::from_secs(30);
/// For the farewell, which nobody needs.
const FAREWELL: Duration = Duration::from_secs(5);
/// Our name: an address literal, as RFC 5321 section 4.1.4 wants of a client that has no name of its own.
const HELLO: &str = "EHLO [127.0.0.1]";

/// A session that is signed in.
pub(super) struct Session {
    pub(super) wire: Wire<net::Stream>,
    pub(super) offers: Offers,
}

/// What became of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// The server took it; its words, and those about recipients that it refused.
    Sent(String),
    /// It will not take it.
    Refused(String),
    /// Not now.
    Later(String),
}

/// What the server offers after EHLO.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    starttls: bool,
    /// SIZE, and the limit with it (RFC 1870); 0 where none is told.
    pub(super) size: Option<u64>,
    pub(super) auth: Vec<String>,
}

impl Session {
    /// Connects, starts TLS, signs in.
    pub(super) async fn open(account: &Account, server: &Server, credential: &Credential) -> Result<Self, Trouble> {
        let socket = net::tcp(server, CONNECT).await?;
        let (wire, _) = secure(socket, server, account.ca_file.as_deref()).await?;
        Self::enter(wire, account, server, credential).await
    }

    /// Signs in, once TLS has begun.
    pub(super) async fn enter(
        mut wire: Wire<net::Stream>,
        account: &Account,
        server: &Server,
        credential: &Credential,
    ) -> Result<Self, Trouble> {
        let offers = hello(&mut wire).await?;
        let mut session = Self { wire, offers };
        session.sign_in(account, server, credential).await?;
        Ok(session)
    }

    /// Submits one reply. `last` is its last chance: then a recipient that must wait no longer keeps the others waiting.
    pub(super) async fn submit(&mut self, reply: &NewReply, last: bool) -> Result<Fate, Trouble> {
        // The composer never makes such a reply; the ledger may hold what another version made.
        if !has_only_crlf(&reply.bytes) || !reply.recipients.iter().chain([&reply.sender]).all(|a| is_sendable(a)) {
            return Ok(Fate::Refused("the stored reply is not fit to be sent".into()));
        }
        let size = if self.offers.size.is_some() {
            format!(" SIZE={}", reply.bytes.len())
        } else {
            String::new()
        };
        let from = format!("MAIL FROM:<{}>{size}", reply.sender);
        let answer = self.wire.command(Stage::Mail, &from).await?;
        if let Some(fate) = ended(Stage::Mail, answer)? {
            return self.reset(fate).await;
        }
        let refused = match self.recipients(&reply.recipients, last).await? {
            Ok(refused) => refused,
            Err(fate) => return self.reset(fate).await,
        };
        let answer = self.wire.command(Stage::Data, "DATA").await?;
        if let Some(fate) = ended(Stage::Data, answer)? {
            return self.reset(fate).await;
        }
        let answer = self.wire.content(&reply.bytes).await?;
        let said = format!("{answer}{refused}");
        // The mail transaction is over, whatever the answer (RFC 5321 section 4.1.1.4).
        Ok(ended(Stage::End, answer)?.unwrap_or(Fate::Sent(said)))
    }

    /// Names the recipients. What was said of the refused ones, or the fate of the whole.
    async fn recipients(&mut self, recipients: &[String], last: bool) -> Result<Result<String, Fate>, Trouble> {
        let mut refused = String::new();
        let mut accepted = 0;
        let mut waits = None;
        for recipient in recipients {
            let answer = self
                .wire
                .command(Stage::Recipient, &format!("RCPT TO:<{recipient}>"))
                .await?;
            let said = format!("{recipient}: {answer}");
            match ended(Stage::Recipient, answer)? {
                None => accepted += 1,
                Some(Fate::Later(_)) if !last => waits = Some(Fate::Later(said)),
                Some(_) => {
                    refused.push_str("; refused ");
                    refused.push_str(&said);
                }
            }
        }
        Ok(match waits {
            // Nothing has been sent to anybody: all wait, and nobody gets it twice.
            Some(fate) => Err(fate),
            None if accepted == 0 => Err(Fate::Refused(refused.trim_start_matches("; ").to_owned())),
            None => Ok(refused),
        })
    }

    /// Ends a transaction that the server did not let come to its end.
    async fn reset(&mut self, fate: Fate) -> Result<Fate, Trouble> {
        if let Err(trouble) = self.wire.command(Stage::Mail, "RSET").await {
            // What becomes of this reply is known; a session that can't go on shows at the next one.
            tracing::debug!(%trouble, "RSET failed");
        }
        Ok(fate)
    }

    /// Says goodbye.
    pub(super) async fn quit(mut self) {
        // The server closes either way.
        drop(tokio::time::timeout(FAREWELL, self.wire.command(Stage::Mail, "QUIT")).await);
    }

    async fn sign_in(&mut self, account: &Account, server: &Server, credential: &Credential) -> Result<(), Trouble> {
        let offers = |mechanism: &str| self.offers.auth.iter().any(|offered| offered == mechanism);
        let unusable = |unusable| Trouble::Credential(crate::auth::Error::Sasl(unusable));
        let user = &account.user;
        let answer = match credential {
            Credential::Bearer(token) if offers("XOAUTH2") => {
                // Google and Postfix answer a refusal by a challenge first; an empty line brings the real code (2026).
                let response = sasl::xoauth2(user, token).map_err(unusable)?;
                self.auth("XOAUTH2", &response, "").await?
            }
            Credential::Bearer(token) if offers("OAUTHBEARER") => {
                let response = sasl::oauthbearer(user, &server.host, server.port, token).map_err(unusable)?;
                // RFC 7628 section 3.2.3: ^A in base64.
                self.auth("OAUTHBEARER", &response, "AQ==").await?
            }
            Credential::Password(password) if offers("PLAIN") => {
                let response = sasl::plain(user, password).map_err(unusable)?;
                self.auth("PLAIN", &response, "*").await?
            }
            Credential::Password(password) if offers("LOGIN") => self.login(user, password).await?,
            Credential::Bearer(_) | Credential::Password(_) => {
                let offered = self.offers.auth.join(" ");
                return Err(Trouble::NoMechanism { offered });
            }
        };
        expect(Stage::SignIn, answer)
    }

    /// AUTH with an initial response (RFC 4954 section 4); `after` answers a challenge.
    async fn auth(&mut self, mechanism: &str, response: &Secret, after: &str) -> Result<Reply, Trouble> {
        let response = STANDARD.encode(response.expose_secret());
        let line = format!("AUTH {mechanism} {response}");
        match self.wire.command(Stage::SignIn, &line).await? {
            challenge if challenge.code == 334 => self.wire.command(Stage::SignIn, after).await,
            answer => Ok(answer),
        }
    }

    /// AUTH LOGIN: user and password, each after its question.
    async fn login(&mut self, user: &str, password: &Secret) -> Result<Reply, Trouble> {
        let mut answer = self.wire.command(Stage::SignIn, "AUTH LOGIN").await?;
        for secret in [user, password.expose_secret()] {
            if answer.code != 334 {
                break;
            }
            answer = self.wire.command(Stage::SignIn, &STANDARD.encode(secret)).await?;
        }
        Ok(answer)
    }
}

/// Starts TLS on a connection, by STARTTLS where the server begins without; then EHLO can be said.
pub(super) async fn secure(
    socket: TcpStream,
    server: &Server,
    ca_file: Option<&Path>,
) -> Result<(Wire<net::Stream>, Handshake), Trouble> {
    let socket = match server.tls {
        Tls::Implicit => socket,
        Tls::StartTls => start_tls(socket).await?,
    };
    let stream = net::upgrade(socket, server, ca_file, CONNECT).await?;
    let handshake = stream.handshake();
    let mut wire = Wire::new(stream);
    if server.tls == Tls::Implicit {
        expect(Stage::Greeting, wire.greeting().await?)?;
    }
    Ok((wire, handshake))
}

async fn start_tls(socket: TcpStream) -> Result<TcpStream, Trouble> {
    let mut wire = Wire::new(socket);
    expect(Stage::Greeting, wire.greeting().await?)?;
    if !hello(&mut wire).await?.starttls {
        return Err(Trouble::NoTls);
    }
    match wire.command(Stage::StartTls, "STARTTLS").await? {
        go if go.code == 220 => wire.into_quiet_stream(),
        reply => Err(Trouble::Closing {
            stage: Stage::StartTls,
            reply,
        }),
    }
}

async fn hello<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>) -> Result<Offers, Trouble> {
    let answer = wire.command(Stage::Hello, HELLO).await?;
    let offers = Offers::read(&answer);
    expect(Stage::Hello, answer)?;
    Ok(offers)
}

impl Offers {
    fn read(answer: &Reply) -> Self {
        let mut offers = Self::default();
        // The first line is the server's name.
        for line in answer.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            // Old servers write `AUTH=LOGIN`.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("STARTTLS") => offers.starttls = true,
                Some("SIZE") => offers.size = Some(words.next().and_then(|most| most.parse().ok()).unwrap_or(0)),
                Some("AUTH") => offers.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        offers
    }
}

/// A step of the session itself: anything but a yes ends it.
fn expect(stage: Stage, reply: Reply) -> Result<(), Trouble> {
    match meaning(stage, &reply) {
        Meaning::Yes => Ok(()),
        Meaning::Unauthorized => Err(Trouble::Unauthorized { stage, reply }),
        Meaning::Later | Meaning::Never | Meaning::Closing => Err(Trouble::Closing { stage, reply }),
    }
}

/// A step of one reply: `None` to go on, or its fate; or the end of the session.
fn ended(stage: Stage, reply: Reply) -> Result<Option<Fate>, Trouble> {
    match meaning(stage, &reply) {
        Meaning::Yes => Ok(None),
        Meaning::Later => Ok(Some(Fate::Later(format!("{stage}: {reply}")))),
        Meaning::Never => Ok(Some(Fate::Refused(format!("{stage}: {reply}")))),
        Meaning::Closing => Err(Trouble::Closing { stage, reply }),
        Meaning::Unauthorized => Err(Trouble::Unauthorized { stage, reply }),
    }
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
