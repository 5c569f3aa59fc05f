//! Submission (RFC 6409): who is signed in hands in mails of his own, which come to mailboxes of this world.

use std::{io, sync::Arc};

use super::{
    MAIL_SERVER,
    credentials::Credentials,
    post_office::PostOffice,
    sasl,
    trays::{LARGEST, PostOfficeFull},
    wire::ServerWire,
};

/// Recipients of a mail.
const RECIPIENTS: usize = 100;
/// Commands that are refused before the session ends.
const REFUSALS: u32 = 20;

/// A session, until its client leaves.
pub(super) async fn serve(
    mut wire: ServerWire,
    office: Arc<PostOffice>,
    credentials: Arc<Credentials>,
) -> io::Result<()> {
    let mut session = SubmissionSession::default();
    say(&mut wire, &format!("220 {MAIL_SERVER} ESMTP of mailjob demo")).await?;
    loop {
        let line = wire.line().await?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let said = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => ehlo(),
            "HELO" => format!("250 {MAIL_SERVER}"),
            "AUTH" => authenticate(&mut wire, &mut session, &credentials, rest).await?,
            "MAIL" => session.mail(rest),
            "RCPT" => session.recipient(rest),
            "DATA" => match session.may_begin() {
                Ok(()) => data(&mut wire, &mut session, &office).await?,
                Err(refusal) => refusal.to_owned(),
            },
            "RSET" => {
                session.reset();
                "250 2.0.0 OK".to_owned()
            }
            "NOOP" => "250 2.0.0 OK".to_owned(),
            "QUIT" => return wire.end(b"221 2.0.0 Bye\r\n").await,
            _ => "502 5.5.1 Command not known".to_owned(),
        };
        session.refusals += u32::from(said.starts_with('5'));
        if session.refusals > REFUSALS {
            return wire.end(b"421 4.7.0 Too many errors\r\n").await;
        }
        say(&mut wire, &said).await?;
    }
}

async fn say(wire: &mut ServerWire, line: &str) -> io::Result<()> {
    wire.say(format!("{line}\r\n").as_bytes()).await
}

fn ehlo() -> String {
    format!(
        "250-{MAIL_SERVER}\r\n250-SIZE {LARGEST}\r\n250-8BITMIME\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH {}",
        sasl::MECHANISMS.join(" ")
    )
}

/// What a session knows of its client and the mail in hand.
#[derive(Debug, Default)]
struct SubmissionSession {
    user: Option<String>,
    sender: Option<String>,
    recipients: Vec<String>,
    refusals: u32,
}

impl SubmissionSession {
    fn reset(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }

    fn mail(&mut self, rest: &str) -> String {
        let Some(user) = self.user.clone() else {
            return "530 5.7.0 Authentication required".to_owned();
        };
        let Some((sender, parameters)) = path(rest, "FROM:") else {
            return "501 5.5.4 Write MAIL FROM:<address>".to_owned();
        };
        if !sender.is_empty() && !sender.eq_ignore_ascii_case(&user) {
            return format!("553 5.7.1 {user} may not send as somebody else");
        }
        for parameter in parameters.split_ascii_whitespace() {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name.to_ascii_uppercase().as_str() {
                "SIZE" if value.parse::<usize>().is_ok_and(|size| size <= LARGEST) => {}
                "SIZE" => return "552 5.3.4 Too large".to_owned(),
                "BODY" => {}
                _ => return "555 5.5.4 Parameter not known".to_owned(),
            }
        }
        self.reset();
        self.sender = Some(user);
        "250 2.1.0 OK".to_owned()
    }

    fn recipient(&mut self, rest: &str) -> String {
        if self.sender.is_none() {
            return "503 5.5.1 MAIL first".to_owned();
        }
        let Some((recipient, _)) = path(rest, "TO:") else {
            return "501 5.5.4 Write RCPT TO:<address>".to_owned();
        };
        if self.recipients.len() >= RECIPIENTS {
            return "452 4.5.3 Too many recipients".to_owned();
        }
        if !recipient.to_ascii_lowercase().ends_with(".example") {
            return format!("550 5.7.1 {}", PostOfficeFull::Outside);
        }
        self.recipients.push(recipient.to_owned());
        "250 2.1.5 OK".to_owned()
    }

    fn may_begin(&self) -> Result<(), &'static str> {
        match (&self.sender, self.recipients.is_empty()) {
            (None, _) => Err("503 5.5.1 MAIL first"),
            (Some(_), true) => Err("554 5.5.1 No recipients"),
            (Some(_), false) => Ok(()),
        }
    }
}

/// The address of `FROM:<…>` or `TO:<…>`, and what follows it.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let (word, address) = rest.split_at_checked(keyword.len())?;
    let address = address.trim_start().strip_prefix('<')?;
    let (address, parameters) = address.split_once('>')?;
    word.eq_ignore_ascii_case(keyword).then_some((address, parameters))
}

async fn authenticate(
    wire: &mut ServerWire,
    session: &mut SubmissionSession,
    credentials: &Credentials,
    rest: &str,
) -> io::Result<String> {
    let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
    let response = match initial {
        "" => {
            say(wire, "334 ").await?;
            String::from_utf8_lossy(&wire.line().await?).into_owned()
        }
        initial => initial.to_owned(),
    };
    let presented = sasl::read(mechanism, &response);
    session.user = presented.and_then(|presented| credentials.admit(&presented));
    Ok(match session.user {
        Some(_) => "235 2.7.0 Authentication successful",
        None => "535 5.7.8 Authentication credentials invalid",
    }
    .to_owned())
}

async fn data(wire: &mut ServerWire, session: &mut SubmissionSession, office: &PostOffice) -> io::Result<String> {
    say(wire, "354 Go on").await?;
    let mut mail = Vec::new();
    let mut is_large = false;
    loop {
        let line = wire.line().await?;
        let line = match line.as_slice() {
            b"." => break,
            [b'.', rest @ ..] => rest,
            line => line,
        };
        // What is too large is heard to its end, so that the session can go on.
        is_large |= mail.len().saturating_add(line.len()) > LARGEST;
        if !is_large {
            mail.extend_from_slice(line);
            mail.extend_from_slice(b"\r\n");
        }
    }
    let (sender, recipients) = (session.sender.take(), std::mem::take(&mut session.recipients));
    let taken = match is_large {
        true => Err(PostOfficeFull::Large),
        false => office.submit(&sender.unwrap_or_default(), &recipients, &mail),
    };
    Ok(match taken {
        Ok(()) => "250 2.0.0 Delivered".to_owned(),
        Err(full @ PostOfficeFull::Full) => format!("452 4.3.1 {full}"),
        Err(large @ PostOfficeFull::Large) => format!("552 5.3.4 {large}"),
        Err(outside @ PostOfficeFull::Outside) => format!("554 5.7.1 {outside}"),
    })
}
