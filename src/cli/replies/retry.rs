//! `mailjob replies retry`: makes replies due. Whoever runs notices.

use std::process::ExitCode;

use super::{
    super::desk::{NOT_ALL, tell_as},
    IO,
    desk::ReplyLocation,
};
use crate::ledger::{Error, Retried, RetrySelection};

/// Has replies tried again.
pub(super) async fn retry(place: ReplyLocation, job: Option<String>, all_refused: bool, json: bool) -> ExitCode {
    let desk = match place.go().await {
        Ok(desk) => desk,
        Err(code) => return code,
    };
    let job = match &job {
        Some(prefix) => match desk.named(prefix).await {
            Ok(job) => Some(job),
            Err(code) => return code,
        },
        None => None,
    };
    let which = match (job, all_refused) {
        (Some(job), _) => RetrySelection::Job(job),
        (None, true) => RetrySelection::Refused,
        (None, false) => RetrySelection::Queued,
    };
    match desk.retry(which).await {
        Ok(retried) => {
            let told = tell_as(json, &retried, || words(retried) + "\n");
            match job.is_some() && retried.due + retried.running == 0 {
                true => ExitCode::from(NOT_ALL),
                false => told,
            }
        }
        Err(error @ Error::Missing(_)) => {
            eprintln!("{error}; mailjob replies list --state all shows which have one");
            ExitCode::from(NOT_ALL)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(IO)
        }
    }
}

/// What it came to, in words. Pure.
fn words(retried: Retried) -> String {
    let Retried {
        due,
        running,
        sent,
        gone,
    } = retried;
    let counted = [
        (
            due,
            "due now: mailjob run tries them within seconds, at the account's pace",
        ),
        (running, "being sent at this moment"),
        (sent, "sent already: everybody has got them"),
        (gone, "without bytes: retention is over, they can't be sent again"),
    ];
    let lines = counted
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"));
    match lines.collect::<Vec<_>>() {
        lines if lines.is_empty() => "nothing to try again".to_owned(),
        lines => lines.join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_came_to() {
        let retried = Retried {
            due: 2,
            gone: 1,
            ..Retried::default()
        };
        assert_eq!(words(Retried::default()), "nothing to try again");
        assert_eq!(
            words(retried),
            "2 due now: mailjob run tries them within seconds, at the account's pace\n\
             1 without bytes: retention is over, they can't be sent again"
        );
    }
}
