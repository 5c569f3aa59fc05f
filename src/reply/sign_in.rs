//! Signing in by AUTH (RFC 4954): which mechanism, in which form, and what comes next where one is refused.
//!
//! A refusal of the form (RFC 4954 section 4: a line too long, base64 that a server can't read) says nothing of the credential, which is
//! tried in the other form; a mechanism that is refused is followed once by the next that the server offers and the credential fits.

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    answer::{Meaning, meaning},
    offers::Offers,
    trouble::{SmtpError, SmtpStage},
    wire::{SmtpConnection, SmtpReply},
};
use crate::{
    auth::{Credential, sasl},
    config::Server,
    refusal::{MailHost, is_of_form},
    secret::{ExposeSecret, Redaction, Secret},
};

/// The longest AUTH line with an initial response, its end included. RFC 4954 section 4 says 12,288; Postfix 3.7 reads 2,048 bytes of
/// a line, others the 512 of RFC 5321 section 4.5.3.1.4. What comes after a 334 may be longer everywhere (2026-11).
const LONGEST_LINE: usize = 512;

/// Who signs in.
pub(super) struct SmtpSignIn<'a> {
    pub(super) user: &'a str,
    pub(super) credential: &'a Credential,
    pub(super) server: &'a Server,
    pub(super) host: MailHost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SmtpMechanism {
    XOAuth2,
    OAuthBearer,
    Plain,
    Login,
}

/// How the response is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SaslResponse {
    /// On the line of AUTH.
    Initial,
    /// When the server asks for it.
    Asked,
}

impl SmtpMechanism {
    fn name(self) -> &'static str {
        match self {
            Self::XOAuth2 => "XOAUTH2",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// How a challenge that tells an error is answered, so that the server goes on to its refusal. Google and Postfix send one first;
    /// an empty line brings the real code (2026). OAUTHBEARER: ^A in base64 (RFC 7628 section 3.2.3).
    fn understood(self) -> &'static str {
        match self {
            Self::XOAuth2 => "",
            Self::OAuthBearer => "AQ==",
            Self::Plain | Self::Login => "*",
        }
    }

    /// What it says, in base64; nothing for LOGIN, which is asked twice.
    fn response(self, who: &SmtpSignIn<'_>) -> Result<String, SmtpError> {
        let (Credential::Bearer(secret) | Credential::Password(secret)) = who.credential;
        let response = match self {
            Self::XOAuth2 => sasl::xoauth2(who.user, secret),
            Self::OAuthBearer => sasl::oauthbearer(who.user, &who.server.host, who.server.port, secret),
            Self::Plain | Self::Login => sasl::plain(who.user, secret),
        };
        let response = response.map_err(|unusable| SmtpError::Credential(crate::auth::AuthError::Sasl(unusable)))?;
        Ok(STANDARD.encode(response.expose_secret()))
    }
}

/// The mechanisms that the server offers and that fit the credential, the best first: XOAUTH2 before OAUTHBEARER, since more servers
/// have it right.
fn mechanisms(credential: &Credential, offered: &[String]) -> Vec<SmtpMechanism> {
    let fitting = match credential {
        Credential::Bearer(_) => [SmtpMechanism::XOAuth2, SmtpMechanism::OAuthBearer],
        Credential::Password(_) => [SmtpMechanism::Plain, SmtpMechanism::Login],
    };
    let offers = |mechanism: &SmtpMechanism| offered.iter().any(|name| name == mechanism.name());
    fitting.into_iter().filter(offers).collect()
}

/// The forms of a mechanism's response, the best first.
fn forms(mechanism: SmtpMechanism, response: &str) -> &'static [SaslResponse] {
    let line = "AUTH  \r\n".len() + mechanism.name().len() + response.len();
    match mechanism {
        SmtpMechanism::Login => &[SaslResponse::Asked],
        _ if line > LONGEST_LINE => &[SaslResponse::Asked, SaslResponse::Initial],
        _ => &[SaslResponse::Initial, SaslResponse::Asked],
    }
}

/// Signs in.
pub(super) async fn sign_in<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut SmtpConnection<S>,
    offers: &Offers,
    who: &SmtpSignIn<'_>,
) -> Result<(), SmtpError> {
    if offers.auth.is_empty() {
        return Err(SmtpError::NoAuth);
    }
    let mechanisms = mechanisms(who.credential, &offers.auth);
    if mechanisms.is_empty() {
        let offered = offers.auth.join(" ");
        return Err(SmtpError::NoMechanism { offered });
    }
    let (Credential::Bearer(secret) | Credential::Password(secret)) = who.credential;
    let mut refused: Option<SmtpError> = None;
    for mechanism in mechanisms {
        let response = mechanism.response(who)?;
        wire.redact(Redaction::of(who.user, secret).and_sent(&response));
        for form in forms(mechanism, &response) {
            let ended = match mechanism {
                SmtpMechanism::Login => login(wire, who.user, secret).await,
                _ => sasl(wire, mechanism, *form, &response).await,
            };
            let SaslResult { answer, judged } = match (ended, refused.take()) {
                (Ok(ended), before) => {
                    refused = before;
                    ended
                }
                // A server may hang up after a refusal: that one is what counts.
                (Err(_), Some(before)) => return Err(before),
                (Err(error), None) => return Err(error),
            };
            match meaning(who.host, SmtpStage::SignIn, &answer) {
                Meaning::Yes => return Ok(()),
                Meaning::Unauthorized => {}
                _ => {
                    return Err(SmtpError::Closing {
                        stage: SmtpStage::SignIn,
                        host: who.host,
                        reply: answer,
                    });
                }
            }
            let judged = judged || !is_of_form(answer.code, answer.enhanced(), &answer.lines.join(" "));
            // What is said of the credential counts for more than what is said of a form.
            if !matches!(&refused, Some(SmtpError::Unauthorized { judged: true, .. })) {
                refused = Some(SmtpError::Unauthorized {
                    stage: SmtpStage::SignIn,
                    host: who.host,
                    reply: answer,
                    judged,
                });
            }
            if judged {
                break;
            }
        }
    }
    Err(refused.unwrap_or(SmtpError::NoAuth))
}

/// How an exchange ended.
struct SaslResult {
    answer: SmtpReply,
    /// Whether the server looked at the credential.
    judged: bool,
}

/// A mechanism of one response. A challenge without words asks for the response; one with words says why it is refused.
async fn sasl<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut SmtpConnection<S>,
    mechanism: SmtpMechanism,
    form: SaslResponse,
    response: &str,
) -> Result<SaslResult, SmtpError> {
    let name = mechanism.name();
    let (mut sent, mut repeated, mut judged) = (form == SaslResponse::Initial, false, false);
    let first = match form {
        SaslResponse::Initial => format!("AUTH {name} {response}"),
        SaslResponse::Asked => format!("AUTH {name}"),
    };
    let mut answer = wire.command(SmtpStage::SignIn, &first).await?;
    for _ in 0..3 {
        if answer.code != 334 {
            break;
        }
        let asks = answer.lines.iter().all(|line| line.trim().is_empty());
        let next = if !std::mem::replace(&mut sent, true) {
            response
        } else if form == SaslResponse::Initial && asks && !std::mem::replace(&mut repeated, true) {
            // The server has not read what stood on the line of AUTH.
            response
        } else {
            judged = true;
            mechanism.understood()
        };
        answer = wire.command(SmtpStage::SignIn, next).await?;
    }
    Ok(SaslResult { answer, judged })
}

/// AUTH LOGIN: user and password, each after its question.
async fn login<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut SmtpConnection<S>,
    user: &str,
    password: &Secret,
) -> Result<SaslResult, SmtpError> {
    let mut answer = wire.command(SmtpStage::SignIn, "AUTH LOGIN").await?;
    let mut judged = false;
    for secret in [user, password.expose_secret()] {
        if answer.code != 334 {
            break;
        }
        answer = wire.command(SmtpStage::SignIn, &STANDARD.encode(secret)).await?;
        judged = true;
    }
    Ok(SaslResult { answer, judged })
}

#[cfg(test)]
#[path = "sign_in_tests.rs"]
mod tests;
