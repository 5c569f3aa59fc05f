//! From a greeting to a selected mailbox.
//!
//! Nothing of what was said before TLS is used, and nothing is sent before TLS but CAPABILITY and STARTTLS. A sign-in counts only
//! when SELECT works: Exchange Online answers `OK AUTHENTICATE completed.` and then `BAD User is authenticated but not connected.`
//! to a user without a mailbox or a token without the right (2025).

use super::{
    Completion, Habit, ImapCapabilities, ImapConnection, ImapResponse, Io, RunningCommand, Step, mutf7,
    response::ResponseCode, wire::CompletedCommand,
};
use crate::{
    auth::Credential,
    refusal::{self, MailHost},
    secret::{ExposeSecret, Redaction, Secret},
    watch::{
        error::{Negative, Refusal, Violation, WatchError, Words},
        mechanism::{CHALLENGES, MailboxSignIn, Mechanism, told},
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
pub(crate) async fn greeted<T: Io>(stream: T) -> Result<ImapConnection<T>, WatchError> {
    let mut wire = ImapConnection::new(stream);
    let greeting = wire.greeting().await.map_err(|error| match error {
        WatchError::Bye(words) => WatchError::NotGreeted(Words::new(&format!("BYE {words}"))),
        error => error,
    });
    match greeting? {
        ImapResponse::Ok(_) => Ok(wire),
        ImapResponse::Preauth => Err(Violation::Preauth.into()),
        // IceWarp leaves out the star (` NO LOGOUT …`, 2026-11).
        ImapResponse::Warning(words) | ImapResponse::Unread { words, .. } | ImapResponse::Stray(words) => {
            Err(WatchError::NotGreeted(words))
        }
        // POP3 begins with `+OK`.
        ImapResponse::Continue(text) => Err(WatchError::NotGreeted(Words::new(&format!("+{text}")))),
        _ => Err(Violation::Greeting.into()),
    }
}

/// Asks for TLS and gives back the bare stream, on which TLS must begin now, and the greeting.
pub(crate) async fn starttls<T: Io>(stream: T) -> Result<(T, Words), WatchError> {
    let (wire, capabilities) = capabilities(greeted(stream).await?).await?;
    if !capabilities.starttls {
        return Err(Violation::NoTls.into());
    }
    let done = wire.run("STARTTLS", "", |_| {}).await?;
    match done.answer {
        Completion::Ok(_) => {
            let greeting = done.wire.greeting.clone();
            Ok((done.wire.into_inner()?, greeting))
        }
        Completion::Refused(_) => Err(Violation::NoTls.into()),
    }
}

/// Signed in, as far as the server said so far.
pub(crate) struct SignedInConnection<T: Io> {
    pub(crate) wire: ImapConnection<T>,
    pub(crate) capabilities: ImapCapabilities,
    /// A BAD to ID: it may be the sign-in that failed.
    pub(crate) doubt: Option<Refusal>,
}

/// Signs in, says who we are, and selects the mailbox.
pub(crate) async fn open<T: Io>(
    wire: ImapConnection<T>,
    who: &MailboxSignIn<'_>,
    mailbox: &str,
    habit: &Habit,
) -> Result<(ImapConnection<T>, ImapCapabilities, Selected), WatchError> {
    let entered = enter(wire, who, habit).await?;
    let (wire, selected) = believe(select(entered.wire, mailbox).await, entered.doubt)?;
    Ok((wire, entered.capabilities, selected))
}

/// Signs in and says who we are. What comes next must be judged by [`believe`].
pub(crate) async fn enter<T: Io>(
    wire: ImapConnection<T>,
    who: &MailboxSignIn<'_>,
    habit: &Habit,
) -> Result<SignedInConnection<T>, WatchError> {
    let (wire, before) = capabilities(wire).await?;
    let (wire, after) = authenticate(wire, who, before, habit)
        .await
        .map_err(|error| error.at(who.whose))?;
    let (wire, capabilities) = match after {
        Some(ResponseCode::Capabilities(after)) => (wire, after),
        _ => believe(capabilities(wire).await, None)?,
    };
    let (wire, doubt) = identify(wire, capabilities).await?;
    Ok(SignedInConnection {
        wire,
        capabilities,
        doubt,
    })
}

/// What the end of the first command in a session tells of the sign-in. Our commands are right, so a BAD means that it did not work.
pub(crate) fn believe<R>(first: Result<R, WatchError>, doubt: Option<Refusal>) -> Result<R, WatchError> {
    first.map_err(|error| match (error, doubt) {
        (WatchError::Refused { answer, .. }, _) if answer.status == Negative::Bad => unconnected(answer),
        (WatchError::Bye(_) | WatchError::Closed | WatchError::Io(_), Some(answer)) => unconnected(answer),
        (error, _) => error,
    })
}

fn unconnected(answer: Refusal) -> WatchError {
    WatchError::Credential {
        mechanism: "SELECT",
        host: MailHost::default(),
        answer,
    }
}

/// Selects the mailbox.
async fn select<T: Io>(wire: ImapConnection<T>, mailbox: &str) -> Result<(ImapConnection<T>, Selected), WatchError> {
    let name = mutf7::quoted(mailbox).ok_or_else(|| WatchError::Name(mailbox.to_owned()))?;
    let mut selected = Selected::default();
    let done = wire.run("SELECT", &name, |said| match said {
        ImapResponse::Ok(Some(ResponseCode::UidValidity(n))) => selected.uid_validity = Some(n).filter(|n| *n > 0),
        ImapResponse::Ok(Some(ResponseCode::UidNext(n))) => selected.uid_next = Some(n).filter(|n| *n > 0),
        ImapResponse::Exists(n) => selected.exists = n,
        _ => {}
    });
    let (wire, _) = done.await?.ok()?;
    Ok((wire, selected))
}

async fn capabilities<T: Io>(wire: ImapConnection<T>) -> Result<(ImapConnection<T>, ImapCapabilities), WatchError> {
    let mut found = ImapCapabilities::default();
    let done = wire.run("CAPABILITY", "", |said| {
        if let ImapResponse::Capabilities(list) = said {
            found = list;
        }
    });
    let (wire, _) = done.await?.ok()?;
    Ok((wire, found))
}

/// RFC 2971: 163.com wants it before SELECT, Google recommends it. A BAD is kept: it may be the sign-in that failed.
async fn identify<T: Io>(
    wire: ImapConnection<T>,
    capabilities: ImapCapabilities,
) -> Result<(ImapConnection<T>, Option<Refusal>), WatchError> {
    if !capabilities.id {
        return Ok((wire, None));
    }
    let ours = concat!(r#"("name" "Mailjob" "version" ""#, env!("CARGO_PKG_VERSION"), r#"")"#);
    let done = wire.run("ID", ours, |_| {}).await?;
    let doubt = match done.answer {
        Completion::Refused(answer) if answer.status == Negative::Bad => Some(answer),
        Completion::Refused(_) | Completion::Ok(_) => None,
    };
    Ok((done.wire, doubt))
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ImapLoginMethod {
    Sasl(Mechanism),
    Login,
}

/// Picks the way: XOAUTH2 before OAUTHBEARER, since more servers have it right; LOGIN only where there is nothing else.
fn way(credential: &Credential, offered: ImapCapabilities) -> Result<ImapLoginMethod, WatchError> {
    match credential {
        Credential::Bearer(_) if offered.xoauth2 => Ok(ImapLoginMethod::Sasl(Mechanism::XOAuth2)),
        Credential::Bearer(_) if offered.oauthbearer => Ok(ImapLoginMethod::Sasl(Mechanism::OAuthBearer)),
        Credential::Bearer(_) => Err(WatchError::NoMechanism(
            "an access token: neither XOAUTH2 nor OAUTHBEARER",
        )),
        Credential::Password(_) if offered.plain => Ok(ImapLoginMethod::Sasl(Mechanism::Plain)),
        Credential::Password(_) if !offered.login_disabled => Ok(ImapLoginMethod::Login),
        Credential::Password(_) => Err(WatchError::NoMechanism("a password: no PLAIN, and LOGIN is disabled")),
    }
}

/// How a try to sign in ended.
enum LoginAttempt<T: Io> {
    In(ImapConnection<T>, Option<ResponseCode>),
    Refused(ImapConnection<T>, Refusal),
}

impl<T: Io> From<CompletedCommand<T>> for LoginAttempt<T> {
    fn from(done: CompletedCommand<T>) -> Self {
        match done.answer {
            Completion::Ok(known) => Self::In(done.wire, known),
            Completion::Refused(answer) => Self::Refused(done.wire, answer),
        }
    }
}

async fn authenticate<T: Io>(
    mut wire: ImapConnection<T>,
    who: &MailboxSignIn<'_>,
    offered: ImapCapabilities,
    habit: &Habit,
) -> Result<(ImapConnection<T>, Option<ResponseCode>), WatchError> {
    let (Credential::Bearer(secret) | Credential::Password(secret)) = who.credential;
    let redaction = Redaction::of(who.user, secret);
    let is_password = matches!(who.credential, Credential::Password(_));
    let line = login_line(who.user, secret).filter(|_| is_password);
    let mechanism = match way(who.credential, offered)? {
        ImapLoginMethod::Sasl(mechanism) => mechanism,
        ImapLoginMethod::Login => {
            let line = line.ok_or(WatchError::NoMechanism(
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
        let tried = LoginAttempt::from(wire.run("LOGIN", line, |_| {}).await?);
        if matches!(tried, LoginAttempt::Refused(..)) {
            habit.takes_neither(secret);
        }
        return signed_in(tried, "LOGIN");
    }
    let (wire, answer) = match sasl(wire, mechanism, &response, offered.sasl_ir).await? {
        LoginAttempt::In(wire, known) => return Ok((wire, known)),
        LoginAttempt::Refused(wire, answer) => (wire, answer),
    };
    let line = line.filter(|_| may_mean_the_way(&answer) && habit.tries_login(secret));
    let Some(line) = line else {
        return Err(refused(answer, mechanism.name()));
    };
    match wire.run("LOGIN", &line, |_| {}).await {
        Ok(done) => {
            let tried = LoginAttempt::from(done);
            match &tried {
                LoginAttempt::In(..) => {
                    tracing::info!(%answer, "the server offers PLAIN and refuses it; it takes LOGIN");
                    habit.takes_login(secret);
                }
                LoginAttempt::Refused(..) => habit.takes_neither(secret),
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
async fn sasl<T: Io>(
    wire: ImapConnection<T>,
    mechanism: Mechanism,
    response: &str,
    initial: bool,
) -> Result<LoginAttempt<T>, WatchError> {
    if !initial {
        return when_asked(wire, mechanism, response).await;
    }
    let line = format!("{} {response}", mechanism.name());
    let running = wire.send("AUTHENTICATE", &line).await?;
    match conclude(running, mechanism).await? {
        LoginAttempt::Refused(wire, answer) if answer.status == Negative::Bad && may_mean_the_way(&answer) => {
            let again = when_asked(wire, mechanism, response).await;
            // It leaves whoever it refuses: then that refusal is its word.
            again.map_err(|_| refused(answer, mechanism.name()))
        }
        tried => Ok(tried),
    }
}

/// One mechanism, whose response waits until the server asks for it.
async fn when_asked<T: Io>(
    wire: ImapConnection<T>,
    mechanism: Mechanism,
    response: &str,
) -> Result<LoginAttempt<T>, WatchError> {
    let mut running = wire.send("AUTHENTICATE", mechanism.name()).await?;
    loop {
        running = match running.next().await? {
            Step::Said(running, ImapResponse::Continue(_)) => {
                return conclude(running.answer(response).await?, mechanism).await;
            }
            Step::Said(running, _) => running,
            Step::Done(done) => match LoginAttempt::from(done) {
                // Nobody has said who we are yet.
                LoginAttempt::In(..) => return Err(Violation::Unreadable.into()),
                refused @ LoginAttempt::Refused(..) => return Ok(refused),
            },
        };
    }
}

/// Reads to the end of a sign-in. A server that does not like a token says why in a challenge, and waits for an answer to it.
async fn conclude<T: Io>(mut running: RunningCommand<T>, mechanism: Mechanism) -> Result<LoginAttempt<T>, WatchError> {
    let mut why = None;
    let mut challenges = 0;
    while challenges < CHALLENGES {
        match running.next().await? {
            Step::Said(on_its_way, ImapResponse::Continue(challenge)) => {
                challenges += 1;
                why = told(&challenge).map(|why| on_its_way.struck(&why));
                running = on_its_way.answer(mechanism.understood()).await?;
            }
            Step::Said(on_its_way, _) => running = on_its_way,
            Step::Done(done) => {
                let mut tried = LoginAttempt::from(done);
                if let (LoginAttempt::Refused(_, answer), Some(why)) = (&mut tried, why) {
                    answer.text = Words::new(&format!("{} {why}", answer.text));
                }
                return Ok(tried);
            }
        }
    }
    Err(Violation::Continue.into())
}

fn signed_in<T: Io>(
    tried: LoginAttempt<T>,
    mechanism: &'static str,
) -> Result<(ImapConnection<T>, Option<ResponseCode>), WatchError> {
    match tried {
        LoginAttempt::In(wire, known) => Ok((wire, known)),
        LoginAttempt::Refused(_, answer) => Err(refused(answer, mechanism)),
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
fn refused(answer: Refusal, mechanism: &'static str) -> WatchError {
    if BUSY.iter().any(|code| answer.is(code)) {
        return WatchError::Refused {
            command: "AUTHENTICATE",
            answer,
        };
    }
    WatchError::Credential {
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
