//! What it costs to read a mail: one parse in an attempt, whatever is asked of the mail, and one turn on a thread that reads, unless the
//! ledger or DNS is waited for in between.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    MAIL, endpoint,
    scene::{Scene, states, webhook},
};
use crate::{
    config::{Endpoint, OriginalAs, Per},
    job::{ConversationToken, Ending, Replier, ReplyDecision, state::State},
};

/// Notes the text of each original that a reply gets.
#[derive(Default)]
struct Quotes(Mutex<Vec<Option<String>>>);

impl Replier for Quotes {
    fn reply(&self, ending: &Ending<'_>) -> ReplyDecision {
        let text = ending.original.map(|original| original.text.trim_end().to_owned());
        self.0.lock().unwrap().push(text);
        ReplyDecision::Silent("off".into())
    }
}

struct Cost {
    attempts: u64,
    parsed: u64,
    turns: u64,
    quotes: Vec<Option<String>>,
}

/// What one mail costs at an endpoint.
async fn cost(mail: String, change: impl FnOnce(&mut Endpoint)) -> Cost {
    let mut scene = Scene::with(vec![mail]).await;
    let (action, _seen) = webhook(&[200]).await;
    let (mut endpoint, quotes) = (endpoint(action), Arc::<Quotes>::default());
    change(&mut endpoint);
    scene.start_with(endpoint, quotes.clone());
    let rows = scene.ended().await;
    assert!(states(&rows).iter().all(|state| *state == State::Done), "{rows:?}");
    scene.stopped().await;
    Cost {
        attempts: rows.iter().map(|row| u64::from(row.attempts)).sum(),
        parsed: scene.reader.parsed(),
        turns: scene.reader.turns(),
        quotes: quotes.0.lock().unwrap().clone(),
    }
}

#[tokio::test]
async fn a_mail_is_parsed_once_in_an_attempt() {
    let plain = cost(MAIL.into(), |_| {}).await;
    assert_eq!((plain.attempts, plain.parsed, plain.turns), (1, 1, 1));
    let verified = cost(MAIL.into(), |endpoint| {
        endpoint.senders.verify = Some(Duration::from_secs(60))
    })
    .await;
    assert_eq!((verified.attempts, verified.parsed), (1, 1));
    let token = ConversationToken::new([7; 16]).message_id("us.example");
    let answer = MAIL.replacen("From:", &format!("In-Reply-To: <{token}>\r\nFrom:"), 1);
    let answer = cost(answer, |_| {}).await;
    assert_eq!((answer.attempts, answer.parsed), (1, 1));
    assert!(
        answer.turns > 1,
        "it waits for the ledger, and holds no thread meanwhile"
    );
    let bounce = MAIL.replacen("multipart/mixed", "multipart/report; report-type=delivery-status", 1);
    let bounce = cost(bounce, |_| {}).await;
    assert_eq!((bounce.attempts, bounce.parsed), (1, 1));
    for original in [OriginalAs::Quote, OriginalAs::Text, OriginalAs::Rfc822] {
        let quoted = cost(MAIL.into(), |endpoint| endpoint.reply.original = original).await;
        assert_eq!((quoted.attempts, quoted.parsed), (1, 1), "{original:?}");
        assert_eq!(quoted.quotes, [Some("Hello.".to_owned())], "{original:?}");
    }
    let split = cost(MAIL.into(), |endpoint| endpoint.jobs.per = Per::Attachment).await;
    // The mail is split, each of two attachments has its job, and they are gathered.
    assert_eq!(split.parsed, 4);
}
