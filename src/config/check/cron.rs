//! Cron patterns: five fields, or six with seconds first. What other schedulers write is told from a slip, and translated. Pure.

use chrono::{TimeZone as _, Utc};
use croner::parser::{CronParser, Seconds, Year};

use crate::config::{problem::Fault, sheet::PlacedValue, value::text};

const USUAL: &str = "write five fields: minute, hour, day, month, weekday; e.g. \"*/5 8-18 * * MON-FRI\"";

/// What fields there are, seconds first, and what may stand in each.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, or L for the last"),
    ("month", "1 to 12, or JAN to DEC"),
    ("weekday", "SUN to SAT, or 0 to 6 from Sunday on"),
];
/// Days as Quartz numbers them, from 1 on.
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A pattern that names a time which comes.
pub(super) fn cron(value: PlacedValue<'_>) -> Option<Box<croner::Cron>> {
    let text = text(value.clone())?;
    match read(&text) {
        Ok(pattern) => Some(pattern),
        Err(fault) => value.wrong(fault.cause, fault.cure),
    }
}

fn read(text: &str) -> Result<Box<croner::Cron>, Fault> {
    let fields: Vec<_> = text.split_whitespace().collect();
    if fields.len() == 7 || text.contains('?') {
        return Err(of_quartz(text, &fields));
    }
    let pattern = match parse(text) {
        Ok(pattern) => pattern,
        Err(()) => return Err(unread(text, &fields)),
    };
    let leap_year = Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).single();
    if leap_year.is_some_and(|start| pattern.find_next_occurrence(&start, true).is_err()) {
        let cause = format!("is \"{text}\", a time that never comes");
        return Err(Fault::new(cause, USUAL));
    }
    Ok(Box::new(pattern))
}

fn parse(text: &str) -> Result<croner::Cron, ()> {
    let parser = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Disallowed)
        // "0/5" is "*/5".
        .sloppy_ranges(true)
        .build();
    parser.parse(text).map_err(|_| ())
}

/// Which field can't be read.
fn unread(text: &str, fields: &[&str]) -> Fault {
    if text.starts_with('@') {
        let cause = format!("is \"{text}\", which is not known");
        return Fault::new(
            cause,
            "write \"@hourly\", \"@daily\", \"@weekly\", \"@monthly\", \"@yearly\", or five fields",
        );
    }
    let skipped = match fields.len() {
        5 => 1,
        6 => 0,
        count => {
            let plural = if count == 1 { "" } else { "s" };
            return Fault::new(format!("is \"{text}\", which has {count} field{plural}"), USUAL);
        }
    };
    let is_wrong = |(index, field): (usize, &&str)| {
        let mut probe = ["0", "*", "*", "*", "*", "*"];
        probe.get_mut(index + skipped).map(|slot| *slot = field)?;
        parse(&probe.join(" ")).err()
    };
    let wrong = fields.iter().enumerate().find(|pair| is_wrong(*pair).is_some());
    let named = wrong.and_then(|(index, field)| Some((field, FIELDS.get(index + skipped)?)));
    match named {
        Some((field, (name, range))) => Fault::new(
            format!("is \"{text}\", where \"{field}\" is no {name}"),
            format!(
                "write {range}, * for each, a range with -, steps with /, or a list with commas; the fields are minute, hour, day, month, weekday"
            ),
        ),
        None => Fault::new(format!("is \"{text}\", which is no cron pattern"), USUAL),
    }
}

/// Quartz begins with seconds, may end with a year, numbers days from Sunday = 1, and has a `?` for one kind of day.
fn of_quartz(text: &str, fields: &[&str]) -> Fault {
    let cause = format!(
        "is \"{text}\", in the form of Quartz; the fields here are minute, hour, day, month, weekday, and weekdays are SUN to SAT"
    );
    Fault::new(
        cause,
        match translated(fields) {
            Some(translated) => format!("write \"{translated}\""),
            None => format!("{USUAL}; for ? write *"),
        },
    )
}

fn translated(fields: &[&str]) -> Option<String> {
    let mut ours: Vec<String> = fields.iter().map(|field| field.replace('?', "*")).collect();
    if ours.len() == 7 {
        ours.pop().filter(|year| year == "*")?;
    }
    if ours.len() == 6 {
        let weekday = ours.last_mut()?;
        *weekday = renumbered(weekday);
        if ours.first().is_some_and(|second| matches!(second.as_str(), "0" | "00")) {
            ours.remove(0);
        }
    }
    let text = ours.join(" ");
    parse(&text).ok().map(|_| text)
}

/// Days of the week as we know them. What is behind `#` or `/` is no day.
fn renumbered(field: &str) -> String {
    if field == "L" {
        return "SAT".to_owned();
    }
    let (mut ours, mut is_day) = (String::new(), true);
    for (index, c) in field.chars().enumerate() {
        let is_last = field.chars().nth(index + 1) == Some('L');
        match c.to_digit(10).and_then(|digit| usize::try_from(digit).ok()) {
            // The last one of a month is known by its number alone.
            Some(digit) if is_day && is_last => ours.push_str(&digit.saturating_sub(1).to_string()),
            Some(digit) if is_day => match digit.checked_sub(1).and_then(|day| DAYS.get(day)) {
                Some(day) => ours.push_str(day),
                None => ours.push(c),
            },
            _ => ours.push(c),
        }
        is_day = match c {
            '#' | '/' => false,
            ',' | '-' => true,
            _ => is_day,
        };
    }
    ours
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        read(text).map_or_else(|fault| format!("{}; {}", fault.cause, fault.cure), |_| String::new())
    }

    #[test]
    fn patterns_of_quartz_are_translated() {
        for (quartz, ours) in [
            ("0 0 6 ? * 2-6", "0 6 * * MON-FRI"),
            ("0 0/5 * * * ?", "0/5 * * * *"),
            ("0 15 10 ? * MON-FRI", "15 10 * * MON-FRI"),
            ("0 15 10 * * ? *", "15 10 * * *"),
            ("30 0 12 1/5 * ?", "30 0 12 1/5 * *"),
            ("0 15 10 ? * 6L", "15 10 * * 5L"),
            ("0 15 10 ? * 6#3", "15 10 * * FRI#3"),
            ("0 15 10 L * ?", "15 10 L * *"),
            ("0 0 6 ? * L", "0 6 * * SAT"),
            ("0 0 6 ? * 1,7", "0 6 * * SUN,SAT"),
            ("0 6 ? * MON", "0 6 * * MON"),
        ] {
            let told = told(quartz);
            assert!(
                told.contains("Quartz") && told.ends_with(&format!("write \"{ours}\"")),
                "{quartz}: {told}"
            );
            assert!(read(ours).is_ok(), "{ours}");
        }
        // A year can't be said, so nothing is proposed.
        assert!(told("0 15 10 * * ? 2027").ends_with("for ? write *"));
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        for (text, why) in [
            ("61 * * * *", "\"61\" is no minute"),
            ("* 24 * * *", "\"24\" is no hour"),
            ("* * 0 * *", "\"0\" is no day of the month"),
            ("* * * 13 *", "\"13\" is no month"),
            ("* * * * MOO", "\"MOO\" is no weekday"),
            ("* * * * 8", "\"8\" is no weekday"),
            ("99 * * * * *", "\"99\" is no second"),
            ("*/5 * * *", "has 4 fields"),
            ("hourly", "has 1 field;"),
            ("@reboot", "\"@reboot\", which is not known"),
            ("0 0 30 2 *", "a time that never comes"),
        ] {
            let told = told(text);
            assert!(told.contains(why), "{text}: {told}");
        }
        for right in [
            "*/5 8-18 * * MON-FRI",
            "0 0 * * 7",
            "30 0 6 * * 1-5",
            "@daily",
            "0 6 L * *",
        ] {
            assert_eq!(told(right), "", "{right}");
        }
    }
}
