//! From a greeting to an open maildrop.
//!
//! Nothing of what was said before TLS is used, and nothing is sent before TLS but CAPA and STLS. AUTH is always sent without its
//! response, which follows on a line of its own: Exchange Online knows no other form (2026-11), and RFC 5034 has it for every mechanism.

use std::time::Duration;

use super::{
    capabilities::Capabilities,
    wire::{Reply, Wire, about_us},
};
use crate::{
    auth::Credential,
    refusal::MailHost,
    secret::{ExposeSecret, Secret},
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
    match Wire::new(stream).listen().await? {
        (wire, Reply::Ok) => Ok(wire),
        (_, Reply::Refused(answer)) => Err(Error::Refused {
            command: "the connection",
            answer: about_us(answer)?,
        }),
        (_, Reply::More(_)) => Err(Violation::Greeting.into()),
    }
}

/// Asks for TLS (RFC 2595 section 4) and gives back the bare stream, on which TLS must begin now.
pub(super) async fn stls<T: Io>(stream: T) -> Result<T, Error> {
    let (wire, capabilities) = capabilities(greeted(stream).await?).await?;
    if !capabilities.stls {
        return Err(Violation::NoTls.into());
    }
    match wire.try_run("STLS", "").await? {
        (wire, Ok(())) => wire.into_inner(),
        (_, Err(_)) => Err(Violation::NoTls.into()),
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
    let note = |line: &str| {
        found.note(line);
        Ok(())
    };
    let (wire, _) = wire.list("CAPA", MAX_CAPABILITIES, note).await?;
    Ok((wire, found))
}

/// The same, as the server writes it.
pub(super) async fn capability_lines<T: Io>(wire: Wire<T>) -> Result<(Wire<T>, Vec<Words>), Error> {
    let mut lines = Vec::new();
    let note = |line: &str| {
        lines.push(Words::new(line));
        Ok(())
    };
    let (wire, _) = wire.list("CAPA", MAX_CAPABILITIES, note).await?;
    Ok((wire, lines))
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Sasl(Mechanism),
    /// USER and PASS.
    Pass,
}

/// Picks the way: XOAUTH2 before OAUTHBEARER, since more servers have it right; USER and PASS, which every server knows, where there is
/// no PLAIN.
fn way(credential: &Credential, offered: Capabilities) -> Result<Way, Error> {
    match credential {
        Credential::Bearer(_) if offered.xoauth2 => Ok(Way::Sasl(Mechanism::XOAuth2)),
        Credential::Bearer(_) if offered.oauthbearer => Ok(Way::Sasl(Mechanism::OAuthBearer)),
        Credential::Bearer(_) => Err(Error::NoMechanism("an access token: neither XOAUTH2 nor OAUTHBEARER")),
        Credential::Password(_) if offered.plain => Ok(Way::Sasl(Mechanism::Plain)),
        Credential::Password(_) => Ok(Way::Pass),
    }
}

async fn authenticate<T: Io>(wire: Wire<T>, who: &SignIn<'_>, offered: Capabilities) -> Result<Wire<T>, Error> {
    let (ended, mechanism, why) = match way(who.credential, offered)? {
        Way::Sasl(mechanism) => {
            let (ended, why) = sasl(wire, mechanism, &mechanism.response(who)?).await?;
            (ended, mechanism.name(), why)
        }
        Way::Pass => {
            let (Credential::Bearer(secret) | Credential::Password(secret)) = who.credential;
            (pass(wire, who.user, secret).await?, "PASS", None)
        }
    };
    match ended {
        Ok(wire) => Ok(wire),
        Err(answer) => Err(refused(about_us(answer)?, mechanism, why, offered)),
    }
}

/// How a sign-in ended: with the connection, or refused.
type Ended<T> = Result<Wire<T>, Refusal>;

/// AUTH, the response when it is asked for, and an answer to a challenge: a server that does not like a token says why in one.
async fn sasl<T: Io>(wire: Wire<T>, mechanism: Mechanism, response: &str) -> Result<(Ended<T>, Option<String>), Error> {
    let (mut wire, mut reply) = wire.ask(&format!("AUTH {}", mechanism.name())).await?;
    let mut why = None;
    for asked in 0..=CHALLENGES {
        let challenge = match reply {
            Reply::Ok if asked > 0 => return Ok((Ok(wire), why)),
            Reply::Ok => return Err(Violation::Unreadable.into()),
            Reply::Refused(answer) => return Ok((Err(answer), why)),
            Reply::More(challenge) => challenge,
        };
        let words = if asked == 0 {
            response
        } else {
            why = told(&challenge);
            mechanism.understood()
        };
        (wire, reply) = wire.ask(words).await?;
    }
    Err(Violation::Continue.into())
}

async fn pass<T: Io>(wire: Wire<T>, user: &str, password: &Secret) -> Result<Ended<T>, Error> {
    let wire = match wire.try_run("USER", user).await? {
        (wire, Ok(())) => wire,
        (_, Err(refusal)) => return Ok(Err(refusal)),
    };
    let (wire, answer) = wire.try_run("PASS", password.expose_secret()).await?;
    Ok(answer.map(|()| wire))
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
