//! A look at a maildrop that touches no mail, one step after the other.

use tokio::net::TcpStream;

use super::{
    check::header,
    login::{capability_lines, open},
    maildrop::list,
    secure as secured,
    wire::Wire,
};
use crate::{
    auth::Credential,
    config::{Provider, Server, TlsFiles},
    net::Handshake,
    refusal::MailHost,
    watch::{
        error::{Error, Words},
        mechanism::SignIn,
    },
};

/// The longest header that is looked at, in bytes: a server that does not know what TOP asks for sends all of the mail.
const HEADER: u64 = 100 << 20;

/// A connection under TLS on which nobody is signed in.
pub struct Line {
    wire: Wire,
    /// What TLS told.
    pub handshake: Handshake,
}

/// What a sign-in found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What the server says that it can do, a capability each.
    pub capabilities: Vec<Words>,
    /// Mails in the maildrop.
    pub mails: u64,
    /// What of the list of them can't be read.
    pub unread: Option<Words>,
}

/// Starts TLS on a connection.
///
/// # Errors
/// When the server can't be verified, or does not speak POP3.
pub async fn secure(socket: TcpStream, server: &Server, files: TlsFiles<'_>) -> Result<Line, Error> {
    let (wire, handshake) = secured(socket, server, files).await?;
    Ok(Line { wire, handshake })
}

impl Line {
    /// Signs in, asks what the server can do and how many mails there are, lists them as a watch does, looks at the header of the last
    /// one, and leaves. No mail is marked.
    ///
    /// # Errors
    /// As a session's: a refused sign-in, a maildrop that is another's now.
    pub async fn sign_in(self, user: &str, server: &Server, credential: &Credential) -> Result<Probe, Error> {
        let who = SignIn {
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
        if let Some(last) = listing.mails.last() {
            (wire, _) = header(wire, last.number, HEADER).await?;
        }
        wire.quit().await?;
        let told = || format!("{} lines, the first: {}", listing.odd.lines, listing.odd.first);
        Ok(Probe {
            capabilities,
            mails,
            unread: (listing.odd.lines > 0).then(|| Words::new(&told())),
        })
    }
}
