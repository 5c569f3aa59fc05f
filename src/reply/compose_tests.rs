use std::sync::Arc;

use mail_parser::MessageParser;

use super::{world::*, *};
use crate::{config::ReplyTo, job::Reason, message::Automatic};

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
    quiet.reply.success = None;
    let mut nobody = endpoint();
    nobody.reply.failure.as_mut().unwrap().to.clear();
    let mut fixed = endpoint();
    fixed.reply.success.as_mut().unwrap().to = vec![ReplyTo::Address("Boss@us.example".into())];
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

fn subject(answered: &str) -> String {
    let head = Head {
        subject: answered.into(),
        ..head()
    };
    let reply = sent(&head, &done(None, Vec::new()));
    let mail = MessageParser::default().parse(&reply.bytes[..]).unwrap();
    mail.subject().unwrap().to_owned()
}

#[test]
fn long_identifiers_keep_their_thread() {
    for length in [249, 300, 900, 980] {
        let id = format!("{}@a.example", "x".repeat(length - 10));
        let head = Head {
            message_id: Some(id.clone()),
            references: vec![
                format!("first-{id}").chars().take(980).collect(),
                "short@a.example".into(),
            ],
            ..head()
        };
        let reply = sent(&head, &done(None, Vec::new()));
        // In In-Reply-To and at the end of References.
        assert_eq!(text(&reply).matches(&format!("<{id}>")).count(), 2, "{length}");
    }
}

#[test]
fn addresses_that_people_have_are_written_so_that_any_server_takes_the_letter() {
    for (address, recipient, field) in [
        (
            "aaa..bbb@docomo.ne.jp",
            "\"aaa..bbb\"@docomo.ne.jp",
            "To: <\"aaa..bbb\"@docomo.ne.jp>\r\n",
        ),
        (
            "ann@b\u{fc}cher.example",
            "ann@xn--bcher-kva.example",
            "To: <ann@xn--bcher-kva.example>\r\n",
        ),
        ("\u{e4}nn@a.example", "\u{e4}nn@a.example", "To: =?utf-8?"),
    ] {
        let head = Head {
            from: vec![crate::message::Address {
                name: None,
                address: address.into(),
            }],
            ..head()
        };
        let reply = sent(&head, &done(None, Vec::new()));
        assert_eq!(reply.recipients, [recipient]);
        assert!(reply.bytes.is_ascii());
        assert!(
            text(&reply).to_ascii_lowercase().contains(&field.to_ascii_lowercase()),
            "{}",
            text(&reply)
        );
    }
}

#[test]
fn every_form_of_our_own_mailbox_is_ourselves() {
    let mut endpoint = endpoint();
    let mut account = (*endpoint.mailbox.account).clone();
    account.user = "us.box@gmail.com".into();
    endpoint.mailbox.account = Arc::new(account);
    for from in [
        "us.box@gmail.com",
        "usbox@gmail.com",
        "u.s.b.o.x+7@googlemail.com",
        "invoices+token@us.example",
    ] {
        let mut head = head();
        head.from[0].address = from.into();
        let decision = decide(&endpoint, Some(&head), &done(None, Vec::new()));
        assert_eq!(decision, ReplyDecision::Silent("ourselves".into()), "{from}");
    }
}
