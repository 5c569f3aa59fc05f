//! From a greeting to a selected mailbox.
//!
//! Nothing of what was said before TLS is used, and nothing is sent before TLS but CAPABILITY and STARTTLS. A sign-in counts only
//! when SELECT works: Exchange Online answers `OK AUTHENTICATE completed.` and then `BAD User is authenticated but not connected.`
//! to a user without a mailbox or a token without the right (2025).

use super::{Answer, Capabilities, Habit, Io, Running, Said, Step, Wire, mutf7, response::Known, wire::Done};
use crate::{
    auth::Credential,
    refusal::{self, MailHost},
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
    let greeting = wire.greeting().await.map_err(|error| match error {
        Error::Bye(words) => Error::NotGreeted(Words::new(&format!("BYE {words}"))),
        error => error,
    });
    match greeting? {
        Said::Ok(_) => Ok(wire),
        Said::Preauth => Err(Violation::Preauth.into()),
        // IceWarp leaves out the star (` NO LOGOUT …`, 2026-11).
        Said::Warning(words) | Said::Unread { words, .. } | Said::Stray(words) => Err(Error::NotGreeted(words)),
        // POP3 begins with `+OK`.
        Said::Continue(text) => Err(Error::NotGreeted(Words::new(&format!("+{text}")))),
        _ => Err(Violation::Greeting.into()),
    }
}

/// Asks for TLS and gives back the bare stream, on which TLS must begin now, and the greeting.
pub(crate) async fn starttls<T: Io>(stream: T) -> Result<(T, Words), Error> {
    let (wire, capabilities) = capabilities(greeted(stream).await?).await?;
    if !capabilities.starttls {
        return Err(Violation::NoTls.into());
    }
    let done = wire.run("STARTTLS", "", |_| {}).await?;
    match done.answer {
        Answer::Ok(_) => {
            let greeting = done.wire.greeting.clone();
            Ok((done.wire.into_inner()?, greeting))
        }
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
    habit: &Habit,
) -> Result<(Wire<T>, Capabilities, Selected), Error> {
    let entered = enter(wire, who, habit).await?;
    let (wire, selected) = believe(select(entered.wire, mailbox).await, entered.doubt)?;
    Ok((wire, entered.capabilities, selected))
}

/// Signs in and says who we are. What comes next must be judged by [`believe`].
pub(crate) async fn enter<T: Io>(wire: Wire<T>, who: &SignIn<'_>, habit: &Habit) -> Result<Entered<T>, Error> {
    let (wire, before) = capabilities(wire).await?;
    let (wire, after) = authenticate(wire, who, before, habit)
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

/// How a try to sign in ended.
enum Tried<T: Io> {
    In(Wire<T>, Option<Known>),
    Refused(Wire<T>, Refusal),
}

impl<T: Io> From<Done<T>> for Tried<T> {
    fn from(done: Done<T>) -> Self {
        match done.answer {
            Answer::Ok(known) => Self::In(done.wire, known),
            Answer::Refused(answer) => Self::Refused(done.wire, answer),
        }
    }
}

async fn authenticate<T: Io>(
    mut wire: Wire<T>,
    who: &SignIn<'_>,
    offered: Capabilities,
    habit: &Habit,
) -> Result<(Wire<T>, Option<Known>), Error> {
    let (Credential::Bearer(secret) | Credential::Password(secret)) = who.credential;
    let redaction = Redaction::of(who.user, secret);
    let is_password = matches!(who.credential, Credential::Password(_));
    let line = login_line(who.user, secret).filter(|_| is_password);
    let mechanism = match way(who.credential, offered)? {
        Way::Sasl(mechanism) => mechanism,
        Way::Login => {
            let line = line.ok_or(Error::NoMechanism(
                "a user name or password that is not ASCII: no PLAIN",
            ))?;
            wire.redact(redaction);
            return signed_in(wire.run("LOGIN", &line, |_| {}).await?.into(), "LOGIN");
        }
    };
    let response = mechanism.response(who)?;
    wire.redact(redaction.and_sent(&response));
    let line = line.filter(|_| !offered.login_disabled);
    if let Some(line) = line.as_deref().filter(|_| habit.prefers_login(secret)) {
        let tried = Tried::from(wire.run("LOGIN", line, |_| {}).await?);
        if matches!(tried, Tried::Refused(..)) {
            habit.takes_neither(secret);
        }
        return signed_in(tried, "LOGIN");
    }
    let (wire, answer) = match sasl(wire, mechanism, &response, offered.sasl_ir).await? {
        Tried::In(wire, known) => return Ok((wire, known)),
        Tried::Refused(wire, answer) => (wire, answer),
    };
    let line = line.filter(|_| may_mean_the_way(&answer) && habit.tries_login(secret));
    let Some(line) = line else {
        return Err(refused(answer, mechanism.name()));
    };
    match wire.run("LOGIN", &line, |_| {}).await {
        Ok(done) => {
            let tried = Tried::from(done);
            match &tried {
                Tried::In(..) => {
                    tracing::info!(%answer, "the server offers PLAIN and refuses it; it takes LOGIN");
                    habit.takes_login(secret);
                }
                Tried::Refused(..) => habit.takes_neither(secret),
            }
            signed_in(tried, "LOGIN")
        }
        // It leaves whoever it refuses: then LOGIN is the next that it hears.
        Err(_) => {
            habit.takes_login(secret);
            Err(refused(answer, mechanism.name()))
        }
    }
}

/// One mechanism. A server that does not know initial responses although it offers them (SASL-IR) says BAD, and is asked without.
async fn sasl<T: Io>(wire: Wire<T>, mechanism: Mechanism, response: &str, initial: bool) -> Result<Tried<T>, Error> {
    if !initial {
        return when_asked(wire, mechanism, response).await;
    }
    let line = format!("{} {response}", mechanism.name());
    let running = wire.send("AUTHENTICATE", &line).await?;
    match conclude(running, mechanism).await? {
        Tried::Refused(wire, answer) if answer.status == Negative::Bad && may_mean_the_way(&answer) => {
            let again = when_asked(wire, mechanism, response).await;
            // It leaves whoever it refuses: then that refusal is its word.
            again.map_err(|_| refused(answer, mechanism.name()))
        }
        tried => Ok(tried),
    }
}

/// One mechanism, whose response waits until the server asks for it.
async fn when_asked<T: Io>(wire: Wire<T>, mechanism: Mechanism, response: &str) -> Result<Tried<T>, Error> {
    let mut running = wire.send("AUTHENTICATE", mechanism.name()).await?;
    loop {
        running = match running.next().await? {
            Step::Said(running, Said::Continue(_)) => {
                return conclude(running.answer(response).await?, mechanism).await;
            }
            Step::Said(running, _) => running,
            Step::Done(done) => match Tried::from(done) {
                // Nobody has said who we are yet.
                Tried::In(..) => return Err(Violation::Unreadable.into()),
                refused @ Tried::Refused(..) => return Ok(refused),
            },
        };
    }
}

/// Reads to the end of a sign-in. A server that does not like a token says why in a challenge, and waits for an answer to it.
async fn conclude<T: Io>(mut running: Running<T>, mechanism: Mechanism) -> Result<Tried<T>, Error> {
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
            Step::Done(done) => {
                let mut tried = Tried::from(done);
                if let (Tried::Refused(_, answer), Some(why)) = (&mut tried, why) {
                    answer.text = Words::new(&format!("{} {why}", answer.text));
                }
                return Ok(tried);
            }
        }
    }
    Err(Violation::Continue.into())
}

fn signed_in<T: Io>(tried: Tried<T>, mechanism: &'static str) -> Result<(Wire<T>, Option<Known>), Error> {
    match tried {
        Tried::In(wire, known) => Ok((wire, known)),
        Tried::Refused(_, answer) => Err(refused(answer, mechanism)),
    }
}

/// Codes of RFC 5530 section 3 and others' by which a server says that it's busy.
const BUSY: [&str; 3] = ["UNAVAILABLE", "INUSE", "LIMIT"];
/// Codes by which it says what is wrong with the account, so that another way leads nowhere.
const ACCOUNT: [&str; 6] = [
    "AUTHORIZATIONFAILED",
    "EXPIRED",
    "PRIVACYREQUIRED",
    "CONTACTADMIN",
    "ALERT",
    "WEBALERT",
];

/// A refusal of the sign-in is one of the credential, unless the server says that it's only busy.
fn refused(answer: Refusal, mechanism: &'static str) -> Error {
    if BUSY.iter().any(|code| answer.is(code)) {
        return Error::Refused {
            command: "AUTHENTICATE",
            answer,
        };
    }
    Error::Credential {
        mechanism,
        host: MailHost::default(),
        answer,
    }
}

/// Whether a refusal may be one of the mechanism or its form, so that another may work.
fn may_mean_the_way(answer: &Refusal) -> bool {
    !BUSY.iter().chain(&ACCOUNT).any(|code| answer.is(code)) && refusal::backoff(&answer.text.to_string()).is_none()
}

/// LOGIN takes quoted strings, which hold ASCII only.
fn login_line(user: &str, password: &Secret) -> Option<String> {
    Some(format!("{} {}", quoted(user)?, quoted(password.expose_secret())?))
}

fn quoted(text: &str) -> Option<String> {
    let printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    printable.then(|| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "login_ways_tests.rs"]
mod ways_tests;
