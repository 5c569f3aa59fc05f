//! Who hears of a result, and why nobody does. Pure.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    addr_spec::{mailbox_form, wire_form},
    config::{Endpoint, Reply, ReplyTemplate, ReplyTo, ReturnTo},
    message::{Automatic, Head, identity::InvalidFrom, reply_to},
};

/// Why no reply goes: a fixed code, as it stands in the ledger and in metrics.
pub(super) type NoReplyCode = &'static str;

/// The addresses and users of all our accounts and replies, in lower case: one set, shared by the composers of all endpoints.
pub type OwnAddresses = Arc<BTreeSet<String>>;

/// Who we are, by the accounts and replies of all endpoints.
pub fn ourselves<'a>(endpoints: impl Iterator<Item = &'a Endpoint>) -> OwnAddresses {
    let names = endpoints.flat_map(|endpoint| {
        let reply = &endpoint.reply;
        let accounts = [Some(&endpoint.mailbox.account), reply.account.as_ref()];
        let accounts = accounts
            .into_iter()
            .flatten()
            .flat_map(|account| [Some(&account.user), account.from.as_ref()]);
        let senders = [reply.from.as_ref().map(|from| &from.address), reply.reply_to.as_ref()];
        let returns = reply.letters().map(|letter| match &letter.return_to {
            Some(ReturnTo::Address(address)) => Some(address),
            Some(ReturnTo::Nobody) | None => None,
        });
        accounts.chain(senders).chain(returns).flatten()
    });
    Arc::new(
        names
            .flat_map(|name| [name.to_lowercase(), mailbox_form(name)])
            .collect(),
    )
}

/// Who hears; each address once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Recipients {
    /// Whom it is for, one at least.
    pub(super) to: Vec<String>,
    /// Who else is named.
    pub(super) cc: Vec<String>,
    /// Who else gets it.
    pub(super) bcc: Vec<String>,
}

impl Recipients {
    /// All of them.
    pub(super) fn all(&self) -> Vec<String> {
        let all = self.to.iter().chain(&self.cc).chain(&self.bcc);
        all.cloned().collect()
    }
}

/// The recipients of a letter.
///
/// `proven`: whether something shows that the mail is of whom its From names. `ourselves` holds our own addresses in lower case, and each
/// in the one form of its mailbox. We answer none of them, and no mail that comes from one of them; and no
/// mail that its own header calls automatic, whoever the recipient would be (RFC 3834 section 2): a fixed recipient with an
/// automatic answer of its own would keep the loop going just as well.
pub(super) fn recipients(
    reply: &Reply,
    letter: &ReplyTemplate,
    (head, proven): (&Head, bool),
    ourselves: &BTreeSet<String>,
) -> Result<Recipients, NoReplyCode> {
    if letter.to.is_empty() {
        return Err("nobody");
    }
    let named_by_mail = letter.to.iter().all(|to| matches!(to, ReplyTo::Sender | ReplyTo::From));
    match head.automatic {
        None | Some(Automatic::NoSender)
            if named_by_mail && head.odd_from.is_some_and(|odd| odd != InvalidFrom::Missing) =>
        {
            return Err("no-identity");
        }
        Some(automatic) => return Err(automatic.code()),
        None => {}
    }
    // Whatever is behind a `+` in it: it is our mailbox all the same.
    let is_ours =
        |address: &str| ourselves.contains(&address.to_lowercase()) || ourselves.contains(&mailbox_form(address));
    if head.from.iter().any(|from| is_ours(&from.address)) {
        return Err("ourselves");
    }
    let sender = reply_to::judge(head, proven, &reply.reply_to_domains);
    let wanted = letter.to.iter().filter_map(|to| match to {
        ReplyTo::Sender => sender.map(|sender| sender.address),
        ReplyTo::From => reply_to::from(head),
        ReplyTo::Address(address) => Some(address.as_str()),
    });
    let answerable: Vec<_> = wanted.filter(|address| wire_form(address).is_some()).collect();
    if answerable.is_empty() {
        return Err("no-sender");
    }
    let mut seen = BTreeSet::new();
    let mut others = |addresses: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        let fit = |address: &&str| !is_ours(address);
        let reachable = addresses.filter(fit).filter_map(wire_form);
        reachable
            .filter(|address| seen.insert(address.to_lowercase()))
            .collect()
    };
    let recipients = Recipients {
        to: others(&mut answerable.into_iter()),
        cc: others(&mut letter.cc.iter().map(String::as_str)),
        bcc: others(&mut letter.bcc.iter().map(String::as_str)),
    };
    if recipients.to.is_empty() {
        Err("ourselves")
    } else {
        Ok(recipients)
    }
}

#[cfg(test)]
#[path = "recipients_tests.rs"]
mod tests;
