use proptest::prelude::*;

use super::*;
use crate::message::Address;

fn token(byte: u8) -> ConversationToken {
    ConversationToken::new([byte; 16])
}

#[test]
fn a_token_is_written_as_the_rfc_says() {
    // RFC 4648 section 10 has no 16 bytes; this is what other implementations make of "foobarfoobarfoob".
    let token = ConversationToken::new(*b"foobarfoobarfoob");
    assert_eq!(token.to_string(), "mzxw6ytbojtg633cmfzgm33pmi");
    assert_eq!(
        token.message_id("us.example"),
        "mzxw6ytbojtg633cmfzgm33pmi.reply@us.example"
    );
    assert_eq!(format!("{token:?}"), "Token(…)");
    assert_eq!(ConversationToken::parse("MZXW6YTBOJTG633CMFZGM33PMI"), Some(token));
    for wrong in [
        "",
        "mzxw6ytbojtg633cmfzgm33pm",
        "mzxw6ytbojtg633cmfzgm33pmia",
        "mzxw6ytbojtg633cmfzgm33pm1",
        "mzxw6ytbojtg633cmfzgm33pmj",
        "mzxw6ytboj g633cmfzgm33pmi",
    ] {
        assert_eq!(ConversationToken::parse(wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn every_token_is_read_back_and_fits_an_address(bytes in any::<[u8; 16]>()) {
        let token = ConversationToken::new(bytes);
        let text = token.to_string();
        prop_assert_eq!(text.len(), ConversationToken::LENGTH);
        prop_assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        prop_assert_eq!(ConversationToken::parse(&text), Some(token.clone()));
        let header = format!("To: s+{text}@us.example\r\n\r\nHi");
        prop_assert!(hinted(header.as_bytes()));
    }

    #[test]
    fn a_header_has_a_hint_where_so_many_characters_stand_together(
        pieces in prop::collection::vec(prop_oneof!["[a-zA-Z2-7]{0,30}", "[a-zA-Z2-7]{25,27}", "[ .<>@1:\\r-]{1,3}", "\\r?\\n[A-Z]"], 0..20),
        end in "(\r?\n\r?\n[a-z]{26})?",
    ) {
        let header = format!("X: {}", pieces.concat());
        let is_other = |c: char| !c.is_ascii_alphabetic() && !('2'..='7').contains(&c);
        let expected = header.split(is_other).any(|run| run.len() == ConversationToken::LENGTH);
        prop_assert_eq!(hinted((header.clone() + &end).as_bytes()), expected, "{:?}", header);
    }

    #[test]
    fn any_text_is_a_token_or_none(text in "\\PC{0,40}") {
        if let Some(token) = ConversationToken::parse(&text) {
            prop_assert_eq!(token.to_string(), text.to_ascii_lowercase());
        }
    }
}

#[test]
fn only_the_header_is_looked_at_for_hints() {
    let token = token(7);
    for (mail, expected) in [
        (format!("In-Reply-To: <{token}.reply@us.example>\r\n\r\nyes"), true),
        (
            format!("References: <a@b>\r\n <{token}.reply@us.example>\r\n\r\nyes"),
            true,
        ),
        (format!("To: s+{token}@us.example"), true),
        (format!("To: s@us.example\r\n\r\n{token}"), false),
        (format!("To: s@us.example\n\n{token}"), false),
        (format!("To: a{token}@us.example\r\n\r\nHi"), false),
        ("To: s@us.example\r\n\r\nHi".into(), false),
    ] {
        assert_eq!(hinted(mail.as_bytes()), expected, "{mail}");
    }
}

#[test]
fn what_is_answered_comes_first_then_the_address_then_the_thread() {
    let id = |byte| token(byte).message_id("us.example");
    let address = |address: String| Address { name: None, address };
    let head = Head {
        in_reply_to: vec!["x@y".into(), id(1)],
        references: vec![id(3), "thread@them.example".into(), id(4), id(1)],
        to: vec![address(format!("s+{}@us.example", token(2)).to_uppercase())],
        delivered_to: vec![format!("other+{}@us.example", token(9)), format!("s+bug@us.example")],
        ..Head::default()
    };
    let found = named(&head, ["s@us.example"].into_iter());
    assert_eq!(found, [token(1), token(2), token(4), token(3)]);
    let forged = Head {
        in_reply_to: vec![
            format!("{}@us.example", token(1)),
            format!("{}.replies@us.example", token(1)),
            format!("x{}.reply@us.example", token(1)),
            token(1).to_string(),
        ],
        references: (0..100)
            .map(|n| ConversationToken::new([n; 16]).message_id("x"))
            .collect(),
        ..Head::default()
    };
    let found = named(&forged, std::iter::empty());
    assert_eq!((found.len(), found.first()), (20, Some(&token(99))));
}
