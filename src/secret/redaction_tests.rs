use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;
use crate::secret::forms::quoted;

const SECRET: &str = r#"c@n"ary\ pass+Wört"#;

fn redaction() -> Redaction {
    Redaction::of("bob@example.test", &Secret::from(SECRET))
}

#[test]
fn every_form_is_struck_out() {
    let plain = STANDARD.encode(format!("\0bob@example.test\0{SECRET}"));
    for (said, left) in [
        (format!("bad: LOGIN {SECRET} here"), "bad: LOGIN *** here"),
        (
            r#"bad: LOGIN "bob@example.test" "c@n\"ary\\ pass+Wört""#.to_owned(),
            r#"bad: LOGIN "bob@example.test" "***""#,
        ),
        (
            format!("bad: A2 AUTHENTICATE PLAIN {plain}"),
            "bad: A2 AUTHENTICATE PLAIN ***",
        ),
        (format!("{} is wrong", plain.to_uppercase()), "*** is wrong"),
        (format!("{}... is wrong", &plain[..20]), "***... is wrong"),
        (format!("cut off: {}", &plain[..12]), "cut off: ***"),
        (format!("cut off: {}", &plain[..3]), "cut off: ***"),
        (format!("cut off: {}…", &plain[..4]), "cut off: ***…"),
        (STANDARD.encode(SECRET), "***"),
        (format!("<{}>", URL_SAFE_NO_PAD.encode(SECRET)), "<***>"),
        (STANDARD.encode("bob@example.test"), "***"),
        ("/?p=c%40n%22ary%5c%20pass%2BW%C3%B6rt&x".to_owned(), "/?p=***&x"),
        ("p=c%40n%22ary%5C+pass%2BW%C3%B6rt&x".to_owned(), "p=***&x"),
        (HEXLOWER.encode(SECRET.as_bytes()), "***"),
        (
            "no such user: bob@example.test".to_owned(),
            "no such user: bob@example.test",
        ),
        (String::new(), ""),
    ] {
        assert_eq!(redaction().strike(&said), left, "{said}");
    }
}

#[test]
fn a_response_and_what_it_holds() {
    let token = Secret::from("ya29.t0ken-of_some+length");
    let sent = STANDARD.encode("user=me\u{1}auth=Bearer ya29.t0ken-of_some+length\u{1}\u{1}");
    let redaction = Redaction::of("me", &token).and_sent(&sent);
    for (said, left) in [
        ("token ya29.t0ken-of_some+length of me".to_owned(), "token *** of me"),
        (
            "user=me auth=Bearer ya29.t0ken-of_some+length  no".to_owned(),
            "user=me auth=Bearer ***  no",
        ),
        (format!("A1 {sent}"), "A1 ***"),
        (format!("A1 {} {}", &sent[..30], &sent[30..]), "A1 *** ***"),
    ] {
        assert_eq!(redaction.strike(&said), left);
    }
}

#[test]
fn a_short_secret_takes_no_other_word_along() {
    let redaction = Redaction::of("me", &Secret::from("a"));
    assert_eq!(redaction.strike("a bad day, PASS a"), "*** bad day, PASS ***");
    assert_eq!(Redaction::default().strike("all of it"), "all of it");
    assert!(!format!("{:?}", Redaction::of("me", &Secret::from("hush"))).contains("hush"));
}

proptest! {
    #[test]
    fn no_secret_stays_wherever_it_stands(
        secret in "[ -~]{4,40}", user in "[a-z@.]{1,20}", before in "[ -~é]{0,20}", after in "[ -~é]{0,20}", offset in 0usize..4,
    ) {
        prop_assume!(secret.trim().len() > 3);
        let redaction = Redaction::of(&user, &Secret::from(secret.clone()));
        let inner = STANDARD.encode(format!("{}{secret}", "x".repeat(offset)));
        for form in [secret.trim().to_owned(), STANDARD.encode(&secret), inner.clone(), quoted(secret.trim()), HEXLOWER.encode(secret.as_bytes())] {
            let said = format!("{before} {form} {after}");
            let left = redaction.strike(&said);
            prop_assert!(left.contains(STRUCK), "{said} -> {left}");
        }
        let left = redaction.strike(&inner).into_owned();
        // What may stay of it is what it shares with what stood before.
        prop_assert!(left.replace(STRUCK, "").len() <= offset * 2 + 5, "{inner} -> {left}");
    }

    #[test]
    fn any_text_comes_out(text in "\\PC*|(?s).*", secret in ".{0,30}") {
        let redaction = Redaction::of("me", &Secret::from(secret));
        prop_assert!(redaction.strike(&text).chars().count() <= text.chars().count() * STRUCK.len() + 3);
    }
}
