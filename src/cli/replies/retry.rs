//! `mailjob replies retry`: makes replies due. Whoever runs notices.

use std::process::ExitCode;

use super::{
    super::desk::{NOT_ALL, tell_as},
    desk::ReplyLocation,
    refused,
};
use crate::ledger::{Retried, RetrySelection};

/// Has replies tried again.
pub(super) async fn retry(
    place: ReplyLocation,
    job: Option<String>,
    all_refused: bool,
    json: bool,
) -> Result<ExitCode, ExitCode> {
    let desk = place.go().await?;
    let which = match (job, all_refused) {
        (Some(prefix), _) => RetrySelection::Job(desk.named(&prefix).await?),
        (None, true) => RetrySelection::Refused,
        (None, false) => RetrySelection::Queued,
    };
    let is_one = matches!(which, RetrySelection::Job(_));
    let retried = desk.retry(which).await.map_err(|error| refused(&error))?;
    let told = tell_as(json, &retried, || words(retried) + "\n");
    Ok(match is_one && retried.due + retried.running == 0 {
        true => ExitCode::from(NOT_ALL),
        false => told,
    })
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
