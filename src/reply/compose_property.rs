//! Whatever a mail and an action hold.

use mail_parser::MessageParser;
use proptest::prelude::*;

use super::{
    super::{inspect::is_sound, values::topic},
    world::*,
    *,
};
use crate::{
    config::ReplyCharset,
    job::{Original, ResultFile},
    message,
};

/// Text of every kind, with a taste for what breaks mails.
fn hostile(most: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => any::<String>(),
        4 => "[ -~]{0,80}",
        3 => Just("\r\nBcc: evil@e.example\r\n\r\n".to_owned()),
        1 => Just("\r\n.\r\nMAIL FROM:<x@y>\r\n".to_owned()),
        1 => Just("=?utf-8?q?x=0D=0ABcc:_evil?=".to_owned()),
        1 => Just("\n.\n\r.\r\0\u{1b}[31m\u{202e}\u{2028}".to_owned()),
        1 => Just("x".repeat(3000)),
        1 => Just("日本語 ".repeat(300)),
        1 => Just("<>\"\\();:@,[]".to_owned()),
    ];
    proptest::collection::vec(piece, 0..most).prop_map(|pieces| pieces.concat())
}

/// Templates that can be parsed, from what operators write and what mails bring.
fn template() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "{{ mail.subject }}",
        "{{ mail.text }}",
        "{{ answer.text }}",
        "{{ answer.text|default(mail.subject) }}",
        "{{ tell|default('-') }}",
        "{% for file in answer.files %}{{ file.name }}\n{% endfor %}",
        "{% if reason %}{{ reason.sentence }}{% endif %}",
        "\r\nBcc: evil@e.example\r\n\r\n",
        "=?utf-8?q?x?=",
        "件名",
        "ｱ €",
        "\n.\n",
        "<p>",
        "</body></html>",
        "{{ 'x' * 2000 }}",
    ]);
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn any_file() -> impl Strategy<Value = ResultFile> {
    let data = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        hostile(3).prop_map(String::into_bytes)
    ];
    (
        hostile(2),
        prop_oneof![Just("text/plain".to_owned()), Just("text/csv".to_owned()), hostile(1)],
        data,
    )
        .prop_map(|(name, media_type, data)| ResultFile {
            name,
            media_type,
            data: data.into(),
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever a mail and an action hold: a sound mail goes out, and reads back as it was meant.
    #[test]
    fn every_reply_is_sound_and_reads_back(
        subject_in in hostile(3),
        message_id in proptest::option::of(hostile(2)),
        references in proptest::collection::vec(hostile(1), 0..30),
        name in hostile(2),
        answer in proptest::option::of(hostile(4)),
        files in proptest::collection::vec(any_file(), 0..4),
        fails in any::<bool>(),
    ) {
        let from = message::Address { name: Some(name), address: "ann@a.example".into() };
        let head = Head { message_id, references, from: vec![from], subject: subject_in.clone(), ..Head::default() };
        let outcome = if fails { failed(answer.as_deref()) } else { done(answer.as_deref(), files.clone()) };
        let ReplyDecision::Send(reply) = decide(&endpoint(), Some(&head), &outcome) else {
            return Err(TestCaseError::fail("silent"));
        };
        prop_assert!(is_sound(&reply.bytes));
        let mail = MessageParser::default().parse(&reply.bytes[..]).unwrap();
        prop_assert_eq!(mail.subject().unwrap(), format!("Re: {}", topic(&subject_in)));
        prop_assert_eq!(mail.message_id(), Some(reply.message_id.as_str()));
        prop_assert!(text(&reply).contains("\r\nTo: <ann@a.example>\r\n"));
        let attached: Vec<_> = mail.attachments().map(|part| part.decoded().into_owned()).collect();
        let given: Vec<_> = if fails { Vec::new() } else { files.iter().map(|file| file.data.to_vec()).collect() };
        prop_assert_eq!(attached, given);
    }

    /// Whatever the templates, the mail, and the values that come together: a sound letter goes, with our fields and no others.
    #[test]
    fn every_template_gives_a_sound_letter(
        subject in proptest::option::of(template()),
        body in proptest::option::of(template()),
        html in proptest::option::of(template()),
        answer in proptest::option::of(hostile(3)),
        mail_subject in hostile(2),
        mail_text in hostile(3),
        raw in proptest::collection::vec(any::<u8>(), 0..200),
        original in proptest::sample::select(vec![OriginalAs::Nothing, OriginalAs::Quote, OriginalAs::Text, OriginalAs::Rfc822]),
        charset in proptest::sample::select(vec![ReplyCharset::Utf8, ReplyCharset::Iso2022Jp]),
        files in proptest::collection::vec(any_file(), 0..2),
        fails in any::<bool>(),
        limit in 0u64..300,
    ) {
        let mut endpoint = worded(subject.as_deref(), body.as_deref(), html.as_deref());
        endpoint.reply.original = original;
        endpoint.reply.original_limit = limit;
        endpoint.reply.charset = charset;
        let head = Head { subject: mail_subject, ..head() };
        let outcome = if fails { failed(answer.as_deref()) } else { done(answer.as_deref(), files) };
        let original = Original { text: mail_text, raw: raw.into() };
        let composed = composed(&endpoint, Some(&head), &outcome, Some(&original));
        let ReplyDecision::Send(reply) = composed.decision else {
            return Err(TestCaseError::fail("silent"));
        };
        let without = ["the letter could not be built", "the mail does not go back"];
        prop_assert!(!composed.notes.iter().any(|note| without.iter().any(|words| note.starts_with(words))), "{:?}", composed.notes);
        prop_assert!(is_sound(&reply.bytes));
        let whole = text(&reply);
        let header = whole.split("\r\n\r\n").next().unwrap();
        for sign in ["Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All", "X-Mailjob-Job: 0193", "In-Reply-To: <m1@a.example>"] {
            prop_assert_eq!(header.matches(sign).count(), 1, "{}", sign);
        }
    }
}
