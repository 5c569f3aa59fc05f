//! Answers to our replies, through the loop and a real ledger.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    endpoint,
    scene::{Scene, Seen, states, webhook},
};
use crate::{
    config::{Answerers, Answers, Conversation, Endpoint, EndpointName, Filter},
    job::{
        AllowedSenders, ConversationToken, Ending, NewConversation, NewReply, Outcome, Replier, ReplyDecision,
        state::State::{self, Done, Failed, Ignored},
    },
};

const BOSS: &str = "boss@us.example";

/// Asks the boss, and notes the tokens with which the boss may answer.
#[derive(Default)]
struct Asker {
    tokens: Mutex<Vec<ConversationToken>>,
    /// How long an answer is accepted.
    seconds: i64,
    most: u32,
}

impl Replier for Asker {
    fn reply(&self, ending: &Ending<'_>) -> ReplyDecision {
        let Some(answerable) = &ending.answerable else {
            return ReplyDecision::Silent("off".into());
        };
        assert!(matches!(ending.outcome, Outcome::Done(_)));
        self.tokens.lock().unwrap().push(answerable.token.clone());
        ReplyDecision::Send(NewReply {
            account: "contoso".into(),
            message_id: "1@us.example".into(),
            sender: "invoices@us.example".into(),
            recipients: vec![BOSS.into()],
            bytes: "Subject: approve?\r\n\r\nyes or no?\r\n".into(),
            conversation: Some(Box::new(NewConversation {
                key: answerable.token.key(),
                endpoint: ending.endpoint.clone(),
                allowed: AllowedSenders::Exactly(vec![BOSS.into()]),
                proven: false,
                most: self.most,
                depth: answerable.depth,
                data: Some(json!({ "order": 7 })),
                expires: ending.now + TimeDelta::seconds(self.seconds),
            })),
        })
    }
}

fn asker(seconds: i64, most: u32) -> Arc<Asker> {
    Arc::new(Asker {
        seconds,
        most,
        ..Asker::default()
    })
}

fn talking(action: crate::config::Action, answers: Answers) -> Endpoint {
    let name = EndpointName::new("invoices").unwrap();
    Endpoint {
        conversation: Some(Conversation {
            expires: Duration::from_secs(60),
            from: Answerers::Recipients,
            proven: false,
            once: true,
            plus: true,
            answers: 3,
            endpoint: name,
            address: "invoices@us.example".into(),
        }),
        filter: Filter {
            answers,
            ..Filter::default()
        },
        concurrency: 1,
        ..endpoint(action)
    }
}

const REQUEST: &str =
    "From: ann@us.example\r\nMessage-ID: <r1@us.example>\r\nSubject: Order 7\r\n\r\nPlease order it.\r\n";

fn mail(from: &str, fields: &str) -> String {
    format!(
        "From: {from}\r\nSubject: Re: Order 7\r\n{fields}\r\n\r\nyes\r\n\r\nOn 16 Nov 2026, x@us.example wrote:\r\n> yes or no?\r\n"
    )
}

fn in_reply_to(token: &ConversationToken) -> String {
    format!("In-Reply-To: <{}>", token.message_id("us.example"))
}

fn conversations(seen: &Seen) -> Vec<Value> {
    let seen = seen.lock().unwrap();
    let payload = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
    seen.iter()
        .map(|(_, _, body)| payload(body)["conversation"].clone())
        .collect()
}

/// A scene in which the boss was asked.
async fn asked(asker: &Arc<Asker>, statuses: &[u16], answers: Answers) -> (Scene, Seen, ConversationToken) {
    let mut scene = Scene::with(vec![REQUEST.into()]).await;
    let (action, seen) = webhook(statuses).await;
    scene.start_with(talking(action.clone(), Answers::Any), asker.clone());
    scene.ended().await;
    if answers != Answers::Any {
        scene.stopped().await;
        scene.stop = tokio_util::sync::CancellationToken::new();
        scene.start_with(talking(action, answers), asker.clone());
    }
    let token = asker.tokens.lock().unwrap()[0].clone();
    (scene, seen, token)
}

/// Delivers these one after the other.
async fn one_by_one(scene: &Scene, mails: Vec<String>) -> Vec<State> {
    for (uid, mail) in (2..).zip(mails) {
        scene.deliver(uid, vec![mail]).await;
        let all = usize::try_from(uid).unwrap();
        scene
            .until(|rows| rows.len() == all && rows.iter().all(|row| row.state.ended()))
            .await;
    }
    states(&scene.ended().await)
}

#[tokio::test]
async fn the_first_answer_of_one_who_may_gets_what_was_asked() {
    let asker = asker(3_600, 1);
    let (scene, seen, token) = asked(&asker, &[200], Answers::Any).await;
    let answer = in_reply_to(&token);
    let ended = one_by_one(
        &scene,
        vec![
            mail("stranger@them.example", &answer),
            mail(BOSS, &format!("{answer}\r\nAuto-Submitted: auto-replied")),
            mail(BOSS, &in_reply_to(&ConversationToken::new([7; 16]))),
            mail(&format!("{BOSS}, ann@us.example"), &answer),
            mail(
                BOSS,
                &format!("To: Invoices+{}@us.example", token.to_string().to_uppercase()),
            ),
            mail(BOSS, &answer),
        ],
    )
    .await;
    assert_eq!(ended, [Done; 7], "they are mails like any other");
    let job = scene.ended().await[0].job.to_string();
    let told = conversations(&seen);
    let counted: Vec<_> = told.iter().map(|told| !told.is_null()).collect();
    assert_eq!(counted, [false, false, false, false, false, true, false]);
    assert_eq!(
        told[5],
        json!({
            "job": job, "endpoint": "invoices", "data": { "order": 7 }, "reply": "yes",
            "answered": { "from": "ann@us.example", "subject": "Order 7", "message_id": "r1@us.example" },
        })
    );
    let rows = scene.ended().await;
    assert!(rows.iter().all(|row| row.reason.is_none()), "{rows:?}");
}

#[tokio::test]
async fn where_only_answers_are_meant_others_are_ignored() {
    let asker = asker(3_600, 1);
    let only = |name: &str| Answers::Only(vec![EndpointName::new(name).unwrap()]);
    let (scene, seen, token) = asked(&asker, &[200], only("invoices")).await;
    let answer = in_reply_to(&token);
    let ended = one_by_one(
        &scene,
        vec![
            REQUEST.replace("Order 7", "Order 8"),
            mail("stranger@them.example", &answer),
            mail(BOSS, &answer),
            mail(BOSS, &answer),
        ],
    )
    .await;
    assert_eq!(ended, [Done, Ignored, Ignored, Done, Ignored]);
    let rows = scene.ended().await;
    assert_eq!(rows[1].reason.as_deref(), Some("conversation"));
    assert_eq!(rows[2].summary.from, "stranger@them.example");
    assert_eq!(
        rows[4].detail.as_deref(),
        Some("the reply that it answers has been answered")
    );
    assert_eq!(conversations(&seen).len(), 2);

    let asker = self::asker(3_600, 1);
    let (scene, _, token) = asked(&asker, &[200], only("others")).await;
    assert_eq!(
        one_by_one(&scene, vec![mail(BOSS, &in_reply_to(&token))]).await,
        [Done, Ignored]
    );
}

#[tokio::test]
async fn where_no_answers_are_meant_one_that_counts_is_ignored() {
    let asker = asker(3_600, 1);
    let (scene, _, token) = asked(&asker, &[200], Answers::None).await;
    let answer = in_reply_to(&token);
    let mails = vec![mail("stranger@them.example", &answer), mail(BOSS, &answer)];
    assert_eq!(one_by_one(&scene, mails).await, [Done, Done, Ignored]);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_a_mail_like_any_other() {
    let asker = asker(-1, 1);
    let (scene, seen, token) = asked(&asker, &[200], Answers::Any).await;
    one_by_one(&scene, vec![mail(BOSS, &in_reply_to(&token))]).await;
    assert_eq!(conversations(&seen), [Value::Null, Value::Null]);
}

#[tokio::test]
async fn a_retry_is_still_the_answer_and_a_failure_leaves_its_place() {
    let asker = asker(3_600, 1);
    let (scene, seen, token) = asked(&asker, &[200, 503, 422, 200], Answers::Any).await;
    let answer = in_reply_to(&token);
    let ended = one_by_one(
        &scene,
        vec![mail(BOSS, &answer), mail(BOSS, &answer), mail(BOSS, &answer)],
    )
    .await;
    assert_eq!(ended, [Done, Failed, Done, Done]);
    let counted: Vec<_> = conversations(&seen).iter().map(|told| !told.is_null()).collect();
    assert_eq!(counted, [false, true, true, true, false]);
}

#[tokio::test]
async fn a_chain_of_answers_ends() {
    let asker = asker(3_600, 1);
    let (scene, seen, _) = asked(&asker, &[200], Answers::Any).await;
    for uid in 2..6 {
        let last = asker.tokens.lock().unwrap().last().unwrap().clone();
        scene.deliver(uid, vec![mail(BOSS, &in_reply_to(&last))]).await;
        let all = usize::try_from(uid).unwrap();
        scene
            .until(|rows| rows.len() == all && rows.iter().all(|row| row.state.ended()))
            .await;
    }
    // The request and two answers were answered answerably; the third answer is the last one, and the fourth mail begins anew.
    let counted: Vec<_> = conversations(&seen).iter().map(|told| !told.is_null()).collect();
    assert_eq!(counted, [false, true, true, true, false]);
    assert_eq!(asker.tokens.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn of_two_answers_at_once_one_counts() {
    let asker = asker(3_600, 1);
    let mut scene = Scene::with(vec![REQUEST.into()]).await;
    let (action, seen) = webhook(&[200]).await;
    let talking = Endpoint {
        concurrency: 8,
        ..talking(action, Answers::Any)
    };
    scene.start_with(talking, asker.clone());
    scene.ended().await;
    let token = asker.tokens.lock().unwrap()[0].clone();
    let mails = (0..8).map(|n| mail(BOSS, &format!("{}\r\nX-N: {n}", in_reply_to(&token))));
    scene.deliver(2, mails.collect()).await;
    scene
        .until(|rows| rows.len() == 9 && rows.iter().all(|row| row.state.ended()))
        .await;
    let counted = conversations(&seen).iter().filter(|told| !told.is_null()).count();
    assert_eq!(counted, 1);
}
