//! Where the sender of a mail is answered: at the address of From, or at that of Reply-To where that is nobody else's. Pure.
//!
//! A Reply-To is the sender's word alone. Whoever could point it at anybody could have us mail anybody, so it counts only at From's own
//! mailbox, at domains that the operator named, and in From's domain where the mail is proven to be From's and the domain is of one owner.

use super::{Address, Head, auto, freemail};
use crate::{
    addr_spec::{is_plain, mailbox_form, normal_domain, wire_form},
    config::glob::Glob,
};

/// Why a Reply-To doesn't count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unheeded {
    /// It names more than one address.
    Several,
    /// It can't be written in SMTP.
    Unwritable,
    /// Behind it is a machine, a list, or whoever answers for a domain.
    Role,
    /// It is in another domain than From.
    Elsewhere,
    /// It is another address than From at a provider where everybody has one.
    Public,
    /// It is another address than From, and nothing shows that the mail is From's.
    Unproven,
}

impl Unheeded {
    /// In words.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Several => "it names more than one address",
            Self::Unwritable => "it can't be written in SMTP",
            Self::Role => "nobody reads there, or a list or whoever answers for a domain does",
            Self::Elsewhere => "it is in another domain than From, and reply_to_domains does not name that",
            Self::Public => {
                "it is another address than From at a public mail provider, and reply_to_domains does not name that"
            }
            Self::Unproven => {
                "it is another address than From, nothing shows that the mail is of whom From names, and reply_to_domains does not name \
                 its domain"
            }
        }
    }
}

/// Where the sender is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyAddress<'h> {
    /// The address.
    pub address: &'h str,
    /// Why it is From's, although there is a Reply-To that names another one.
    pub unheeded: Option<Unheeded>,
}

/// From where it is one address, in a form that can't be read in two ways.
#[must_use]
pub fn from(head: &Head) -> Option<&str> {
    match head.from.as_slice() {
        [Address { address, .. }] if head.odd_from.is_none() => Some(address),
        _ => None,
    }
}

/// Where the sender is answered; nothing where From names nobody. `proven`: whether something shows that the mail is From's. `allowed`:
/// globs of domains.
#[must_use]
pub fn judge<'h>(head: &'h Head, proven: bool, allowed: &[String]) -> Option<ReplyAddress<'h>> {
    let from = from(head)?;
    let (address, unheeded) = match heeded(head, from, proven, allowed) {
        Ok(address) => (address, None),
        Err(why) => (from, Some(why)),
    };
    Some(ReplyAddress { address, unheeded })
}

fn heeded<'h>(head: &'h Head, from: &'h str, proven: bool, allowed: &[String]) -> Result<&'h str, Unheeded> {
    let Some((first, rest)) = head.reply_to.split_first() else {
        return Ok(from);
    };
    let reply_to = first.address.as_str();
    // RFC 5322 section 3.6 has one field at most; some write two that say the same.
    if rest.iter().any(|other| !other.address.eq_ignore_ascii_case(reply_to)) {
        return Err(Unheeded::Several);
    }
    if wire_form(reply_to).is_none() {
        return Err(Unheeded::Unwritable);
    }
    if mailbox_form(reply_to) == mailbox_form(from) {
        return Ok(reply_to);
    }
    if auto::is_nobodys(reply_to) {
        return Err(Unheeded::Role);
    }
    let domain = |address: &'h str| address.rsplit_once('@').map_or("", |(_, domain)| domain);
    let (theirs, own) = (domain(reply_to), domain(from));
    if is_plain(reply_to) && is_allowed(theirs, allowed) {
        return Ok(reply_to);
    }
    match () {
        () if !is_same(theirs, own) => Err(Unheeded::Elsewhere),
        () if freemail::is_public(own) => Err(Unheeded::Public),
        () if !proven => Err(Unheeded::Unproven),
        () => Ok(reply_to),
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || normal_domain(one).is_some_and(|one| Some(one) == normal_domain(other))
}

fn is_allowed(domain: &str, globs: &[String]) -> bool {
    let matches = |glob: &String| Glob::new(glob).matches(domain);
    globs.iter().any(matches)
}

#[cfg(test)]
#[path = "reply_to_tests.rs"]
mod tests;
