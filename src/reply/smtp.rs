//! A submission session (RFC 6409): TLS, sign-in, then one reply after the other on the same connection.
//!
//! Nothing is said in the clear but EHLO and STARTTLS, nothing from before TLS is believed. A session on which anything went wrong
//! is dropped by its owner; what the server thinks of a reply ends that reply's exchange, not the session.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{
    fates::{DeliveryOutcome, DeliveryOutcomes},
    hello::{machine, names},
    letter::ReplyContent,
    offers::Offers,
    sign_in::{SmtpSignIn, sign_in},
    steps::{ended, expect},
    trouble::{SmtpError, SmtpStage},
    wire::SmtpConnection,
};
use crate::{
    auth::{Credential, Login},
    config::{Account, Protocol, Server, Tls},
    job::NewReply,
    ledger::Lease,
    net::{self, Handshake},
    refusal::MailHost,
};

/// From the first address to the end of the TLS handshake.
const CONNECT: Duration = Duration::from_secs(30);
/// For the farewell, which nobody needs.
const FAREWELL: Duration = Duration::from_secs(5);
/// Connections that are made one after the other because a server hung up on our name.
const NAMES: usize = 3;

/// A session that is signed in.
pub(super) struct SmtpSession {
    pub(super) wire: SmtpConnection<net::Stream>,
    pub(super) offers: Offers,
    /// Whose server it is.
    pub(super) host: MailHost,
    /// Whether something went wrong that did not cost the reply in hand, but the session.
    broken: bool,
}

impl SmtpSession {
    /// A session that is signed in, where the account signs in. An access token that is refused is replaced once: it may have been
    /// revoked. One in which only the form was refused is kept.
    pub(super) async fn admitted(account: &Account, server: &Server, login: &Login) -> Result<Self, SmtpError> {
        if !account.smtp_auth {
            return Self::open(account, server, None).await;
        }
        let opened = Self::believed(account, server, login).await;
        match &opened {
            Ok(_) => login.judged(account, Protocol::Smtp, None).await,
            Err(refused @ SmtpError::Unauthorized { judged: true, .. }) => {
                let why = refused.to_string();
                login.judged(account, Protocol::Smtp, Some(&why)).await;
            }
            Err(_) => {}
        }
        opened
    }

    async fn believed(account: &Account, server: &Server, login: &Login) -> Result<Self, SmtpError> {
        let credential = login.credential().await?;
        match Self::open(account, server, Some(&credential)).await {
            Err(SmtpError::Unauthorized {
                reply, judged: true, ..
            }) if matches!(credential, Credential::Bearer(_)) => {
                tracing::info!(account = %account.name, answer = %reply, "the SMTP server refuses the token; a new one is tried");
                login.rejected(&credential);
                Self::open(account, server, Some(&login.credential().await?)).await
            }
            opened => opened,
        }
    }

    /// Connects, starts TLS, signs in. A server that hangs up on the name that we gave is called again with the next.
    pub(super) async fn open(
        account: &Account,
        server: &Server,
        credential: Option<&Credential>,
    ) -> Result<Self, SmtpError> {
        let mut calls = 0;
        loop {
            let socket = net::tcp(server, CONNECT).await?;
            let names = names_on(account, &socket);
            let left = names.get(calls..).unwrap_or_default();
            let entered = async {
                let (wire, _) = secure_as(socket, server, account, left).await?;
                Self::enter_as(wire, account, server, credential, left).await
            };
            calls += 1;
            match entered.await {
                Err(error) if hung_up_on_a_name(&error) && calls < names.len().min(NAMES) => {
                    tracing::debug!(account = %account.name, %error, "another name is given at EHLO");
                }
                entered => return entered,
            }
        }
    }

    /// Signs in, once TLS has begun.
    pub(super) async fn enter(
        wire: SmtpConnection<net::Stream>,
        account: &Account,
        server: &Server,
        credential: Option<&Credential>,
    ) -> Result<Self, SmtpError> {
        let names = names_on(account, wire.inner().socket());
        Self::enter_as(wire, account, server, credential, &names).await
    }

    async fn enter_as(
        mut wire: SmtpConnection<net::Stream>,
        account: &Account,
        server: &Server,
        credential: Option<&Credential>,
        names: &[String],
    ) -> Result<Self, SmtpError> {
        let host = MailHost::of(account.provider, server);
        let offers = hello(&mut wire, host, names).await?;
        if let Some(credential) = credential.filter(|_| account.smtp_auth) {
            let user = &account.user;
            let who = SmtpSignIn {
                user,
                credential,
                server,
                host,
            };
            sign_in(&mut wire, &offers, &who).await?;
        }
        Ok(Self {
            wire,
            offers,
            host,
            broken: false,
        })
    }

    /// Whether the next reply may go over it.
    pub(super) fn is_sound(&self) -> bool {
        !self.broken
    }

    /// Submits one reply, to all of its recipients that the server takes. What it does not take as it is goes without its files.
    pub(super) async fn submit(&mut self, reply: &NewReply) -> Result<DeliveryOutcomes, SmtpError> {
        self.submit_letter(reply, &Lease::default(), &ReplyContent::here(reply.bytes.clone()))
            .await
    }

    /// The same while it is ours, where the letter's bytes may be elsewhere.
    pub(super) async fn submit_letter(
        &mut self,
        reply: &NewReply,
        lease: &Lease,
        letter: &ReplyContent,
    ) -> Result<DeliveryOutcomes, SmtpError> {
        let fates = self.transaction(reply, lease, letter).await?;
        let (smaller, why) = fates.smaller();
        if smaller.is_empty() {
            return Ok(fates);
        }
        let plainer = letter.plainer().await;
        let bytes = match plainer {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(fates.refuse_smaller()),
            Err(error) => return Ok(fates.later_smaller(&error.to_string())),
        };
        tracing::warn!(message_id = %reply.message_id, %why, "a reply goes without its files");
        let smaller = NewReply {
            recipients: smaller,
            ..reply.clone()
        };
        match self.transaction(&smaller, lease, &ReplyContent::here(bytes)).await {
            Ok(again) => Ok(fates.replaced(
                again
                    .refuse_smaller()
                    .with_note(&format!("without its files, for {why}")),
            )),
            // Those who have it must not get it again because of those who have not.
            Err(trouble) if fates.any_sent() => {
                self.broken = true;
                Ok(fates.later_smaller(&trouble.to_string()))
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// One mail transaction.
    async fn transaction(
        &mut self,
        reply: &NewReply,
        lease: &Lease,
        letter: &ReplyContent,
    ) -> Result<DeliveryOutcomes, SmtpError> {
        let mut fates = DeliveryOutcomes::default();
        let mut open = Vec::new();
        for recipient in &reply.recipients {
            match self.offers.can_reach(recipient) {
                Ok(()) => open.push(recipient),
                Err(why) => fates.add(recipient, Some(DeliveryOutcome::Refused(why.to_owned()))),
            }
        }
        let all = |mut fates: DeliveryOutcomes, fate: DeliveryOutcome| {
            open.iter()
                .for_each(|recipient| fates.add(recipient, Some(fate.clone())));
            fates
        };
        if open.is_empty() {
            return Ok(fates);
        }
        let from = match self.offers.mail_from(reply, letter.facts()) {
            Ok(from) => from,
            Err(fate) => return Ok(all(fates, fate)),
        };
        let answer = self.wire.command(SmtpStage::Mail, &from).await?;
        if let Some(fate) = ended(self.host, SmtpStage::Mail, answer)? {
            return self.reset(all(fates, fate)).await;
        }
        for recipient in open {
            let to = format!("RCPT TO:<{recipient}>");
            let answer = self.wire.command(SmtpStage::Recipient, &to).await?;
            fates.add(recipient, ended(self.host, SmtpStage::Recipient, answer)?);
        }
        if fates.nobody() {
            return self.reset(fates).await;
        }
        still_ours(lease)?;
        let answer = self.wire.command(SmtpStage::Data, "DATA").await?;
        if let Some(fate) = ended(self.host, SmtpStage::Data, answer)? {
            return self.reset(fates.end(&fate)).await;
        }
        // The server may have taken its time. Without the end of the mail it has none.
        still_ours(lease)?;
        let answer = self.wire.letter(letter).await?;
        let said = answer.to_string();
        // The mail transaction is over, whatever the answer (RFC 5321 section 4.1.1.4).
        let fate = ended(self.host, SmtpStage::End, answer)?.unwrap_or(DeliveryOutcome::Sent(said));
        // A second answer to the dot, or to nothing: this reply's end is known, but not what would be said of the next.
        self.broken |= !self.wire.is_quiet();
        Ok(fates.end(&fate))
    }

    /// Ends a transaction that the server did not let come to its end.
    async fn reset(&mut self, fates: DeliveryOutcomes) -> Result<DeliveryOutcomes, SmtpError> {
        if let Err(trouble) = self.wire.command(SmtpStage::Mail, "RSET").await {
            // What becomes of this reply is known; a session that can't go on is not kept.
            tracing::debug!(%trouble, "RSET failed");
            self.broken = true;
        }
        Ok(fates)
    }

    /// Says goodbye.
    pub(super) async fn quit(mut self) {
        // The server closes either way.
        drop(tokio::time::timeout(FAREWELL, self.wire.command(SmtpStage::Mail, "QUIT")).await);
    }
}

/// Refuses to send what another may have by now.
fn still_ours(lease: &Lease) -> Result<(), SmtpError> {
    match lease.holds() {
        true => Ok(()),
        false => Err(SmtpError::Lapsed),
    }
}

/// Whether a server ended the session because of the name that we gave: smtp-relay.gmail.com answers `EHLO [127.0.0.1]` by `421 4.7.0 Try
/// again later, closing connection. (EHLO)` (2026-11).
fn hung_up_on_a_name(trouble: &SmtpError) -> bool {
    trouble.stage() == Some(SmtpStage::Hello)
        && matches!(
            trouble,
            SmtpError::Closing { .. } | SmtpError::Lost { .. } | SmtpError::Unasked { .. }
        )
}

fn names_on(account: &Account, socket: &TcpStream) -> Vec<String> {
    let local = socket.local_addr().ok().map(|address| address.ip());
    names(account, machine().as_deref(), local)
}

/// Starts TLS on a connection, by STARTTLS where the server begins without; then EHLO can be said.
pub(super) async fn secure(
    socket: TcpStream,
    server: &Server,
    account: &Account,
) -> Result<(SmtpConnection<net::Stream>, Handshake), SmtpError> {
    let names = names_on(account, &socket);
    secure_as(socket, server, account, &names).await
}

async fn secure_as(
    socket: TcpStream,
    server: &Server,
    account: &Account,
    names: &[String],
) -> Result<(SmtpConnection<net::Stream>, Handshake), SmtpError> {
    let host = MailHost::of(account.provider, server);
    let socket = match server.tls {
        Tls::Implicit => socket,
        Tls::StartTls => {
            net::heard(&socket, server).await?;
            start_tls(socket, host, names).await?
        }
    };
    let stream = net::upgrade(socket, server, account.tls(), CONNECT).await?;
    let handshake = stream.handshake();
    let mut wire = SmtpConnection::new(stream);
    if server.tls == Tls::Implicit {
        expect(host, SmtpStage::Greeting, wire.greeting().await?)?;
    }
    Ok((wire, handshake))
}

async fn start_tls(socket: TcpStream, host: MailHost, names: &[String]) -> Result<TcpStream, SmtpError> {
    let mut wire = SmtpConnection::new(socket);
    expect(host, SmtpStage::Greeting, wire.greeting().await?)?;
    if !hello(&mut wire, host, names).await?.starttls {
        return Err(SmtpError::NoTls);
    }
    match wire.command(SmtpStage::StartTls, "STARTTLS").await? {
        go if go.code == 220 => wire.into_quiet_stream(),
        reply => Err(SmtpError::Closing {
            stage: SmtpStage::StartTls,
            host,
            reply,
        }),
    }
}

/// Says EHLO with one name after the other, until one is taken; HELO to a server that knows no EHLO (RFC 5321 section 3.2).
async fn hello<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut SmtpConnection<S>,
    host: MailHost,
    names: &[String],
) -> Result<Offers, SmtpError> {
    let mut refused = None;
    for name in names {
        let mut answer = wire.command(SmtpStage::Hello, &format!("EHLO {name}")).await?;
        let offers = Offers::read(&answer);
        if matches!(answer.code, 500 | 502) {
            answer = wire.command(SmtpStage::Hello, &format!("HELO {name}")).await?;
        }
        match expect(host, SmtpStage::Hello, answer) {
            Ok(()) => return Ok(offers),
            Err(SmtpError::Closing { reply, .. }) if reply.code >= 500 => {
                refused.get_or_insert(reply);
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Err(match refused {
        Some(reply) => SmtpError::Closing {
            stage: SmtpStage::Hello,
            host,
            reply,
        },
        None => SmtpError::Lost {
            stage: SmtpStage::Hello,
            source: std::io::ErrorKind::AddrNotAvailable.into(),
        },
    })
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
