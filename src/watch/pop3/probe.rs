//! A look at a maildrop that touches no mail, one step after the other.

use tokio::net::TcpStream;

use super::{
    check::header,
    login::{capability_lines, open},
    maildrop::{MaildropEntry, list},
    secure as secured,
    take::{Received, receive},
    whole::SizeRecord,
    wire::Pop3Connection,
};
use crate::{
    auth::Credential,
    config::{Provider, Server, TlsFiles},
    ledger::MaildropName,
    net::Handshake,
    plural,
    refusal::MailHost,
    watch::{
        error::{WatchError, Words},
        mechanism::MailboxSignIn,
        probe::DiscardSink,
    },
};

/// The longest header that is looked at, in bytes: a server that does not know what TOP asks for sends all of the mail.
const HEADER: u64 = 100 << 20;
/// A last mail of more bytes is not read.
const MOST: u64 = 4 << 20;
/// More lines than such a mail has.
const LINES: u64 = MOST;

/// A connection under TLS on which nobody is signed in.
pub struct UnauthenticatedPop3 {
    wire: Pop3Connection,
    /// What TLS told.
    pub handshake: Handshake,
}

/// What a sign-in found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaildropProbe {
    /// What the server says that it can do, a capability each.
    pub capabilities: Vec<Words>,
    /// Mails in the maildrop.
    pub mails: u64,
    /// Why the last of them can't be taken as it comes, where it can't.
    pub newest: Option<Words>,
    /// What of the list of them can't be read.
    pub unread: Option<Words>,
}

/// Starts TLS on a connection.
///
/// # Errors
/// When the server can't be verified, or does not speak POP3.
pub async fn secure(
    socket: TcpStream,
    server: &Server,
    files: TlsFiles<'_>,
) -> Result<UnauthenticatedPop3, WatchError> {
    let (wire, handshake) = secured(socket, server, files).await?;
    Ok(UnauthenticatedPop3 { wire, handshake })
}

impl UnauthenticatedPop3 {
    /// Signs in, asks what the server can do and how many mails there are, lists them, reads the last one as a watch does, and leaves. No
    /// mail is marked.
    ///
    /// # Errors
    /// As a session's: a refused sign-in, a maildrop that is another's now.
    pub async fn sign_in(
        self,
        user: &str,
        server: &Server,
        credential: &Credential,
    ) -> Result<MaildropProbe, WatchError> {
        let who = MailboxSignIn {
            user,
            credential,
            host: &server.host,
            port: server.port,
            whose: MailHost::of(Provider::Other, server),
        };
        let (wire, _) = open(self.wire, &who).await?;
        let (wire, capabilities) = capability_lines(wire).await?;
        let (wire, mails) = wire.stat().await?;
        let (mut wire, listing) = list(wire).await?;
        let mut newest = None;
        if let Some(MaildropEntry { number, name }) = listing.mails.last() {
            if name.size <= MOST {
                (wire, newest) = taken(wire, *number, name).await?;
            } else {
                (wire, _) = header(wire, *number, HEADER).await?;
            }
        }
        wire.quit().await?;
        let told = || {
            format!(
                "{}, the first: {}",
                plural::counted(listing.odd.lines, "line"),
                listing.odd.first
            )
        };
        Ok(MaildropProbe {
            capabilities,
            mails,
            newest,
            unread: (listing.odd.lines > 0).then(|| Words::new(&told())),
        })
    }
}

/// Reads a mail as the watch does, and keeps nothing of it: why it would not be taken.
///
/// It is asked for by TOP with more lines than it has: by RETR Dovecot marks it as read, and Gmail hides it from the sessions after this one
/// (2026-11). A server that refuses that says nothing of the mail.
async fn taken(
    wire: Pop3Connection,
    number: u32,
    name: &MaildropName,
) -> Result<(Pop3Connection, Option<Words>), WatchError> {
    let mut record = SizeRecord::default();
    record.greeted(&wire.greeting);
    let body = match wire.retrieve_by("TOP", &format!("{number} {LINES}")).await? {
        Ok(body) => body,
        Err((wire, _)) => return Ok((wire, None)),
    };
    match receive(body, name, MOST, &mut DiscardSink, &mut record).await? {
        Received::Whole(wire) => Ok((wire, None)),
        Received::Short(wire, why) => Ok((wire, Some(Words::new(&why)))),
        Received::TooLarge(next) => Ok((next.passed().await?, None)),
        Received::Over(error) => Err(error),
    }
}
