use proptest::prelude::*;

use super::*;

#[test]
fn amounts_are_read_with_their_unit_only() {
    for (text, millis) in [
        ("1ms", 1),
        ("30s", 30_000),
        ("5 m", 300_000),
        ("2H", 7_200_000),
        ("7d", 604_800_000),
    ] {
        assert_eq!(parse_amount(text, &DURATIONS), Some(millis), "{text}");
    }
    for (text, bytes) in [
        ("0B", 0),
        ("500KB", 500_000),
        ("10MiB", 10 << 20),
        ("1 gib", 1 << 30),
        ("2GB", 2_000_000_000),
    ] {
        assert_eq!(parse_amount(text, &SIZES), Some(bytes), "{text}");
    }
    for text in [
        "",
        "5",
        "s",
        "-5s",
        "1.5h",
        "5 weeks",
        "1h30m",
        "٣s",
        "5\u{a0}s!",
        "99999999999999999999s",
        "18446744073709551615d",
    ] {
        assert_eq!(parse_amount(text, &DURATIONS), None, "{text}");
    }
}

proptest! {
    /// What a problem says of a limit can be written in its place.
    #[test]
    fn amounts_are_shown_as_they_are_read(number: u64) {
        for units in [&DURATIONS[..], &SIZES[..]] {
            let shown = Amount { number, units }.to_string();
            prop_assert_eq!(parse_amount(&shown, units), Some(number), "{}", shown);
        }
    }
}

#[test]
fn nothing_is_shown_with_a_usual_unit() {
    assert_eq!(
        Amount {
            number: 0,
            units: &DURATIONS
        }
        .to_string(),
        "0s"
    );
    assert_eq!(
        Amount {
            number: 0,
            units: &SIZES
        }
        .to_string(),
        "0B"
    );
    assert_eq!(
        Amount {
            number: 90_000,
            units: &DURATIONS
        }
        .to_string(),
        "90s"
    );
    assert_eq!(
        Amount {
            number: 20 << 20,
            units: &SIZES
        }
        .to_string(),
        "20MiB"
    );
}
