//! What mails look like.

use mail_parser::MessageParser;
use proptest::prelude::*;

use super::{super::addresses, *};

fn one(text: &str) -> NamedAddress {
    addresses(text).unwrap().remove(0)
}

fn draft() -> MailDraft {
    MailDraft {
        from: one("Ada <ada@example.com>"),
        to: vec![one("bob@example.com")],
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Vec::new(),
        return_to: None,
        subject: "Hello".into(),
        text: Some("one\ntwo".into()),
        html: None,
        attached: Vec::new(),
        headers: Vec::new(),
        message_id: "<1@example.com>".into(),
        in_reply_to: None,
        personal: false,
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn written(draft: &MailDraft) -> String {
    String::from_utf8(letter(draft, now()).unwrap().bytes).unwrap()
}

#[test]
fn a_short_mail() {
    assert_eq!(
        written(&draft()),
        "From: \"Ada\" <ada@example.com>\r\nDate: Fri, 15 Jan 2027 08:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\
         Subject: Hello\r\nTo: <bob@example.com>\r\nAuto-Submitted: auto-generated\r\n\
         X-Auto-Response-Suppress: OOF, AutoReply\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\
         Content-Transfer-Encoding: 7bit\r\n\r\none\r\ntwo\r\n"
    );
    let personal = written(&MailDraft {
        personal: true,
        ..draft()
    });
    assert!(
        !personal.contains("auto-generated") && !personal.contains("Suppress"),
        "{personal}"
    );
}

#[test]
fn who_gets_it() {
    let mail = letter(
        &MailDraft {
            cc: vec![one("cc@example.com"), one("BOB@example.com")],
            bcc: vec![one("hidden@example.com")],
            return_to: Some(one("bounces@example.com")),
            reply_to: vec![one("desk@example.com")],
            ..draft()
        },
        now(),
    )
    .unwrap();
    assert_eq!(mail.sender, "bounces@example.com");
    assert_eq!(
        mail.recipients,
        ["bob@example.com", "cc@example.com", "hidden@example.com"]
    );
    let text = String::from_utf8(mail.bytes).unwrap();
    assert!(!text.contains("hidden") && !text.contains("bounces"), "{text}");
    assert!(text.contains("\r\nReply-To: <desk@example.com>\r\n"), "{text}");

    let hidden = written(&MailDraft {
        to: Vec::new(),
        bcc: vec![one("hidden@example.com")],
        ..draft()
    });
    assert!(
        hidden.contains("\r\nTo: undisclosed-recipients:;\r\n") && !hidden.contains("hidden@"),
        "{hidden}"
    );

    let many = |count: usize| MailDraft {
        to: (0..count).map(|n| one(&format!("r{n}@example.com"))).collect(),
        ..draft()
    };
    assert_eq!(letter(&many(100), now()).unwrap().recipients.len(), 100);
    assert_eq!(letter(&many(101), now()), Err(DraftError::Recipients(101)));
    assert_eq!(letter(&many(0), now()), Err(DraftError::Nobody));
}

#[test]
fn text_html_and_files() {
    let file = |name: &str, data: &[u8]| Attached {
        name: name.into(),
        data: data.to_vec(),
    };
    let mail = letter(
        &MailDraft {
            html: Some("<p>Grüße</p>".into()),
            attached: vec![
                file("a.pdf", b"%PDF\0\xff"),
                file("../../a.pdf", b"2"),
                file("m.eml", b"A: b\r\n\r\n"),
            ],
            ..draft()
        },
        now(),
    )
    .unwrap();
    let read = MessageParser::new().parse(&mail.bytes).unwrap();
    let types: Vec<_> = read
        .parts()
        .filter_map(|part| {
            let declared = part.content_type()?;
            Some(format!("{}/{}", declared.ctype(), declared.subtype()?))
        })
        .collect();
    assert_eq!(
        types,
        [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "text/html",
            "application/pdf",
            "application/pdf",
            "application/octet-stream"
        ]
    );
    let text = String::from_utf8(mail.bytes.clone()).unwrap();
    for name in ["a.pdf", "a-2.pdf", "m.eml"] {
        assert!(text.contains(&format!("filename=\"{name}\"")), "{name}: {text}");
    }
}

#[test]
fn what_can_t_be_part_of_a_mail_is_refused() {
    for (draft, unfit) in [
        (
            MailDraft {
                message_id: "no at".into(),
                ..draft()
            },
            DraftError::Id("no at".into()),
        ),
        (
            MailDraft {
                in_reply_to: Some("<x\r\nBcc: y@z>".into()),
                ..draft()
            },
            DraftError::Id("<x Bcc: y@z>".into()),
        ),
        (
            MailDraft {
                headers: vec![("X-A".into(), "1".into()), ("x-a".into(), "2".into())],
                ..draft()
            },
            DraftError::Header("x-a".into()),
        ),
    ] {
        assert_eq!(letter(&draft, now()), Err(unfit));
    }
}

proptest! {
    #[test]
    fn nothing_breaks_out_of_its_place(text in "(?s).{0,300}", subject in "(?s).{0,200}", value in "(?s).{0,200}", name in "(?s).{0,60}", data in prop::collection::vec(any::<u8>(), 0..300)) {
        let mail = letter(
            &MailDraft {
                subject,
                text: Some(text.clone()),
                html: Some(text),
                headers: super::super::header(&format!("X-A:{value}")).ok().into_iter().collect(),
                attached: vec![Attached { name, data: data.clone() }],
                ..draft()
            },
            now(),
        );
        let mail = mail.unwrap();
        let read = MessageParser::new().parse(&mail.bytes).unwrap();
        prop_assert!(read.bcc().is_none());
        let file = read.attachments().last().unwrap();
        let decoded = file.decoded();
        prop_assert_eq!(decoded.as_ref(), data.as_slice());
    }
}
