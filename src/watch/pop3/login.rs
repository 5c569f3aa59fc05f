//! From a greeting to an open maildrop.
//!
//! Nothing of what was said before TLS is used, and nothing is sent before TLS but CAPA and STLS. AUTH is always sent without its
//! response, which follows on a line of its own: Exchange Online knows no other form (2026-11), and RFC 5034 has it for every mechanism.
//! What a server offers and then refuses is followed by the next way that the standard has.

use std::time::Duration;

use super::{
    capabilities::Pop3Capabilities,
    wire::{Pop3Connection, Pop3Reply, about_us},
};
use crate::{
    auth::Credential,
    refusal::MailHost,
    secret::{ExposeSecret, Redaction, Secret},
    watch::{
        error::{Refusal, Violation, WatchError, Words},
        imap::Io,
        mechanism::{CHALLENGES, MailboxSignIn, Mechanism, told},
    },
};

/// Lines of a list of capabilities.
const MAX_CAPABILITIES: usize = 100;
/// How long a server is left alone that signed us in too recently, where it does not say how long that is.
const PAUSE: Duration = Duration::from_secs(60);

/// Reads the greeting.
pub(super) async fn greeted<T: Io>(stream: T) -> Result<Pop3Connection<T>, WatchError> {
    Pop3Connection::new(stream).greeted().await
}

/// Asks for TLS (RFC 2595 section 4) and gives back the bare stream, on which TLS must begin now, and what the greeting was.
pub(super) async fn stls<T: Io>(stream: T) -> Result<(T, Words), WatchError> {
    let (wire, capabilities) = capabilities(greeted(stream).await?).await?;
    if !capabilities.stls {
        return Err(Violation::NoTls.into());
    }
    match wire.ask("STLS", "STLS").await? {
        (wire, Pop3Reply::Ok) => wire.into_inner(),
        (_, Pop3Reply::Refused(_)) => Err(Violation::NoTls.into()),
        (_, reply) => Err(reply.out_of_place("STLS")),
    }
}

/// Signs in. What the server can do may depend on who asks (RFC 2449 section 6.6), so it is asked again.
pub(super) async fn open<T: Io>(
    wire: Pop3Connection<T>,
    who: &MailboxSignIn<'_>,
) -> Result<(Pop3Connection<T>, Pop3Capabilities), WatchError> {
    let (wire, before) = capabilities(wire).await?;
    let wire = authenticate(wire, who, before)
        .await
        .map_err(|error| error.at(who.whose))?;
    let (wire, after) = capabilities(wire).await?;
    let login_delay = after.login_delay.or(before.login_delay);
    Ok((wire, Pop3Capabilities { login_delay, ..after }))
}

/// What the server can do; nothing, where it does not know the question.
async fn capabilities<T: Io>(wire: Pop3Connection<T>) -> Result<(Pop3Connection<T>, Pop3Capabilities), WatchError> {
    let mut found = Pop3Capabilities::default();
    let wire = listed(wire, |line| found.note(line)).await?;
    Ok((wire, found))
}

/// The same, as the server writes it.
pub(super) async fn capability_lines<T: Io>(
    wire: Pop3Connection<T>,
) -> Result<(Pop3Connection<T>, Vec<Words>), WatchError> {
    let mut lines = Vec::new();
    let wire = listed(wire, |line| lines.push(Words::new(line))).await?;
    lines.iter_mut().for_each(|line| line.strike(&wire.redaction));
    Ok((wire, lines))
}

/// Asks for the capabilities. An answer that is none comes from a server that does not know the question.
async fn listed<T: Io>(wire: Pop3Connection<T>, each: impl FnMut(&str)) -> Result<Pop3Connection<T>, WatchError> {
    let (mut wire, reply) = wire.ask("CAPA", "CAPA").await?;
    match reply {
        Pop3Reply::Ok => wire.lines("CAPA", MAX_CAPABILITIES, each).await?,
        Pop3Reply::Refused(refusal) => drop(about_us(refusal)?),
        Pop3Reply::Odd(_) => {}
        reply @ Pop3Reply::More(_) => return Err(reply.out_of_place("CAPA")),
    }
    Ok(wire)
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pop3LoginMethod {
    Sasl(Mechanism),
    /// USER and PASS.
    Pass,
}

/// The ways, in the order in which they are tried: XOAUTH2 before OAUTHBEARER, since more servers have it right; USER and PASS, which
/// every server knows, where there is no PLAIN, or where it is offered and not accepted.
fn ways(credential: &Credential, offered: Pop3Capabilities) -> Result<Vec<Pop3LoginMethod>, WatchError> {
    match credential {
        Credential::Bearer(_) => {
            let known = [
                (offered.xoauth2, Mechanism::XOAuth2),
                (offered.oauthbearer, Mechanism::OAuthBearer),
            ];
            let ways: Vec<_> = known
                .into_iter()
                .filter_map(|(offered, mechanism)| offered.then_some(Pop3LoginMethod::Sasl(mechanism)))
                .take(1)
                .collect();
            if ways.is_empty() {
                return Err(WatchError::NoMechanism(
                    "an access token: neither XOAUTH2 nor OAUTHBEARER",
                ));
            }
            Ok(ways)
        }
        Credential::Password(_) if offered.plain => {
            Ok(vec![Pop3LoginMethod::Sasl(Mechanism::Plain), Pop3LoginMethod::Pass])
        }
        Credential::Password(_) => Ok(vec![Pop3LoginMethod::Pass]),
    }
}

/// Tries one way after the other. What ends a later one is not told, unless it says more: a server that closes the connection after a
/// refusal has still refused.
async fn authenticate<T: Io>(
    mut wire: Pop3Connection<T>,
    who: &MailboxSignIn<'_>,
    offered: Pop3Capabilities,
) -> Result<Pop3Connection<T>, WatchError> {
    let (Credential::Bearer(secret) | Credential::Password(secret)) = who.credential;
    let mut before = None;
    for way in ways(who.credential, offered)? {
        let ended = match way {
            Pop3LoginMethod::Sasl(mechanism) => {
                let response = mechanism.response(who)?;
                *wire.redaction = Redaction::of(who.user, secret).and_sent(&response);
                sasl(wire, mechanism, &response).await
            }
            Pop3LoginMethod::Pass => {
                *wire.redaction = Redaction::of(who.user, secret);
                pass(wire, who.user, secret).await
            }
        };
        let no = match ended {
            Ok(LoginOutcome::In(wire)) => return Ok(wire),
            Ok(LoginOutcome::Refused(no)) => no,
            Err(error) => return Err(before.unwrap_or(error)),
        };
        let of_us = no.answer.is("AUTH");
        let error = match about_us(no.answer) {
            Ok(answer) => refused(answer, no.mechanism, no.why, offered),
            Err(error) => error,
        };
        if no.mechanism == "USER"
            && let Some(before) = before
        {
            return Err(before);
        }
        // `[AUTH]` (RFC 3206 section 4) is said of a credential, which would be as wrong in another form, and locks the account sooner.
        if of_us || !matches!(error, WatchError::Credential { .. }) {
            return Err(error);
        }
        before = Some(error);
        wire = no.wire;
    }
    Err(before.unwrap_or(WatchError::NoMechanism("a password")))
}

/// How a sign-in ended.
enum LoginOutcome<T: Io> {
    In(Pop3Connection<T>),
    Refused(RefusedLogin<T>),
}

/// A sign-in that was refused, and the connection, on which another may be tried.
struct RefusedLogin<T: Io> {
    wire: Pop3Connection<T>,
    mechanism: &'static str,
    answer: Refusal,
    /// What a challenge told.
    why: Option<String>,
}

/// AUTH, the response when it is asked for, and an answer to a challenge: a server that does not like a token says why in one.
///
/// A server that refuses the command without a response is told both in one line, as RFC 5034 section 4 allows.
async fn sasl<T: Io>(
    wire: Pop3Connection<T>,
    mechanism: Mechanism,
    response: &str,
) -> Result<LoginOutcome<T>, WatchError> {
    let name = mechanism.name();
    let (mut wire, mut reply) = wire.ask("AUTH", &format!("AUTH {name}")).await?;
    let mut said = matches!(&reply, Pop3Reply::Refused(answer) if is_about_the_form(answer));
    if said {
        (wire, reply) = wire.ask("AUTH", &format!("AUTH {name} {response}")).await?;
    }
    let mut why = None;
    for _ in 0..=CHALLENGES {
        let challenge = match reply {
            Pop3Reply::Ok if said => return Ok(LoginOutcome::In(wire)),
            Pop3Reply::Refused(answer) => {
                return Ok(LoginOutcome::Refused(RefusedLogin {
                    wire,
                    mechanism: name,
                    answer,
                    why,
                }));
            }
            Pop3Reply::More(challenge) => challenge,
            // A server that lets in whoever asks does not speak of us.
            Pop3Reply::Ok => return Err(Violation::Unreadable.into()),
            reply @ Pop3Reply::Odd(_) => return Err(reply.out_of_place("AUTH")),
        };
        let words = if std::mem::replace(&mut said, true) {
            why = told(&challenge).map(|why| wire.redaction.strike(&why).into_owned());
            mechanism.understood()
        } else {
            response
        };
        (wire, reply) = wire.ask("AUTH", words).await?;
    }
    Err(Violation::Continue.into())
}

/// Whether a refusal before anything of us was said may be one of the form in which it was said. One with a code says what it is about.
fn is_about_the_form(answer: &Refusal) -> bool {
    answer.code.is_none() && !speaks_of_a_lock(answer)
}

async fn pass<T: Io>(
    mut wire: Pop3Connection<T>,
    user: &str,
    password: &Secret,
) -> Result<LoginOutcome<T>, WatchError> {
    for (mechanism, argument) in [("USER", user), ("PASS", password.expose_secret())] {
        let (back, reply) = wire.ask(mechanism, &format!("{mechanism} {argument}")).await?;
        wire = back;
        match reply {
            Pop3Reply::Ok => {}
            Pop3Reply::Refused(answer) => {
                return Ok(LoginOutcome::Refused(RefusedLogin {
                    wire,
                    mechanism,
                    answer,
                    why: None,
                }));
            }
            reply @ (Pop3Reply::More(_) | Pop3Reply::Odd(_)) => return Err(reply.out_of_place(mechanism)),
        }
    }
    Ok(LoginOutcome::In(wire))
}

/// What a refusal means: the maildrop is another's now (RFC 2449 section 8.1.2), we come too soon (8.1.1), the server has trouble
/// (RFC 3206), or else it does not believe us.
fn refused(mut answer: Refusal, mechanism: &'static str, why: Option<String>, offered: Pop3Capabilities) -> WatchError {
    let code = answer.code.as_ref().map(ToString::to_string).unwrap_or_default();
    match code.as_str() {
        "IN-USE" => WatchError::InUse(answer),
        "LOGIN-DELAY" => WatchError::TooSoon {
            wait: offered.login_delay.unwrap_or(PAUSE),
            answer,
        },
        "" if speaks_of_a_lock(&answer) => WatchError::InUse(answer),
        _ if code.starts_with("SYS/") => WatchError::Refused {
            command: "the sign-in",
            answer,
        },
        _ => {
            if let Some(why) = why {
                answer.text = Words::new(&format!("{} {why}", answer.text));
            }
            WatchError::Credential {
                mechanism,
                host: MailHost::default(),
                answer,
            }
        }
    }
}

/// Whether a refusal without a code is of a maildrop that is locked, not of an account that is: `-ERR maildrop already locked` is how
/// RFC 1939 section 7 has it, and how servers say it that are older than the codes (2026-11).
fn speaks_of_a_lock(answer: &Refusal) -> bool {
    let text = answer.text.to_string().to_ascii_lowercase();
    let drop = ["maildrop", "mail drop", "mailbox"]
        .iter()
        .any(|word| text.contains(word));
    drop && text.contains("lock") && !text.contains("account")
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
