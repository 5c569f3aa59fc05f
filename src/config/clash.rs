//! One mailbox, one endpoint: two that watch the same would take each other's mail. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use super::{Config, Endpoint, EndpointName, Mailbox, Problem, check::Draft, problem::Fault};

/// A mailbox, whatever the account in the files is called.
type Key = (String, String, String);

/// Endpoints by name, each with its file.
type Drafts = BTreeMap<EndpointName, (PathBuf, Draft)>;

/// The endpoints that may run. Whoever wants a mailbox that another has is refused and becomes broken; a mailbox belongs
/// to the endpoint that has it in `running`, else to the first by name.
pub(super) fn settle(
    mut drafts: Drafts,
    broken: &mut BTreeSet<EndpointName>,
    running: Option<&Config>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<EndpointName, Arc<Endpoint>> {
    // A refused endpoint that runs keeps its old mailbox, which may be what another one wants now: begin again.
    while let Some((name, owner)) = refused(&drafts, broken, running) {
        if let Some((file, draft)) = drafts.remove(&name) {
            let cause = format!("the endpoint \"{owner}\" ({owner}.toml) already watches this mailbox of this account");
            let cure = "name another mailbox, or put both jobs into one endpoint";
            problems.push(Problem::at(&file, draft.mailbox, Fault::new(cause, cure)));
            broken.insert(name);
        }
    }
    drafts
        .into_iter()
        .map(|(name, (_, draft))| (name, Arc::new(draft.endpoint)))
        .collect()
}

/// One endpoint whose mailbox belongs to another, with that other.
fn refused(
    drafts: &Drafts,
    broken: &BTreeSet<EndpointName>,
    running: Option<&Config>,
) -> Option<(EndpointName, EndpointName)> {
    let runs = |name: &EndpointName| running.and_then(|config| config.endpoints.get(name));
    let has = |name: &EndpointName| runs(name).map(|endpoint| key(&endpoint.mailbox));
    let wants: Vec<_> = drafts
        .iter()
        .map(|(name, (_, draft))| (name, key(&draft.endpoint.mailbox)))
        .collect();
    let kept = broken.iter().filter_map(|name| Some((name, has(name)?)));
    let (stay, come): (Vec<_>, Vec<_>) = wants
        .into_iter()
        .partition(|(name, key)| has(name).as_ref() == Some(key));
    let mut owners: BTreeMap<_, _> = kept.map(|(name, key)| (key, name)).collect();
    for (name, key) in stay.into_iter().chain(come) {
        if let Some(owner) = owners.insert(key, name) {
            return Some((name.clone(), owner.clone()));
        }
    }
    None
}

fn key(mailbox: &Mailbox) -> Key {
    let account = &mailbox.account;
    let inbox = mailbox.name.eq_ignore_ascii_case("INBOX");
    let name = if inbox { "INBOX" } else { &mailbox.name };
    (
        mailbox.server.host.to_lowercase(),
        account.user.to_lowercase(),
        name.to_owned(),
    )
}
