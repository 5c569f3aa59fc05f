//! Answers that become jobs of another endpoint: it must be there, and its mailbox is where they go. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{
    Config, EndpointName, Mailbox, Problem,
    check::{self, Draft},
    problem::Fault,
};

/// Fills in where answers go. An endpoint whose answers would go nowhere is refused and becomes broken.
pub(super) fn resolve(
    drafts: &mut BTreeMap<EndpointName, (PathBuf, Draft)>,
    broken: &mut BTreeSet<EndpointName>,
    running: Option<&Config>,
    problems: &mut Vec<Problem>,
) {
    while let Some((name, problem)) = refused(drafts, broken, running) {
        drafts.remove(&name);
        broken.insert(name);
        problems.push(problem);
    }
    let mailboxes: BTreeMap<_, _> = drafts
        .iter()
        .map(|(name, (_, draft))| (name.clone(), draft.endpoint.mailbox.clone()))
        .collect();
    for (_, draft) in drafts.values_mut() {
        let Some(conversation) = draft
            .endpoint
            .conversation
            .as_mut()
            .filter(|_| draft.elsewhere.is_some())
        else {
            continue;
        };
        let mailbox = mailboxes.get(&conversation.endpoint);
        let mailbox = mailbox.or_else(|| kept(&conversation.endpoint, broken, running));
        if let Some(address) = mailbox.and_then(|mailbox| check::answer_address(mailbox, conversation.plus).ok()) {
            conversation.address = address;
        }
    }
}

/// One endpoint whose answers would go nowhere, and why.
fn refused(
    drafts: &BTreeMap<EndpointName, (PathBuf, Draft)>,
    broken: &BTreeSet<EndpointName>,
    running: Option<&Config>,
) -> Option<(EndpointName, Problem)> {
    drafts.iter().find_map(|(name, (file, draft))| {
        let (place, conversation) = (draft.elsewhere.as_ref()?, draft.endpoint.conversation.as_ref()?);
        let wanted = &conversation.endpoint;
        let mailbox = drafts.get(wanted).map(|(_, draft)| &draft.endpoint.mailbox);
        let fault = match mailbox.or_else(|| kept(wanted, broken, running)) {
            Some(mailbox) => check::answer_address(mailbox, conversation.plus).err()?,
            None if broken.contains(wanted) => Fault::new(
                format!("`conversation.endpoint` is \"{wanted}\", which has problems of its own"),
                format!("mend {wanted}.toml"),
            ),
            None => Fault::new(
                format!("`conversation.endpoint` is \"{wanted}\", and there is no such endpoint"),
                format!("add {wanted}.toml, or remove the line: then answers become jobs of this endpoint"),
            ),
        };
        Some((name.clone(), Problem::at(file, place.clone(), fault)))
    })
}

/// The mailbox of an endpoint that is broken, but whose last good version goes on.
fn kept<'a>(name: &EndpointName, broken: &BTreeSet<EndpointName>, running: Option<&'a Config>) -> Option<&'a Mailbox> {
    let endpoint = running?.endpoints.get(name).filter(|_| broken.contains(name))?;
    Some(&endpoint.mailbox)
}
