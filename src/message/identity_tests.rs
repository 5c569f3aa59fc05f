use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{config::Limits, message::read};

/// What a whole mail with these header lines says of itself.
fn identity(header: &str) -> Result<String, InvalidFrom> {
    let raw = Bytes::from(format!("{header}\r\nSubject: x\r\n\r\ntext\r\n"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime
        .block_on(read(raw, Limits::default(), |mail| mail.identity()))
        .unwrap()
}

#[test]
fn one_plain_address_is_an_identity() {
    for from in [
        "From: ann@a.example",
        "from: <ann@a.example>",
        "FROM: Ann Smith <ann@a.example>",
        "From: \"Smith, Ann\" <ann@a.example>",
        "From: \"ann@a.example\" <ann@a.example>",
        "From: \"Ann \\\"A\\\" Smith\"\r\n\t<ann@a.example>",
        "From: =?utf-8?q?Ann_M=C3=BCller?= <ann@a.example>",
        "From: Ann Müller <ann@a.example>",
        "From: Ann\r\n Smith <ann@a.example>",
        "From: Dr. Ann O'Neill <ann@a.example>",
        "From: Ann \"Annie\" Miller <ann@a.example>",
        "From: Ann Miller \"ACME\" <ann@a.example>",
    ] {
        assert_eq!(identity(from).as_deref(), Ok("ann@a.example"), "{from}");
    }
}

/// The From tricks that show one address to whoever verifies and another to whoever reads, and their kin.
pub(crate) const TRICKS: [(&str, &str); 23] = [
    ("two fields", "From: first@attack.example\r\nFrom: admin@legit.example"),
    (
        "two fields, same",
        "From: admin@legit.example\r\nFrom: admin@legit.example",
    ),
    (
        "blank before the colon",
        "From : second@attack.example\r\nFrom: admin@legit.example",
    ),
    ("blank before the colon, alone", "From : admin@legit.example"),
    (
        "blank before the name",
        "To: x@us.example\r\n From: admin@legit.example",
    ),
    (
        "blank before the name, first",
        " From: admin@legit.example\r\nFrom: first@attack.example",
    ),
    ("two addresses", "From: <first@attack.example>, <admin@legit.example>"),
    ("two addresses, bare", "From: first@attack.example, admin@legit.example"),
    (
        "text after the address",
        "From: <any@attack.example>admin@legit.example",
    ),
    ("route", "From: <@attack.example,@any.example:admin@legit.example>"),
    ("route without list", "From: <@attack.example:admin@legit.example>"),
    (
        "encoded address, then another",
        "From: =?utf-8?b?PGFkbWluQGxlZ2l0LmV4YW1wbGU+?=,<second@attack.example>",
    ),
    (
        "encoded address as the name",
        "From: =?utf-8?b?PGFkbWluQGxlZ2l0LmV4YW1wbGU+?= <second@attack.example>",
    ),
    ("NUL", "From: admin@legit.example\0@attack.example"),
    (
        "NUL in the name of the field",
        "From\0: admin@legit.example\r\nFrom: first@attack.example",
    ),
    ("quoted mailbox", "From: \"admin@legit.example x\"@attack.example"),
    (
        "quoted mailbox in brackets",
        "From: <\"admin@legit.example\"@attack.example>",
    ),
    ("group", "From: g: admin@legit.example;"),
    ("comment", "From: admin@legit.example(.attack.example)"),
    ("comment before", "From: (x) admin@legit.example"),
    (
        "address as a bare name",
        "From: admin@legit.example <second@attack.example>",
    ),
    ("bare line break", "From: first@attack.example\r admin@legit.example"),
    ("none", "To: admin@legit.example"),
];

#[test]
fn a_trick_is_no_identity() {
    for (name, header) in TRICKS {
        assert!(identity(header).is_err(), "{name}: {:?}", identity(header));
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_judged(value in any::<Vec<u8>>()) {
        let from = [Address { name: None, address: String::from_utf8_lossy(&value).into_owned() }];
        let raw = [b"From: ", value.as_slice(), b"\r\n\r\n"].concat();
        if let Ok(address) = judge(&raw, &from) {
            prop_assert!(is_plain(&address));
        }
    }

    #[test]
    fn a_name_never_changes_the_address(name in "[A-Za-z .'-]{0,20}|\"[^\"\\\\\\pC]{0,20}\"") {
        let raw = format!("From: {name} <ann@a.example>\r\n\r\n");
        let from = [Address { name: None, address: "ann@a.example".into() }];
        let judged = judge(raw.as_bytes(), &from);
        prop_assert!(judged.as_deref() == Ok("ann@a.example") || judged == Err(InvalidFrom::Control), "{judged:?}");
    }
}
