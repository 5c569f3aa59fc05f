//! Time zones as mails name them: by an offset, a short name, or the first word of a long one. Pure.

use super::is_number;

/// Seconds east of UTC. `-0000` says that nothing is known of the place (RFC 5322 section 3.3), not of the instant.
pub(super) fn offset(word: &str) -> Option<i32> {
    let word = word.trim_matches('"');
    let signed = |text: &str| {
        let (sign, digits) = match text.split_at_checked(1)? {
            ("+", digits) => (1, digits),
            ("-" | "\u{2212}", digits) => (-1, digits),
            _ => return None,
        };
        let (hours, minutes) = match digits.split_once(':') {
            Some((hours, minutes)) => (hours, minutes),
            None if digits.len() <= 2 => (digits, "0"),
            None => digits.split_at_checked(digits.len() - 2)?,
        };
        let number = |text: &str| is_number(Some(text)).then(|| text.parse::<i32>().ok()).flatten();
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        // The farthest places are 14 hours ahead and 12 behind; RFC 5322 allows any four digits.
        (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    };
    if let Some(offset) = signed(word) {
        return Some(offset);
    }
    let lower = word.to_ascii_lowercase();
    if let Some(rest) = ["gmt", "utc", "ut", "z"]
        .iter()
        .find_map(|name| lower.strip_prefix(name))
    {
        return if rest.is_empty() { Some(0) } else { signed(rest) };
    }
    let minutes = NAMES.iter().find(|(name, _)| *name == lower)?.1;
    Some(minutes * 60)
}

/// The same by the first word of a zone's long name, in lower case.
pub(super) fn offset_of_long_name(lower: &str) -> Option<i32> {
    let hours = LONG_NAMES.iter().find(|(name, _)| *name == lower)?.1;
    Some(hours * 3600)
}

/// Zones by their short names, in minutes east of UTC: those of RFC 5322 section 4.3, and those that name one place in the world's mail.
/// `IST`, `BST` before 1972, `CST` in China and others that name several are left out, but for those of RFC 5322.
const NAMES: [(&str, i32); 38] = [
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
    ("akst", -540),
    ("akdt", -480),
    ("hst", -600),
    ("nst", -210),
    ("ndt", -150),
    ("adt", -180),
    ("brt", -180),
    ("brst", -120),
    ("art", -180),
    ("wet", 0),
    ("west", 60),
    ("bst", 60),
    ("cet", 60),
    ("met", 60),
    ("mez", 60),
    ("cest", 120),
    ("mest", 120),
    ("mesz", 120),
    ("mdst", 120),
    ("eet", 120),
    ("eest", 180),
    ("sast", 120),
    ("msk", 180),
    ("msd", 240),
    ("pkt", 300),
    ("hkt", 480),
    ("sgt", 480),
    ("jst", 540),
    ("kst", 540),
    ("nzst", 720),
];

/// The first words of zones' long names, in hours east of UTC, as Windows writes them.
const LONG_NAMES: [(&str, i32); 10] = [
    ("eastern", -5),
    ("central", -6),
    ("mountain", -7),
    ("pacific", -8),
    ("atlantic", -4),
    ("alaskan", -9),
    ("hawaiian", -10),
    ("greenwich", 0),
    ("coordinated", 0),
    ("tokyo", 9),
];
