//! The kinds of values that settings have: text, durations, sizes, paths, secrets. Pure.
//!
//! Each takes a value and yields what it means, or notes what is wrong with it and what to write instead.

use std::{fmt, ops::RangeInclusive, path::PathBuf, time::Duration};

use toml::de::DeValue;

use super::{
    LedgerAddress, NoRate, Rate,
    glob::{PatternTarget, flaw},
    presence::Need,
    sheet::{PlacedValue, kind},
};
use crate::{addr_spec::is_sendable, secret::SecretRef};

const DURATIONS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];
const SIZES: [(&str, u64); 7] = [
    ("B", 1),
    ("KB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
];

/// Text of at least one character, without control characters.
pub(super) fn text(value: PlacedValue<'_>) -> Option<String> {
    let text = prose(value.clone())?;
    if text.is_empty() {
        return value.wrong("is empty", "write something, or remove it");
    }
    if text.chars().any(char::is_control) {
        return value.wrong("has a line break or another control character", "write it without");
    }
    Some(text)
}

/// Text that stands for something: what that is called, and what to write.
pub(super) fn parsed<T>(
    value: &PlacedValue<'_>,
    (what, cure): (&str, &str),
    parse: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let text = text(value.clone())?;
    parse(&text).or_else(|| value.wrong(format!("is \"{text}\", which is no {what}"), cure))
}

/// A pattern with `*` and `?` that something can match.
pub(super) fn pattern<'a>(against: PatternTarget) -> impl Fn(PlacedValue<'a>) -> Option<String> {
    move |value| {
        let pattern = text(value.clone())?;
        match flaw(against, &pattern) {
            None => Some(pattern),
            Some(fault) => value.wrong(fault.cause, fault.cure),
        }
    }
}

/// Text of any length, also over several lines.
pub(super) fn prose(value: PlacedValue<'_>) -> Option<String> {
    match value.raw {
        DeValue::String(text) => Some(text.to_string()),
        other => value.wrong(format!("is {}, not text", kind(other)), "write it in quotes"),
    }
}

/// `true` or `false`.
pub(super) fn flag(value: PlacedValue<'_>) -> Option<bool> {
    match value.raw {
        DeValue::Boolean(flag) => Some(*flag),
        other => value.wrong(format!("is {}", kind(other)), "write true or false, without quotes"),
    }
}

/// One of several words.
pub(super) fn choice<'a, T: Clone>(choices: &[(&str, T)]) -> impl Fn(PlacedValue<'a>) -> Option<T> {
    move |value| {
        let known = || {
            choices
                .iter()
                .map(|(word, _)| format!("\"{word}\""))
                .collect::<Vec<_>>()
                .join(" or ")
        };
        let DeValue::String(text) = value.raw else {
            return value.wrong(
                format!("is {}, not text", kind(value.raw)),
                format!("write {}", known()),
            );
        };
        let found = choices.iter().find(|(word, _)| word == text);
        let found = found.map(|(_, meaning)| meaning.clone());
        found.or_else(|| value.wrong(format!("is \"{text}\""), format!("write {}", known())))
    }
}

/// A whole number.
pub(super) fn count<'a>(range: RangeInclusive<usize>) -> impl Fn(PlacedValue<'a>) -> Option<usize> {
    move |value| {
        let cure = format!("write a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(number) = value.raw else {
            let quoted = match value.raw {
                DeValue::String(text) => text.trim().parse().ok().filter(|number| range.contains(number)),
                _ => None,
            };
            let cure = quoted.map_or(cure, |number: usize| format!("write {number}, without quotes"));
            return value.wrong(format!("is {}, not a whole number", kind(value.raw)), cure);
        };
        let number = usize::from_str_radix(number.as_str(), number.radix()).ok();
        let fits = number.filter(|number| range.contains(number));
        fits.or_else(|| value.wrong("is out of range", cure))
    }
}

/// The same of 64 bits.
pub(super) fn number<'a>(range: RangeInclusive<u64>) -> impl Fn(PlacedValue<'a>) -> Option<u64> {
    let narrow = |number: &u64| usize::try_from(*number).unwrap_or(usize::MAX);
    let count = count(narrow(range.start())..=narrow(range.end()));
    move |value| count(value).and_then(|number| u64::try_from(number).ok())
}

/// A whole number, or -1 for no bound.
pub(super) fn count_or_all<'a>(range: RangeInclusive<usize>) -> impl Fn(PlacedValue<'a>) -> Option<Option<usize>> {
    move |value| match value.raw {
        DeValue::Integer(number) if number.as_str() == "-1" => Some(None),
        DeValue::Integer(number) => {
            let number = usize::from_str_radix(number.as_str(), number.radix()).ok();
            let fits = number.filter(|number| range.contains(number)).map(Some);
            let cure = format!(
                "write a whole number from {} to {}, or -1 for no limit",
                range.start(),
                range.end()
            );
            fits.or_else(|| value.wrong("is out of range", cure))
        }
        _ => count(range.clone())(value).map(Some),
    }
}

/// A TCP port, or 0 for the usual one: as if nothing were written.
pub(super) fn port(value: PlacedValue<'_>) -> Option<u16> {
    let port = count(0..=usize::from(u16::MAX))(value)?;
    u16::try_from(port).ok().filter(|port| *port != 0)
}

/// A duration with its unit, e.g. `30s`.
pub(super) fn duration<'a>(range: RangeInclusive<Duration>) -> impl Fn(PlacedValue<'a>) -> Option<Duration> {
    move |value| {
        let millis = |d: &Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        let range = millis(range.start())..=millis(range.end());
        with_unit(&value, range, &DURATIONS, "duration", "\"30s\", \"5m\", \"2h\", \"7d\"").map(Duration::from_millis)
    }
}

/// A number of bytes with its unit, e.g. `10MiB`.
pub(super) fn size<'a>(range: RangeInclusive<u64>) -> impl Fn(PlacedValue<'a>) -> Option<u64> {
    move |value| with_unit(&value, range.clone(), &SIZES, "size", "\"500KB\", \"10MiB\"")
}

fn with_unit(
    value: &PlacedValue<'_>,
    range: RangeInclusive<u64>,
    units: &'static [(&'static str, u64)],
    what: &str,
    examples: &str,
) -> Option<u64> {
    let show = |number| Amount { number, units };
    let cure = format!(
        "write a {what} such as {examples}, from {} to {}",
        show(*range.start()),
        show(*range.end())
    );
    let DeValue::String(text) = value.raw else {
        return value.wrong(format!("is {}, not text with a unit", kind(value.raw)), cure);
    };
    let Some(number) = parse_amount(text, units) else {
        return value.wrong(format!("is \"{text}\", which is no {what}"), cure);
    };
    if range.contains(&number) {
        Some(number)
    } else {
        value.wrong(format!("is {}, out of range", show(number)), cure)
    }
}

/// A duration as it is written.
pub(super) fn show_time(duration: &Duration) -> String {
    let number = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let units = &DURATIONS;
    Amount { number, units }.to_string()
}

/// A number of bytes as it is written.
pub(super) fn show_size(number: u64) -> String {
    let units = &SIZES;
    Amount { number, units }.to_string()
}

/// A whole number and a unit, in any case, with or without a blank between.
fn parse_amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// A number in the largest unit that leaves no rest.
struct Amount {
    number: u64,
    units: &'static [(&'static str, u64)],
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = |(name, _): &&(&str, u64)| matches!(*name, "s" | "B");
        let whole = |(_, factor): &&(&str, u64)| self.number.is_multiple_of(*factor);
        let unit = match self.number {
            0 => self.units.iter().find(usual),
            _ => self.units.iter().rev().find(whole),
        };
        let (name, factor) = unit.copied().unwrap_or(("", 1));
        write!(f, "{}{name}", self.number / factor)
    }
}

/// How often something may happen, e.g. `30/m`.
pub(super) fn rate(value: PlacedValue<'_>) -> Option<Rate> {
    parsed(&value, ("rate", &NoRate.to_string()), |text| text.parse().ok())
}

/// A rate, or `false`: no limit.
pub(super) fn rate_or_none(value: PlacedValue<'_>) -> Option<Option<Rate>> {
    const CURE: &str = "write a number and a span such as \"20/h\" (s, m, h or d), or false";
    match value.raw {
        DeValue::Boolean(false) => Some(None),
        DeValue::String(text) => match text.parse() {
            Ok(rate) => Some(Some(rate)),
            Err(_) => value.wrong(format!("is \"{text}\", which is no rate"), CURE),
        },
        _ => value.wrong("is no rate", CURE),
    }
}

/// A value that is no longer list than this.
pub(super) fn at_most<'a>(most: usize, value: &PlacedValue<'a>) -> Option<PlacedValue<'a>> {
    let count = value.items().len();
    match count > most {
        true => value.wrong(format!("has {count} entries"), format!("write {most} at most")),
        false => Some(value.clone()),
    }
}

/// One value or a list of them; a list has one entry at least.
pub(super) fn one_or_more<'a, T>(
    each: impl Fn(PlacedValue<'a>) -> Option<T>,
) -> impl Fn(PlacedValue<'a>) -> Option<Vec<T>> {
    move |value| {
        let items = value.items();
        if items.is_empty() {
            return value.wrong("is an empty list", "write one entry at least, or remove the line");
        }
        all(items, &each)
    }
}

/// A list, which may be empty.
pub(super) fn list<'a, T>(each: impl Fn(PlacedValue<'a>) -> Option<T>) -> impl Fn(PlacedValue<'a>) -> Option<Vec<T>> {
    move |value| match value.raw {
        DeValue::Array(_) => all(value.items(), &each),
        other => value.wrong(
            format!("is {}, not a list", kind(other)),
            "write a list: [\"…\", \"…\"]",
        ),
    }
}

/// Every item is read, so that every fault is noted.
fn all<'a, T>(items: Vec<PlacedValue<'a>>, each: impl Fn(PlacedValue<'a>) -> Option<T>) -> Option<Vec<T>> {
    items.into_iter().map(each).collect::<Vec<_>>().into_iter().collect()
}

/// A path; a relative one starts at the folder of the file that names it.
pub(super) fn path(value: PlacedValue<'_>) -> Option<PathBuf> {
    let path = text(value.clone())?;
    not_a_home(&value, &path)?;
    Some(value.folder().join(path))
}

/// A path without a shell's word for a home. A folder that is really called so is written `./~`.
pub(super) fn not_a_home(value: &PlacedValue<'_>, path: &str) -> Option<()> {
    let first = path.split('/').next().unwrap_or_default();
    match first.starts_with('~') && path.contains('/') {
        true => value.wrong(
            "begins with ~, a shell's word for a home, and there is no shell",
            "write the whole path, or one that starts at the folder of this file",
        ),
        false => Some(()),
    }
}

/// Where a ledger is: a path, as any other. What is written is not shown where it is none: a URL may have a password in it.
pub(super) fn ledger(value: PlacedValue<'_>) -> Option<LedgerAddress> {
    let written = text(value.clone())?;
    not_a_home(&value, &written)?;
    match LedgerAddress::parse(&written, value.folder()) {
        Ok(address) => Some(address),
        Err(why) => value.wrong_secret(why.to_string(), "write the path of a file, such as \"mailjob.db\""),
    }
}

/// A PEM file of trusted roots.
pub(super) fn roots(value: PlacedValue<'_>) -> Option<PathBuf> {
    let file = path(value.clone())?;
    value.need(Need::Roots(file.clone()));
    Some(file)
}

/// The place of a secret that is sent to a server as it is: a password, a token, a client's secret.
pub(super) fn secret_line(value: PlacedValue<'_>) -> Option<SecretRef> {
    let place = secret(value.clone())?;
    value.need(Need::OneLine(place.clone()));
    Some(place)
}

/// The place of a secret: `{ file = "…" }` or `{ env = "…" }`; never the secret itself.
pub(super) fn secret(value: PlacedValue<'_>) -> Option<SecretRef> {
    const CURE: &str = "write { file = \"…\" } or { env = \"…\" }";
    if let DeValue::String(_) = value.raw {
        let cause = "holds a secret; this file may end up in a repository, a ConfigMap or a backup";
        return value.wrong_secret(cause, format!("put the secret in a file or a variable and {CURE}"));
    }
    let here = value.clone();
    let place = value.table(|table| match (table.get("file", path), table.get("env", variable)) {
        (Some(file), None) => Some(SecretRef::File(file)),
        (None, Some(name)) => Some(SecretRef::Env(name)),
        (Some(_), Some(_)) => here.wrong_secret("names a file and a variable", CURE),
        // What is wrong with the place was told there.
        (None, None) if table.value("file").or_else(|| table.value("env")).is_some() => None,
        (None, None) => here.wrong_secret("names no place of a secret", CURE),
    })?;
    here.need(Need::Secret(place.clone()));
    Some(place)
}

/// The name of an environment variable.
pub(super) fn variable(value: PlacedValue<'_>) -> Option<String> {
    let name = text(value.clone())?;
    if name.contains('=') {
        return value.wrong("has a `=`", "write the variable's name only");
    }
    Some(name)
}

/// A mail address without a display name.
pub(super) fn address(value: PlacedValue<'_>) -> Option<String> {
    let address = text(value.clone())?;
    if !is_sendable(&address) {
        return value.wrong(
            format!("is \"{address}\", not a mail address"),
            "write it as name@domain",
        );
    }
    Some(address)
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
