//! Which of all that is known of an endpoint counts most, in words, with what to do. Pure.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    JobTotals, ReplyTotals,
    state::{EndpointHealth, PausedBy, time},
};

/// After so long, a mailbox that can't be reached is a person's business too.
pub const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Who can end the trouble of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailboxRemedy {
    /// Nobody: it is tried again.
    Time,
    /// Whoever signs in, or has the secret.
    SignIn,
    /// Whoever says what becomes of the mails that lay there before.
    Backlog,
    /// The operator, by the file or at the server.
    Operator,
}

/// What is wrong with a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxProblem {
    /// Who can end it.
    pub need: MailboxRemedy,
    /// What it is, in words.
    pub words: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it is tried again.
    pub next: Option<DateTime<Utc>>,
}

/// A webhook that is down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// Since when.
    pub since: DateTime<Utc>,
    /// What it said last, or why it said nothing.
    pub said: String,
    /// When it is asked next.
    pub next: DateTime<Utc>,
    /// Whether it is there, and refuses us until the operator has acted.
    pub refuses: bool,
}

/// An endpoint that stands before another at its mailbox and is held: what is not clearly meant for somebody else waits for its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldingEndpoint {
    /// Its name.
    pub endpoint: String,
    /// What is wrong with its file; nothing where that is gone, perhaps for a moment.
    pub problem: Option<String>,
}

/// A server that has not answered for so long is named.
const SLOW: TimeDelta = TimeDelta::seconds(5);

/// All that is known of an endpoint whose loops run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndpointFacts {
    /// Its name.
    pub endpoint: String,
    /// The name of the sign-in that opens its mailbox, where `mailjob auth login` mends that.
    pub person: Option<String>,
    /// When its mailbox was last looked at.
    pub looked: Option<DateTime<Utc>>,
    /// The server of its mailbox that a connection is tried to, and since when.
    pub connecting: Option<(String, DateTime<Utc>)>,
    /// What is wrong with its mailbox now.
    pub trouble: Option<MailboxProblem>,
    /// Since when its jobs wait, and who has it so.
    pub paused: Option<(DateTime<Utc>, PausedBy)>,
    /// How its webhook is down.
    pub down: Option<Unanswered>,
    /// Who is held before it at its mailbox.
    pub held_back: Vec<HoldingEndpoint>,
    /// What is wrong with its file, whose last good version goes on.
    pub problem: Option<String>,
    /// Its jobs, where they could be counted.
    pub jobs: Option<JobTotals>,
    /// Why its jobs wait, where a person has to act.
    pub waits: Option<String>,
    /// Why its replies can't be sent, where a person has to act.
    pub replies: Option<String>,
    /// What to do about replies that may have arrived or not.
    pub undecided: Option<String>,
    /// Since when it is known that another Mailjob works at its mailbox with a ledger of its own.
    pub rival: Option<DateTime<Utc>>,
    /// Which mails that are over can't leave its mailbox, and why.
    pub unsettled: Option<String>,
}

/// A state, with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointVerdict {
    /// The code.
    pub state: EndpointHealth,
    /// In words.
    pub words: String,
    /// What a person should do.
    pub to_do: Option<String>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
}

impl EndpointVerdict {
    /// Its jobs wait.
    #[must_use]
    pub fn paused(endpoint: &str, since: DateTime<Utc>, by: PausedBy) -> EndpointVerdict {
        let (why, to_do) = match by {
            PausedBy::Gone => (
                "its webhook answered 410 Gone".to_owned(),
                Some(format!(
                    "correct the webhook in its file, or say mailjob resume {}, to go on",
                    endpoint
                )),
            ),
            PausedBy::Operator => {
                let why = format!("somebody asked for that; mailjob resume {} lets it go on", endpoint);
                (why, None)
            }
        };
        EndpointVerdict {
            to_do,
            since: Some(since),
            ..EndpointVerdict::new(EndpointHealth::Paused, format!("paused since {}: {why}", time(since)))
        }
    }

    fn new(state: EndpointHealth, words: impl Into<String>) -> Self {
        Self {
            state,
            words: words.into(),
            to_do: None,
            since: None,
        }
    }

    /// Of an endpoint whose file says that it does not run.
    #[must_use]
    pub fn disabled() -> Self {
        Self::new(EndpointHealth::Disabled, "disabled, as its file says; its jobs wait")
    }

    /// Of an endpoint whose file can't be used, for this reason.
    #[must_use]
    pub fn broken(problem: &str) -> Self {
        Self {
            to_do: Some("mend its file; mailjob check shows every problem".to_owned()),
            ..Self::new(EndpointHealth::Broken, format!("its file can't be used: {problem}"))
        }
    }

    /// Of an endpoint without a file whose jobs have not ended.
    #[must_use]
    pub fn gone() -> Self {
        Self {
            to_do: Some("put its file back, and its jobs go on".to_owned()),
            ..Self::new(
                EndpointHealth::Gone,
                "it has no file any more, and jobs that have not ended",
            )
        }
    }

    /// Of an endpoint of which only the ledger tells.
    #[must_use]
    pub fn unknown(jobs: Option<JobTotals>) -> Self {
        Self {
            to_do: held(jobs),
            ..Self::new(EndpointHealth::Unknown, "no process says how it is")
        }
    }
}

/// What to do about jobs that are held.
fn held(jobs: Option<JobTotals>) -> Option<String> {
    let held = jobs.map_or(0, |jobs| jobs.held);
    (held > 0).then(|| format!("look at the jobs that are held ({held}): mailjob jobs list --state held"))
}

/// What to do about jobs that wait until a person has acted.
#[must_use]
pub fn waiting(endpoint: &str, why: &str) -> String {
    format!(
        "its jobs wait until that is mended: {why}; then mailjob jobs retry --all --endpoint {endpoint} --state deferred has them go on at once"
    )
}

/// What to do about replies of which nobody knows whether they have arrived.
#[must_use]
pub fn undecided(endpoint: &str, replies: &ReplyTotals) -> Option<String> {
    (replies.unsure > 0).then(|| {
        format!(
            "replies may have arrived or not ({}), and you decide: mailjob replies list --state unsure shows those of {endpoint} too, then mailjob replies accept JOB or mailjob replies retry JOB",
            replies.unsure
        )
    })
}

/// What to do where two ledgers work at one mailbox.
fn rival(since: Option<DateTime<Utc>>) -> Option<String> {
    since.map(|since| {
        format!(
            "another Mailjob works at its mailbox with a ledger of its own since {}: mails are done and answered twice; stop one of the two, or have it watch another mailbox",
            time(since)
        )
    })
}

/// The state of an endpoint whose loops run: what keeps its mails away counts before what keeps its jobs.
#[must_use]
pub fn verdict(known: &EndpointFacts, now: DateTime<Utc>) -> EndpointVerdict {
    let mut verdict = match (&known.trouble, &known.paused) {
        (Some(trouble), _) => of_trouble(known, trouble, now),
        (None, Some((since, by))) => EndpointVerdict::paused(&known.endpoint, *since, *by),
        (None, None) if !known.held_back.is_empty() => held_back(&known.held_back),
        (None, None) if let Some(down) = &known.down => is_down(&known.endpoint, down, now),
        (None, None) if known.looked.is_none() => match &known.connecting {
            Some((server, since)) if now - *since >= SLOW => EndpointVerdict::new(
                EndpointHealth::Starting,
                format!("starting; {server} has not let us in since {}", time(*since)),
            ),
            _ => EndpointVerdict::new(EndpointHealth::Starting, "starting; not looked yet"),
        },
        (None, None) => EndpointVerdict::new(EndpointHealth::Working, "working"),
    };
    let problem = known
        .problem
        .as_ref()
        .map(|_| "mend its file, whose last good version goes on; mailjob check shows every problem".to_owned());
    let unsettled = known.unsettled.as_ref().map(|words| {
        format!("{words}; make room there, or give the user the right to do it, or change [settle] in its file: it is tried again")
    });
    let waits = known.waits.as_ref().map(|why| waiting(&known.endpoint, why));
    let more = [
        rival(known.rival),
        problem,
        waits,
        held(known.jobs),
        known.replies.clone(),
        known.undecided.clone(),
        unsettled,
    ];
    let all: Vec<_> = verdict
        .to_do
        .take()
        .into_iter()
        .chain(more.into_iter().flatten())
        .collect();
    verdict.to_do = Some(all.join("; ")).filter(|all| !all.is_empty());
    verdict
}

/// The state of an endpoint whose webhook is down.
fn is_down(endpoint: &str, down: &Unanswered, now: DateTime<Utc>) -> EndpointVerdict {
    let Unanswered {
        since,
        said,
        next,
        refuses,
    } = down;
    let long = TimeDelta::from_std(PATIENCE).is_ok_and(|patience| now - *since >= patience);
    let asked = match *next > now {
        true => format!("asked next {}", time(*next)),
        false => "asked with the next job".to_owned(),
    };
    if *refuses {
        // What to do says the reason for which they wait.
        return EndpointVerdict {
            since: Some(*since),
            ..EndpointVerdict::new(
                EndpointHealth::Waiting,
                format!(
                    "its jobs wait, because its webhook refuses us since {}: {asked}",
                    time(*since)
                ),
            )
        };
    }
    EndpointVerdict {
        to_do: long.then(|| {
            format!("have its webhook answer; mailjob jobs retry --all --endpoint {endpoint} --state deferred has it asked at once")
        }),
        since: Some(*since),
        ..EndpointVerdict::new(
            EndpointHealth::Waiting,
            format!("its jobs wait, because its webhook is down since {}: {said}; {asked}", time(*since)),
        )
    }
}

/// The state of an endpoint behind others that are held.
fn held_back(holders: &[HoldingEndpoint]) -> EndpointVerdict {
    let each = holders.iter().map(|holder| match &holder.problem {
        Some(problem) => format!("the file of {} can't be used ({problem})", holder.endpoint),
        None => format!("the file of {} is gone, perhaps for a moment", holder.endpoint),
    });
    let why = each.collect::<Vec<_>>().join(", and ");
    let broken = holders.iter().filter(|holder| holder.problem.is_some());
    let names: Vec<_> = broken.map(|holder| holder.endpoint.as_str()).collect();
    let to_do = format!(
        "mend the file of {}, or remove it; mailjob check shows every problem",
        names.join(" and of ")
    );
    EndpointVerdict {
        to_do: Some(to_do).filter(|_| !names.is_empty()),
        ..EndpointVerdict::new(
            EndpointHealth::HeldBack,
            format!("held back: new mails wait, because they may be meant for another endpoint, and {why}"),
        )
    }
}

fn of_trouble(known: &EndpointFacts, trouble: &MailboxProblem, now: DateTime<Utc>) -> EndpointVerdict {
    let MailboxProblem { need, words, since, .. } = trouble;
    let endpoint = &known.endpoint;
    let next = match trouble.next {
        Some(next) => format!("; next try {}", time(next)),
        None => String::new(),
    };
    let doctor = format!("mailjob doctor {endpoint} says what to do");
    let long = TimeDelta::from_std(PATIENCE).is_ok_and(|patience| now - *since >= patience);
    let (state, told, to_do) = match need {
        MailboxRemedy::SignIn => {
            match &known.person {
                Some(name) => {
                    let told = format!("needs a sign-in since {}: {words}", time(*since));
                    (
                        EndpointHealth::NeedsSignIn,
                        told,
                        Some(format!("run: mailjob auth login {name}")),
                    )
                }
                // A password, a token or an application's own secret: the words say what to replace.
                None => {
                    let told = format!("can't sign in since {}: {words}", time(*since));
                    let to_do = format!("replace what does not prove us any more (it counts at once); {doctor}");
                    (EndpointHealth::Waiting, told, Some(to_do))
                }
            }
        }
        MailboxRemedy::Backlog => {
            let to_do = format!(
                "put the ledger back, or say what becomes of the mails that lie there: mailjob backlog skip {endpoint} leaves them, mailjob backlog take {endpoint} has them done (backlog = \"skip\" or \"process\" in [mailbox] of its file says the same)"
            );
            (EndpointHealth::HeldBacklog, words.clone(), Some(to_do))
        }
        MailboxRemedy::Operator | MailboxRemedy::Time => {
            let told = format!("waiting to connect since {}, because {words}{next}", time(*since));
            let person = *need == MailboxRemedy::Operator || long;
            (EndpointHealth::Waiting, told, person.then_some(doctor))
        }
    };
    EndpointVerdict {
        state,
        words: told,
        to_do,
        since: Some(*since),
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
