//! Which limits a job and its reply have to pass. Pure.

use crate::{
    addr_spec::normal,
    config::{Endpoint, Rate},
    job::{NewReply, ReplyDecision},
    ledger::Gate,
    message::Head,
};

/// The gates of a job, that of its sender first: who sends too much waits there and is in nobody's way.
pub(super) fn of_job(endpoint: &Endpoint, head: &Head) -> Vec<Gate> {
    let rates = &endpoint.rates;
    let sender = head.from.first().map_or("", |from| &from.address);
    let from = format!("from/{}/{}", endpoint.name, form(sender));
    let all = format!("jobs/{}", endpoint.name);
    let gates = [(from, rates.jobs_per_sender), (all, rates.jobs)];
    gates.into_iter().filter_map(|(key, rate)| gate(key, rate)).collect()
}

/// The gates of a reply: the endpoint's, and that of each recipient whom the mail named. Those that the endpoint names have no limit of
/// their own.
pub(super) fn of_reply(endpoint: &Endpoint, named: &[String], decision: Option<&ReplyDecision>) -> Vec<Gate> {
    let Some(ReplyDecision::Send(NewReply { recipients, .. })) = decision else {
        return Vec::new();
    };
    let rates = &endpoint.rates;
    let mut recipients: Vec<_> = recipients.iter().map(|recipient| form(recipient)).collect();
    recipients.retain(|recipient| named.contains(recipient));
    recipients.sort_unstable();
    recipients.dedup();
    let to = recipients
        .into_iter()
        .map(|recipient| (format!("to/{}/{recipient}", endpoint.name), rates.replies_per_recipient));
    let all = (format!("replies/{}", endpoint.name), rates.replies);
    to.chain([all]).filter_map(|(key, rate)| gate(key, rate)).collect()
}

/// Whom a mail named.
pub(super) fn named(head: &Head) -> Vec<String> {
    let named = head.from.iter().chain(&head.reply_to);
    named.map(|named| form(&named.address)).collect()
}

fn gate(key: String, rate: Option<Rate>) -> Option<Gate> {
    Some(Gate { key, rate: rate? })
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

    fn keys(gates: &[Gate]) -> Vec<&str> {
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
        let gates = of_reply(&endpoint, &named(&head), Some(&reply));
        assert_eq!(keys(&gates), ["to/invoices/ann@a.example", "replies/invoices"]);
        assert!(of_reply(&endpoint, &named(&head), Some(&ReplyDecision::Silent("off".into()))).is_empty());
        (endpoint.rates.replies, endpoint.rates.replies_per_recipient) = (None, None);
        assert!(of_reply(&endpoint, &named(&head), Some(&reply)).is_empty());
    }
}
