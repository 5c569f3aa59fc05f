#[path = "compose_property.rs"]
mod property;
#[path = "compose_answerable.rs"]
mod token;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use mail_parser::MessageParser;
use uuid::Uuid;

use super::*;
use crate::reply::ourselves;
use crate::{
    config::EndpointName,
    config::{Account, Action, Auth, Command, Mailbox, Protocol, Provider, Server, Tls},
    job::{JobId, Reason},
    message::{self, Automatic},
    secret::SecretRef,
};

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-22T10:00:00Z").unwrap().to_utc()
}

fn job() -> JobId {
    JobId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001))
}

fn endpoint() -> Endpoint {
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
        from: None,
    });
    let mailbox = Mailbox::inbox(account.clone(), Protocol::Imap, server);
    let name = EndpointName::new("invoices").unwrap();
    Endpoint {
        reply: Reply {
            to: ReplyTo::Sender,
            account: Some(account),
            on_success: true,
            on_failure: true,
        },
        ..Endpoint::new(name, mailbox, Action::Command(Command::new(vec!["true".into()])))
    }
}

fn head() -> Head {
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
fn ours(endpoint: &Endpoint) -> Ourselves {
    let mut ours = ourselves([endpoint].into_iter());
    std::sync::Arc::make_mut(&mut ours).insert("boss@us.example".to_owned());
    ours
}

fn decide(endpoint: &Endpoint, head: Option<&Head>, outcome: &Outcome) -> ReplyDecision {
    Composer::new(endpoint, ours(endpoint)).reply(&Ending {
        job: job(),
        endpoint: &endpoint.name,
        head,
        outcome,
        now: now(),
        answerable: None,
    })
}

fn sent(head: &Head, outcome: &Outcome) -> NewReply {
    match decide(&endpoint(), Some(head), outcome) {
        ReplyDecision::Send(reply) => reply,
        ReplyDecision::Silent(code) => panic!("silent: {code}"),
    }
}

fn done(text: Option<&str>, files: Vec<File>) -> Outcome {
    Outcome::Done(Answer {
        text: text.map(str::to_owned),
        files,
        ..Answer::default()
    })
}

fn failed(tell: Option<&str>) -> Outcome {
    Outcome::Failed {
        reason: Reason::Status(422),
        detail: "https://erp.internal/hooks answered 422".into(),
        tell: tell.map(str::to_owned),
    }
}

fn file(name: &str, media_type: &str, data: &[u8]) -> File {
    File {
        name: name.into(),
        media_type: media_type.into(),
        data: Bytes::copy_from_slice(data),
    }
}

fn text(reply: &NewReply) -> String {
    String::from_utf8(reply.bytes.to_vec()).unwrap()
}

#[test]
fn a_reply_as_a_whole() {
    let reply = sent(&head(), &done(Some("All booked.\nThank you."), Vec::new()));
    assert_eq!(reply.account, "us");
    assert_eq!(reply.sender, "invoices@us.example");
    assert_eq!(reply.recipients, ["ann@a.example"]);
    assert_eq!(reply.message_id, "01930000000070008000000000000001.reply@us.example");
    let expected = "From: <invoices@us.example>\r\n\
        To: <ann@a.example>\r\n\
        Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n\
        Message-ID: <01930000000070008000000000000001.reply@us.example>\r\n\
        Subject: Re: Invoice 7\r\n\
        In-Reply-To: <m1@a.example>\r\n\
        References: <m1@a.example>\r\n\
        Auto-Submitted: auto-replied\r\n\
        X-Auto-Response-Suppress: All\r\n\
        X-Mailjob-Job: 01930000000070008000000000000001\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=\"utf-8\"\r\n\
        Content-Transfer-Encoding: 7bit\r\n\
        \r\n\
        All booked.\r\n\
        Thank you.\r\n";
    assert_eq!(text(&reply), expected);
}

#[test]
fn the_same_ending_builds_the_same_identity() {
    let outcome = done(None, vec![file("a.pdf", "application/pdf", b"x")]);
    let (one, two) = (sent(&head(), &outcome), sent(&head(), &outcome));
    assert_eq!(one.message_id, two.message_id);
}

#[test]
fn why_nobody_hears() {
    let yes = done(None, Vec::new());
    let no = failed(None);
    let mut quiet = endpoint();
    quiet.reply.on_success = false;
    let mut nobody = endpoint();
    nobody.reply.to = ReplyTo::Nobody;
    let mut fixed = endpoint();
    fixed.reply.to = ReplyTo::Addresses(vec!["Boss@us.example".into()]);
    let mut nameless = endpoint();
    let mut account = (**nameless.reply.account.as_ref().unwrap()).clone();
    account.user = "DOMAIN\\svc".into();
    nameless.reply.account = Some(Arc::new(account));
    let machine = Head {
        automatic: Some(Automatic::List),
        ..head()
    };
    let fine = endpoint();
    let held = Outcome::Held {
        reason: Reason::Poison,
        detail: String::new(),
    };
    for (endpoint, head, outcome, code) in [
        (&quiet, Some(&head()), &yes, "off"),
        (&fine, Some(&head()), &held, "off"),
        (&nobody, Some(&head()), &no, "nobody"),
        (&fine, None, &no, "unreadable"),
        (&fine, Some(&machine), &yes, "mailing-list"),
        (&fine, Some(&Head::default()), &yes, "no-sender"),
        (&fixed, Some(&head()), &yes, "ourselves"),
        (&nameless, Some(&head()), &yes, "unbuildable"),
    ] {
        assert_eq!(decide(endpoint, head, outcome), ReplyDecision::Silent(code.into()));
    }
    assert!(matches!(decide(&quiet, Some(&head()), &no), ReplyDecision::Send(_)));
}

#[test]
fn a_failure_is_told_without_internals() {
    let plain = text(&sent(&head(), &failed(None)));
    assert!(
        plain.contains("could not be handled:\r\nthe system that it is meant for did not accept it."),
        "{plain}"
    );
    assert!(plain.contains("01930000000070008000000000000001\r\n"), "{plain}");
    assert!(!plain.contains("erp.internal") && !plain.contains("422"), "{plain}");
    let told = text(&sent(
        &head(),
        &failed(Some("The VAT number is missing.\r\nTry again.")),
    ));
    assert!(
        told.contains("\r\n\r\nThe VAT number is missing.\r\nTry again.\r\n\r\n"),
        "{told}"
    );
}

#[test]
fn a_result_of_files_alone_names_them() {
    let files = vec![
        file("../../etc/passwd", "application/pdf", b"one"),
        file("passwd", "text/plain", b"two\nlines\n"),
    ];
    let reply = sent(&head(), &done(None, files));
    let mail = MessageParser::default().parse(&reply.bytes[..]).unwrap();
    let names: Vec<_> = mail
        .attachments()
        .map(|part| part.attachment_name().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["passwd", "passwd-2"]);
    assert!(text(&reply).contains("The result is attached:\r\n\r\n  passwd\r\n  passwd-2\r\n"));
}

#[test]
fn subjects() {
    for (answered, answer) in [
        ("Invoice", "Re: Invoice"),
        ("Re: Invoice", "Re: Invoice"),
        ("RE: re:Re:  Invoice", "Re: Invoice"),
        ("Regards", "Re: Regards"),
        ("", "Re: your mail"),
        ("re:", "Re: your mail"),
        ("a\r\nBcc: x@y", "Re: a Bcc: x@y"),
        ("日本", "Re: 日本"),
        ("=?utf-8?q?=0D=0ABcc:_x?=", "Re: = ?utf-8?q?=0D=0ABcc:_x?="),
    ] {
        assert_eq!(subject(answered), answer, "{answered:?}");
    }
    assert!(subject(&"x".repeat(9999)).chars().count() < 420);
}

#[test]
fn long_threads_keep_their_first_and_last_references() {
    let id = |n: usize| format!("{n}@a.example");
    let thread = |n: usize| Head {
        references: (0..n).map(id).collect(),
        ..head()
    };
    assert_eq!(references(&thread(2)), ["0@a.example", "1@a.example", "m1@a.example"]);
    let long = thread(100);
    let kept = references(&long);
    assert_eq!(kept.len(), 21);
    assert_eq!(
        (kept[0], kept[1], kept[20]),
        ("0@a.example", "81@a.example", "m1@a.example")
    );
    let answer_to_one = Head {
        in_reply_to: vec![id(7)],
        ..head()
    };
    assert_eq!(references(&answer_to_one), ["7@a.example", "m1@a.example"]);
    let odd = Head {
        message_id: Some("a b\r\nBcc: x".into()),
        references: vec![String::new(), "<x>".into(), "y".repeat(300)],
        ..head()
    };
    assert!(references(&odd).is_empty());
}

#[test]
fn media_types() {
    for (wanted, used) in [
        ("application/pdf", "application/pdf"),
        ("text/csv; charset=utf-8", "text/csv"),
        ("image/svg+xml", "image/svg+xml"),
        ("message/rfc822", "application/octet-stream"),
        ("Multipart/mixed", "application/octet-stream"),
        ("application/pdf\r\nBcc: x@y", "application/octet-stream"),
        ("pdf", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("a/b/c", "application/octet-stream"),
    ] {
        assert_eq!(media_type(wanted), used, "{wanted:?}");
    }
}
