//! `mailjob jobs retry`, `discard` and `replay`: the same to some jobs, or to all that a filter finds.

use std::{collections::BTreeMap, process::ExitCode};

use clap::Args;

use super::{
    super::{
        desk::{JobLocation, NOT_ALL, SharedJobs, failed, named, tell_as},
        progress::Progress,
    },
    filter::FilterArgs,
};
use crate::{
    http::api::SteerResponse,
    job::{JobId, state::State},
    ledger::{JobFilter, Steer, Steered, Unsteerable},
    plural,
};

/// Which jobs.
#[derive(Debug, Args)]
pub(in crate::cli) struct JobSelection {
    /// Jobs: their ids as the lists show them, or any start or end of each.
    #[arg(value_name = "JOB", required_unless_present = "all", conflicts_with = "all")]
    jobs: Vec<String>,
    /// All jobs that match the options below. Without --state, retry takes those that failed or are held, discard those that are queued,
    /// deferred or held, replay those that are done.
    #[arg(long)]
    all: bool,
    /// For machines: each job, how it is now, and why nothing was done to it.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: FilterArgs,
}

/// Does it.
pub(super) async fn steer(steer: Steer, chosen: JobSelection, place: JobLocation) -> Result<ExitCode, ExitCode> {
    let found = place.go().await?;
    found.knows(chosen.filter.endpoint.as_deref()).await?;
    let desk = found.desk;
    let done = if chosen.all {
        let filter = JobFilter {
            limit: JobFilter::MOST,
            ..chosen.filter.over(usual(steer))
        };
        let progress = Progress::new(false);
        let mut done = progress.during(all(&desk, steer, filter, &progress)).await?;
        // What went with another job, as the job of a mail with a part of it, or moved on by itself meanwhile, was wanted so.
        let moved = |one: &Steered| matches!(one.state, Some(State::Waiting | State::Queued | State::Running));
        done.retain(|one| one.refused != Some(Unsteerable::State) || !moved(one));
        done
    } else {
        let mut jobs = Vec::new();
        for prefix in &chosen.jobs {
            jobs.push(named(&desk, prefix).await?);
        }
        some(&desk, steer, jobs).await?
    };
    let bad = done.is_empty() || done.iter().any(|one| one.refused.is_some());
    let ordered = SteerResponse { jobs: done };
    let code = tell_as(chosen.json, &ordered, || words(steer, &ordered.jobs));
    Ok(if bad { ExitCode::from(NOT_ALL) } else { code })
}

fn usual(steer: Steer) -> &'static [State] {
    match steer {
        Steer::Retry => &[State::Failed, State::Held],
        Steer::Discard => &[State::Queued, State::Deferred, State::Held],
        Steer::Replay => &[State::Done],
    }
}

/// Page by page from the newest: a job that was done leaves the page behind.
async fn all(
    desk: &SharedJobs,
    steer: Steer,
    mut filter: JobFilter,
    progress: &Progress,
) -> Result<Vec<Steered>, ExitCode> {
    let mut done = Vec::new();
    loop {
        let page = desk.list(filter.clone()).await.map_err(|error| failed(&error))?;
        // The parts of a mail go with the job of the mail.
        let jobs = page
            .jobs
            .iter()
            .filter(|job| job.part.is_none() || steer != Steer::Replay);
        done.extend(some(desk, steer, jobs.map(|job| job.id).collect()).await?);
        progress.on(&format!("{} so far", plural::counted(done.len(), "job")));
        match page.next {
            Some(next) => filter.before = Some(next),
            None => return Ok(done),
        }
    }
}

/// Some at a time, so that a running Mailjob need not wait.
async fn some(desk: &SharedJobs, steer: Steer, jobs: Vec<JobId>) -> Result<Vec<Steered>, ExitCode> {
    let mut done = Vec::new();
    for few in jobs.chunks(100) {
        done.extend(desk.steer(steer, few.to_vec()).await.map_err(|error| failed(&error))?);
    }
    Ok(done)
}

/// What it came to: how many were, and which were not. Pure.
fn words(steer: Steer, done: &[Steered]) -> String {
    if done.is_empty() {
        let what = match steer {
            Steer::Retry => "nothing to retry: no such job failed, is held or waits for its next attempt",
            Steer::Discard => "nothing to discard: no such job waits or is held",
            Steer::Replay => "nothing to replay: no such job has ended",
        };
        return format!("{what}\n");
    }
    let done_to = |one: &&Steered| one.refused.is_none();
    let awaited = |one: &&Steered| done_to(one) && one.state == Some(State::Held) && steer != Steer::Discard;
    let awaits = done.iter().filter(awaited).count();
    let count = done.iter().filter(done_to).count() - awaits;
    let mut text = match (count, steer) {
        (0, _) => String::new(),
        (count, Steer::Retry | Steer::Replay) => {
            format!("{count} queued: mailjob run begins within seconds, unless the endpoint is paused\n")
        }
        (count, Steer::Discard) => format!("{count} discarded\n"),
    };
    if awaits > 0 {
        text.push_str(&format!(
            "{awaits} waiting to be fetched again: the mail was never received whole; mailjob run fetches it within seconds, where it watches the mailbox\n"
        ));
    }
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in done {
        if let Some(why) = one.refused {
            let id = one.job.short();
            refused.entry(why_not(steer, why, one.state)).or_default().push(id);
        }
    }
    for (why, jobs) in refused {
        text.push_str(&format!("not {}: {why}: {}\n", past(steer), jobs.join(", ")));
    }
    text
}

fn past(steer: Steer) -> &'static str {
    match steer {
        Steer::Retry => "tried again",
        Steer::Discard => "discarded",
        Steer::Replay => "run anew",
    }
}

fn why_not(steer: Steer, why: Unsteerable, state: Option<State>) -> String {
    match (why, state) {
        (Unsteerable::State, Some(state @ (State::Done | State::Ignored))) if steer == Steer::Retry => {
            format!("it is {}; mailjob jobs replay runs it anew", state.as_str())
        }
        (Unsteerable::State, Some(state)) => format!("it is {}", state.as_str()),
        (why, _) => why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_and_what_was_not() {
        let one = |n, state, refused| Steered {
            job: JobId(uuid::Uuid::from_u128(n)),
            state: Some(state),
            refused,
        };
        let done = [
            one(1, State::Queued, None),
            one(2, State::Done, Some(Unsteerable::State)),
            one(3, State::Failed, Some(Unsteerable::Forgotten)),
        ];
        assert_eq!(
            words(Steer::Retry, &done),
            "1 queued: mailjob run begins within seconds, unless the endpoint is paused\n\
             not tried again: it is done; mailjob jobs replay runs it anew: 00000002\n\
             not tried again: its mail is not stored any more: retention is over: 00000003\n"
        );
        assert_eq!(words(Steer::Discard, &done[..1]), "1 discarded\n");
        assert_eq!(
            words(Steer::Retry, &[one(4, State::Held, None)]),
            "1 waiting to be fetched again: the mail was never received whole; mailjob run fetches it within seconds, where it watches the mailbox\n"
        );
        assert_eq!(words(Steer::Replay, &[]), "nothing to replay: no such job has ended\n");
    }
}
