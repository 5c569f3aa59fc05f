//! A report for machines: one JSON document. Pure.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use super::{RehearsalReport, ReplyPreview, words};
use crate::{
    config::Proof,
    config::{EndpointName, MatchMode},
    dispatch::rehearsal::{
        ConditionReport, Excerpt, HandedAttachment, Origin, Plan, PlannedHeader, ProcessPlan, Rehearsal, RequestPlan,
    },
    job::Outcome,
    message::{Automatic, clean::escaped_json, trust::Sender},
};

/// The version of the document: it changes when a field is removed or means something else.
const VERSION: u32 = 1;

/// The report as a document. Every character that could disturb a terminal is escaped.
#[must_use]
pub fn document(report: &RehearsalReport) -> String {
    escaped_json(&format!("{:#}", value(report)))
}

fn value(report: &RehearsalReport) -> Json {
    let hindrance = report.hindrance().map(words::hindrance);
    let read = report.rehearsal.as_ref().ok();
    let reply =
        |told: fn(&super::ReplyPreviews) -> &ReplyPreview| report.replies.as_ref().map(|replies| reply(told(replies)));
    json!({
        "version": VERSION,
        "endpoint": report.endpoint.as_str(),
        "runs": hindrance.is_none(),
        "hindrance": hindrance.map(|(outcome, reason, detail)| json!({
            "outcome": outcome.replace(' ', "-"), "reason": reason, "detail": detail,
        })),
        "size": report.size,
        "route": report.route.as_ref().map(|route| json!({
            "match": match route.mailbox.taker { MatchMode::First => "first", MatchMode::All => "all" },
            "endpoints": route.names().iter().map(EndpointName::as_str).collect::<Vec<_>>(),
        })),
        "mail": read.map(mail),
        "parts": read.map(|read| &read.parts),
        "inputs": read.map(|read| read.inputs.iter().cloned().collect::<serde_json::Map<_, _>>()),
        "filter": read.map(|read| read.conditions.iter().map(condition).collect::<Vec<_>>()),
        "action": read.and_then(|read| Some(json!({ read.action: action(read.plan.as_ref().ok()?) }))),
        "reply": { "success": reply(|replies| &replies.success), "failure": reply(|replies| &replies.failure) },
        "mailbox": mailbox(report),
    })
}

fn mail(read: &Rehearsal) -> Json {
    let head = &read.head;
    json!({
        "from": head.from, "reply_to": head.reply_to, "to": head.to, "cc": head.cc,
        "sender": sender(&read.sender), "sender_verified_later": read.verified_later,
        "subject": head.subject, "date": head.date, "message_id": head.message_id,
        "automatic": head.automatic.map(Automatic::code),
        "attachments": read.attachments.iter().map(attachment).collect::<Vec<_>>(),
    })
}

fn sender(sender: &Sender) -> Json {
    let evidence = &sender.evidence;
    json!({
        "address": sender.address.as_ref().ok(), "proven_by": sender.proven_by().map(Proof::name),
        "spf": evidence.spf, "dkim": evidence.dkim, "dmarc": evidence.dmarc, "sources": evidence.sources,
    })
}

fn attachment(file: &HandedAttachment) -> Json {
    json!({
        "name": file.name, "file": file.safe_name, "media_type": file.media_type, "size": file.size,
        "handed_on": file.handed_on, "why": file.why,
    })
}

fn condition(condition: &ConditionReport) -> Json {
    let ConditionReport { part, holds, why } = condition;
    json!({ "condition": part, "holds": holds, "why": why })
}

fn action(plan: &Plan) -> Json {
    match plan {
        Plan::Request(RequestPlan {
            url,
            headers,
            body,
            refused,
        }) => {
            let headers: Vec<_> = headers.iter().map(|(name, value)| header(name, value)).collect();
            json!({ "url": url, "headers": headers, "body": excerpt(body), "refused": refused })
        }
        Plan::Process(ProcessPlan {
            argv,
            environment,
            files,
            message,
        }) => {
            let environment: Vec<_> = environment.iter().map(|(name, from)| variable(name, from)).collect();
            let file = |(path, size): &(String, Option<u64>)| json!({ "path": path, "size": size });
            let files: Vec<_> = files.iter().map(file).collect();
            json!({ "argv": argv, "environment": environment, "files": files, "message": excerpt(message) })
        }
        Plan::Nothing => json!({}),
    }
}

fn header(name: &str, value: &PlannedHeader) -> Json {
    match value {
        PlannedHeader::Text(text) => json!({ "name": name, "value": text }),
        PlannedHeader::Secret(secret) => json!({ "name": name, "secret": words::place(secret) }),
        PlannedHeader::Signature(keys) => {
            json!({ "name": name, "keys": keys.iter().map(words::place).collect::<Vec<_>>() })
        }
    }
}

fn variable(name: &str, origin: &Origin) -> Json {
    match origin {
        Origin::Ours => json!({ "name": name, "from": "environment" }),
        Origin::Text(text) => json!({ "name": name, "from": "text", "value": text }),
        Origin::Secret(secret) => json!({ "name": name, "from": "secret", "secret": words::place(secret) }),
        Origin::Folder => json!({ "name": name, "from": "folder" }),
        Origin::Attachments(names) => json!({ "name": name, "from": "attachments", "attachments": names }),
    }
}

/// Text where it is text, else base64.
fn excerpt(excerpt: &Excerpt) -> Json {
    let text = excerpt.text();
    let base64 = text.is_none().then(|| STANDARD.encode(&excerpt.shown));
    json!({ "size": excerpt.size, "whole": excerpt.is_whole(), "text": text, "base64": base64 })
}

fn reply(told: &ReplyPreview) -> Json {
    match told {
        ReplyPreview::Nothing(code) => json!({ "goes": false, "reason": code, "detail": words::silence(code) }),
        ReplyPreview::Letter(letter) => json!({
            "goes": true, "account": letter.account, "sender": letter.sender, "recipients": letter.recipients,
            "subject": letter.subject, "headers": letter.headers, "text": letter.text, "html": letter.html,
            "files": letter.files.iter().map(|(name, media_type, size)| json!({
                "name": name, "media_type": media_type, "size": size,
            })).collect::<Vec<_>>(),
            "notes": letter.notes,
            "answerable": letter.answerable.as_ref().map(|new| json!({
                "endpoint": new.endpoint.as_str(), "until": new.expires, "answers": new.most, "from": new.allowed,
            })),
        }),
    }
}

fn mailbox(report: &RehearsalReport) -> Json {
    let settle = &report.settle;
    match report.hindrance() {
        None => json!({ "done": words::fate(&settle.done), "failed": words::fate(&settle.failed) }),
        Some(Outcome::Ignored { .. }) => json!({ "ignored": words::fate(&settle.ignored) }),
        Some(Outcome::Failed { .. }) => json!({ "failed": words::fate(&settle.failed) }),
        Some(Outcome::Held { .. }) => json!({ "held": words::HELD }),
        Some(_) => json!({ "waiting": words::WAITING }),
    }
}
