//! An endpoint file as a whole.

use std::{path::Path, sync::Arc};

use super::{
    action::action,
    conversation::conversation,
    filter::filter,
    inputs::{NamedInputs, inputs},
    mailbox::{Accounts, MailboxKeys, MailboxTable, mailbox},
    own::OwnKeys,
    reply::reply,
    senders::senders,
    settle::settle,
};
use crate::config::{
    Action, Endpoint, EndpointName, Filter, Jobs, Limits, Mailbox, Output, Place, Problem, Rates, Retry, Webhook,
    defaults::Defaults, homes::known_keys, key_table::FileKind, meant::nearest, read::read, sheet::Checked,
    table::Table, term::Term,
};

/// An endpoint that is right by itself. Others may watch the same mailbox: what its file says of that has to be what theirs say.
#[derive(Debug, Clone)]
pub(in crate::config) struct EndpointDraft {
    /// Shared with whoever remembers it, and with what runs.
    pub(in crate::config) endpoint: Arc<Endpoint>,
    /// Whether it runs.
    pub(in crate::config) enabled: bool,
    /// Where its file names the mailbox.
    pub(in crate::config) mailbox: Place,
    /// What its file says of the mailbox, with the places.
    pub(in crate::config) said: Vec<(Term, Place)>,
    /// Where the file names another endpoint for answers to its replies.
    pub(in crate::config) elsewhere: Option<Place>,
    /// Whether the file says what it said when it was last in use.
    pub(in crate::config) ran: bool,
    /// Where `[conversation]` begins, if it is there.
    pub(in crate::config) asked: Option<Place>,
}

/// Reads an endpoint file over the defaults of `mailjob.toml`.
pub(in crate::config) fn endpoint(
    name: &EndpointName,
    file: &Path,
    text: &str,
    accounts: &Accounts,
    defaults: Option<&Defaults<'_>>,
) -> Checked<EndpointDraft> {
    read((FileKind::Endpoint, known_keys()), defaults, (file, text), |top| {
        draft(top, name, accounts)
    })
}

fn draft(top: &mut Table<'_>, name: &EndpointName, accounts: &Accounts) -> Option<EndpointDraft> {
    let own = OwnKeys::read(top);
    let place = top.own("mailbox").map_or(Place::START, |value| value.place());
    let said = top.must("mailbox", "write [mailbox] with account = \"…\"", |value| {
        value.table(|table| mailbox(table, name, accounts))
    });
    let mailbox = said.as_ref().map(|said| &said.mailbox);
    let filter = top.or("when", Filter::default(), |value| {
        value.table(|table| filter(table, mailbox))
    });
    let senders = senders(top, mailbox);
    let jobs = top.or("jobs", Jobs::default(), |value| value.table(Jobs::read));
    let named = top.or("inputs", NamedInputs::default(), |value| value.table(inputs));
    let action = action(top, &named);
    let output = top.or("output", Output::default(), |value| value.table(Output::read));
    let retry = top.or("retry", Retry::default(), |value| value.table(Retry::read));
    let reply = reply(top, mailbox, accounts);
    let talk = conversation(top, name, mailbox, reply.as_ref());
    let (settle, ignored) = settle(top, mailbox).unzip();
    let limits = top.or("limits", Limits::default(), |value| value.table(Limits::read));
    let rates = top.or("rates", Rates::default(), |value| value.table(Rates::read));
    let OwnKeys {
        description,
        enabled,
        concurrency,
    } = own?;
    let MailboxTable {
        mailbox,
        order,
        mut terms,
    } = said?;
    let talk = talk?;
    let asked = talk.as_ref().map(|talk| talk.place.clone());
    let (conversation, elsewhere) = talk.map(|talk| (talk.conversation, talk.elsewhere)).unzip();
    terms.extend(ignored.flatten());
    let mut endpoint = Endpoint {
        description,
        order,
        filter,
        jobs,
        inputs: named.inputs,
        senders,
        retry,
        output,
        reply: reply?,
        conversation,
        settle: settle?,
        limits,
        rates,
        concurrency,
        ..Endpoint::new(name.clone(), mailbox, action?)
    };
    // So that it need not be made anew where nobody else says more of the mailbox.
    terms.iter().for_each(|(term, _)| term.apply(&mut endpoint));
    Some(EndpointDraft {
        endpoint: Arc::new(endpoint),
        enabled,
        mailbox: place,
        said: terms,
        elsewhere: elsewhere.flatten(),
        ran: false,
        asked,
    })
}

/// The keys that say whose it is.
const WHOSE: [&str; 4] = ["account", "user", "auth", "protocol"];
/// The key that says which of theirs it is.
const NAME: &str = "name";

/// What a file that can't be used says of its mailbox.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) enum KnownMailbox {
    /// All of it.
    Whole(Mailbox),
    /// Which one it is, not how it is watched.
    Which(Mailbox),
    /// Whose it is, not which of theirs.
    Whose(Mailbox),
}

/// How far a key of `[mailbox]` that is wrong leaves open which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) enum Ambiguity {
    /// Not at all.
    Nothing,
    /// It may be another of the same user.
    Which,
    /// It may be anybody's.
    Whose,
}

impl Ambiguity {
    /// By a key that is wrong, or that nobody knows and may be meant for another; `named` says whether the mailbox has its name. Pure.
    pub(in crate::config) fn by(key: &str, named: bool) -> Self {
        let keys = MailboxKeys::section().keys;
        let known = || keys.iter().map(|known| known.name).chain(["backlog_limit"]);
        let is_known = known().any(|known| known == key);
        let meant = if is_known { Some(key) } else { nearest(key, known()) };
        match meant {
            Some(meant) if WHOSE.contains(&meant) => Self::Whose,
            Some(NAME) => Self::Which,
            // One that is like no other may be its name, where nothing else is.
            _ if is_known || named => Self::Nothing,
            _ => Self::Which,
        }
    }
}

/// The mailbox that a file names which can't be used, as far as that is sure.
pub(in crate::config) fn mailbox_alone(
    name: &EndpointName,
    file: &Path,
    text: &str,
    accounts: &Accounts,
    defaults: Option<&Defaults<'_>>,
) -> Option<KnownMailbox> {
    let mut said = None;
    // Other tables are not asked for, and so count as unknown: what is wrong here is wrong with the mailbox only in its own table.
    read((FileKind::Endpoint, known_keys()), defaults, (file, text), |top| {
        let value = top.value("mailbox")?;
        let keys = value.keys();
        let part = top.apart(|| value.table(|table| mailbox(table, name, accounts)));
        said = Some((part, keys));
        Some(())
    });
    let (part, keys): (Checked<MailboxTable>, Vec<(usize, String)>) = said?;
    let is_named = keys.iter().any(|(_, key)| key == NAME);
    let open = |problem: &Problem| {
        let line = problem.place.as_ref().map(|place| place.line);
        let mut there = keys.iter().filter(|(at, _)| Some(*at) == line);
        match (there.next(), there.next()) {
            (Some((_, key)), None) => Ambiguity::by(key, is_named),
            // Which of several it is can't be said by its line.
            _ => Ambiguity::Whose,
        }
    };
    let whole = part.problems.is_empty();
    let open = part.problems.iter().map(open).max().unwrap_or(Ambiguity::Nothing);
    let MailboxTable { mailbox, terms, .. } = part.value?;
    // An action has to stand there, and is never run.
    let mut endpoint = Endpoint::new(name.clone(), mailbox, Action::Webhook(Webhook::new(String::new())));
    terms.iter().for_each(|(term, _)| term.apply(&mut endpoint));
    match open {
        Ambiguity::Nothing if whole => Some(KnownMailbox::Whole(endpoint.mailbox)),
        Ambiguity::Nothing => Some(KnownMailbox::Which(endpoint.mailbox)),
        Ambiguity::Which => Some(KnownMailbox::Whose(endpoint.mailbox)),
        Ambiguity::Whose => None,
    }
}
