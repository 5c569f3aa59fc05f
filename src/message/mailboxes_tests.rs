use proptest::prelude::*;

use super::*;

fn read(value: &str) -> Vec<(String, String)> {
    let found = parse(value.as_bytes(), CharsetHints::default());
    found
        .into_iter()
        .map(|found| (found.name.unwrap_or_default(), found.address))
        .collect()
}

#[test]
fn addresses_as_people_write_them() {
    for (value, expected) in [
        ("ann@a.example", &[("", "ann@a.example")][..]),
        ("<ann@a.example>", &[("", "ann@a.example")]),
        ("Ann Miller <ann@a.example>", &[("Ann Miller", "ann@a.example")]),
        ("\"Miller, Ann\" <ann@a.example>", &[("Miller, Ann", "ann@a.example")]),
        ("ann@a.example (Ann Miller)", &[("Ann Miller", "ann@a.example")]),
        ("(Ann) ann@a.example", &[("Ann", "ann@a.example")]),
        ("Ann Miller (ACME) <ann@a.example>", &[("Ann Miller", "ann@a.example")]),
        ("[ACME] Ann <ann@a.example>", &[("[ACME] Ann", "ann@a.example")]),
        ("ann@a.example <ann@a.example>", &[("ann@a.example", "ann@a.example")]),
        (
            "\"ann@a.example\" <ann@a.example>",
            &[("ann@a.example", "ann@a.example")],
        ),
        (
            "Ann \"Annie\" Miller <ann@a.example>",
            &[("Ann \"Annie\" Miller", "ann@a.example")],
        ),
        ("\"Ann\" Miller <ann@a.example>", &[("Ann Miller", "ann@a.example")]),
        (
            "\"Ann \\\"A\\\" Miller\" <ann@a.example>",
            &[("Ann \"A\" Miller", "ann@a.example")],
        ),
        ("Ann Miller ann@a.example", &[("Ann Miller", "ann@a.example")]),
        ("Fritz <fritz@a.example", &[("Fritz", "fritz@a.example")]),
        ("\"Fritz <fritz@a.example>", &[("Fritz", "fritz@a.example")]),
        (
            "Ann <@relay.example,@b.example:ann@a.example>",
            &[("Ann", "ann@a.example")],
        ),
        ("Ann < ann@a.example >", &[("Ann", "ann@a.example")]),
        ("Ann <mailto:ann@a.example>", &[("Ann", "ann@a.example")]),
        ("Undisclosed-Recipient:;", &[]),
        ("undisclosed recipients: ;", &[]),
        (
            "Team: Ann <ann@a.example>, bob@a.example; eve@a.example",
            &[("Ann", "ann@a.example"), ("", "bob@a.example"), ("", "eve@a.example")],
        ),
        ("a@x.example; b@x.example", &[("", "a@x.example"), ("", "b@x.example")]),
        (
            "a@x.example,, b@x.example,",
            &[("", "a@x.example"), ("", "b@x.example")],
        ),
        (
            "=?utf-8?Q?Miller,_Ann?= <ann@a.example>",
            &[("Miller, Ann", "ann@a.example")],
        ),
        (
            "=?utf-8?Q?Miller, Ann?= <ann@a.example>",
            &[("Miller, Ann", "ann@a.example")],
        ),
        (
            "\"=?UTF-8?B?S3VuZGVuc2VydmljZSBNw7w=?= =?UTF-8?B?bmNoZW4=?=\" <ann@a.example>",
            &[("Kundenservice München", "ann@a.example")],
        ),
        (
            "\"=?UTF-8?Q?Ann?=\r\n =?UTF-8?Q?_M?=\" <ann@a.example>",
            &[("Ann M", "ann@a.example")],
        ),
        (
            "ann@a.example (=?utf-8?Q?M=C3=BCller?=)",
            &[("Müller", "ann@a.example")],
        ),
        ("\"ann m\"@a.example", &[("", "\"ann m\"@a.example")]),
        ("<\"a>b\"@a.example>", &[("", "\"a>b\"@a.example")]),
        ("ann@[192.0.2.1]", &[("", "ann@[192.0.2.1]")]),
        ("MAILER-DAEMON", &[("", "MAILER-DAEMON")]),
        ("<>", &[]),
        ("", &[]),
        ("Ann", &[("", "Ann")]),
        ("Ann Miller", &[("Ann Miller", "")]),
    ] {
        let found = read(value);
        let found: Vec<_> = found
            .iter()
            .map(|(name, address)| (name.as_str(), address.as_str()))
            .collect();
        assert_eq!(found, expected, "{value}");
    }
}

#[test]
fn a_long_field_takes_no_long_time() {
    for piece in ["\"<", "(", "<", "\\\"<", "a@b.example,", "=?a?q?", "[", "a "] {
        let value = piece.repeat((1 << 16) / piece.len());
        assert!(read(&value).len() <= MOST);
    }
}

proptest! {
    #[test]
    fn a_name_in_quotes_comes_back(name in "[a-zA-Z0-9äöü ,;:@<>()\\[\\].'!-]{1,30}") {
        let value = format!("\"{name}\" <ann@a.example>");
        let expected = clean(name.trim(), LONGEST);
        prop_assert_eq!(read(&value), vec![(expected, "ann@a.example".to_owned())]);
    }

    #[test]
    fn whatever_comes_is_read(value in prop::collection::vec(prop_oneof![Just(b'"'), Just(b'<'), Just(b'('), Just(b','), Just(b'@'), any::<u8>()], 0..120)) {
        for address in parse(&value, CharsetHints::default()) {
            prop_assert!(!address.address.contains(['\r', '\n', '\0']));
        }
    }
}
