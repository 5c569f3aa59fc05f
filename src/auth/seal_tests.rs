use proptest::prelude::*;

use super::*;

fn key(fill: u8) -> SealKey {
    SealKey::parse(&Secret::from(format!("{fill:02x}").repeat(KEY))).unwrap()
}

fn token() -> Secret {
    Secret::from("0.AXoA-refresh")
}

proptest! {
    #[test]
    fn what_is_sealed_opens(name in ".{1,40}", token in "[ -~]{1,3000}") {
        let sealed = key(1).seal(&name, &Secret::from(token.clone())).unwrap();
        prop_assert!(!sealed.windows(token.len().min(8)).any(|part| part == &token.as_bytes()[..part.len()]) || token.len() < 8);
        let opened = key(1).open(&name, &sealed).unwrap();
        prop_assert_eq!(opened.expose_secret(), &token);
    }

    #[test]
    fn bytes_of_any_kind_open_nothing(sealed in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(key(1).open("contoso", &sealed).is_err());
    }
}

#[test]
fn the_form_stays_what_it_is() {
    let sealed = key(1).seal_with([7; NONCE_LEN], "contoso", &token()).unwrap();
    assert_eq!(sealed.len(), 1 + NONCE_LEN + token().expose_secret().len() + 16);
    assert_eq!((sealed[0], &sealed[1..=NONCE_LEN]), (1, [7; NONCE_LEN].as_slice()));
    // What ledgers hold must open for ever.
    let kept = "AQcHBwcHBwcHBwcHB5x+9p8CjqjlUKwsqqNORsRua8hhj2ymTQmCJ2wRrw==";
    assert_eq!(general_purpose::STANDARD.encode(&sealed), kept);
}

#[test]
fn no_two_are_alike() {
    let seal = || key(1).seal("contoso", &token()).unwrap();
    assert_ne!(seal(), seal());
}

#[test]
fn another_key_is_named_with_its_cure() {
    let sealed = key(1).seal("contoso", &token()).unwrap();
    let error = key(2).open("contoso", &sealed).unwrap_err();
    assert_eq!(error, SealError::OtherKey("contoso".into()));
    assert_eq!(
        error.to_string(),
        "the sign-in `contoso` is sealed with another key: put that key back, or sign in anew by `mailjob auth login contoso`"
    );
}

#[test]
fn a_row_that_was_moved_or_changed_does_not_open() {
    let sealed = key(1).seal("contoso", &token()).unwrap();
    let other = |name: &str| SealError::OtherKey(name.into());
    assert_eq!(key(1).open("fabrikam", &sealed).unwrap_err(), other("fabrikam"));
    for at in 1..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(key(1).open("contoso", &changed).unwrap_err(), other("contoso"), "{at}");
        assert_eq!(
            key(1).open("contoso", &sealed[..at]).unwrap_err(),
            other("contoso"),
            "{at}"
        );
    }
    let mut newer = sealed;
    newer[0] = 2;
    let error = key(1).open("contoso", &newer).unwrap_err();
    assert_eq!(error, SealError::OtherVersion("contoso".into()));
}

#[test]
fn keys_are_read_in_every_usual_form() {
    let bytes: Vec<u8> = (0..32).map(|n| 255 - n).collect();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let forms = [
        hex.to_uppercase(),
        hex,
        general_purpose::STANDARD.encode(&bytes),
        general_purpose::STANDARD_NO_PAD.encode(&bytes),
        general_purpose::URL_SAFE.encode(&bytes),
        format!(" {}\r\n", general_purpose::STANDARD.encode(&bytes)),
    ];
    let sealed = SealKey::parse(&Secret::from(forms[0].clone()))
        .unwrap()
        .seal("contoso", &token())
        .unwrap();
    for form in forms {
        let key = SealKey::parse(&Secret::from(form.clone())).unwrap();
        assert!(key.open("contoso", &sealed).is_ok(), "{form}");
    }
}

#[test]
fn what_is_no_key_is_told_in_words() {
    for (text, words) in [
        ("hush, this is no key", "is neither base64 nor hex"),
        ("aHVzaA==", "has 4 bytes, not 32"),
        (&"ab".repeat(31), "has 31 bytes, not 32"),
        (&"xy".repeat(32), "has 48 bytes, not 32"),
        ("", "has 0 bytes, not 32"),
    ] {
        assert_eq!(
            SealKey::parse(&Secret::from(text)).unwrap_err().to_string(),
            words,
            "{text}"
        );
    }
}

#[test]
fn a_new_key_is_a_key_of_its_own() {
    let new = || Secret::from(new_key().unwrap().as_str());
    let sealed = SealKey::parse(&new()).unwrap().seal("contoso", &token()).unwrap();
    assert!(SealKey::parse(&new()).unwrap().open("contoso", &sealed).is_err());
}

#[test]
fn a_key_is_never_printed() {
    assert_eq!(format!("{:?}", key(0x61)), "Key([REDACTED])");
}
