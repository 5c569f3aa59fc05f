//! Which SASL mechanism signs in, and what it says. Pure.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    auth::{self, Credential, sasl},
    refusal::MailHost,
    secret::ExposeSecret,
};

/// How often a server may ask before it has to decide.
pub(super) const CHALLENGES: usize = 4;

/// Who signs in where.
#[derive(Debug)]
pub(crate) struct MailboxSignIn<'a> {
    pub(crate) user: &'a str,
    pub(crate) credential: &'a Credential,
    /// Host and port of the server, as OAUTHBEARER repeats them.
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    /// Whose server it is.
    pub(crate) whose: MailHost,
}

/// A SASL mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    XOAuth2,
    OAuthBearer,
    Plain,
}

impl Mechanism {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::XOAuth2 => "XOAUTH2",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::Plain => "PLAIN",
        }
    }

    /// What it says, in base64.
    pub(super) fn response(self, who: &MailboxSignIn<'_>) -> Result<String, auth::AuthError> {
        let (Credential::Bearer(secret) | Credential::Password(secret)) = who.credential;
        let response = match self {
            Self::XOAuth2 => sasl::xoauth2(who.user, secret),
            Self::OAuthBearer => sasl::oauthbearer(who.user, who.host, who.port, secret),
            Self::Plain => sasl::plain(who.user, secret),
        };
        Ok(STANDARD.encode(response?.expose_secret()))
    }

    /// How a challenge that tells an error is answered, so that the server goes on to its refusal: an empty line
    /// (developers.google.com, XOAUTH2), 0x01 (RFC 7628 section 3.2.3), or "never mind" (RFC 9051 section 6.2.2, RFC 5034 section 4).
    pub(super) fn understood(self) -> &'static str {
        match self {
            Self::XOAuth2 => "",
            Self::OAuthBearer => "AQ==",
            Self::Plain => "*",
        }
    }
}

/// What a challenge tells: the reason of a refusal, in JSON.
pub(super) fn told(challenge: &str) -> Option<String> {
    let json = STANDARD.decode(challenge.trim()).ok()?;
    Some(String::from_utf8_lossy(&json).into_owned())
}
