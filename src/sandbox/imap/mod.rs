//! IMAP (RFC 9051 and what its clients need of RFC 3501): one session over the mailboxes of whoever signs in.

mod answered;
mod command;
mod fetch;
mod session;
mod words;

use std::{io, sync::Arc};

use self::{
    answered::Answered,
    command::ImapCommand,
    session::ImapSession,
    words::{ImapWords, announced},
};
use super::{
    credentials::Credentials,
    post_office::PostOffice,
    sasl::{self, Presented},
    trays::LARGEST,
    wire::ServerWire,
};

/// Capabilities before and after a sign-in.
const OUTSIDE: &str = "IMAP4rev1 SASL-IR ID AUTH=PLAIN AUTH=XOAUTH2 AUTH=OAUTHBEARER";
const INSIDE: &str = "IMAP4rev1 IDLE MOVE UIDPLUS UNSELECT NAMESPACE ENABLE LITERAL+ ID";
/// The bytes of a literal before a sign-in.
const SMALL: usize = 4096;
/// Literals of a command.
const LITERALS: usize = 20;
/// Commands that can't be read, or sign-ins that are refused, before the session ends.
const REFUSALS: u32 = 20;

/// A command as it came: its tag, and what it asks for where that can be read.
struct Asked {
    tag: String,
    command: Option<ImapCommand>,
}

/// A session, until its client leaves.
pub(super) async fn serve(
    mut wire: ServerWire,
    office: Arc<PostOffice>,
    credentials: Arc<Credentials>,
) -> io::Result<()> {
    wire.say(format!("* OK [CAPABILITY {OUTSIDE}] the demo is ready\r\n").as_bytes())
        .await?;
    let mut session: Option<ImapSession> = None;
    let mut refusals = 0;
    loop {
        let Asked { tag, command } = command(&mut wire, session.is_some()).await?;
        let answered = match (command, &mut session) {
            (None, _) => Answered::bad("that can't be read, or is not known here"),
            (Some(ImapCommand::Logout), _) => {
                return wire
                    .end(format!("* BYE until next time\r\n{tag} OK done\r\n").as_bytes())
                    .await;
            }
            (Some(ImapCommand::Capability), session) => {
                let capabilities = if session.is_some() { INSIDE } else { OUTSIDE };
                Answered::ok("done").saying(format!("* CAPABILITY {capabilities}\r\n"))
            }
            (Some(ImapCommand::Id), _) => Answered::ok("done").saying("* ID (\"name\" \"mailjob demo\")\r\n"),
            (Some(ImapCommand::Noop), None) => Answered::ok("done"),
            (Some(ImapCommand::Login { user, password }), None) => {
                let user = credentials.admit(&Presented::Password { user, password });
                admitted(&mut session, user, &office)
            }
            (Some(ImapCommand::Authenticate { mechanism, initial }), None) => {
                let response = match initial {
                    Some(initial) => initial,
                    None => {
                        wire.say(b"+ \r\n").await?;
                        String::from_utf8_lossy(&wire.line().await?).into_owned()
                    }
                };
                let presented = sasl::read(&mechanism, &response);
                let user = presented.and_then(|presented| credentials.admit(&presented));
                admitted(&mut session, user, &office)
            }
            (Some(_), None) => Answered::bad("sign in first"),
            (Some(ImapCommand::Idle), Some(session)) => idle(&mut wire, session).await?,
            (Some(ImapCommand::Fetch { by_uid, set, items }), Some(session)) => {
                match session.fetch(by_uid, &set, &items) {
                    Err(refusal) => refusal,
                    Ok(mails) => {
                        // One after the other: together they may be all that there is.
                        for (number, mail) in &mails {
                            wire.say(&fetch::answer(*number, mail, &items, by_uid)).await?;
                        }
                        Answered::ok("done").saying(session.news())
                    }
                }
            }
            (Some(command), Some(session)) => session.answer(command),
        };
        if answered.is_refusal() {
            refusals += 1;
        }
        wire.say(&answered.bytes(&tag)).await?;
        if refusals > REFUSALS {
            return wire.end(b"* BYE too many errors\r\n").await;
        }
    }
}

/// Reads a command, with its literals.
async fn command(wire: &mut ServerWire, is_inside: bool) -> io::Result<Asked> {
    let most = if is_inside { LARGEST } else { SMALL };
    let mut words = Some(ImapWords::default());
    let mut tag = None;
    for _ in 0..=LITERALS {
        let line = wire.line().await?;
        let first = || {
            String::from_utf8_lossy(&line)
                .split(' ')
                .next()
                .unwrap_or("*")
                .to_owned()
        };
        let tag = tag.get_or_insert_with(first).clone();
        let literal = announced(&line);
        let braces = line
            .iter()
            .rposition(|byte| *byte == b'{')
            .filter(|_| literal.is_some());
        let text = line.get(..braces.unwrap_or(line.len())).unwrap_or_default();
        words = words.and_then(|mut words| words.text(text).map(|()| words));
        let Some((size, waits)) = literal else {
            let words = words.and_then(ImapWords::all);
            let command = words.and_then(|words| command::read(words.get(1..)?));
            return Ok(Asked { tag, command });
        };
        match (size <= most, waits) {
            (true, false) => {}
            (true, true) => wire.say(b"+ go on\r\n").await?,
            // The client did not send it yet.
            (false, true) => return Ok(Asked { tag, command: None }),
            (false, false) => return Err(io::ErrorKind::FileTooLarge.into()),
        }
        let bytes = wire.exactly(size).await?;
        words = words.and_then(|mut words| words.literal(bytes).map(|()| words));
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "too many literals"))
}

fn admitted(session: &mut Option<ImapSession>, user: Option<String>, office: &Arc<PostOffice>) -> Answered {
    match user {
        Some(user) => {
            *session = Some(ImapSession::new(user, office.clone()));
            Answered::ok(format!("[CAPABILITY {INSIDE}] signed in"))
        }
        None => Answered::no("[AUTHENTICATIONFAILED] wrong user, password or token"),
    }
}

/// Tells of news as it comes, until the client has heard enough.
async fn idle(wire: &mut ServerWire, session: &mut ImapSession) -> io::Result<Answered> {
    let mut changes = session.office().changes();
    wire.say(b"+ idling\r\n").await?;
    let _waits = session.waits();
    loop {
        let news = session.news();
        if !news.is_empty() {
            wire.say(&news).await?;
        }
        tokio::select! {
            line = wire.line() => {
                return Ok(match line?.eq_ignore_ascii_case(b"DONE") {
                    true => Answered::ok("done"),
                    false => Answered::bad("DONE was expected"),
                });
            }
            changed = changes.changed() => {
                if changed.is_err() {
                    return Ok(Answered::no("the mailboxes are gone"));
                }
            }
        }
    }
}
