//! An endpoint file as a whole.

use std::path::Path;

use super::{
    command::command,
    conversation::conversation,
    limits::{limits, retry},
    mailbox::{Accounts, filter, mailbox},
    reply::{reply, settle},
    webhook::webhook,
};
use crate::config::{
    Action, Endpoint, EndpointName, Filter, Limits, Place, Retry,
    read::{Part, read},
    table::Table,
    value::{count, prose},
};

/// An endpoint that is right by itself, and where its file names the mailbox: another may have that one already.
#[derive(Debug)]
pub(in crate::config) struct Draft {
    pub(in crate::config) endpoint: Endpoint,
    pub(in crate::config) mailbox: Place,
    /// Where the file names another endpoint for answers to its replies.
    pub(in crate::config) elsewhere: Option<Place>,
}

/// Reads an endpoint file.
pub(in crate::config) fn endpoint(name: &EndpointName, file: &Path, text: &str, accounts: &Accounts) -> Part<Draft> {
    read(file, text, |top| draft(top, name, accounts))
}

fn draft(top: &mut Table<'_>, name: &EndpointName, accounts: &Accounts) -> Option<Draft> {
    let description = top.or("description", String::new(), prose);
    let concurrency = top.or("concurrency", 8, count(1..=1000));
    let place = top.value("mailbox").map(|value| value.place());
    let mailbox = top.must("mailbox", "write [mailbox] with account = \"…\"", |value| {
        value.table(|table| mailbox(table, name, accounts))
    });
    let filter = top.or("when", Filter::default(), |value| value.table(filter));
    let action = action(top);
    let retry = top.or("retry", Retry::default(), |value| value.table(retry));
    let reply = reply(top, mailbox.as_ref(), accounts);
    let talk = conversation(top, name, mailbox.as_ref(), reply.as_ref());
    let settle = settle(top, mailbox.as_ref());
    let limits = top.or("limits", Limits::default(), |value| value.table(limits));
    let (conversation, elsewhere) = talk?.map(|talk| (talk.conversation, talk.elsewhere)).unzip();
    let endpoint = Endpoint {
        description,
        filter,
        retry,
        reply: reply?,
        conversation,
        settle: settle?,
        limits,
        concurrency,
        ..Endpoint::new(name.clone(), mailbox?, action?)
    };
    Some(Draft {
        endpoint,
        mailbox: place?,
        elsewhere: elsewhere.flatten(),
    })
}

/// Exactly one of webhook and command; both are read, so that all their faults are told.
fn action(top: &mut Table<'_>) -> Option<Action> {
    let (given_webhook, given_command) = (top.value("webhook").is_some(), top.value("command"));
    let webhook = top.get("webhook", |value| value.table(webhook)).map(Action::Webhook);
    let command = top.get("command", |value| value.table(command)).map(Action::Command);
    match (given_webhook, given_command) {
        (true, Some(value)) => value.wrong(
            "stands beside [webhook]; an endpoint has one action",
            "remove one of the two",
        ),
        (false, None) => {
            let cure = "write [webhook] with url = \"https://…\", or [command] with argv = [\"…\"]";
            top.lacks("the endpoint has no action", cure);
            None
        }
        _ => webhook.or(command),
    }
}
