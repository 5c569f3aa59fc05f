//! Who hears of a result, and why nobody does. Pure.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    addr_spec::is_sendable,
    config::{Endpoint, ReplyTo},
    message::{Address, Automatic, Head},
};

/// Why no reply goes: a fixed code, as it stands in the ledger and in metrics.
pub(super) type Code = &'static str;

/// The addresses and users of all our accounts, in lower case: one set, shared by the composers of all endpoints.
pub type Ourselves = Arc<BTreeSet<String>>;

/// Who we are, by the accounts of all endpoints.
pub fn ourselves<'a>(endpoints: impl Iterator<Item = &'a Endpoint>) -> Ourselves {
    let accounts = endpoints.flat_map(|endpoint| [Some(&endpoint.mailbox.account), endpoint.reply.account.as_ref()]);
    let names = accounts
        .flatten()
        .flat_map(|account| [Some(&account.user), account.from.as_ref()]);
    Arc::new(names.flatten().map(|name| name.to_lowercase()).collect())
}

/// The recipients, one at least.
///
/// `ourselves` holds our own addresses in lower case. We answer none of them, and no mail that comes from one of them; and no
/// mail that its own header calls automatic, whoever the recipient would be (RFC 3834 section 2): a fixed recipient with an
/// automatic answer of its own would keep the loop going just as well.
pub(super) fn recipients(to: &ReplyTo, head: &Head, ourselves: &BTreeSet<String>) -> Result<Vec<String>, Code> {
    let named_by_mail = *to == ReplyTo::Sender;
    match head.automatic {
        None | Some(Automatic::NoSender) if named_by_mail && head.odd_from.is_some() => return Err("no-identity"),
        Some(automatic) => return Err(automatic.code()),
        None => {}
    }
    let is_ours = |address: &str| ourselves.contains(&address.to_lowercase());
    if head.from.iter().any(|from| is_ours(&from.address)) {
        return Err("ourselves");
    }
    let wanted = match to {
        ReplyTo::Nobody => return Err("nobody"),
        ReplyTo::Sender => vec![sender(head).ok_or("no-sender")?.to_owned()],
        ReplyTo::Addresses(addresses) => addresses.clone(),
    };
    let answerable: Vec<_> = wanted.into_iter().filter(|address| is_sendable(address)).collect();
    if answerable.is_empty() {
        return Err("no-sender");
    }
    let mut seen = BTreeSet::new();
    let others = answerable
        .into_iter()
        .filter(|address| !is_ours(address) && seen.insert(address.to_lowercase()));
    let others: Vec<_> = others.collect();
    if others.is_empty() {
        Err("ourselves")
    } else {
        Ok(others)
    }
}

/// Reply-To where it is one address in From's domain, else From where it is one address. A Reply-To elsewhere would let anybody
/// point our answers at anybody.
fn sender(head: &Head) -> Option<&str> {
    let [Address { address: from, .. }] = head.from.as_slice() else {
        return None;
    };
    match head.reply_to.as_slice() {
        [Address { address: reply_to, .. }] if is_same_domain(reply_to, from) => Some(reply_to),
        _ => Some(from),
    }
}

fn is_same_domain(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((_, one)), Some((_, other))) => one.eq_ignore_ascii_case(other),
        _ => false,
    }
}

#[cfg(test)]
#[path = "recipients_tests.rs"]
mod tests;
