//! Whether this process may open as many files as its endpoints need. The decision is pure.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{Finding, Issue, Stage, StepOutcome, Subject, SubjectKind};
use crate::{
    config::{Endpoint, Service},
    slots::Size,
};

/// What the program needs for itself: the ledger, its threads, connections to it.
const BASE: u64 = 64;
/// For a job that runs: its work folder, pipes of its command or connection of its webhook.
const JOB: u64 = 6;
/// For a mailbox: its connection, and that of another try.
const MAILBOX: u64 = 2;

/// How many open files these endpoints may need.
#[must_use]
pub fn needed(endpoints: &[Arc<Endpoint>], service: &Service) -> u64 {
    let mailboxes: BTreeSet<_> = endpoints.iter().map(|endpoint| endpoint.mailbox.address()).collect();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let slots = |size: Size| count(size.slots(endpoints.len()));
    let jobs = slots(service.jobs).saturating_add(slots(service.commands));
    BASE.saturating_add(jobs.saturating_mul(JOB))
        .saturating_add(count(mailboxes.len()).saturating_mul(MAILBOX))
}

/// What is wrong where a process may open so many at most; nothing where that is enough. Pure.
#[must_use]
pub fn lack(needed: u64, most: Option<u64>) -> Option<Issue> {
    let most = most.filter(|most| *most < needed)?;
    Some(Issue {
        what: format!("these endpoints may need {needed} open files, and a process of this user may have {most}"),
        cure: format!(
            "raise the hard limit: LimitNOFILE={needed} of the unit, `ulimit -Hn {needed}` before it starts, or that of the container; \
             or lower `jobs` and `commands` in [service]"
        ),
    })
}

/// What doctor says of it, where it is not enough.
#[must_use]
pub fn finding(needed: u64, most: Option<u64>) -> Option<Finding> {
    lack(needed, most).map(|trouble| Finding {
        subject: Subject {
            kind: SubjectKind::Process,
            name: "mailjob".to_owned(),
            part: None,
        },
        stage: Stage::OpenFiles,
        outcome: StepOutcome::Warned(trouble),
        took: Duration::ZERO,
    })
}

/// How many files a process of ours may have open.
#[must_use]
pub fn most() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_are_told_with_the_cure() {
        assert_eq!(lack(500, None), None);
        assert_eq!(lack(500, Some(500)), None);
        let Issue { what, cure } = lack(500, Some(499)).unwrap();
        assert!(
            what.contains("500") && what.contains("499") && cure.contains("LimitNOFILE=500"),
            "{what} {cure}"
        );
        assert!(finding(500, Some(64)).is_some() && finding(500, Some(1024)).is_none());
    }
}
