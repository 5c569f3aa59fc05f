//! A reply that may be answered: where answers go, and what the ledger keeps of it. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    config::{Answerers, Conversation},
    job::{AllowedSenders, AnswerableReply, ConversationToken, NewConversation},
};

/// The address for Reply-To: the mailbox that answers are awaited in, with the token where servers know plus-addresses.
pub(super) fn reply_to(conversation: &Conversation, token: &ConversationToken) -> String {
    match conversation.address.rsplit_once('@') {
        Some((local, domain)) if conversation.plus => format!("{local}+{token}@{domain}"),
        _ => conversation.address.clone(),
    }
}

/// What is kept of a reply to these recipients.
pub(super) fn begun(
    conversation: &Conversation,
    answerable: &AnswerableReply,
    recipients: &[String],
    data: Option<&serde_json::Value>,
    now: DateTime<Utc>,
) -> NewConversation {
    let expires = TimeDelta::from_std(conversation.expires).unwrap_or_default();
    NewConversation {
        key: answerable.token.key(),
        endpoint: conversation.endpoint.clone(),
        allowed: match &conversation.from {
            Answerers::Recipients => AllowedSenders::Exactly(recipients.to_vec()),
            Answerers::Like(patterns) => AllowedSenders::Like(patterns.clone()),
        },
        proven: conversation.proven,
        most: if conversation.once { 1 } else { conversation.answers },
        depth: answerable.depth,
        data: data.cloned(),
        expires: now.checked_add_signed(expires).unwrap_or(now),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::EndpointName;

    fn conversation(plus: bool, once: bool, from: Answerers) -> Conversation {
        Conversation {
            expires: Duration::from_secs(60),
            from,
            proven: true,
            once,
            plus,
            answers: 20,
            endpoint: EndpointName::new("approvals").unwrap(),
            address: "us@us.example".into(),
        }
    }

    #[test]
    fn answers_go_to_the_mailbox_with_the_token_where_that_is_known() {
        let token = ConversationToken::new(*b"foobarfoobarfoob");
        let plus = conversation(true, true, Answerers::Recipients);
        assert_eq!(reply_to(&plus, &token), "us+mzxw6ytbojtg633cmfzgm33pmi@us.example");
        let plain = conversation(false, true, Answerers::Recipients);
        assert_eq!(reply_to(&plain, &token), "us@us.example");
    }

    #[test]
    fn what_is_kept_says_who_how_often_and_how_long() {
        let (token, now) = (
            ConversationToken::new([1; 16]),
            DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        );
        let answerable = AnswerableReply {
            token: token.clone(),
            depth: 3,
        };
        let boss = ["boss@us.example".to_owned()];
        let data = serde_json::json!({ "order": 7 });
        let once = conversation(true, true, Answerers::Recipients);
        let kept = begun(&once, &answerable, &boss, Some(&data), now);
        assert_eq!((kept.key, kept.most, kept.depth), (token.key(), 1, 3));
        assert_eq!(kept.allowed, AllowedSenders::Exactly(boss.to_vec()));
        assert_eq!((kept.data, kept.expires), (Some(data), now + TimeDelta::seconds(60)));
        let anyone = Answerers::Like(vec!["*@us.example".into()]);
        let kept = begun(&conversation(true, false, anyone), &answerable, &boss, None, now);
        assert_eq!(kept.allowed, AllowedSenders::Like(vec!["*@us.example".into()]));
        assert_eq!(kept.most, 20);
    }
}
