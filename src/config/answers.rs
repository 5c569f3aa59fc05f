//! Answers that become jobs of another endpoint: it must be there, and its mailbox is where they go. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use super::{
    Config, Conversation, Endpoint, EndpointName, Mailbox, Problem, Trust,
    check::{self, EndpointDraft},
    problem::Fault,
};

/// Fills in where answers go. An endpoint whose answers would go nowhere, or could never count, is refused and becomes broken. One that is
/// broken, but whose last good version goes on, is there.
pub(super) fn resolve(
    drafts: &mut BTreeMap<EndpointName, (PathBuf, EndpointDraft)>,
    broken: &mut BTreeSet<EndpointName>,
    running: Option<&Config>,
    standing: &mut BTreeMap<EndpointName, Arc<Endpoint>>,
    problems: &mut Vec<Problem>,
) {
    let mailboxes = |endpoints: &BTreeMap<EndpointName, Arc<Endpoint>>| {
        let each = endpoints.iter().filter(|(name, _)| broken.contains(*name));
        each.map(|(name, endpoint)| (name.clone(), endpoint.mailbox.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    let mut known = mailboxes(standing);
    known.extend(running.map(|config| mailboxes(&config.endpoints)).unwrap_or_default());
    while let Some((name, problem)) = refused(drafts, broken, &known) {
        drafts.remove(&name);
        broken.insert(name);
        problems.push(problem);
    }
    let right = drafts.iter();
    known.extend(right.map(|(name, (_, draft))| (name.clone(), draft.endpoint.mailbox.clone())));
    let elsewhere = drafts.values_mut().filter(|(_, draft)| draft.elsewhere.is_some());
    for (_, draft) in elsewhere {
        fill(&mut draft.endpoint, &known);
    }
    for endpoint in standing.values_mut() {
        let is_own = |conversation: &Conversation| conversation.endpoint == endpoint.name;
        if !endpoint.conversation.as_ref().is_none_or(is_own) {
            fill(Arc::make_mut(endpoint), &known);
        }
    }
}

/// Writes down where answers to its replies go.
fn fill(endpoint: &mut Endpoint, known: &BTreeMap<EndpointName, Mailbox>) {
    let Some(conversation) = endpoint.conversation.as_mut() else {
        return;
    };
    let mailbox = known.get(&conversation.endpoint);
    if let Some(address) = mailbox.and_then(|mailbox| check::answer_address(mailbox, conversation.plus).ok()) {
        conversation.address = address;
    }
}

/// One endpoint whose answers would go nowhere or could never count, and why.
fn refused(
    drafts: &BTreeMap<EndpointName, (PathBuf, EndpointDraft)>,
    broken: &BTreeSet<EndpointName>,
    kept: &BTreeMap<EndpointName, Mailbox>,
) -> Option<(EndpointName, Problem)> {
    let unproven = drafts.iter().find_map(|(name, (file, draft))| {
        let (place, conversation) = (draft.asked.as_ref()?, draft.endpoint.conversation.as_ref()?);
        let answering = drafts.get(&conversation.endpoint).map(|(_, draft)| &draft.endpoint.senders)?;
        let can_be = answering.trust != Trust::Nobody || answering.verify.is_some();
        if !conversation.proven || can_be {
            return None;
        }
        let fault = Fault::new(
            format!("an answer counts only if its sender is proven, and nothing at \"{}\" can prove one", conversation.endpoint),
            format!(
                "write verify = true or trust = [\"your.mail.server\"] under [senders] in {}.toml; or proof = \"none\" here: then whoever has seen the mail can answer in another's name",
                conversation.endpoint
            ),
        );
        Some((name.clone(), Problem::at(file, place.clone(), fault)))
    });
    if unproven.is_some() {
        return unproven;
    }
    drafts.iter().find_map(|(name, (file, draft))| {
        let (place, conversation) = (draft.elsewhere.as_ref()?, draft.endpoint.conversation.as_ref()?);
        let wanted = &conversation.endpoint;
        let mailbox = drafts.get(wanted).map(|(_, draft)| &draft.endpoint.mailbox);
        let fault = match mailbox.or_else(|| kept.get(wanted)) {
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
