use chrono::DateTime;

use super::*;
use crate::{
    job::{Trace, state::State},
    ledger::{JobRow, RecipientEnd},
};

fn story(exchange: Exchange) -> JobStory {
    let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    JobStory {
        job: JobRow {
            silent: None,
            id: JobId(uuid::Uuid::nil()),
            endpoint: "invoices".into(),
            state: State::Failed,
            reason: Some("status-422".into()),
            detail: Some("the webhook answered 422".into()),
            taken: at,
            due: None,
            attempts: 1,
            reruns: 1,
            sender: Some("ann@a.example".into()),
            subject: Some("Invoice\u{1b}[2J".into()),
            size: 7,
            part: None,
            reply: Some(ReplyState::Sent),
        },
        mail: MailStory {
            from: Some("ann@a.example".into()),
            subject: Some("Invoice\u{1b}[2J".into()),
            message_id: Some("1@a.example".into()),
            size: 7,
            sha256: "ab".into(),
            received: None,
            taken: at,
            has_bytes: true,
            incomplete: None,
            places: vec![PlaceStory {
                mailbox: "imap://invoices@us.example/INBOX".into(),
                uid_validity: 1,
                uid: 2,
                touch: TouchState::Settled,
                verdict: Some(MailOutcome::Failed),
                settled: Some(at),
            }],
        },
        attempts: vec![AttemptStory {
            number: 1,
            began: Some(at - chrono::TimeDelta::milliseconds(1_250)),
            ended: at,
            outcome: "failed".into(),
            reason: Some("status-422".into()),
            detail: Some("the webhook answered 422".into()),
            answer: None,
            trace: Trace {
                decision: Some(Decision {
                    sender: "ann@a.example".into(),
                    proofs: vec!["dkim".into()],
                    attachments: vec!["invoice.pdf".into()],
                    attachment_count: 1,
                    answers: None,
                }),
                exchange: Some(exchange),
            },
        }],
        running_since: None,
        parts: Vec::new(),
        mail_job: None,
        replies: vec![ReplyStory {
            rerun: 1,
            account: "contoso".into(),
            state: ReplyState::Sent,
            recipients: vec![RecipientEnd {
                address: "ann@a.example".into(),
                state: ReplyState::Sent,
                said: "250 ok".into(),
            }],
            message_id: "x@us.example".into(),
            attempts: 1,
            made: at,
            due: None,
            ended: Some(at),
            said: None,
            withdrawn: false,
            size: Some(500),
        }],
        silent: None,
    }
}

#[test]
fn people_read_the_whole_story() {
    let exchange = Exchange::Webhook {
        method: "POST".into(),
        url: "https://erp.example/hooks".into(),
        sent: 1_234,
        status: Some(422),
        media_type: Some("text/plain".into()),
        body: Some(TruncatedText::head(b"no \x1b[2J\nsuch supplier")),
    };
    assert_eq!(
        people(&story(exchange), false),
        "job 00000000000000000000000000000000 of invoices: failed\n\
         \x20 because     status-422\n\
         \x20 detail      the webhook answered 422\n\
         \x20 run anew    once\n\
         mail\n\
         \x20 From        ann@a.example\n\
         \x20 Subject     Invoice\\u{1b}[2J\n\
         \x20 Message-ID  1@a.example\n\
         \x20 size        7 bytes\n\
         \x20 SHA-256     ab\n\
         \x20 taken       2027-01-15 08:00:00 UTC\n\
         attempt 1: failed, 2027-01-15 08:00:00 UTC after 1.250 s\n\
         \x20 because     status-422\n\
         \x20 detail      the webhook answered 422\n\
         \x20 filter      accepted; sender ann@a.example, shown by dkim\n\
         \x20 attachments 1: invoice.pdf\n\
         \x20 request     POST https://erp.example/hooks, 1234 bytes\n\
         \x20 response    422, text/plain\n\
         \x20 body:\n\
         \x20   | no \\u{1b}[2J\n\
         \x20   | such supplier\n\
         reply by contoso: sent\n\
         \x20 Message-ID  x@us.example\n\
         \x20 made        2027-01-15 08:00:00 UTC\n\
         \x20 attempts    1\n\
         \x20 ended       2027-01-15 08:00:00 UTC\n\
         \x20 size        500 bytes\n\
         \x20 sent      ann@a.example  250 ok\n\
         mailbox\n\
         \x20 imap://invoices@us.example/INBOX 1/2  settled as failed, 2027-01-15 08:00:00 UTC\n"
    );
}

#[test]
fn a_process_is_told_with_its_last_words() {
    let exchange = Exchange::Command {
        argv: vec!["/bin/sh".into(), "a b\n".into()],
        exit: Some(3),
        signal: None,
        stdout: TruncatedText::default(),
        stderr: TruncatedText::tail(b"no such file"),
    };
    let page = people(&story(exchange), false);
    assert!(
        page.contains("  ran         \"/bin/sh\" \"a b\\n\"\n  exit code   3\n  stderr:\n    | no such file\n"),
        "{page}"
    );
}

#[test]
fn why_there_is_no_reply_is_said_in_words() {
    let exchange = Exchange::Command {
        argv: Vec::new(),
        exit: Some(0),
        signal: None,
        stdout: TruncatedText::default(),
        stderr: TruncatedText::default(),
    };
    let silent = JobStory {
        replies: Vec::new(),
        silent: Some("mailing-list".into()),
        ..story(exchange)
    };
    let page = people(&silent, false);
    assert!(
        page.contains("no reply\n  mailing-list: the mail came from a mailing list (List-*)\n"),
        "{page}"
    );
}
