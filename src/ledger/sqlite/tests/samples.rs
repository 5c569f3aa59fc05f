//! What tests put into a ledger.

use super::*;

pub(super) fn mailbox() -> MailboxKey {
    MailboxKey("imap://invoices@example.com/INBOX".into())
}

pub(super) fn endpoint(name: &str) -> EndpointName {
    EndpointName::new(name).unwrap()
}

pub(super) fn at(uid_validity: u32, uid: u32, text: &str) -> NewMail {
    NewMail {
        place: Place { uid_validity, uid },
        received: None,
        told: None,
        header_key: None,
        content: Content::Whole {
            sha256: Sha256::digest(text).into(),
            raw: Raw::Inline(Bytes::copy_from_slice(text.as_bytes())),
        },
    }
}

pub(super) fn mail(uid: u32) -> NewMail {
    at(1, uid, &format!("mail {uid}"))
}

/// A mail that did not come whole.
pub(super) fn lacking(uid: u32, reason: Reason) -> NewMail {
    NewMail {
        content: Content::Lacking(Lack {
            reason,
            detail: format!("mail {uid} did not come whole"),
            size: 100,
            upload: None,
        }),
        ..mail(uid)
    }
}

pub(super) fn finish(job: &ClaimedJob, outcome: Outcome) -> Finish {
    Finish {
        job: job.id,
        attempt: job.attempt,
        outcome,
        due: None,
        reply: None,
        summary: None,
        next: Vec::new(),
        gates: Vec::new(),
        trace: Default::default(),
        gone: None,
    }
}

pub(super) fn done() -> Outcome {
    Outcome::Done(Answer {
        text: Some("thank you".into()),
        ..Answer::default()
    })
}

pub(super) fn failed() -> Outcome {
    Outcome::Failed {
        reason: Reason::Exit(1),
        detail: "no".into(),
        tell: None,
    }
}

pub(super) fn ignored() -> Outcome {
    Outcome::Ignored {
        reason: Reason::From,
        detail: "not ours".into(),
    }
}

pub(super) fn retry() -> Outcome {
    Outcome::Retry {
        reason: Reason::Status(503),
        detail: "busy".into(),
        not_before: None,
    }
}

pub(super) fn silent() -> Option<ReplyDecision> {
    Some(ReplyDecision::Silent("off".into()))
}

pub(super) fn reply() -> NewReply {
    NewReply {
        conversation: None,
        account: "contoso".into(),
        message_id: "1@mailjob".into(),
        sender: "invoices@example.com".into(),
        recipients: vec!["a@example.org".into(), "\"odd\n\"@example.org".into()],
        bytes: Bytes::from_static(b"Subject: Re\r\n\r\nThank you\r\n"),
    }
}

pub(super) fn send() -> Option<ReplyDecision> {
    Some(ReplyDecision::Send(reply()))
}
