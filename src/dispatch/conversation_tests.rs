use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::*;
use crate::{
    config::{Answerers, Conversation, EndpointName, Webhook},
    dispatch::tests::{endpoint, job},
    job::{AllowedSenders, Answer},
    message::{Address, Automatic},
};

fn talking() -> Endpoint {
    let name = EndpointName::new("invoices").unwrap();
    Endpoint {
        conversation: Some(Conversation {
            expires: Duration::from_secs(60),
            from: Answerers::Recipients,
            proven: false,
            once: true,
            plus: true,
            answers: 2,
            endpoint: name,
            address: "invoices@us.example".into(),
        }),
        ..endpoint(crate::config::Action::Webhook(Webhook::new(
            "https://erp.example/".into(),
        )))
    }
}

fn known() -> KnownConversation {
    KnownConversation {
        key: ConversationToken::new([1; 16]).key(),
        endpoint: "invoices".into(),
        allowed: AllowedSenders::Like(vec!["*@us.example".into()]),
        proven: true,
        expires: arrived(&job()),
        told: made_up(&only(&["invoices"])).unwrap(),
        ours: false,
    }
}

fn only(names: &[&str]) -> Endpoint {
    let mut endpoint = talking();
    endpoint.filter.answers = Answers::Only(names.iter().map(|name| EndpointName::new(name).unwrap()).collect());
    endpoint
}

fn head(from: &[&str]) -> Head {
    let address = |address: &&str| Address {
        name: None,
        address: (*address).into(),
    };
    Head {
        from: from.iter().map(address).collect(),
        ..Head::default()
    }
}

#[test]
fn an_answer_counts_when_all_is_as_it_was_asked() {
    let boss = head(&["boss@us.example"]);
    let judged = |known, head: &Head, endpoint: &Endpoint| counts(known, head, true, endpoint, &job()).err();
    assert_eq!(judged(Some(known()), &boss, &talking()), None);
    assert_eq!(judged(Some(known()), &boss, &only(&[])), None);
    assert_eq!(judged(Some(known()), &boss, &only(&["requests", "invoices"])), None);
    let automatic = Head {
        automatic: Some(Automatic::AutoSubmitted),
        ..boss.clone()
    };
    let late = KnownConversation {
        expires: known().expires - TimeDelta::milliseconds(1),
        ..known()
    };
    let accepted_before = KnownConversation {
        ours: true,
        ..late.clone()
    };
    assert_eq!(judged(Some(accepted_before), &boss, &talking()), None);
    let of_others = KnownConversation {
        endpoint: "others".into(),
        ..known()
    };
    let unproven = counts(Some(known()), &boss, false, &talking(), &job());
    assert!(
        unproven.unwrap_err().contains("nothing shows"),
        "anybody can write a From"
    );
    let trusting = KnownConversation {
        proven: false,
        ..known()
    };
    assert!(counts(Some(trusting), &boss, false, &talking(), &job()).is_ok());
    for (known, head, endpoint, why) in [
        (None, &boss, talking(), "not known"),
        (Some(known()), &automatic, talking(), "automatic"),
        (Some(known()), &head(&[]), talking(), "single sender"),
        (
            Some(known()),
            &head(&["boss@us.example", "a@us.example"]),
            talking(),
            "single sender",
        ),
        (
            Some(known()),
            &head(&["boss@them.example"]),
            talking(),
            "may not answer",
        ),
        (Some(known()), &head(&["a@b@us.example"]), talking(), "may not answer"),
        (Some(of_others), &boss, talking(), "another endpoint"),
        (Some(known()), &boss, only(&["requests"]), "answers_to"),
        (Some(late), &boss, talking(), "too late"),
    ] {
        let judged = judged(known, head, &endpoint).unwrap();
        assert!(judged.contains(why), "{judged}, not {why}");
    }
}

#[test]
fn an_answer_is_in_time_by_the_clock_of_its_server() {
    let mut job = job();
    assert_eq!(arrived(&job), job.received.unwrap());
    job.received = Some(job.taken + TimeDelta::days(1));
    assert_eq!(arrived(&job), job.taken, "its clock is wrong");
    job.received = None;
    assert_eq!(arrived(&job), job.taken);
}

#[test]
fn only_what_was_done_may_be_answered_and_not_for_ever() {
    let done = |data| {
        Outcome::Done(Answer {
            data,
            ..Answer::default()
        })
    };
    let (outcome, first) = answerable(&talking(), done(Some(json!("x"))), 0);
    let (_, second) = answerable(&talking(), done(None), 1);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((outcome, first.depth, second.depth), (done(Some(json!("x"))), 0, 1));
    assert_ne!(first.token, second.token);
    assert_eq!(answerable(&talking(), done(None), 2), (done(None), None));
    assert_eq!(answerable(&talking(), not_meant("no"), 0), (not_meant("no"), None));
    let mute = Endpoint {
        conversation: None,
        ..talking()
    };
    let large = json!("x".repeat(MAX_DATA));
    assert_eq!(answerable(&mute, done(Some(large.clone())), 0).1, None);
    let (kept, token) = answerable(&talking(), done(Some(large)), 0);
    let Outcome::Done(answer) = kept else {
        panic!("{kept:?}")
    };
    assert_eq!(
        (answer.data, answer.flaw.unwrap().reason),
        (None, Reason::BadAnswer),
        "the work is done"
    );
    assert!(token.is_some());
}
