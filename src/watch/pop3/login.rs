//! From a greeting to an open maildrop.
//!
//! Nothing of what was said before TLS is used, and nothing is sent before TLS but CAPA and STLS. AUTH is always sent without its
//! response, which follows on a line of its own: Exchange Online knows no other form (2026-11), and RFC 5034 has it for every mechanism.
//! What a server offers and then refuses is followed by the next way that the standard has.

use std::time::Duration;

use super::{
    capabilities::Capabilities,
    wire::{Reply, Wire, about_us},
};
use crate::{
    auth::Credential,
    refusal::MailHost,
    secret::{ExposeSecret, Redaction, Secret},
    watch::{
        error::{Error, Refusal, Violation, Words},
        imap::Io,
        mechanism::{CHALLENGES, Mechanism, SignIn, told},
    },
};

/// Lines of a list of capabilities.
const MAX_CAPABILITIES: usize = 100;
/// How long a server is left alone that signed us in too recently, where it does not say how long that is.
const PAUSE: Duration = Duration::from_secs(60);

/// Reads the greeting.
pub(super) async fn greeted<T: Io>(stream: T) -> Result<Wire<T>, Error> {
    Wire::new(stream).greeted().await
}

/// Asks for TLS (RFC 2595 section 4) and gives back the bare stream, on which TLS must begin now, and what the greeting was.
pub(super) async fn stls<T: Io>(stream: T) -> Result<(T, Words), Error> {
    let (wire, capabilities) = capabilities(greeted(stream).await?).await?;
    if !capabilities.stls {
        return Err(Violation::NoTls.into());
    }
    match wire.ask("STLS", "STLS").await? {
        (wire, Reply::Ok) => wire.into_inner(),
        (_, Reply::Refused(_)) => Err(Violation::NoTls.into()),
        (_, reply) => Err(reply.out_of_place("STLS")),
    }
}

/// Signs in. What the server can do may depend on who asks (RFC 2449 section 6.6), so it is asked again.
pub(super) async fn open<T: Io>(wire: Wire<T>, who: &SignIn<'_>) -> Result<(Wire<T>, Capabilities), Error> {
    let (wire, before) = capabilities(wire).await?;
    let wire = authenticate(wire, who, before)
        .await
        .map_err(|error| error.at(who.whose))?;
    let (wire, after) = capabilities(wire).await?;
    let login_delay = after.login_delay.or(before.login_delay);
    Ok((wire, Capabilities { login_delay, ..after }))
}

/// What the server can do; nothing, where it does not know the question.
async fn capabilities<T: Io>(wire: Wire<T>) -> Result<(Wire<T>, Capabilities), Error> {
    let mut found = Capabilities::default();
    let wire = listed(wire, |line| found.note(line)).await?;
    Ok((wire, found))
}

/// The same, as the server writes it.
pub(super) async fn capability_lines<T: Io>(wire: Wire<T>) -> Result<(Wire<T>, Vec<Words>), Error> {
    let mut lines = Vec::new();
    let wire = listed(wire, |line| lines.push(Words::new(line))).await?;
    lines.iter_mut().for_each(|line| line.strike(&wire.redaction));
    Ok((wire, lines))
}

/// Asks for the capabilities. An answer that is none comes from a server that does not know the question.
async fn listed<T: Io>(wire: Wire<T>, each: impl FnMut(&str)) -> Result<Wire<T>, Error> {
    let (mut wire, reply) = wire.ask("CAPA", "CAPA").await?;
    match reply {
        Reply::Ok => wire.lines("CAPA", MAX_CAPABILITIES, each).await?,
        Reply::Refused(refusal) => drop(about_us(refusal)?),
        Reply::Odd(_) => {}
        reply @ Reply::More(_) => return Err(reply.out_of_place("CAPA")),
    }
    Ok(wire)
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Sasl(Mechanism),
    /// USER and PASS.
    Pass,
}

/// The ways, in the order in which they are tried: XOAUTH2 before OAUTHBEARER, since more servers have it right; USER and PASS, which
/// every server knows, where there is no PLAIN, or where it is offered and not accepted.
fn ways(credential: &Credential, offered: Capabilities) -> Result<Vec<Way>, Error> {
    match credential {
        Credential::Bearer(_) => {
            let known = [
                (offered.xoauth2, Mechanism::XOAuth2),
                (offered.oauthbearer, Mechanism::OAuthBearer),
            ];
            let ways: Vec<_> = known
                .into_iter()
                .filter_map(|(offered, mechanism)| offered.then_some(Way::Sasl(mechanism)))
                .take(1)
                .collect();
            if ways.is_empty() {
                return Err(Error::NoMechanism("an access token: neither XOAUTH2 nor OAUTHBEARER"));
            }
            Ok(ways)
        }
        Credential::Password(_) if offered.plain => Ok(vec![Way::Sasl(Mechanism::Plain), Way::Pass]),
        Credential::Password(_) => Ok(vec![Way::Pass]),
    }
}

/// Tries one way after the other. What ends a later one is not told, unless it says more: a server that closes the connection after a
/// refusal has still refused.
async fn authenticate<T: Io>(mut wire: Wire<T>, who: &SignIn<'_>, offered: Capabilities) -> Result<Wire<T>, Error> {
    let (Credential::Bearer(secret) | Credential::Password(secret)) = who.credential;
    let mut before = None;
    for way in ways(who.credential, offered)? {
        let ended = match way {
            Way::Sasl(mechanism) => {
                let response = mechanism.response(who)?;
                *wire.redaction = Redaction::of(who.user, secret).and_sent(&response);
                sasl(wire, mechanism, &response).await
            }
            Way::Pass => {
                *wire.redaction = Redaction::of(who.user, secret);
                pass(wire, who.user, secret).await
            }
        };
        let no = match ended {
            Ok(Ended::In(wire)) => return Ok(wire),
            Ok(Ended::Refused(no)) => no,
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
        if of_us || !matches!(error, Error::Credential { .. }) {
            return Err(error);
        }
        before = Some(error);
        wire = no.wire;
    }
    Err(before.unwrap_or(Error::NoMechanism("a password")))
}

/// How a sign-in ended.
enum Ended<T: Io> {
    In(Wire<T>),
    Refused(No<T>),
}

/// A sign-in that was refused, and the connection, on which another may be tried.
struct No<T: Io> {
    wire: Wire<T>,
    mechanism: &'static str,
    answer: Refusal,
    /// What a challenge told.
    why: Option<String>,
}

/// AUTH, the response when it is asked for, and an answer to a challenge: a server that does not like a token says why in one.
///
/// A server that refuses the command without a response is told both in one line, as RFC 5034 section 4 allows.
async fn sasl<T: Io>(wire: Wire<T>, mechanism: Mechanism, response: &str) -> Result<Ended<T>, Error> {
    let name = mechanism.name();
    let (mut wire, mut reply) = wire.ask("AUTH", &format!("AUTH {name}")).await?;
    let mut said = matches!(&reply, Reply::Refused(answer) if is_about_the_form(answer));
    if said {
        (wire, reply) = wire.ask("AUTH", &format!("AUTH {name} {response}")).await?;
    }
    let mut why = None;
    for _ in 0..=CHALLENGES {
        let challenge = match reply {
            Reply::Ok if said => return Ok(Ended::In(wire)),
            Reply::Refused(answer) => {
                return Ok(Ended::Refused(No {
                    wire,
                    mechanism: name,
                    answer,
                    why,
                }));
            }
            Reply::More(challenge) => challenge,
            // A server that lets in whoever asks does not speak of us.
            Reply::Ok => return Err(Violation::Unreadable.into()),
            reply @ Reply::Odd(_) => return Err(reply.out_of_place("AUTH")),
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

async fn pass<T: Io>(mut wire: Wire<T>, user: &str, password: &Secret) -> Result<Ended<T>, Error> {
    for (mechanism, argument) in [("USER", user), ("PASS", password.expose_secret())] {
        let (back, reply) = wire.ask(mechanism, &format!("{mechanism} {argument}")).await?;
        wire = back;
        match reply {
            Reply::Ok => {}
            Reply::Refused(answer) => {
                return Ok(Ended::Refused(No {
                    wire,
                    mechanism,
                    answer,
                    why: None,
                }));
            }
            reply @ (Reply::More(_) | Reply::Odd(_)) => return Err(reply.out_of_place(mechanism)),
        }
    }
    Ok(Ended::In(wire))
}

/// What a refusal means: the maildrop is another's now (RFC 2449 section 8.1.2), we come too soon (8.1.1), the server has trouble
/// (RFC 3206), or else it does not believe us.
fn refused(mut answer: Refusal, mechanism: &'static str, why: Option<String>, offered: Capabilities) -> Error {
    let code = answer.code.as_ref().map(ToString::to_string).unwrap_or_default();
    match code.as_str() {
        "IN-USE" => Error::InUse(answer),
        "LOGIN-DELAY" => Error::TooSoon {
            wait: offered.login_delay.unwrap_or(PAUSE),
            answer,
        },
        "" if speaks_of_a_lock(&answer) => Error::InUse(answer),
        _ if code.starts_with("SYS/") => Error::Refused {
            command: "the sign-in",
            answer,
        },
        _ => {
            if let Some(why) = why {
                answer.text = Words::new(&format!("{} {why}", answer.text));
            }
            Error::Credential {
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
