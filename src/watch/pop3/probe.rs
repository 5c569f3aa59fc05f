//! A look at a maildrop that touches no mail, one step after the other.

use tokio::net::TcpStream;

use super::{
    login::{capability_lines, open},
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
    /// Signs in, asks what the server can do and how many mails there are, and leaves. No mail is read or marked.
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
        wire.quit().await?;
        Ok(Probe { capabilities, mails })
    }
}
