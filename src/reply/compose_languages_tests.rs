//! Letters for readers of other languages and with other programs.

use mail_parser::MessageParser;

use super::{world::*, *};
use crate::config::ReplyCharset;

#[test]
fn japanese_is_written_for_old_readers_where_it_fits() {
    let mut endpoint = worded(Some("{{ mail.topic }} 受付"), Some("件名: {{ answer.text }}"), None);
    endpoint.reply.charset = ReplyCharset::Iso2022Jp;
    let read = |answer: &str| {
        let (reply, notes) = letter(&endpoint, &done(Some(answer), Vec::new()), None);
        assert_eq!(notes, [""; 0]);
        let mail = MessageParser::default().parse(&reply.bytes[..]).unwrap();
        assert_eq!(mail.subject(), Some("Invoice 7 受付"));
        let body = mail.root().text_bodies().next().unwrap().into_owned();
        assert_eq!(body.trim_end(), format!("件名: {answer}"));
        text(&reply)
    };
    let fits = read("了解しました");
    assert!(
        fits.contains("Content-Type: text/plain; charset=\"iso-2022-jp\"\r\nContent-Transfer-Encoding: 7bit\r\n"),
        "{fits}"
    );
    assert!(fits.contains("\r\nSubject: =?ISO-2022-JP?B?"), "{fits}");
    let too_much = read("€ und ü");
    assert!(too_much.contains("charset=\"utf-8\""), "{too_much}");
}

#[test]
fn the_language_is_the_reader_s_or_the_one_that_is_forced() {
    let mut endpoint = worded(Some("Booked"), Some("Booked."), None);
    for letter in [&mut endpoint.reply.success, &mut endpoint.reply.failure] {
        let german = words(Some("Gebucht"), Some("Gebucht."), None);
        letter.as_mut().unwrap().languages.insert("de".into(), german);
    }
    for (languages, forced, subject, field) in [
        (&["de-at", "en"][..], None, "Gebucht", true),
        (&["fr"], None, "Booked", false),
        (&[], None, "Booked", false),
        (&[], Some("de"), "Gebucht", true),
    ] {
        endpoint.reply.language = forced.map(str::to_owned);
        let mut head = head();
        head.languages = languages.iter().map(|tag| (*tag).to_owned()).collect();
        let ReplyDecision::Send(reply) = decide(&endpoint, Some(&head), &done(None, Vec::new())) else {
            panic!("silent");
        };
        let whole = text(&reply);
        assert!(whole.contains(&format!("\r\nSubject: {subject}\r\n")), "{whole}");
        assert_eq!(whole.contains("\r\nContent-Language: de\r\n"), field);
    }
}
