//! Which limits a job and its reply have to pass. Pure.

use crate::{
    addr_spec::{mailbox_form, normal},
    config::{Endpoint, Rate},
    job::{NewReply, ReplyDecision, token},
    ledger::RateLimit,
    message::Head,
};

/// Too much of it in a time.
const RATE: &str = "rate";
/// Answers that answer one another.
const LOOP: &str = "loop";

/// Who asked for a reply.
#[derive(Debug, Default)]
pub(super) struct ReplyRequester {
    /// Whom the mail named, each in one form.
    named: Vec<String>,
    /// Whether the mail answers a reply of ours and nothing shows that a person wrote it.
    answers_us: bool,
}

impl ReplyRequester {
    /// By the mail's head. A person's sign is an answer to a conversation that was accepted.
    pub(super) fn of(head: &Head, is_accepted: bool) -> Self {
        let named = head.from.iter().chain(&head.reply_to);
        Self {
            named: named.map(|named| mailbox_form(&named.address)).collect(),
            answers_us: !is_accepted && token::answers_us(head),
        }
    }
}

/// The gates of a job, that of its sender first: who sends too much waits there and is in nobody's way.
pub(super) fn of_job(endpoint: &Endpoint, head: &Head) -> Vec<RateLimit> {
    let rates = &endpoint.rates;
    let sender = head.from.first().map_or("", |from| &from.address);
    let from = format!("from/{}/{}", endpoint.name, form(sender));
    let all = format!("jobs/{}", endpoint.name);
    let gates = [(from, rates.jobs_per_sender), (all, rates.jobs)];
    gates
        .into_iter()
        .filter_map(|(key, rate)| gate(key, rate, RATE))
        .collect()
}

/// The gates of a reply: the endpoint's, and those of each recipient whom the mail named. Those that the endpoint names have no limit of
/// their own. What one recipient gets is counted over all endpoints that send by the same account, and whatever is written behind a `+`.
pub(super) fn of_reply(
    endpoint: &Endpoint,
    asker: &ReplyRequester,
    decision: Option<&ReplyDecision>,
) -> Vec<RateLimit> {
    let Some(ReplyDecision::Send(NewReply {
        account, recipients, ..
    })) = decision
    else {
        return Vec::new();
    };
    let rates = &endpoint.rates;
    let mut recipients: Vec<_> = recipients.iter().map(|recipient| mailbox_form(recipient)).collect();
    recipients.retain(|recipient| asker.named.contains(recipient));
    recipients.sort_unstable();
    recipients.dedup();
    let each = recipients.iter().flat_map(|recipient| {
        let thread = rates.replies_in_thread.filter(|_| asker.answers_us);
        [
            gate(format!("thread/{account}/{recipient}"), thread, LOOP),
            gate(format!("to/{account}/{recipient}"), rates.replies_per_recipient, RATE),
        ]
    });
    let all = gate(format!("replies/{}", endpoint.name), rates.replies, RATE);
    each.chain([all]).flatten().collect()
}

fn gate(key: String, rate: Option<Rate>, code: &'static str) -> Option<RateLimit> {
    Some(RateLimit { key, rate: rate?, code })
}

/// One form for each address, as far as it is one.
fn form(address: &str) -> String {
    normal(address).unwrap_or_else(|| address.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Action,
        dispatch::tests::{endpoint, shell},
        message::Address,
    };

    fn keys(gates: &[RateLimit]) -> Vec<&str> {
        gates.iter().map(|gate| gate.key.as_str()).collect()
    }

    #[test]
    fn whom_a_mail_named_has_a_limit_and_whom_the_endpoint_named_has_none() {
        let mut endpoint = endpoint(Action::Command(shell("true")));
        let head = Head {
            from: vec![Address {
                name: None,
                address: "Ann@A.example".into(),
            }],
            ..Head::default()
        };
        assert!(of_job(&endpoint, &head).is_empty());
        endpoint.rates.jobs = "5/m".parse().ok();
        endpoint.rates.jobs_per_sender = "2/m".parse().ok();
        assert_eq!(
            keys(&of_job(&endpoint, &head)),
            ["from/invoices/ann@a.example", "jobs/invoices"]
        );
        let reply = ReplyDecision::Send(NewReply {
            account: "contoso".into(),
            message_id: "x@us.example".into(),
            sender: "us@us.example".into(),
            recipients: vec!["boss@us.example".into(), "ann@a.example".into()],
            bytes: bytes::Bytes::new(),
            conversation: None,
        });
        let asker = ReplyRequester::of(&head, false);
        let gates = of_reply(&endpoint, &asker, Some(&reply));
        assert_eq!(keys(&gates), ["to/contoso/ann@a.example", "replies/invoices"]);
        assert!(of_reply(&endpoint, &asker, Some(&ReplyDecision::Silent("off".into()))).is_empty());
        let again = Head {
            in_reply_to: vec!["0193abcdef0123456789abcdef012345.reply@us.example".into()],
            ..head.clone()
        };
        let gates = of_reply(&endpoint, &ReplyRequester::of(&again, false), Some(&reply));
        assert_eq!(
            keys(&gates),
            [
                "thread/contoso/ann@a.example",
                "to/contoso/ann@a.example",
                "replies/invoices"
            ]
        );
        assert_eq!(gates[0].code, "loop");
        let gates = of_reply(&endpoint, &ReplyRequester::of(&again, true), Some(&reply));
        assert_eq!(
            keys(&gates),
            ["to/contoso/ann@a.example", "replies/invoices"],
            "a person answered"
        );
        (endpoint.rates.replies, endpoint.rates.replies_per_recipient) = (None, None);
        assert!(of_reply(&endpoint, &asker, Some(&reply)).is_empty());
    }

    #[test]
    fn details_and_dots_make_no_recipient_of_its_own() {
        let endpoint = endpoint(Action::Command(shell("true")));
        for (named, sent, key) in [
            ("ann+7@a.example", "Ann+7@a.example", "to/contoso/ann@a.example"),
            ("ann+a+b@a.example", "ann@a.example", "to/contoso/ann@a.example"),
            ("a.nn+x@gmail.com", "an.n@googlemail.com", "to/contoso/ann@gmail.com"),
            ("a.nn@a.example", "a.nn@a.example", "to/contoso/a.nn@a.example"),
            ("+x@a.example", "+x@a.example", "to/contoso/+x@a.example"),
        ] {
            let head = Head {
                from: vec![Address {
                    name: None,
                    address: named.into(),
                }],
                ..Head::default()
            };
            let reply = ReplyDecision::Send(NewReply {
                account: "contoso".into(),
                message_id: "x@us.example".into(),
                sender: "us@us.example".into(),
                recipients: vec![sent.into()],
                bytes: bytes::Bytes::new(),
                conversation: None,
            });
            let gates = of_reply(&endpoint, &ReplyRequester::of(&head, false), Some(&reply));
            assert_eq!(keys(&gates).first(), Some(&key), "{named} {sent}");
        }
    }
}
