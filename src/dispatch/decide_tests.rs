use chrono::{TimeDelta, Utc};
use proptest::prelude::*;
use tokio::runtime;

use super::*;
use crate::{
    config::{Action, EndpointName, Limits, SenderList, Webhook},
    dispatch::tests::{MAIL, endpoint, job},
    job::{AllowedSenders, ConversationToken},
    ledger::KnownConversation,
    message,
};

fn invoices() -> Endpoint {
    endpoint(Action::Webhook(Webhook::new("https://erp.example/".into())))
}

fn wanting(answers: Answers) -> Endpoint {
    let mut endpoint = invoices();
    endpoint.filter.answers = answers;
    endpoint
}

fn only() -> Answers {
    Answers::Only(vec![EndpointName::new("invoices").unwrap()])
}

/// A conversation in which Ann may answer.
fn known(ours: bool) -> Box<KnownConversation> {
    Box::new(KnownConversation {
        key: ConversationToken::new([1; 16]).key(),
        endpoint: "invoices".into(),
        allowed: AllowedSenders::Like(vec!["ann@supplier.example".into()]),
        proven: false,
        expires: job().taken + TimeDelta::days(1),
        told: made_up(&wanting(only())).unwrap(),
        ours,
    })
}

/// What a decision comes to, in words: what it answers, and the attachments or the reason.
async fn decided(endpoint: &Endpoint, raw: &str, asked: ConversationLookup, share: JobScope) -> (&'static str, String) {
    let (endpoint, raw) = (endpoint.clone(), Bytes::from(raw.to_owned()));
    let (shared, job) = (raw.clone(), ClaimedJob { share, ..job() });
    let limits = Limits {
        time: std::time::Duration::from_secs(60),
        ..Limits::default()
    };
    let read = message::read(raw, limits, move |mail| {
        let head = mail.head();
        let MailDecision { answering, work } = decide(MailFacts {
            endpoint: &endpoint,
            job: &job,
            mail,
            head: &head,
            raw: &shared,
            sender: mail.sender(&endpoint.senders.trust),
            asked,
            now: Utc::now(),
        });
        let answering = match answering {
            Answering::Nothing => "nothing",
            Answering::Accepted(_) => "accepted",
            Answering::Counts { .. } => "counts",
        };
        let said = match work {
            Ok(work) => work
                .attachments
                .iter()
                .map(|file| file.safe_name.as_str())
                .collect::<Vec<_>>()
                .join(" "),
            Err(Outcome::Split(pieces)) => format!("split {}", pieces.len()),
            Err(Outcome::Ignored { reason, .. }) => format!("ignored {}", reason.code()),
            Err(Outcome::Failed { reason, .. }) => format!("failed {}", reason.code()),
            Err(Outcome::Held { reason, .. }) => format!("held {}", reason.code()),
            Err(other) => format!("{other:?}"),
        };
        (answering, said)
    });
    read.await.unwrap()
}

fn part(index: u32, name: &str) -> JobScope {
    JobScope::Part(Part {
        number: 1,
        of: 2,
        mail_job: job().id,
        attachment: AttachmentRef {
            index,
            name: name.into(),
        },
    })
}

#[tokio::test]
async fn a_mail_is_meant_then_accepted_then_an_answer_and_then_work() {
    let both = "invoice.pdf attachment.png";
    let elsewhere = |change: fn(&mut Endpoint)| {
        let mut endpoint = wanting(only());
        change(&mut endpoint);
        endpoint
    };
    let other_subject = elsewhere(|endpoint| endpoint.filter.subject = vec!["other".into()]);
    let other_sender =
        elsewhere(|endpoint| endpoint.senders.deny = vec![SenderList::Address("ann@supplier.example".into())]);
    let each = elsewhere(|endpoint| endpoint.jobs.per = Per::Attachment);
    let pdf = elsewhere(|endpoint| endpoint.filter.attachments = vec!["*.pdf".into()]);
    let counts = || ConversationLookup::Known(Some(known(false)));
    for (endpoint, asked, expected) in [
        (&invoices(), ConversationLookup::Nothing, ("nothing", both)),
        (&invoices(), ConversationLookup::Nameless, ("nothing", both)),
        (&invoices(), ConversationLookup::Known(None), ("nothing", both)),
        (&invoices(), counts(), ("counts", both)),
        (
            &invoices(),
            ConversationLookup::Known(Some(known(true))),
            ("counts", both),
        ),
        (&invoices(), ConversationLookup::MadeUp, ("nothing", both)),
        (&wanting(Answers::None), ConversationLookup::Nothing, ("nothing", both)),
        (&wanting(Answers::None), counts(), ("nothing", "ignored conversation")),
        (
            &wanting(only()),
            ConversationLookup::Nameless,
            ("nothing", "ignored conversation"),
        ),
        (
            &wanting(only()),
            ConversationLookup::Known(None),
            ("nothing", "ignored conversation"),
        ),
        (&wanting(only()), counts(), ("counts", both)),
        (&wanting(only()), ConversationLookup::MadeUp, ("accepted", both)),
        // Whoever is not meant or not accepted is not told that it would not count either.
        (
            &other_subject,
            ConversationLookup::Nameless,
            ("nothing", "ignored subject"),
        ),
        (&other_subject, counts(), ("nothing", "ignored subject")),
        (&other_sender, counts(), ("nothing", "ignored sender")),
        (&each, counts(), ("counts", "split 2")),
        (&pdf, counts(), ("counts", "invoice.pdf")),
    ] {
        let shown = format!("{asked:?}");
        let found = decided(endpoint, MAIL, asked, JobScope::Whole).await;
        assert_eq!((found.0, &*found.1), expected, "{shown}");
    }
}

#[tokio::test]
async fn a_part_is_its_attachment_whatever_the_filter_says_now() {
    let mut other = invoices();
    other.filter.subject = vec!["other".into()];
    for (endpoint, asked, share, expected) in [
        (
            &invoices(),
            ConversationLookup::Nothing,
            part(0, "invoice.pdf"),
            ("nothing", "invoice.pdf"),
        ),
        (
            &other,
            ConversationLookup::Nothing,
            part(0, "invoice.pdf"),
            ("nothing", "invoice.pdf"),
        ),
        (
            &invoices(),
            ConversationLookup::Nothing,
            part(7, "invoice.pdf"),
            ("nothing", "invoice.pdf"),
        ),
        (
            &invoices(),
            ConversationLookup::Nothing,
            part(0, "gone.pdf"),
            ("nothing", "held part"),
        ),
        (
            &invoices(),
            ConversationLookup::Known(Some(known(true))),
            part(0, "invoice.pdf"),
            ("accepted", "invoice.pdf"),
        ),
        (
            &invoices(),
            ConversationLookup::Known(Some(known(false))),
            part(0, "invoice.pdf"),
            ("nothing", "invoice.pdf"),
        ),
        (
            &other,
            ConversationLookup::Known(Some(known(true))),
            part(0, "invoice.pdf"),
            ("nothing", "invoice.pdf"),
        ),
    ] {
        let found = decided(endpoint, MAIL, asked, share).await;
        assert_eq!((found.0, &*found.1), expected);
    }
}

#[tokio::test]
async fn an_encrypted_mail_fails_where_it_is_meant_and_accepted() {
    let sealed = "From: ann@supplier.example\r\nSubject: x\r\n\
        Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n\
        --b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\
        --b\r\nContent-Type: application/octet-stream\r\n\r\nx\r\n--b--\r\n";
    let mut endpoint = invoices();
    let said = |endpoint: Endpoint| async move {
        decided(&endpoint, sealed, ConversationLookup::Nothing, JobScope::Whole)
            .await
            .1
    };
    assert_eq!(said(endpoint.clone()).await, "failed encrypted");
    // Nobody knows which attachments it has.
    endpoint.filter.attachments = vec!["*.pdf".into()];
    assert_eq!(said(endpoint.clone()).await, "failed encrypted");
    endpoint.senders.deny = vec![SenderList::Address("ann@supplier.example".into())];
    assert_eq!(said(endpoint.clone()).await, "ignored sender");
    endpoint.filter.subject = vec!["other".into()];
    assert_eq!(said(endpoint).await, "ignored subject");
}

proptest! {
    /// The ledger accepts no answer that is not meant or not accepted from its sender, and nobody without a conversation is an answer.
    #[test]
    fn only_a_mail_that_is_meant_and_accepted_counts_as_an_answer(
        (is_meant, may, sealed, each) in any::<(bool, bool, bool, bool)>(), asked in 0..5_u8, wanted in 0..3_u8,
    ) {
        let mut endpoint = wanting([Answers::Any, Answers::None, only()][usize::from(wanted)].clone());
        endpoint.filter.subject = vec![if is_meant { "*" } else { "other" }.into()];
        endpoint.senders.deny = if may { vec![] } else { vec![SenderList::Domain("supplier.example".into())] };
        endpoint.jobs.per = if each { Per::Attachment } else { Per::Mail };
        let raw = if sealed { MAIL.replace("multipart/mixed", "multipart/encrypted") } else { MAIL.to_owned() };
        let (asked, is_known) = match asked {
            0 => (ConversationLookup::Nothing, false),
            1 => (ConversationLookup::Nameless, false),
            2 => (ConversationLookup::Known(None), false),
            3 => (ConversationLookup::Known(Some(known(false))), true),
            _ => (ConversationLookup::Known(Some(known(true))), true),
        };
        let is_asked = !matches!(asked, ConversationLookup::Nothing);
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (answering, said) = runtime.block_on(decided(&endpoint, &raw, asked, JobScope::Whole));
        prop_assert_eq!(answering == "counts", is_meant && may && is_known && wanted != 1);
        prop_assert!(answering != "accepted");
        let refused = is_meant && may && is_asked && ((wanted == 2 && !is_known) || (wanted == 1 && is_known));
        prop_assert_eq!(said == "ignored conversation", refused, "{}", said);
        prop_assert_eq!(said == "ignored subject", !is_meant, "{}", said);
        prop_assert_eq!(said == "ignored sender", is_meant && !may, "{}", said);
    }
}
