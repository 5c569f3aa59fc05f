//! Replies that may be answered.

use super::{world::*, *};
use crate::job::{Answer, AnswerableReply};

#[test]
fn a_reply_that_may_be_answered_bears_its_token() {
    let mut endpoint = endpoint();
    endpoint.conversation = Some(Conversation {
        expires: std::time::Duration::from_secs(60),
        from: crate::config::Answerers::Recipients,
        proven: false,
        once: true,
        plus: true,
        answers: 20,
        endpoint: endpoint.name.clone(),
        address: "answers@us.example".into(),
    });
    let token = crate::job::ConversationToken::new([9; 16]);
    let (head, outcome) = (
        head(),
        Outcome::Done(Answer {
            data: Some(7.into()),
            ..Answer::default()
        }),
    );
    let ending = |answerable| Ending {
        job: job(),
        endpoint: &endpoint.name,
        head: Some(&head),
        proven: false,
        original: None,
        inputs: None,
        outcome: &outcome,
        now: now(),
        rerun: 0,
        answerable,
    };
    let composer = Composer::new(&endpoint, ours(&endpoint));
    let answerable = AnswerableReply {
        token: token.clone(),
        depth: 4,
    };
    let ReplyDecision::Send(reply) = composer.reply(&ending(Some(answerable))) else {
        panic!("not sent");
    };
    let domain = reply.sender.rsplit_once('@').unwrap().1;
    assert_eq!(reply.message_id, format!("{token}.reply@{domain}"));
    let text = String::from_utf8(reply.bytes.to_vec()).unwrap();
    assert!(text.contains(&format!("Message-ID: <{}>", reply.message_id)), "{text}");
    assert!(
        text.contains(&format!("Reply-To: <answers+{token}@us.example>")),
        "{text}"
    );
    let kept = *reply.conversation.unwrap();
    assert_eq!((kept.key, kept.depth, kept.data), (token.key(), 4, Some(7.into())));
    assert_eq!(kept.allowed, crate::job::AllowedSenders::Exactly(reply.recipients));
    let ReplyDecision::Send(reply) = composer.reply(&ending(None)) else {
        panic!("not sent");
    };
    assert_eq!(reply.message_id, format!("{}.reply@{domain}", job()));
    assert!(reply.conversation.is_none() && !String::from_utf8_lossy(&reply.bytes).contains("\r\nReply-To:"));
}
