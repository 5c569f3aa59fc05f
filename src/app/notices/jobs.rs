//! The words for what happened to jobs. Pure. Details are for the operator alone, and a stranger's texts stay on one line.

use crate::{
    ledger::{JobNews, NewsKind},
    message::clean::clean,
};

/// Characters kept of what a server said.
pub(super) const MAX_WHY: usize = 600;
/// Characters kept of a sender or a subject.
const MAX_NAME: usize = 100;

/// How many, at which endpoint.
pub(super) fn headline(jobs: &JobNews) -> String {
    let name = &jobs.endpoint;
    match (jobs.kind, jobs.count) {
        (NewsKind::Held, 1) => format!("1 job of {name} is held"),
        (NewsKind::Held, many) => format!("{many} jobs of {name} are held"),
        (NewsKind::Failed, 1) => format!("1 job of {name} failed"),
        (NewsKind::Failed, many) => format!("{many} jobs of {name} failed"),
        (NewsKind::Refused, 1) => format!("1 reply of {name} was refused"),
        (NewsKind::Refused, many) => format!("{many} replies of {name} were refused"),
        (NewsKind::Unsure, 1) => format!("1 reply of {name} may have arrived or not"),
        (NewsKind::Unsure, many) => format!("{many} replies of {name} may have arrived or not"),
        (NewsKind::Bounced, 1) => format!("1 reply of {name} came back"),
        (NewsKind::Bounced, many) => format!("{many} replies of {name} came back"),
        (NewsKind::Unanswered, 1) => format!("1 reply of {name} was not sent, because of [rates]"),
        (NewsKind::Unanswered, many) => format!("{many} replies of {name} were not sent, because of [rates]"),
        (NewsKind::Paused, _) => format!("{name} is paused: its webhook is gone"),
        (NewsKind::Unusable, 1) => format!("1 job of {name} is done, but its answer can't be used"),
        (NewsKind::Unusable, many) => format!("{many} jobs of {name} are done, but their answers can't be used"),
    }
}

/// A few of them: who sent what, and what is wrong.
pub(super) fn examples(jobs: &JobNews) -> String {
    let each = jobs.examples.iter().map(|example| {
        let or = |text: &str, nothing: &str| match clean(text, MAX_NAME) {
            text if text.is_empty() => nothing.to_owned(),
            text => text,
        };
        let (from, subject) = (or(&example.from, "unknown"), or(&example.subject, "none"));
        let detail = clean(&example.detail, MAX_WHY);
        let reason = example
            .reason
            .as_deref()
            .map(|code| format!("{code}: "))
            .unwrap_or_default();
        format!(
            "job {}\n  from {from}, subject {subject}\n  {reason}{detail}",
            example.job
        )
    });
    let mut lines: Vec<_> = each.collect();
    let shown = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    if jobs.count > shown {
        lines.push(format!("and {} more", jobs.count - shown));
    }
    lines.join("\n")
}

/// What to do.
pub(super) fn cure(jobs: &JobNews) -> String {
    match jobs.kind {
        NewsKind::Held => "Held mails stay in the mailbox as they are and nothing is done with them: look at each one.".to_owned(),
        NewsKind::Failed => format!(
            "The mails are where the endpoint's settle.failed says, \"Failed\" by default. Fix the cause that the reason names, then\n\n  \
             mailjob jobs list --state failed --endpoint {0}\n  mailjob jobs retry --all --state failed --endpoint {0}",
            jobs.endpoint
        ),
        NewsKind::Refused => "Nobody has got these replies. Correct what the server named, then\n\n  mailjob replies list --state refused\n  \
                              mailjob replies retry --all-refused"
            .to_owned(),
        NewsKind::Unsure => "The server had all of them and lost its answer three times, so they are not sent again by themselves, and their \
                             mails wait in the mailbox. Look whether they have arrived, then for each\n\n  \
                             mailjob replies accept JOB    it has: it counts as sent\n  \
                             mailjob replies retry JOB     it has not: it is sent again"
            .to_owned(),
        NewsKind::Bounced => "A server took these replies, and later it or another one said that they could not be delivered: those who were \
                              to get them have not. They are not sent again by themselves. Correct what the server named, or write to them \
                              another way, then\n\n  mailjob replies list --state bounced\n  mailjob replies retry JOB    it is sent again"
            .to_owned(),
        NewsKind::Unanswered => "Their work was done, and nothing is sent later: somebody was answered as often as [rates] in the endpoint's file allows, \
                                 which ends a loop of two machines (loop) and what a scanner or an ERP causes that sends more than 60 mails an \
                                 hour (rate). Where that is meant, allow more there:\n\n  [rates]\n  replies_per_recipient = \"200/h\"\n\n\
                                 mailjob jobs list says which had no reply, and mailjob jobs replay JOB runs one anew with its reply, its work \
                                 included. You are told once a day at the most."
            .to_owned(),
        NewsKind::Paused => format!(
            "Correct the URL in the endpoint's file, or let it go on as it is: mailjob resume {}. Its mail waits until then; nothing is lost.",
            jobs.endpoint
        ),
        NewsKind::Unusable => "The work was done and is not done again; what can't be used of the answer did not go to the sender. Correct what the \
                               endpoint's action answers: mailjob jobs show has each answer's beginning, mailjob schema answer what it may be."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{job::JobId, ledger::NewsExample};

    fn news(kind: NewsKind, count: u64) -> JobNews {
        JobNews {
            kind,
            endpoint: "invoices".into(),
            count,
            since: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            examples: vec![NewsExample {
                job: JobId(uuid::Uuid::nil()),
                from: "eve@example.org".into(),
                subject: "a\r\nBcc: b".into(),
                reason: Some("exit-1".into()),
                detail: "no\nsuch file".into(),
            }],
        }
    }

    #[test]
    fn each_kind_says_how_many_and_what_to_do() {
        for (kind, count, words, cure) in [
            (NewsKind::Held, 1, "1 job of invoices is held", "look at each"),
            (NewsKind::Failed, 200, "200 jobs of invoices failed", "settle.failed"),
            (
                NewsKind::Refused,
                2,
                "2 replies of invoices were refused",
                "replies retry --all-refused",
            ),
            (
                NewsKind::Bounced,
                1,
                "1 reply of invoices came back",
                "replies list --state bounced",
            ),
            (
                NewsKind::Unusable,
                2,
                "2 jobs of invoices are done, but their answers can't be used",
                "not done again",
            ),
            (
                NewsKind::Paused,
                1,
                "invoices is paused: its webhook is gone",
                "Correct the URL",
            ),
        ] {
            let news = news(kind, count);
            assert_eq!(headline(&news), words);
            assert!(super::cure(&news).contains(cure), "{}", super::cure(&news));
        }
    }

    #[test]
    fn examples_stay_on_their_lines() {
        assert_eq!(
            examples(&news(NewsKind::Failed, 3)),
            "job 00000000000000000000000000000000\n  from eve@example.org, subject a  Bcc: b\n  exit-1: no such file\nand 2 more"
        );
    }
}
