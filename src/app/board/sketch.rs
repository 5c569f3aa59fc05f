//! What runs, as the configuration has it, with the cells that its loops write; and what becomes of that on a page and in metrics.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use crate::{
    config::{EndpointName, Problem},
    dispatch,
    ledger::counts::Counts,
    message::clean::clean,
    metrics::{MailboxNow, Picture},
    plural, reply,
    status::{
        EndpointHealth, EndpointStatus, JobTotals, MailboxStatus, ReplyTotals, Setback, Status,
        state::time,
        verdict::{
            EndpointFacts, EndpointVerdict, HoldingEndpoint, MailboxProblem, MailboxRemedy, Unanswered, undecided,
            verdict,
        },
    },
    watch::{self, health},
};

/// Problems of a file that are shown, and problems that belong to no endpoint; `mailjob check` shows all.
const PROBLEMS: usize = 5;

/// What runs.
#[derive(Clone, Default)]
pub(in crate::app) struct FleetView {
    /// The endpoints whose loops run.
    pub(in crate::app) seats: BTreeMap<String, RunningEndpoint>,
    /// Endpoints whose file says that they do not run.
    pub(in crate::app) disabled: BTreeSet<String>,
    /// What is wrong with the files of endpoints.
    pub(in crate::app) broken: BTreeMap<String, String>,
    /// What is wrong with other files.
    pub(in crate::app) problems: Vec<String>,
    /// How many problems there are in all.
    pub(in crate::app) count: usize,
}

/// An endpoint whose loops run.
#[derive(Clone)]
pub(in crate::app) struct RunningEndpoint {
    pub(in crate::app) description: String,
    /// `imap://user@host/NAME`.
    pub(in crate::app) mailbox: String,
    pub(in crate::app) account: String,
    /// The mailbox's name at its server.
    pub(in crate::app) name: String,
    /// The sign-in, where a person can renew it.
    pub(in crate::app) person: Option<String>,
    pub(in crate::app) watch: Arc<watch::WatchHealth>,
    /// The endpoints that are held before it, each with whether its file is gone.
    pub(in crate::app) held_back: Vec<(String, bool)>,
    /// Its dispatch.
    pub(in crate::app) acts: Option<Arc<dispatch::DispatchHealth>>,
    /// The account that sends replies.
    pub(in crate::app) outbox: Option<Arc<reply::OutboxHealth>>,
}

impl FleetView {
    /// With what is wrong with the files.
    pub(in crate::app) fn of(
        seats: BTreeMap<String, RunningEndpoint>,
        idle: &BTreeSet<EndpointName>,
        broken: &BTreeSet<EndpointName>,
        problems: &[Problem],
    ) -> Self {
        let of_endpoint = |problem: &Problem| {
            let name = problem.endpoint.as_ref().filter(|name| broken.contains(*name));
            name.map(ToString::to_string)
        };
        let mut words = BTreeMap::<String, Vec<String>>::new();
        let mut others = Vec::new();
        for problem in problems {
            match of_endpoint(problem) {
                Some(name) => words.entry(name).or_default().push(clean(&problem.to_string(), 500)),
                None => others.push(clean(&problem.to_string(), 500)),
            }
        }
        let broken = broken.iter().map(|name| {
            let words = words.remove(name.as_str()).unwrap_or_default();
            let shown: Vec<_> = words.into_iter().take(PROBLEMS).collect();
            let why = if shown.is_empty() {
                "what it uses of mailjob.toml can't be used".to_owned()
            } else {
                shown.join(" / ")
            };
            (name.to_string(), why)
        });
        let broken: BTreeMap<_, _> = broken.collect();
        others.truncate(PROBLEMS);
        Self {
            seats,
            disabled: idle
                .iter()
                .map(ToString::to_string)
                .filter(|name| !broken.contains_key(name))
                .collect(),
            broken,
            problems: others,
            count: problems.len(),
        }
    }

    /// Every endpoint as it is now. Without numbers where the ledger could not be counted.
    pub(super) fn endpoints(&self, counts: Option<&Counts>, now: DateTime<Utc>) -> Vec<EndpointStatus> {
        let mut names: BTreeSet<&String> = self
            .seats
            .keys()
            .chain(&self.disabled)
            .chain(self.broken.keys())
            .collect();
        let open = |(name, jobs): (&'_ String, &JobTotals)| (jobs.open() > 0).then_some(name.to_owned());
        let left: Vec<_> = counts
            .iter()
            .flat_map(|counts| counts.jobs.iter().filter_map(open))
            .collect();
        names.extend(&left);
        names.into_iter().map(|name| self.endpoint(name, counts, now)).collect()
    }

    fn endpoint(&self, name: &str, counts: Option<&Counts>, now: DateTime<Utc>) -> EndpointStatus {
        let seat = self.seats.get(name);
        let problem = self.broken.get(name);
        let jobs = counts.map(|counts| counts.jobs.get(name).copied().unwrap_or_default());
        let replies = counts.map(|counts| replies(counts, name, seat));
        let state = seat.map(|seat| seat.watch.state());
        let setback = counts.and_then(|counts| counts.setbacks.get(name).cloned());
        let verdict = match (seat, problem) {
            (Some(seat), problem) => {
                let known = EndpointFacts {
                    paused: counts.and_then(|counts| counts.paused(name)),
                    waits: setback.as_ref().and_then(waits),
                    held_back: seat.held_back.iter().map(|held| self.holder(held)).collect(),
                    ..seat.known(name, problem, jobs, replies.as_ref())
                };
                verdict(&known, now)
            }
            (None, Some(problem)) => EndpointVerdict::broken(problem),
            (None, None) if self.disabled.contains(name) => EndpointVerdict::disabled(),
            (None, None) => EndpointVerdict::gone(),
        };
        EndpointStatus {
            name: name.to_owned(),
            description: seat.map(|seat| seat.description.clone()).unwrap_or_default(),
            state: verdict.state,
            words: verdict.words,
            to_do: verdict.to_do,
            since: verdict.since,
            mailbox: seat.zip(state).map(|(seat, state)| seat.shown(&state)),
            problem: problem.cloned(),
            jobs,
            setback,
            replies,
        }
    }

    fn holder(&self, (endpoint, away): &(String, bool)) -> HoldingEndpoint {
        let known = || self.broken.get(endpoint).cloned();
        let unknown = || "what it uses of mailjob.toml can't be used".to_owned();
        HoldingEndpoint {
            endpoint: endpoint.clone(),
            problem: (!away).then(|| known().unwrap_or_else(unknown)),
        }
    }

    /// The same for metrics.
    pub(super) fn picture(&self, status: &Status, counts: &Counts, now: DateTime<Utc>) -> Picture {
        let mut mailboxes = BTreeMap::new();
        for seat in self.seats.values() {
            let state = seat.watch.state();
            let now = MailboxNow {
                account: seat.account.clone(),
                mailbox: seat.name.clone(),
                up: state.trouble.is_none(),
                looked: state.looked.map(|at| at.timestamp()),
                took: state.took.map(|at| at.timestamp()),
                untaken: state.untaken,
                left: state.left,
                unsettled: state.unsettled.as_ref().map_or(0, |unsettled| unsettled.mails as u64),
                second_ledger: state.rival.is_some(),
            };
            mailboxes.insert((seat.account.clone(), seat.name.clone()), now);
        }
        let numbers = |endpoint: &EndpointStatus| {
            let jobs = endpoint.jobs?;
            let each = [
                ("queued", jobs.queued),
                ("running", jobs.running),
                ("deferred", jobs.deferred),
                ("waiting", jobs.waiting),
                ("held", jobs.held),
                ("failed", jobs.failed),
            ];
            Some(each.map(|(state, count)| (endpoint.name.clone(), state, count)))
        };
        let due = counts.oldest_due.iter().filter(|(_, due)| **due <= now);
        let mut replies = BTreeMap::<_, u64>::new();
        for row in &counts.replies {
            *replies
                .entry((row.account.clone(), row.state.as_str().to_owned()))
                .or_default() += row.count;
        }
        Picture {
            mailboxes: mailboxes.into_values().collect(),
            states: EndpointHealth::ALL.map(EndpointHealth::code).to_vec(),
            endpoints: status
                .endpoints
                .iter()
                .map(|endpoint| (endpoint.name.clone(), endpoint.state.code()))
                .collect(),
            webhooks_down: self
                .seats
                .iter()
                .filter_map(|(name, seat)| Some((name.clone(), seat.down()?.since.timestamp() as f64)))
                .collect(),
            jobs: status.endpoints.iter().filter_map(numbers).flatten().collect(),
            oldest_due: due
                .map(|(name, due)| (name.clone(), due.timestamp_millis() as f64 / 1e3))
                .collect(),
            replies: replies
                .into_iter()
                .map(|((account, state), count)| (account, state, count))
                .collect(),
            problems: self.count as u64,
            ledger_size: status.ledger.size,
            ledger_free: status.ledger.free,
            memory: status
                .process
                .as_ref()
                .map(|process| (process.memory.budget, process.memory.taken, process.memory.waiting)),
        }
    }
}

impl RunningEndpoint {
    fn known(
        &self,
        name: &str,
        problem: Option<&String>,
        jobs: Option<JobTotals>,
        replies: Option<&ReplyTotals>,
    ) -> EndpointFacts {
        let state = self.watch.state();
        let trouble = state.trouble.map(|words| MailboxProblem {
            need: state.need.unwrap_or(MailboxRemedy::Time),
            words,
            since: state.since.unwrap_or_default(),
            next: state.next,
        });
        let sends = self.outbox.as_ref().and_then(|outbox| outbox.trouble());
        let waiting = replies.is_some_and(|replies| replies.waiting > 0);
        EndpointFacts {
            endpoint: name.to_owned(),
            person: self.person.clone(),
            looked: state.looked,
            connecting: state.connecting,
            trouble,
            paused: None,
            down: self.down(),
            held_back: Vec::new(),
            problem: problem.cloned(),
            jobs,
            waits: None,
            rival: state.rival,
            replies: sends
                .filter(|trouble| trouble.needs_person && waiting)
                .map(|trouble| format!("its replies can't be sent: {}", trouble.words)),
            undecided: replies.and_then(|replies| undecided(name, replies)),
            unsettled: state.unsettled.as_ref().map(unsettled),
        }
    }

    fn down(&self) -> Option<Unanswered> {
        let down = self.acts.as_ref()?.down()?;
        let refuses = down.refuses();
        let dispatch::WebhookDown { since, said, next, .. } = down;
        Some(Unanswered {
            since,
            said,
            next,
            refuses,
        })
    }

    fn shown(&self, state: &health::WatchState) -> MailboxStatus {
        MailboxStatus {
            key: self.mailbox.clone(),
            account: self.account.clone(),
            connected: state.connected,
            last_look: state.looked,
            last_mail: state.took,
            next_try: state.next,
            untaken: state.untaken,
            left: state.left,
            second_ledger: state.rival,
            unsettled: state.unsettled.as_ref().map(unsettled),
            kept_back: state.kept_back.as_ref().map(kept_back),
            reused_ids: state.ids_again,
            unread_lines: state.unread.as_ref().map_or(0, |(lines, _)| *lines),
            unread_line: state.unread.as_ref().map(|(_, line)| line.clone()),
        }
    }
}

/// Why jobs wait, where only a person can end that.
fn waits(setback: &Setback) -> Option<String> {
    setback.needs_person.then(|| setback.why().to_owned())
}

fn kept_back(kept_back: &health::KeptBack) -> String {
    let mails = plural::counted(kept_back.mails, "mail");
    format!("{mails} since {}: {}", time(kept_back.since), kept_back.why)
}

fn unsettled(unsettled: &health::Unsettled) -> String {
    let (mails, are) = (
        plural::counted(unsettled.mails, "mail"),
        plural::of(unsettled.mails, "is", "are"),
    );
    format!(
        "since {} {mails} that {are} over {}",
        time(unsettled.since),
        unsettled.why
    )
}

fn replies(counts: &Counts, endpoint: &str, seat: Option<&RunningEndpoint>) -> ReplyTotals {
    let mut replies = counts.replies(endpoint);
    let trouble = seat.and_then(|seat| seat.outbox.as_ref()?.trouble());
    replies.problem = trouble.filter(|_| replies.waiting > 0).map(|trouble| trouble.words);
    replies
}

#[cfg(test)]
#[path = "sketch_tests.rs"]
mod tests;
