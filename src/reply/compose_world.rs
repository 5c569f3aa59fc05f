//! An endpoint, a mail, and endings, for tests of letters.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::*;
use crate::{
    config::{
        Account, Action, Auth, Command, EndpointName, Mailbox, Provider, ReadBy, ReplyTo, ReplyWords, Server, Template,
        TemplateFormat, Tls,
    },
    job::{Answer, JobId, Original, Reason},
    message,
    reply::ourselves,
    secret::SecretRef,
};

pub(super) fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-22T10:00:00Z").unwrap().to_utc()
}

pub(super) fn job() -> JobId {
    JobId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001))
}

pub(super) fn endpoint() -> Endpoint {
    let server = Server {
        host: "mail.us.example".into(),
        port: 465,
        tls: Tls::Implicit,
    };
    let account = Arc::new(Account {
        name: "us".into(),
        sign_in: "us".into(),
        provider: Provider::Other,
        user: "invoices@us.example".into(),
        imap: Some(server.clone()),
        pop3: None,
        smtp: Some(server.clone()),
        auth: Auth::Password(SecretRef::Env("X".into())),
        ca_file: None,
        client: None,
        from: None,
        pace: None,
        hello: None,
        smtp_auth: true,
    });
    let mailbox = Mailbox::inbox(account.clone(), ReadBy::Imap, server);
    let name = EndpointName::new("invoices").unwrap();
    Endpoint {
        reply: Reply::to(vec![ReplyTo::Sender], account),
        ..Endpoint::new(name, mailbox, Action::Command(Command::new(vec!["true".into()])))
    }
}

pub(super) fn head() -> Head {
    Head {
        message_id: Some("m1@a.example".into()),
        from: vec![message::Address {
            name: Some("Ann".into()),
            address: "ann@a.example".into(),
        }],
        subject: "Invoice 7".into(),
        ..Head::default()
    }
}

/// The endpoint's own accounts, and another's address.
pub(super) fn ours(endpoint: &Endpoint) -> OwnAddresses {
    let mut ours = ourselves([endpoint].into_iter());
    std::sync::Arc::make_mut(&mut ours).insert("boss@us.example".to_owned());
    ours
}

pub(super) fn decide(endpoint: &Endpoint, head: Option<&Head>, outcome: &Outcome) -> ReplyDecision {
    composed(endpoint, head, outcome, None).decision
}

pub(super) fn composed(
    endpoint: &Endpoint,
    head: Option<&Head>,
    outcome: &Outcome,
    original: Option<&Original>,
) -> Composed {
    Composer::new(endpoint, ours(endpoint)).compose(&Ending {
        job: job(),
        endpoint: &endpoint.name,
        head,
        proven: false,
        original,
        inputs: None,
        outcome,
        now: now(),
        rerun: 0,
        answerable: None,
    })
}

/// The letter that goes, and the notes on it.
pub(super) fn letter(endpoint: &Endpoint, outcome: &Outcome, original: Option<&Original>) -> (NewReply, Vec<String>) {
    let Composed { decision, notes } = composed(endpoint, Some(&head()), outcome, original);
    match decision {
        ReplyDecision::Send(reply) => (reply, notes),
        ReplyDecision::Silent(code) => panic!("silent: {code}"),
        ReplyDecision::Gathered => panic!("a composer never says that"),
    }
}

/// The endpoint with these templates for everything.
pub(super) fn worded(subject: Option<&str>, text: Option<&str>, html: Option<&str>) -> Endpoint {
    let mut endpoint = endpoint();
    let words = words(subject, text, html);
    for letter in [&mut endpoint.reply.success, &mut endpoint.reply.failure] {
        letter.as_mut().unwrap().words = words.clone();
    }
    endpoint
}

pub(super) fn words(subject: Option<&str>, text: Option<&str>, html: Option<&str>) -> ReplyWords {
    let template = |form, source: &str| Template::new(form, source).unwrap();
    ReplyWords {
        subject: subject.map(|source| template(TemplateFormat::Text, source)),
        text: text.map(|source| template(TemplateFormat::Text, source)),
        html: html.map(|source| template(TemplateFormat::Html, source)),
    }
}

pub(super) fn original(text: &str) -> Original {
    let raw = format!("From: ann@a.example\r\nSubject: Invoice 7\r\n\r\n{text}");
    Original {
        text: text.into(),
        raw: raw.into(),
    }
}

pub(super) fn sent(head: &Head, outcome: &Outcome) -> NewReply {
    match decide(&endpoint(), Some(head), outcome) {
        ReplyDecision::Send(reply) => reply,
        ReplyDecision::Silent(code) => panic!("silent: {code}"),
        ReplyDecision::Gathered => panic!("a composer never says that"),
    }
}

pub(super) fn done(text: Option<&str>, files: Vec<ResultFile>) -> Outcome {
    Outcome::Done(Answer {
        text: text.map(str::to_owned),
        files,
        ..Answer::default()
    })
}

pub(super) fn failed(tell: Option<&str>) -> Outcome {
    Outcome::Failed {
        reason: Reason::Status(422),
        detail: "https://erp.internal/hooks answered 422".into(),
        tell: tell.map(str::to_owned),
    }
}

pub(super) fn file(name: &str, media_type: &str, data: &[u8]) -> ResultFile {
    ResultFile {
        name: name.into(),
        media_type: media_type.into(),
        data: Bytes::copy_from_slice(data),
    }
}

pub(super) fn text(reply: &NewReply) -> String {
    String::from_utf8(reply.bytes.to_vec()).unwrap()
}
