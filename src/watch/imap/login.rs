//! From a greeting to a selected mailbox.
//!
//! Nothing of what was said before TLS is used, and nothing is sent before TLS but CAPABILITY and STARTTLS. A sign-in counts only
//! when SELECT works: Exchange Online answers `OK AUTHENTICATE completed.` and then `BAD User is authenticated but not connected.`
//! to a user without a mailbox or a token without the right (2025).

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Answer, Capabilities, Running, Said, Step, Wire, mutf7,
    response::Known,
    wire::{Io, SILENCE},
};
use crate::{
    auth::Credential,
    refusal::MailHost,
    secret::{ExposeSecret, Redaction, Secret},
    watch::{
        error::{Error, Negative, Refusal, Violation, Words},
        mechanism::{CHALLENGES, Mechanism, SignIn, told},
    },
};

/// What SELECT told. A server may leave out either number (mail.163.com leaves out UIDNEXT, 2024).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Selected {
    pub(crate) uid_validity: Option<u32>,
    pub(crate) uid_next: Option<u32>,
    /// The mails that are there.
    pub(crate) exists: u32,
}

/// Reads the greeting.
pub(crate) async fn greeted<T: Io>(stream: T) -> Result<Wire<T>, Error> {
    let mut wire = Wire::new(stream);
    match wire.read("the greeting", deadline()).await? {
        Said::Ok(_) => Ok(wire),
        Said::Preauth => Err(Violation::Preauth.into()),
        _ => Err(Violation::Greeting.into()),
    }
}

/// Asks for TLS and gives back the bare stream, on which TLS must begin now.
pub(crate) async fn starttls<T: Io>(stream: T) -> Result<T, Error> {
    let (wire, capabilities) = capabilities(greeted(stream).await?).await?;
    if !capabilities.starttls {
        return Err(Violation::NoTls.into());
    }
    let done = wire.run("STARTTLS", "", |_| {}).await?;
    match done.answer {
        Answer::Ok(_) => done.wire.into_inner(),
        Answer::Refused(_) => Err(Violation::NoTls.into()),
    }
}

/// Signed in, as far as the server said so far.
pub(crate) struct Entered<T: Io> {
    pub(crate) wire: Wire<T>,
    pub(crate) capabilities: Capabilities,
    /// A BAD to ID: it may be the sign-in that failed.
    pub(crate) doubt: Option<Refusal>,
}

/// Signs in, says who we are, and selects the mailbox.
pub(crate) async fn open<T: Io>(
    wire: Wire<T>,
    who: &SignIn<'_>,
    mailbox: &str,
) -> Result<(Wire<T>, Capabilities, Selected), Error> {
    let entered = enter(wire, who).await?;
    let (wire, selected) = believe(select(entered.wire, mailbox).await, entered.doubt)?;
    Ok((wire, entered.capabilities, selected))
}

/// Signs in and says who we are. What comes next must be judged by [`believe`].
pub(crate) async fn enter<T: Io>(wire: Wire<T>, who: &SignIn<'_>) -> Result<Entered<T>, Error> {
    let (wire, before) = capabilities(wire).await?;
    let (wire, after) = authenticate(wire, who, before)
        .await
        .map_err(|error| error.at(who.whose))?;
    let (wire, capabilities) = match after {
        Some(Known::Capabilities(after)) => (wire, after),
        _ => believe(capabilities(wire).await, None)?,
    };
    let (wire, doubt) = identify(wire, capabilities).await?;
    Ok(Entered {
        wire,
        capabilities,
        doubt,
    })
}

/// What the end of the first command in a session tells of the sign-in. Our commands are right, so a BAD means that it did not work.
pub(crate) fn believe<R>(first: Result<R, Error>, doubt: Option<Refusal>) -> Result<R, Error> {
    first.map_err(|error| match (error, doubt) {
        (Error::Refused { answer, .. }, _) if answer.status == Negative::Bad => unconnected(answer),
        (Error::Bye(_) | Error::Closed | Error::Io(_), Some(answer)) => unconnected(answer),
        (error, _) => error,
    })
}

fn unconnected(answer: Refusal) -> Error {
    Error::Credential {
        mechanism: "SELECT",
        host: MailHost::default(),
        answer,
    }
}

/// Selects the mailbox.
async fn select<T: Io>(wire: Wire<T>, mailbox: &str) -> Result<(Wire<T>, Selected), Error> {
    let name = mutf7::quoted(mailbox).ok_or_else(|| Error::Name(mailbox.to_owned()))?;
    let mut selected = Selected::default();
    let done = wire.run("SELECT", &name, |said| match said {
        Said::Ok(Some(Known::UidValidity(n))) => selected.uid_validity = Some(n).filter(|n| *n > 0),
        Said::Ok(Some(Known::UidNext(n))) => selected.uid_next = Some(n).filter(|n| *n > 0),
        Said::Exists(n) => selected.exists = n,
        _ => {}
    });
    let (wire, _) = done.await?.ok()?;
    Ok((wire, selected))
}

async fn capabilities<T: Io>(wire: Wire<T>) -> Result<(Wire<T>, Capabilities), Error> {
    let mut found = Capabilities::default();
    let done = wire.run("CAPABILITY", "", |said| {
        if let Said::Capabilities(list) = said {
            found = list;
        }
    });
    let (wire, _) = done.await?.ok()?;
    Ok((wire, found))
}

/// RFC 2971: 163.com wants it before SELECT, Google recommends it. A BAD is kept: it may be the sign-in that failed.
async fn identify<T: Io>(wire: Wire<T>, capabilities: Capabilities) -> Result<(Wire<T>, Option<Refusal>), Error> {
    if !capabilities.id {
        return Ok((wire, None));
    }
    let ours = concat!(r#"("name" "Mailjob" "version" ""#, env!("CARGO_PKG_VERSION"), r#"")"#);
    let done = wire.run("ID", ours, |_| {}).await?;
    let doubt = match done.answer {
        Answer::Refused(answer) if answer.status == Negative::Bad => Some(answer),
        Answer::Refused(_) | Answer::Ok(_) => None,
    };
    Ok((done.wire, doubt))
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Sasl(Mechanism),
    Login,
}

/// Picks the way: XOAUTH2 before OAUTHBEARER, since more servers have it right; LOGIN only where there is nothing else.
fn way(credential: &Credential, offered: Capabilities) -> Result<Way, Error> {
    match credential {
        Credential::Bearer(_) if offered.xoauth2 => Ok(Way::Sasl(Mechanism::XOAuth2)),
        Credential::Bearer(_) if offered.oauthbearer => Ok(Way::Sasl(Mechanism::OAuthBearer)),
        Credential::Bearer(_) => Err(Error::NoMechanism("an access token: neither XOAUTH2 nor OAUTHBEARER")),
        Credential::Password(_) if offered.plain => Ok(Way::Sasl(Mechanism::Plain)),
        Credential::Password(_) if !offered.login_disabled => Ok(Way::Login),
        Credential::Password(_) => Err(Error::NoMechanism("a password: no PLAIN, and LOGIN is disabled")),
    }
}

async fn authenticate<T: Io>(
    mut wire: Wire<T>,
    who: &SignIn<'_>,
    offered: Capabilities,
) -> Result<(Wire<T>, Option<Known>), Error> {
    let (Credential::Bearer(secret) | Credential::Password(secret)) = who.credential;
    let redaction = Redaction::of(who.user, secret);
    let mechanism = match way(who.credential, offered)? {
        Way::Sasl(mechanism) => mechanism,
        Way::Login => {
            wire.redact(redaction);
            return login(wire, who.user, secret).await;
        }
    };
    let response = mechanism.response(who)?;
    wire.redact(redaction.and_sent(&response));
    let running = if offered.sasl_ir {
        wire.send("AUTHENTICATE", &format!("{} {response}", mechanism.name()))
            .await?
    } else {
        let running = asked(wire.send("AUTHENTICATE", mechanism.name()).await?, mechanism).await?;
        running.answer(&response).await?
    };
    conclude(running, mechanism).await
}

/// Waits for the server to ask for the response.
async fn asked<T: Io>(mut running: Running<T>, mechanism: Mechanism) -> Result<Running<T>, Error> {
    loop {
        match running.next().await? {
            Step::Said(running, Said::Continue(_)) => return Ok(running),
            Step::Said(on_its_way, _) => running = on_its_way,
            Step::Done(done) => {
                return refused(done.ok(), mechanism.name(), None).and(Err(Violation::Unreadable.into()));
            }
        }
    }
}

/// Reads to the end of a sign-in. A server that does not like a token says why in a challenge, and waits for an answer to it.
async fn conclude<T: Io>(mut running: Running<T>, mechanism: Mechanism) -> Result<(Wire<T>, Option<Known>), Error> {
    let mut why = None;
    let mut challenges = 0;
    while challenges < CHALLENGES {
        match running.next().await? {
            Step::Said(on_its_way, Said::Continue(challenge)) => {
                challenges += 1;
                why = told(&challenge).map(|why| on_its_way.struck(&why));
                running = on_its_way.answer(mechanism.understood()).await?;
            }
            Step::Said(on_its_way, _) => running = on_its_way,
            Step::Done(done) => return refused(done.ok(), mechanism.name(), why),
        }
    }
    Err(Violation::Continue.into())
}

/// A refusal of the sign-in is one of the credential, unless the server says that it's only busy (RFC 5530 section 3).
fn refused<R>(ended: Result<R, Error>, mechanism: &'static str, why: Option<String>) -> Result<R, Error> {
    ended.map_err(|error| match error {
        Error::Refused { mut answer, .. } if !["UNAVAILABLE", "INUSE", "LIMIT"].iter().any(|code| answer.is(code)) => {
            if let Some(why) = why {
                answer.text = Words::new(&format!("{} {why}", answer.text));
            }
            Error::Credential {
                mechanism,
                host: MailHost::default(),
                answer,
            }
        }
        error => error,
    })
}

/// LOGIN takes quoted strings, which hold ASCII only.
async fn login<T: Io>(wire: Wire<T>, user: &str, password: &Secret) -> Result<(Wire<T>, Option<Known>), Error> {
    let (Some(user), Some(password)) = (quoted(user), quoted(password.expose_secret())) else {
        return Err(Error::NoMechanism(
            "a user name or password that is not ASCII: no PLAIN",
        ));
    };
    let done = wire.run("LOGIN", &format!("{user} {password}"), |_| {}).await?;
    refused(done.ok(), "LOGIN", None)
}

fn quoted(text: &str) -> Option<String> {
    let printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    printable.then(|| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn deadline() -> Instant {
    Instant::now() + SILENCE + Duration::from_secs(1)
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
