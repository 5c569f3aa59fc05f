//! Looks whether a mailbox can be read by IMAP, one step after the other, and touches nothing: mailboxes are opened by EXAMINE, which
//! changes no flag, not even `\Recent` (RFC 3501 section 6.3.2), and no mail is fetched.

use std::time::Duration;

use tokio::{net::TcpStream, time::timeout};

use super::{
    error::{Error, Refusal},
    imap::{
        Answer, Capabilities, Said, Wire,
        login::{self, Entered},
        mutf7,
        response::Known,
    },
    mechanism::SignIn,
    session,
};
use crate::{
    auth::Credential,
    config::{Provider, Server, TlsFiles},
    net::Handshake,
    refusal::MailHost,
};

/// For the farewell, which nobody needs.
const FAREWELL: Duration = Duration::from_secs(5);

/// A connection under TLS on which nobody is signed in.
pub struct Line {
    wire: Wire,
    /// What TLS told.
    pub handshake: Handshake,
}

/// A session on which no mailbox has to be open.
pub struct Session {
    wire: Wire,
    can: Capabilities,
}

/// What a mailbox told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Examined {
    /// Mails in it.
    pub mails: u32,
    /// Whether it has a UIDVALIDITY: mails are known again by it.
    pub numbered: bool,
}

/// Starts TLS on a connection.
///
/// # Errors
/// When the server can't be verified, or breaks the protocol.
pub async fn secure(socket: TcpStream, server: &Server, files: TlsFiles<'_>) -> Result<Line, Error> {
    let (wire, handshake) = session::secure(socket, server, files).await?;
    Ok(Line { wire, handshake })
}

impl Line {
    /// Signs in. Asks for nothing (NOOP) in the end: Exchange Online says only at the next command that a sign-in did not work.
    ///
    /// # Errors
    /// When the server does not believe who we are, or breaks the protocol.
    pub async fn sign_in(self, user: &str, server: &Server, credential: &Credential) -> Result<Session, Error> {
        let who = SignIn {
            user,
            credential,
            host: &server.host,
            port: server.port,
            whose: MailHost::of(Provider::Other, server),
        };
        let Entered {
            wire,
            capabilities,
            doubt,
        } = login::enter(self.wire, &who).await?;
        let nothing = async { wire.run("NOOP", "", |_| {}).await?.ok() };
        let (wire, _) = login::believe(nothing.await, doubt)?;
        Ok(Session {
            wire,
            can: capabilities,
        })
    }
}

impl Session {
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
    pub async fn examine(self, mailbox: &str) -> Result<(Self, Result<Examined, Refusal>), Error> {
        let name = mutf7::quoted(mailbox).ok_or_else(|| Error::Name(mailbox.to_owned()))?;
        let mut examined = Examined {
            mails: 0,
            numbered: false,
        };
        let done = self.wire.run("EXAMINE", &name, |said| match said {
            Said::Exists(mails) => examined.mails = mails,
            Said::Ok(Some(Known::UidValidity(number))) => examined.numbered = number > 0,
            _ => {}
        });
        let done = done.await?;
        let session = Self {
            wire: done.wire,
            can: self.can,
        };
        Ok(match done.answer {
            Answer::Ok(_) => (session, Ok(examined)),
            Answer::Refused(answer) => (session, Err(answer)),
        })
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
