//! Who hears of a result, and why nobody does. Pure.

use std::{collections::BTreeSet, sync::Arc};

use wildmatch::WildMatch;

use crate::{
    addr_spec::{is_plain, normal, normal_domain, wire_form},
    config::{Endpoint, Letter, Reply, ReplyTo, ReturnTo},
    message::{Address, Automatic, Head, identity::Odd},
};

/// Why no reply goes: a fixed code, as it stands in the ledger and in metrics.
pub(super) type Code = &'static str;

/// The addresses and users of all our accounts and replies, in lower case: one set, shared by the composers of all endpoints.
pub type Ourselves = Arc<BTreeSet<String>>;

/// Who we are, by the accounts and replies of all endpoints.
pub fn ourselves<'a>(endpoints: impl Iterator<Item = &'a Endpoint>) -> Ourselves {
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
    Arc::new(names.map(|name| name.to_lowercase()).collect())
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
/// `ourselves` holds our own addresses in lower case. We answer none of them, and no mail that comes from one of them; and no
/// mail that its own header calls automatic, whoever the recipient would be (RFC 3834 section 2): a fixed recipient with an
/// automatic answer of its own would keep the loop going just as well.
pub(super) fn recipients(
    reply: &Reply,
    letter: &Letter,
    head: &Head,
    ourselves: &BTreeSet<String>,
) -> Result<Recipients, Code> {
    if letter.to.is_empty() {
        return Err("nobody");
    }
    let named_by_mail = letter.to.iter().all(|to| matches!(to, ReplyTo::Sender | ReplyTo::From));
    match head.automatic {
        None | Some(Automatic::NoSender) if named_by_mail && head.odd_from.is_some_and(|odd| odd != Odd::Missing) => {
            return Err("no-identity");
        }
        Some(automatic) => return Err(automatic.code()),
        None => {}
    }
    let is_ours = |address: &str| {
        let normal = normal(address);
        ourselves.contains(&address.to_lowercase()) || normal.is_some_and(|address| ourselves.contains(&address))
    };
    if head.from.iter().any(|from| is_ours(&from.address)) {
        return Err("ourselves");
    }
    let wanted = letter.to.iter().filter_map(|to| match to {
        ReplyTo::Sender => sender(head, &reply.reply_to_domains),
        ReplyTo::From => from(head),
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

/// From where it is one address, in a form that can't be read in two ways.
fn from(head: &Head) -> Option<&str> {
    match head.from.as_slice() {
        [Address { address, .. }] if head.odd_from.is_none() => Some(address),
        _ => None,
    }
}

/// Reply-To where it is one address in From's domain or in one that is allowed, else From where it is one address. A Reply-To
/// elsewhere would let anybody point our answers at anybody.
fn sender<'a>(head: &'a Head, allowed: &[String]) -> Option<&'a str> {
    let from = from(head)?;
    match one_of(&head.reply_to) {
        Some(reply_to) if wire_form(reply_to).is_none() => Some(from),
        Some(reply_to) if is_same_domain(reply_to, from) || is_allowed(reply_to, allowed) => Some(reply_to),
        _ => Some(from),
    }
}

/// The one address that several fields name, where they name no other (RFC 5322 section 3.6 has one field at most).
fn one_of(reply_to: &[Address]) -> Option<&str> {
    let (first, rest) = reply_to.split_first()?;
    let same = |other: &Address| other.address.eq_ignore_ascii_case(&first.address);
    rest.iter().all(same).then_some(first.address.as_str())
}

fn is_same_domain(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((_, one)), Some((_, other))) => {
            one.eq_ignore_ascii_case(other) || normal_domain(one).is_some_and(|one| Some(one) == normal_domain(other))
        }
        _ => false,
    }
}

fn is_allowed(address: &str, globs: &[String]) -> bool {
    is_plain(address)
        && address.rsplit_once('@').is_some_and(|(_, domain)| {
            let matches = |glob: &String| WildMatch::new_case_insensitive(glob).matches(domain);
            globs.iter().any(matches)
        })
}

#[cfg(test)]
#[path = "recipients_tests.rs"]
mod tests;
