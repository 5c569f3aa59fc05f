//! Endpoints whose file can't be used, or is away for a moment, and of which no good version may run: what of their mailbox waits for
//! them. Pure.

use std::{path::Path, sync::Arc};

use toml::de::{DeTable, DeValue};

use super::{
    Action, Answers, Endpoint, EndpointName, Filter, Limits, Machines, Mailbox, MailboxId,
    check::{self, Accounts, Ambiguity, KnownMailbox},
    defaults::Defaults,
};

/// An endpoint that does not run. Mails that may be meant for it become jobs that wait for its file.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldEndpoint {
    /// Which mails may be meant for it.
    pub claim: MailboxClaim,
    /// Whether its file is gone, perhaps for a moment; else it can't be used.
    pub away: bool,
}

/// What is known of the mailbox of an endpoint that does not run.
#[derive(Debug, Clone, PartialEq)]
pub enum MailboxClaim {
    /// All of it: this is how it ran, or would.
    Endpoint(Arc<Endpoint>),
    /// Its mailbox, and how that is watched.
    Mailbox(Box<Mailbox>),
    /// Which mailbox it is.
    At(MailboxId),
    /// Whose mailbox it is: it may be any of the user's who has this one.
    Beside(MailboxId),
    /// Nothing: it may be any.
    Anywhere,
}

impl HeldEndpoint {
    /// Whether mails of this mailbox may be meant for it.
    #[must_use]
    pub fn concerns(&self, mailbox: &MailboxId) -> bool {
        match &self.claim {
            MailboxClaim::Endpoint(endpoint) => endpoint.mailbox.id() == *mailbox,
            MailboxClaim::Mailbox(known) => known.id() == *mailbox,
            MailboxClaim::At(id) => id == mailbox,
            MailboxClaim::Beside(id) => id.is_beside(mailbox),
            MailboxClaim::Anywhere => true,
        }
    }

    /// The mailbox that it would watch, where enough is known to do so.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match &self.claim {
            MailboxClaim::Endpoint(endpoint) => Some(&endpoint.mailbox),
            MailboxClaim::Mailbox(mailbox) => Some(mailbox),
            MailboxClaim::At(_) | MailboxClaim::Beside(_) | MailboxClaim::Anywhere => None,
        }
    }

    /// Bytes of the largest mail that it may read.
    pub(super) fn size(&self) -> u64 {
        match &self.claim {
            MailboxClaim::Endpoint(endpoint) => endpoint.limits.size,
            MailboxClaim::Mailbox(_) | MailboxClaim::At(_) | MailboxClaim::Beside(_) | MailboxClaim::Anywhere => {
                Limits::default().size
            }
        }
    }

    /// How it ran, where its turn among the others is known and counts: its file may be back in a moment.
    pub(super) fn in_turn(&self) -> Option<&Arc<Endpoint>> {
        match &self.claim {
            MailboxClaim::Endpoint(endpoint) if self.away => Some(endpoint),
            _ => None,
        }
    }
}

impl Filter {
    /// Whether a mail that passes is clearly meant: something of the mail itself is asked for by name. A size alone says nothing, nor does
    /// a pattern that every mail has.
    #[must_use]
    pub fn owns(&self) -> bool {
        let narrow = |patterns: &[String]| {
            let any = |pattern: &String| pattern.chars().all(|c| c == '*');
            !patterns.is_empty() && !patterns.iter().any(any)
        };
        let patterns = [&self.from, &self.to, &self.plus, &self.subject, &self.attachments];
        patterns.into_iter().any(|patterns| narrow(patterns))
    }

    /// Whether every mail passes.
    #[must_use]
    pub fn takes_all(&self) -> bool {
        let has_size = self.min_size.is_some() || self.max_size.is_some();
        !self.owns() && !has_size && self.automatic == Machines::Allow && self.answers == Answers::default()
    }
}

/// What can be known of the mailbox from a file that can't be used.
pub(super) fn claim(
    name: &EndpointName,
    file: &Path,
    text: &str,
    accounts: &Accounts,
    defaults: Option<&Defaults<'_>>,
) -> MailboxClaim {
    let alone = |text: &str| check::mailbox_alone(name, file, text, accounts, defaults);
    let told = match told_whole(text) {
        Some(text) => alone(text),
        None => told_by_lines(text).and_then(|(lines, open)| match (alone(&lines)?, open) {
            (told, None) => Some(told),
            // How it is watched may stand in the line that is wrong.
            (KnownMailbox::Whole(mailbox) | KnownMailbox::Which(mailbox), Some(Ambiguity::Nothing)) => {
                Some(KnownMailbox::Which(mailbox))
            }
            (told @ KnownMailbox::Whose(_), Some(Ambiguity::Nothing)) => Some(told),
            (
                KnownMailbox::Whole(mailbox) | KnownMailbox::Which(mailbox) | KnownMailbox::Whose(mailbox),
                Some(Ambiguity::Which),
            ) => Some(KnownMailbox::Whose(mailbox)),
            (_, Some(Ambiguity::Whose)) => None,
        }),
    };
    match told {
        Some(KnownMailbox::Whole(mailbox)) => MailboxClaim::Mailbox(Box::new(mailbox)),
        Some(KnownMailbox::Which(mailbox)) => MailboxClaim::At(mailbox.id()),
        Some(KnownMailbox::Whose(mailbox)) => MailboxClaim::Beside(mailbox.id()),
        None => MailboxClaim::Anywhere,
    }
}

/// The lines of `[mailbox]` that are right on their own, and what the others leave open. TOML is written in lines, so a slip elsewhere
/// spoils none of them; but for a text over several lines, and for a table that may go on where the file was cut off.
fn told_by_lines(text: &str) -> Option<(String, Option<Ambiguity>)> {
    let bare = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    let is_header = |line: &&str| bare(line) == "[mailbox]";
    let elsewhere = |line: &str| line.starts_with("[mailbox.") || line.starts_with("mailbox");
    let several = text.contains("\"\"\"") || text.contains("'''");
    if several || text.lines().filter(is_header).count() != 1 || text.lines().map(str::trim).any(elsewhere) {
        return None;
    }
    let mut rest = text.lines().skip_while(|line| !is_header(line)).skip(1);
    let (mut lines, mut wrong, mut ended) = ("[mailbox]\n".to_owned(), Vec::new(), false);
    for line in rest.by_ref().map(str::trim) {
        if line.starts_with('[') {
            ended = true;
            break;
        }
        if DeTable::parse(line).is_ok() {
            lines.push_str(line);
            lines.push('\n');
        } else {
            wrong.push(line.split_once('=')?.0.trim());
        }
    }
    // A line that is wrong is known by its key.
    let named = lines
        .lines()
        .any(|line| line.split('=').next().unwrap_or_default().trim() == "name");
    let open = wrong.into_iter().map(|key| Ambiguity::by(key, named)).max();
    ended.then_some((lines, open))
}

/// As much of a file as can be relied on, when nothing of `[mailbox]` can be missing from it: another table follows before any line that
/// is no TOML, or all is TOML and has an action, and so was written to its end.
fn told_whole(text: &str) -> Option<&str> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let error = errors
        .iter()
        .map(|error| error.span().map_or(0, |span| span.start))
        .min();
    let is_table = |name: &str| {
        matches!(
            root.get_ref().get(name).map(toml::Spanned::get_ref),
            Some(DeValue::Table(_))
        )
    };
    if error.is_none() && is_table("mailbox") && Action::KINDS.iter().any(|kind| is_table(kind.name)) {
        return Some(text);
    }
    let sound = text.get(..error.unwrap_or(text.len()))?;
    let mut begun = false;
    let mut at = 0;
    for line in sound.split_inclusive('\n') {
        let bare = line.trim_start();
        let is_mailbox = bare.starts_with("[mailbox]") || bare.starts_with("[mailbox.");
        if begun && bare.starts_with('[') && !is_mailbox {
            return sound.get(..at);
        }
        begun |= is_mailbox;
        at += line.len();
    }
    // The error may stand in the very line that ends the table.
    let line = sound.rfind('\n').map_or(0, |end| end + 1);
    let next = text.get(line..).unwrap_or_default().trim_start();
    (begun && error.is_some() && next.starts_with('[')).then(|| sound.get(..line))?
}

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
