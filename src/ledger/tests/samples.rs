//! What tests put into a ledger.

use super::*;

pub(in crate::ledger) fn mailbox() -> MailboxKey {
    MailboxKey("imap://invoices@example.com/INBOX".into())
}

pub(in crate::ledger) fn endpoint(name: &str) -> EndpointName {
    EndpointName::new(name).unwrap()
}

pub(in crate::ledger) fn at(uid_validity: u32, uid: u32, text: &str) -> NewMail {
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

pub(in crate::ledger) fn mail(uid: u32) -> NewMail {
    at(1, uid, &format!("mail {uid}"))
}

/// A mail that did not come whole.
pub(in crate::ledger) fn lacking(uid: u32, reason: Reason) -> NewMail {
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

pub(in crate::ledger) fn finish(job: &ClaimedJob, outcome: Outcome) -> Finish {
    Finish {
        job: job.id,
        fence: job.lease.fence(),
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

pub(in crate::ledger) fn done() -> Outcome {
    Outcome::Done(Answer {
        text: Some("thank you".into()),
        ..Answer::default()
    })
}

pub(in crate::ledger) fn failed() -> Outcome {
    Outcome::Failed {
        reason: Reason::Exit(1),
        detail: "no".into(),
        tell: None,
    }
}

pub(in crate::ledger) fn ignored() -> Outcome {
    Outcome::Ignored {
        reason: Reason::From,
        detail: "not ours".into(),
    }
}

pub(in crate::ledger) fn retry() -> Outcome {
    Outcome::Retry {
        reason: Reason::Status(503),
        detail: "busy".into(),
        not_before: None,
    }
}

pub(in crate::ledger) fn silent() -> Option<ReplyDecision> {
    Some(ReplyDecision::Silent("off".into()))
}

pub(in crate::ledger) fn reply() -> NewReply {
    NewReply {
        conversation: None,
        account: "contoso".into(),
        message_id: "1@mailjob".into(),
        sender: "invoices@example.com".into(),
        recipients: vec!["a@example.org".into(), "\"odd\n\"@example.org".into()],
        bytes: Bytes::from_static(b"Subject: Re\r\n\r\nThank you\r\n"),
    }
}

pub(in crate::ledger) fn send() -> Option<ReplyDecision> {
    Some(ReplyDecision::Send(reply()))
}

/// A mailbox that nobody ever watched, or that somebody did whose fence is not known here.
pub(in crate::ledger) fn nobodys(mailbox: &MailboxKey) -> WatchedMailbox {
    WatchedMailbox::new(mailbox.clone(), Fence::NONE)
}
