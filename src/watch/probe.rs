//! Looks whether a mailbox can be read by IMAP, one step after the other, and touches nothing: mailboxes are opened by EXAMINE, which
//! changes no flag, not even `\Recent` (RFC 3501 section 6.3.2), and the newest mail is asked for as the watch asks for it, by
//! `BODY.PEEK[]`.

use std::time::Duration;

use bytes::Bytes;
use tokio::{net::TcpStream, time::timeout};

use super::{
    cursor::ListedUid,
    error::{Refusal, WatchError, Words},
    imap::{
        Completion, Habit, ImapCapabilities, ImapConnection, ImapResponse,
        login::{self, SignedInConnection},
        mutf7,
        response::ResponseCode,
    },
    listing,
    mechanism::MailboxSignIn,
    reading::Reading,
    retrieve::retrieve,
    session::{self, GreetedConnection},
    sizes::Sizes,
    source::{Fetched, MailSink},
    taker::MailMetadata,
};
use crate::{
    auth::Credential,
    config::{Provider, Server, TlsFiles},
    net::Handshake,
    refusal::MailHost,
};

/// For the farewell, which nobody needs.
const FAREWELL: Duration = Duration::from_secs(5);
/// Bytes of the newest mail that are read at the most.
const MOST: u64 = 4 << 20;

/// A connection under TLS on which nobody is signed in.
pub struct UnauthenticatedImap {
    wire: Result<ImapConnection, WatchError>,
    /// What TLS told; `None` where the server let nobody in before it began.
    pub handshake: Option<Handshake>,
}

/// A session on which no mailbox has to be open.
pub struct ProbeSession {
    wire: ImapConnection,
    can: ImapCapabilities,
}

/// What a mailbox told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Examined {
    /// Mails in it.
    pub mails: u32,
    /// Whether it has a UIDVALIDITY: mails are known again by it.
    pub numbered: bool,
    /// The UID of the next mail, where it is told.
    pub uid_next: Option<u32>,
}

/// The newest mail of a mailbox, as the watch sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Its UID.
    pub uid: u32,
    /// Why it can't be taken as it comes, where it can't.
    pub trouble: Option<Words>,
}

/// A mail that is read and not kept.
pub(super) struct DiscardSink;

impl MailSink for DiscardSink {
    async fn piece(&mut self, _: Bytes) -> Result<(), WatchError> {
        Ok(())
    }

    async fn forget(&mut self) -> Result<(), WatchError> {
        Ok(())
    }

    fn about(&mut self, _: MailMetadata) {}
}

/// Starts TLS on a connection.
///
/// # Errors
/// When the server can't be verified, or breaks the protocol.
pub async fn secure(
    socket: TcpStream,
    server: &Server,
    files: TlsFiles<'_>,
) -> Result<UnauthenticatedImap, WatchError> {
    let GreetedConnection { wire, handshake } = session::begin(socket, server, files).await?;
    Ok(UnauthenticatedImap { wire, handshake })
}

impl UnauthenticatedImap {
    /// Signs in. Asks for nothing (NOOP) in the end: Exchange Online says only at the next command that a sign-in did not work.
    ///
    /// # Errors
    /// When the server does not believe who we are, or breaks the protocol.
    pub async fn sign_in(
        self,
        user: &str,
        server: &Server,
        credential: &Credential,
    ) -> Result<ProbeSession, WatchError> {
        let who = MailboxSignIn {
            user,
            credential,
            host: &server.host,
            port: server.port,
            whose: MailHost::of(Provider::Other, server),
        };
        let SignedInConnection {
            wire,
            capabilities,
            doubt,
        } = login::enter(self.wire?, &who, &Habit::default()).await?;
        let nothing = async { wire.run("NOOP", "", |_| {}).await?.ok() };
        let (wire, _) = login::believe(nothing.await, doubt)?;
        Ok(ProbeSession {
            wire,
            can: capabilities,
        })
    }
}

impl ProbeSession {
    /// What the server offers of what we use, and what of it is missing.
    #[must_use]
    pub fn offers(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let known = [
            ("IDLE", self.can.idle),
            ("MOVE", self.can.moves),
            ("UIDPLUS", self.can.uidplus),
        ];
        let names = |offered: bool| {
            known
                .iter()
                .filter(move |(_, has)| *has == offered)
                .map(|(name, _)| *name)
        };
        (names(true).collect(), names(false).collect())
    }

    /// Opens a mailbox to look at it only.
    ///
    /// # Errors
    /// When the connection ends; a refusal only says that this mailbox can't be read.
    pub async fn examine(self, mailbox: &str) -> Result<(Self, Result<Examined, Refusal>), WatchError> {
        let name = mutf7::quoted(mailbox).ok_or_else(|| WatchError::Name(mailbox.to_owned()))?;
        let mut examined = Examined {
            mails: 0,
            numbered: false,
            uid_next: None,
        };
        let done = self.wire.run("EXAMINE", &name, |said| match said {
            ImapResponse::Exists(mails) => examined.mails = mails,
            ImapResponse::Ok(Some(ResponseCode::UidValidity(number))) => examined.numbered = number > 0,
            ImapResponse::Ok(Some(ResponseCode::UidNext(number))) => examined.uid_next = Some(number),
            _ => {}
        });
        let done = done.await?;
        let session = Self {
            wire: done.wire,
            can: self.can,
        };
        Ok(match done.answer {
            Completion::Ok(_) => (session, Ok(examined)),
            Completion::Refused(answer) => (session, Err(answer)),
        })
    }

    /// Looks at the newest mail with the watch's own eyes; `None` where the server lists none.
    ///
    /// # Errors
    /// As the watch's: what it can't read ends the session.
    pub async fn newest(mut self, examined: &Examined) -> Result<(Self, Option<Newest>), WatchError> {
        let from = examined.uid_next.map_or(1, |next| next.saturating_sub(1).max(1));
        let mut listed;
        (self.wire, listed, _) = listing::list(self.wire, from).await?;
        if listed.is_empty() && from > 1 {
            (self.wire, listed, _) = listing::list(self.wire, 1).await?;
        }
        let Some(ListedUid { uid, size }) = listed.into_iter().max_by_key(|mail| mail.uid) else {
            return Ok((self, None));
        };
        let mut sizes = Sizes::default();
        sizes.greeted(&self.wire.greeting);
        let reading = Reading::new(size.map(u64::from), MOST);
        let retrieved;
        (self.wire, retrieved) = retrieve(self.wire, uid, reading, &mut DiscardSink, &mut sizes).await?;
        let trouble = match retrieved {
            Fetched::Whole | Fetched::TooLarge | Fetched::Gone => None,
            Fetched::Not(why) => Some(why),
        };
        Ok((self, Some(Newest { uid, trouble })))
    }

    /// What the server said so far that can't be read and was passed over: the beginning of the first.
    pub fn unread(&mut self) -> Option<Words> {
        self.wire.take_unread().map(|unread| unread.first)
    }

    /// Says goodbye.
    pub async fn leave(self) {
        // The server closes either way.
        drop(timeout(FAREWELL, self.wire.run("LOGOUT", "", |_| {})).await);
    }
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
