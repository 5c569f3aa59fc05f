//! What a bounce says of the mail that came back: by a delivery report (RFC 3464), or in a text as qmail, Exim and Exchange write it. Pure.

use memchr::memmem;

use super::{
    Automatic, Head, Mail,
    attachment::media_type,
    auto,
    charset::{CharsetHints, decode},
    clean::{clean, clean_id},
    transfer,
};

/// Bytes of a part that are looked at: what a server says, and the header that it quotes, stand at its beginning.
const MOST: usize = 128 * 1024;
/// Identifiers and addresses that are kept.
const MANY: usize = 20;
/// Characters kept of a server's words and of an address.
const WORDS: usize = 500;

/// A mail that says of another one that it could not be delivered, for good.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounce {
    /// The Message-IDs that the other may have, without angle brackets: first those of what it quotes.
    pub ids: Vec<String>,
    /// Who has not got it, as far as it says so.
    pub recipients: Vec<String>,
    /// The server's words, on one line.
    pub said: String,
}

/// What stands in the header of every bounce that counts, in lower case: a quick look that saves reading other mails twice.
const MARKS: [&[u8]; 9] = [
    b"report",
    b"daemon",
    b"postmaster",
    b"auto-submitted",
    b"x-failed-recipients",
    b"message-is-ndr",
    b"microsoftexchange",
    b"<>",
    b"< >",
];

/// Whether a mail may be a bounce, by the bytes of its header.
#[must_use]
pub fn hinted(raw: &[u8]) -> bool {
    let header = raw.get(..raw.len().min(MOST)).unwrap_or_default();
    let ends = ["\n\n", "\n\r\n"].map(|end| memmem::find(header, end.as_bytes()));
    let end = ends.into_iter().flatten().min().unwrap_or(header.len());
    let header = header.get(..end).unwrap_or_default().to_ascii_lowercase();
    MARKS.iter().any(|mark| memmem::find(&header, mark).is_some())
}

/// What a mail says of one that came back; nothing where it says something else, such as that it comes later.
#[must_use]
pub fn read(mail: &Mail<'_>, head: &Head) -> Option<Bounce> {
    let machine = head
        .automatic
        .is_some_and(|why| why != Automatic::NoSender && why != Automatic::Hops);
    if !machine || !hinted(mail.raw()) {
        return None;
    }
    let (mut statuses, mut quoted, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for part in mail.parts() {
        let kind = media_type(&part);
        let text = || {
            let body = transfer::body(&part).bytes;
            let body = body.get(..body.len().min(MOST)).unwrap_or_default();
            decode(body, CharsetHints::default()).into_owned()
        };
        match kind.as_str() {
            "message/delivery-status" | "message/global-delivery-status" => statuses.push(text()),
            "message/rfc822"
            | "message/global"
            | "text/rfc822-headers"
            | "message/rfc822-headers"
            | "message/global-headers" => quoted.push(text()),
            // A receipt, or a complaint: it arrived.
            "message/disposition-notification"
            | "message/global-disposition-notification"
            | "message/feedback-report" => return None,
            _ if part.is_text() => texts.push(text()),
            _ => {}
        }
    }
    let failure = match statuses.as_slice() {
        [] => in_words(mail, head, &texts)?,
        statuses => in_fields(statuses)?,
    };
    let ids = ids(&quoted, &texts, head);
    Some(Bounce { ids, ..failure })
}

/// The failed recipients of a delivery report.
fn in_fields(statuses: &[String]) -> Option<Bounce> {
    let mut bounce = Bounce::default();
    let mut failed = false;
    for block in statuses.iter().flat_map(|status| blocks(status)) {
        let value = |name: &str| {
            let found = block.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let status = value("Status");
        let is_failed = match value("Action").to_ascii_lowercase() {
            action if action.is_empty() => status.starts_with('5'),
            // Domino 8 (2008) writes `failure`.
            action => action.starts_with("fail"),
        };
        if !is_failed {
            continue;
        }
        failed = true;
        for name in ["Original-Recipient", "Final-Recipient"] {
            let address = typed(value(name)).trim_matches(|c| matches!(c, '<' | '>'));
            if address.contains('@') && bounce.recipients.len() < MANY {
                bounce.recipients.push(clean(address, WORDS));
            }
        }
        if bounce.said.is_empty() {
            bounce.said = match (typed(value("Diagnostic-Code")), status) {
                ("", status) => clean(status, WORDS),
                (words, status) if status.is_empty() || words.contains(status) => clean(words, WORDS),
                (words, status) => clean(&format!("{status}: {words}"), WORDS),
            };
        }
    }
    failed.then_some(bounce)
}

/// A bounce in words, by who writes it and how. What is said is the first line with a code of SMTP, or the first lines.
fn in_words(mail: &Mail<'_>, head: &Head, texts: &[String]) -> Option<Bounce> {
    let failed = mail.field("X-Failed-Recipients");
    let subject = head.subject.to_lowercase();
    let is_later = |text: &str| LATER.iter().any(|word| text.contains(word));
    let from = head.from.iter().any(|from| auto::is_bouncer(&from.address));
    let from = from || head.automatic == Some(Automatic::NullSender);
    if !(failed.is_some() || from && auto::is_bounce(head.subject.as_bytes())) || is_later(&subject) {
        return None;
    }
    let lines: Vec<_> = texts
        .iter()
        .flat_map(|text| text.lines())
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.iter().take(40).any(|line| is_later(&line.to_lowercase())) {
        return None;
    }
    let coded = lines.iter().take(200).find(|line| has_code(line));
    let said = match coded {
        Some(line) => clean(line, WORDS),
        None => clean(&lines.iter().take(3).copied().collect::<Vec<_>>().join(" "), WORDS),
    };
    let recipients = failed.unwrap_or_default();
    let recipients = recipients.split(',').map(|one| clean(one, WORDS));
    Some(Bounce {
        ids: Vec::new(),
        recipients: recipients.filter(|one| one.contains('@')).take(MANY).collect(),
        said,
    })
}

/// What stands in bounces of mails that are still on their way: sendmail, Exim, Postfix, Exchange (2026).
const LATER: [&str; 8] = [
    "delay",
    "warning:",
    "warning message only",
    "will be retried",
    "still being retried",
    "will continue to be",
    "verzögert",
    "no action is required on your part",
];

/// Whether a line has a final code of SMTP: `550`, `5.1.1`.
fn has_code(line: &str) -> bool {
    let word = |c: char| !(c.is_ascii_digit() || c == '.');
    line.split(word).any(|word| {
        let word = word.trim_matches('.');
        let enhanced = || {
            let mut numbers = word.split('.');
            numbers.next() == Some("5")
                && numbers.clone().count() == 2
                && numbers.all(|number| (1..=3).contains(&number.len()))
        };
        word.len() == 3 && word.starts_with('5') && word.bytes().all(|b| b.is_ascii_digit()) || enhanced()
    })
}

/// A value behind its type: `rfc822; ann@a.example`, `smtp; 550 no`.
fn typed(value: &str) -> &str {
    match value.split_once(';') {
        Some((kind, rest)) if !kind.trim().contains(|c: char| c.is_whitespace() || c == '@') => rest.trim(),
        _ => value.trim(),
    }
}

/// The fields of each paragraph, unfolded.
fn blocks(text: &str) -> Vec<Vec<(String, String)>> {
    let mut blocks = vec![Vec::<(String, String)>::new()];
    for line in text.lines() {
        let last = blocks.last_mut();
        match (line.split_once(':'), last) {
            _ if line.trim().is_empty() => blocks.push(Vec::new()),
            (_, Some(block)) if line.starts_with([' ', '\t']) => {
                if let Some((_, value)) = block.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            }
            (Some((name, value)), Some(block)) => block.push((name.trim().to_owned(), value.trim().to_owned())),
            _ => {}
        }
    }
    blocks
}

/// The identifiers of the mail that came back: of the header that the bounce quotes, in a part of its own or in its text; else of what it
/// answers.
fn ids(quoted: &[String], texts: &[String], head: &Head) -> Vec<String> {
    let of_header = quoted.iter().filter_map(|header| {
        let header = header.trim_start_matches(['\r', '\n']);
        let end = ["\n\r\n", "\n\n"].iter().filter_map(|end| header.find(end)).min();
        message_ids(header.get(..end.unwrap_or(header.len())).unwrap_or_default()).next()
    });
    let of_text = texts.iter().flat_map(|text| message_ids(text));
    let answered = head.in_reply_to.iter().chain(head.references.last()).cloned();
    let mut ids = Vec::new();
    for id in of_header.chain(of_text).chain(answered) {
        if !ids.contains(&id) && ids.len() < MANY {
            ids.push(id);
        }
    }
    ids
}

/// The values of fields of this name in a text, which may be quoted by `>` or moved to the right.
fn message_ids(text: &str) -> impl Iterator<Item = String> {
    const NAME: &str = "message-id:";
    let plain = |line| str::trim_start_matches(line, |c: char| c.is_whitespace() || matches!(c, '>' | '|'));
    let lines: Vec<_> = text.lines().map(plain).collect();
    let found: Vec<_> = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| {
            let name = line.get(..NAME.len())?;
            let value = line.get(NAME.len()..).filter(|_| name.eq_ignore_ascii_case(NAME))?;
            let value = match value.trim() {
                // It was folded behind the name.
                "" => lines.get(at + 1)?,
                value => value,
            };
            let id = value.split(['<', '>']).map(str::trim).find(|part| part.contains('@'))?;
            Some(clean_id(id)).filter(|id| !id.is_empty())
        })
        .collect();
    found.into_iter()
}

#[cfg(test)]
#[path = "bounce_tests.rs"]
mod tests;
