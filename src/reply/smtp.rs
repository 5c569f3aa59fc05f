//! A submission session (RFC 6409): TLS, sign-in, then one reply after the other on the same connection.
//!
//! Nothing is said in the clear but EHLO and STARTTLS, nothing from before TLS is believed. A session on which anything went wrong
//! is dropped by its owner; what the server thinks of a reply ends that reply's exchange, not the session.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{
    answer::{Meaning, meaning},
    fates::{Fate, Fates},
    offers::Offers,
    trouble::{Stage, Trouble},
    wire::{Reply, Wire},
};
use crate::{
    auth::{Credential, sasl},
    config::{Account, Provider, Server, Tls, TlsFiles},
    job::NewReply,
    net::{self, Handshake},
    refusal::MailHost,
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
    /// Whose server it is.
    pub(super) host: MailHost,
}

impl Session {
    /// Connects, starts TLS, signs in.
    pub(super) async fn open(account: &Account, server: &Server, credential: &Credential) -> Result<Self, Trouble> {
        let socket = net::tcp(server, CONNECT).await?;
        let (wire, _) = secure(socket, server, account.tls()).await?;
        Self::enter(wire, account, server, credential).await
    }

    /// Signs in, once TLS has begun.
    pub(super) async fn enter(
        mut wire: Wire<net::Stream>,
        account: &Account,
        server: &Server,
        credential: &Credential,
    ) -> Result<Self, Trouble> {
        let host = MailHost::of(account.provider, server);
        let offers = hello(&mut wire, host).await?;
        let mut session = Self { wire, offers, host };
        session.sign_in(account, server, credential).await?;
        Ok(session)
    }

    /// Submits one reply, to all of its recipients that the server takes.
    pub(super) async fn submit(&mut self, reply: &NewReply) -> Result<Fates, Trouble> {
        let all = |fate: Fate| Fates::all(&reply.recipients, &fate);
        let from = match self.offers.mail_from(reply) {
            Ok(from) => from,
            Err(why) => return Ok(all(Fate::Refused(why))),
        };
        let answer = self.wire.command(Stage::Mail, &from).await?;
        if let Some(fate) = ended(self.host, Stage::Mail, answer)? {
            return self.reset(all(fate)).await;
        }
        let mut fates = Fates::default();
        for recipient in &reply.recipients {
            let to = format!("RCPT TO:<{recipient}>");
            let answer = self.wire.command(Stage::Recipient, &to).await?;
            fates.add(recipient, ended(self.host, Stage::Recipient, answer)?);
        }
        if fates.nobody() {
            return self.reset(fates).await;
        }
        let answer = self.wire.command(Stage::Data, "DATA").await?;
        if let Some(fate) = ended(self.host, Stage::Data, answer)? {
            return self.reset(fates.end(&fate)).await;
        }
        let answer = self.wire.content(&reply.bytes).await?;
        let said = answer.to_string();
        // The mail transaction is over, whatever the answer (RFC 5321 section 4.1.1.4).
        let fate = ended(self.host, Stage::End, answer)?.unwrap_or(Fate::Sent(said));
        Ok(fates.end(&fate))
    }

    /// Ends a transaction that the server did not let come to its end.
    async fn reset(&mut self, fates: Fates) -> Result<Fates, Trouble> {
        if let Err(trouble) = self.wire.command(Stage::Mail, "RSET").await {
            // What becomes of this reply is known; a session that can't go on shows at the next one.
            tracing::debug!(%trouble, "RSET failed");
        }
        Ok(fates)
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
        expect(self.host, Stage::SignIn, answer)
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
    files: TlsFiles<'_>,
) -> Result<(Wire<net::Stream>, Handshake), Trouble> {
    let host = MailHost::of(Provider::Other, server);
    let socket = match server.tls {
        Tls::Implicit => socket,
        Tls::StartTls => start_tls(socket, host).await?,
    };
    let stream = net::upgrade(socket, server, files, CONNECT).await?;
    let handshake = stream.handshake();
    let mut wire = Wire::new(stream);
    if server.tls == Tls::Implicit {
        expect(host, Stage::Greeting, wire.greeting().await?)?;
    }
    Ok((wire, handshake))
}

async fn start_tls(socket: TcpStream, host: MailHost) -> Result<TcpStream, Trouble> {
    let mut wire = Wire::new(socket);
    expect(host, Stage::Greeting, wire.greeting().await?)?;
    if !hello(&mut wire, host).await?.starttls {
        return Err(Trouble::NoTls);
    }
    match wire.command(Stage::StartTls, "STARTTLS").await? {
        go if go.code == 220 => wire.into_quiet_stream(),
        reply => Err(Trouble::Closing {
            stage: Stage::StartTls,
            host,
            reply,
        }),
    }
}

async fn hello<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>, host: MailHost) -> Result<Offers, Trouble> {
    let answer = wire.command(Stage::Hello, HELLO).await?;
    let offers = Offers::read(&answer);
    expect(host, Stage::Hello, answer)?;
    Ok(offers)
}

/// A step of the session itself: anything but a yes ends it.
fn expect(host: MailHost, stage: Stage, reply: Reply) -> Result<(), Trouble> {
    match meaning(host, stage, &reply) {
        Meaning::Yes => Ok(()),
        Meaning::Unauthorized => Err(Trouble::Unauthorized { stage, host, reply }),
        Meaning::Later(_) | Meaning::Operator | Meaning::Smaller | Meaning::Never | Meaning::Closing => {
            Err(Trouble::Closing { stage, host, reply })
        }
    }
}

/// A step of one reply: `None` to go on, or its fate; or the end of the session.
fn ended(host: MailHost, stage: Stage, reply: Reply) -> Result<Option<Fate>, Trouble> {
    match meaning(host, stage, &reply) {
        Meaning::Yes => Ok(None),
        Meaning::Later(_) | Meaning::Operator => Ok(Some(Fate::Later(format!("{stage}: {reply}")))),
        Meaning::Smaller | Meaning::Never => Ok(Some(Fate::Refused(format!("{stage}: {reply}")))),
        Meaning::Closing => Err(Trouble::Closing { stage, host, reply }),
        Meaning::Unauthorized => Err(Trouble::Unauthorized { stage, host, reply }),
    }
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
