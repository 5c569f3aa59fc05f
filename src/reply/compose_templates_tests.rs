//! Letters in the operator's words.

use mail_parser::MessageParser;

use super::{world::*, *};
use crate::{
    config::{ReplySender, ReplyTo, ReturnTo},
    job::Reason,
    message::Address,
};

#[test]
fn templates_say_it_in_their_words_and_signs_stay() {
    let endpoint = worded(
        Some("{{ mail.subject }} is {% if reason %}refused{% else %}booked{% endif %}\r\nBcc: x@y"),
        Some("Dear {{ mail.from.name|default('customer') }},\n{{ answer.data.total }} {{ endpoint }} {{ now[:10] }}"),
        None,
    );
    let outcome = Outcome::Done(crate::job::Answer {
        data: Some(serde_json::json!({ "total": 12.5 })),
        ..Default::default()
    });
    let (reply, notes) = letter(&endpoint, &outcome, None);
    assert_eq!(notes, [""; 0]);
    let expected = "From: <invoices@us.example>\r\n\
        To: <ann@a.example>\r\n\
        Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n\
        Message-ID: <01930000000070008000000000000001.reply@us.example>\r\n\
        Subject: Invoice 7 is booked Bcc: x@y\r\n\
        In-Reply-To: <m1@a.example>\r\n\
        References: <m1@a.example>\r\n\
        Auto-Submitted: auto-replied\r\n\
        X-Auto-Response-Suppress: All\r\n\
        X-Mailjob-Job: 01930000000070008000000000000001\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=\"utf-8\"\r\n\
        Content-Transfer-Encoding: 7bit\r\n\
        \r\n\
        Dear Ann,\r\n\
        12.5 invoices 2026-11-22\r\n";
    assert_eq!(text(&reply), expected);
}

#[test]
fn html_and_text_stand_beside_each_other_and_files_behind() {
    let endpoint = worded(None, None, Some("<p>{{ mail.subject }}</p><p>{{ answer.text }}</p>"));
    let outcome = done(Some("<b>7 & 8</b>"), vec![file("a.csv", "text/csv", b"1;2\r\n")]);
    let (reply, notes) = letter(&endpoint, &outcome, None);
    assert_eq!(notes, [""; 0]);
    let mail = MessageParser::default().parse(&reply.bytes[..]).unwrap();
    assert_eq!(mail.content_type().unwrap().subtype(), Some("mixed"));
    let html = mail.root().html_bodies().next().unwrap();
    assert!(html.contains("&lt;b&gt;7 &amp; 8&lt;&#x2f;b&gt;"), "{html}");
    let plain = mail.root().text_bodies().next().unwrap();
    assert!(plain.contains("Invoice 7") && plain.contains("<b>7 & 8</b>"), "{plain}");
    assert!(text(&reply).contains("multipart/alternative"));
}

/// What fails, and which part of the letter has the usual words then.
#[test]
fn a_template_that_fails_costs_its_words_and_never_the_letter() {
    for (subject, body, html, note) in [
        (
            Some("{{ answer.data.total }}"),
            None,
            None,
            "the subject has the usual words",
        ),
        (None, Some("{{ mail.text }}"), None, "the text has the usual words"),
        (None, Some("fine"), Some("{{ tell }}"), "the text has the usual words"),
        (
            None,
            Some("{{ answer.data.deep.deeper }}"),
            None,
            "the text has the usual words",
        ),
        (
            None,
            Some("{% for x in range(100000) %}0123456789012{% endfor %}"),
            None,
            "the text has the usual words",
        ),
    ] {
        let (reply, notes) = letter(
            &worded(subject, body, html),
            &done(Some("All booked."), Vec::new()),
            None,
        );
        assert!(notes.len() == 1 && notes[0].starts_with(note), "{notes:?}");
        let usual = text(&letter(&endpoint(), &done(Some("All booked."), Vec::new()), None).0);
        assert_eq!(text(&reply), usual);
    }
    for blank in ["", " \n", "{{ '' }}"] {
        let (reply, _) = letter(
            &worded(Some(blank), Some(blank), Some(blank)),
            &done(None, Vec::new()),
            None,
        );
        assert!(text(&reply).ends_with("Your mail was handled.\r\n"), "{blank:?}");
    }
}

#[test]
fn a_long_answer_always_has_room() {
    let long = "x".repeat(3 << 20);
    let (reply, notes) = letter(
        &worded(None, Some("{{ answer.text }}!"), None),
        &done(Some(&long), Vec::new()),
        None,
    );
    assert_eq!(notes, [""; 0]);
    assert!(reply.bytes.len() > 3 << 20);
}

#[test]
fn the_usual_words_are_there_for_every_ending() {
    let files = vec![file("a.pdf", "application/pdf", b"x")];
    let outcomes = [
        (done(None, Vec::new()), "Your mail was handled.\r\n"),
        (done(Some("  "), Vec::new()), "Your mail was handled.\r\n"),
        (done(Some("text\r\n\r\n"), Vec::new()), "\r\n\r\ntext\r\n"),
        (
            done(None, files),
            "Your mail was handled. The result is attached:\r\n\r\n  a.pdf\r\n",
        ),
        (
            failed(None),
            "Your mail could not be handled:\r\nthe system that it is meant for did not accept it.\r\n\r\n\
             If you ask about it, please give this number:\r\n01930000000070008000000000000001\r\n",
        ),
        (
            failed(Some(" Try\nagain.\n")),
            "did not accept it.\r\n\r\nTry\r\nagain.\r\n\r\nIf you ask about it, please give this number:\r\n",
        ),
    ];
    for (outcome, words) in outcomes {
        assert!(
            text(&letter(&endpoint(), &outcome, None).0).contains(words),
            "{outcome:?}"
        );
    }
    let mut silent = endpoint();
    silent.reply.original_subject = Some(false);
    let told = text(&letter(&silent, &failed(None), None).0);
    assert!(
        told.contains("\r\nSubject: Your mail could not be handled\r\n"),
        "{told}"
    );
}

#[test]
fn the_original_goes_back_as_wanted() {
    let mail = original("Please book.\n> earlier\n");
    let mut endpoint = worded(None, None, Some("<html><body>{{ answer.text }}</body></html>"));
    let go = |endpoint: &Endpoint| {
        let (reply, notes) = letter(endpoint, &done(Some("Booked."), Vec::new()), Some(&mail));
        assert_eq!(notes, [""; 0]);
        text(&reply)
    };
    endpoint.reply.original = OriginalAs::Quote;
    let quoted = go(&endpoint);
    assert!(
        quoted.contains("Booked.\r\n\r\nann@a.example wrote:\r\n> Please book.\r\n>> earlier\r\n"),
        "{quoted}"
    );
    assert!(
        quoted.contains("<pre>&gt; Please book.\r\n&gt;&gt; earlier</pre>\r\n</body></html>"),
        "{quoted}"
    );

    endpoint.reply.original = OriginalAs::Text;
    let attached = go(&endpoint);
    assert!(attached.contains("filename=\"original.txt\"\r\n"), "{attached}");

    endpoint.reply.original = OriginalAs::Rfc822;
    let whole = go(&endpoint);
    let read = MessageParser::default().parse(whole.as_bytes()).unwrap();
    let nested = read.attachments().next().unwrap().nested().unwrap();
    assert_eq!(nested.subject(), Some("Invoice 7"));
    let (reply, notes) = letter(&endpoint, &done(Some("x"), Vec::new()), None);
    assert_eq!(notes, ["the mail could not be had and does not go back"]);
    assert!(!text(&reply).contains("rfc822"));
}

#[test]
fn everybody_has_a_place_in_header_and_envelope() {
    let mut endpoint = endpoint();
    endpoint.reply.from = Some(ReplySender {
        name: Some("Büro, \"us\"".into()),
        address: "office@us.example".into(),
    });
    endpoint.reply.reply_to = Some("desk@us.example".into());
    let failure = endpoint.reply.failure.as_mut().unwrap();
    failure.to = vec![ReplyTo::Address("ops@b.example".into())];
    failure.cc = vec!["boss@b.example".into()];
    failure.bcc = vec!["audit@b.example".into()];
    failure.return_to = Some(ReturnTo::Nobody);
    let (reply, _) = letter(&endpoint, &failed(None), None);
    assert_eq!(reply.sender, "");
    assert_eq!(reply.recipients, ["ops@b.example", "boss@b.example", "audit@b.example"]);
    let whole = text(&reply);
    assert!(
        whole.contains("\r\nTo: <ops@b.example>\r\nCc: <boss@b.example>\r\nReply-To: <desk@us.example>\r\n"),
        "{whole}"
    );
    assert!(!whole.contains("audit"), "{whole}");
    let mail = MessageParser::default().parse(&reply.bytes[..]).unwrap();
    let from = mail
        .from()
        .unwrap()
        .mailboxes()
        .next()
        .map(|from| (from.name().unwrap().to_owned(), from.address().unwrap().to_owned()));
    assert_eq!(
        from.unwrap(),
        ("Büro, \"us\"".to_owned(), "office@us.example".to_owned())
    );
    let (reply, _) = letter(&endpoint, &done(None, Vec::new()), None);
    assert_eq!(
        (reply.sender.as_str(), reply.recipients.len()),
        ("invoices@us.example", 1)
    );
}

#[test]
fn what_replies_are_sent_as_is_ours() {
    let mut endpoint = endpoint();
    endpoint.reply.from = Some(ReplySender {
        name: None,
        address: "Office@us.example".into(),
    });
    endpoint.reply.reply_to = Some("desk@us.example".into());
    endpoint.reply.failure.as_mut().unwrap().return_to = Some(ReturnTo::Address("bounce@us.example".into()));
    for address in ["office@us.example", "desk@us.example", "bounce@us.example"] {
        let mut head = head();
        head.from = vec![Address {
            name: None,
            address: address.into(),
        }];
        let decision = decide(&endpoint, Some(&head), &done(None, Vec::new()));
        assert_eq!(decision, ReplyDecision::Silent("ourselves".into()), "{address}");
    }
}

#[test]
fn every_reason_has_a_sentence_and_a_code() {
    let endpoint = worded(None, Some("{{ reason.code }}: {{ reason.sentence }}"), None);
    for reason in [Reason::Exit(1), Reason::Timeout, Reason::Rate, Reason::Local] {
        let outcome = Outcome::Failed {
            reason,
            detail: "/secret/place".into(),
            tell: None,
        };
        let whole = text(&letter(&endpoint, &outcome, None).0);
        assert!(
            whole.contains(&format!("\r\n\r\n{}: ", reason.code())) && !whole.contains("secret"),
            "{whole}"
        );
    }
}
