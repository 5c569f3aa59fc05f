//! One mailbox, one watch: what belongs to the mailbox must be the same in every file that names it. Pure.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::PathBuf,
    sync::Arc,
};

use super::{
    Config, Endpoint, EndpointName, Mailbox, MailboxId, Place, Problem, check::EndpointDraft, problem::Fault,
    term::Term,
};

/// Endpoints by name, each with its file.
type EndpointDrafts = BTreeMap<EndpointName, (PathBuf, EndpointDraft)>;

/// The endpoints that may run. Of those that watch one mailbox and don't agree on it, whoever says what runs is right, else the
/// first by name; the others are refused and become broken. What one does not say is what the others say.
pub(super) fn settle(
    drafts: EndpointDrafts,
    broken: &mut BTreeSet<EndpointName>,
    running: Option<&Config>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<EndpointName, Arc<Endpoint>> {
    let mut by_mailbox: BTreeMap<MailboxId, Vec<(PathBuf, EndpointDraft)>> = BTreeMap::new();
    for (file, draft) in drafts.into_values() {
        let id = draft.endpoint.mailbox.id();
        by_mailbox.entry(id).or_default().push((file, draft));
    }
    let mut right = BTreeMap::new();
    for mut sharers in by_mailbox.into_values() {
        // They come by name, and the sort is a stable one.
        sharers.sort_by_key(|(_, draft)| !(draft.ran || says_what_runs(draft, running)));
        right.extend(agreeing(sharers, broken, problems));
    }
    right
}

/// Those of one mailbox who agree with those before them.
fn agreeing(
    sharers: Vec<(PathBuf, EndpointDraft)>,
    broken: &mut BTreeSet<EndpointName>,
    problems: &mut Vec<Problem>,
) -> Vec<(EndpointName, Arc<Endpoint>)> {
    let mut agreed = Agreed::default();
    let mut agreeing = Vec::new();
    for (file, draft) in sharers {
        match agreed.join(&draft) {
            Ok(()) => agreeing.push(draft.endpoint),
            Err((place, fault)) => {
                problems.push(Problem::at(&file, place, fault));
                broken.insert(draft.endpoint.name);
            }
        }
    }
    let apply = |mut endpoint: Endpoint| {
        agreed.apply(&mut endpoint);
        (endpoint.name.clone(), Arc::new(endpoint))
    };
    agreeing.into_iter().map(apply).collect()
}

/// Last good versions watch their mailbox as the endpoints say whose files are right, else as the first of them does: one watch serves
/// all.
pub(super) fn join(
    right: &BTreeMap<EndpointName, Arc<Endpoint>>,
    standing: &mut BTreeMap<EndpointName, Arc<Endpoint>>,
) {
    let mut firsts = BTreeMap::new();
    for endpoint in right.values().chain(standing.values()) {
        firsts
            .entry(endpoint.mailbox.id())
            .or_insert_with(|| Arc::clone(endpoint));
    }
    for endpoint in standing.values_mut() {
        if let Some(first) = firsts.get(&endpoint.mailbox.id()) {
            let endpoint = Arc::make_mut(endpoint);
            endpoint.mailbox.clone_from(&first.mailbox);
            endpoint.settle.ignored.clone_from(&first.settle.ignored);
        }
    }
}

/// Whether an endpoint of this name watches the mailbox in the way that this file says.
fn says_what_runs(draft: &EndpointDraft, running: Option<&Config>) -> bool {
    let runs = running.and_then(|config| config.endpoints.get(&draft.endpoint.name));
    runs.is_some_and(|runs| {
        let mut said = Endpoint::clone(runs);
        draft.said.iter().for_each(|(term, _)| term.apply(&mut said));
        let mailbox = &draft.endpoint.mailbox;
        said == **runs && mailbox.id() == runs.mailbox.id() && is_read_alike(mailbox, &runs.mailbox)
    })
}

/// Whether one connection can read both: what their accounts are called does not count.
fn is_read_alike(one: &Mailbox, other: &Mailbox) -> bool {
    let mut account = (*one.account).clone();
    account.name.clone_from(&other.account.name);
    account.sign_in.clone_from(&other.account.sign_in);
    account == *other.account && one.protocol == other.protocol && one.server == other.server
}

/// What those who share a mailbox agreed on so far.
#[derive(Default)]
struct Agreed {
    /// How it is read, and who said so.
    read: Option<(Mailbox, EndpointName)>,
    /// By their names.
    terms: BTreeMap<&'static str, (Term, EndpointName)>,
}

impl Agreed {
    /// One more; where it does not agree nothing changes, and what it should say is told with the place.
    fn join(&mut self, draft: &EndpointDraft) -> Result<(), (Place, Fault)> {
        let (mailbox, name) = (&draft.endpoint.mailbox, &draft.endpoint.name);
        if let Some((read, by)) = self.read.as_ref().filter(|(read, _)| !is_read_alike(mailbox, read)) {
            let (one, other) = (read.protocol.name(), mailbox.protocol.name());
            let cause = format!(
                "the endpoint \"{by}\" ({by}.toml) reads this mailbox by {one} with the account \"{}\", this one by {other} with \"{}\", and one connection has to do",
                read.account.name, mailbox.account.name
            );
            let cure = "name the same account of mailjob.toml and the same protocol in both files";
            return Err((draft.mailbox.clone(), Fault::new(cause, cure)));
        }
        let otherwise = |(term, place): &(Term, Place)| {
            let (agreed, by) = self.terms.get(term.name())?;
            let name = term.name();
            let cause =
                format!("{name} is another than in the endpoint \"{by}\" ({by}.toml), which watches the same mailbox");
            let cure = "write the same in both files, or in one of them only";
            (agreed != term).then(|| (place.clone(), Fault::new(cause, cure)))
        };
        if let Some(otherwise) = draft.said.iter().find_map(otherwise) {
            return Err(otherwise);
        }
        self.read.get_or_insert_with(|| (mailbox.clone(), name.clone()));
        for (term, _) in &draft.said {
            if let Entry::Vacant(entry) = self.terms.entry(term.name()) {
                entry.insert((term.clone(), name.clone()));
            }
        }
        Ok(())
    }

    /// Gives an endpoint what was agreed on, and the account that signs in.
    fn apply(&self, endpoint: &mut Endpoint) {
        if let Some((read, _)) = &self.read {
            endpoint.mailbox.account.clone_from(&read.account);
        }
        self.terms.values().for_each(|(term, _)| term.apply(endpoint));
    }
}

#[cfg(test)]
#[path = "agree_tests.rs"]
mod tests;
