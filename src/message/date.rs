//! When a mail says that it was written: every form that mail programs write and read. Pure.
//!
//! The words and numbers are told apart by what they are, not by where they stand: a time has colons, a year four digits, a zone a sign
//! or a name. So RFC 5322, RFC 850, asctime, ISO 8601, and dates with AM or PM or with an American month first are read by one rule.
//! Where the zone is missing, UTC is assumed and said; where it can't be read, so is the date: an instant that is hours off is worse
//! than none.

mod zone;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

/// Bytes of a field that are looked at.
const LONGEST: usize = 200;

/// When a mail was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrittenDate {
    /// Then.
    At(DateTime<Utc>),
    /// Then, if its clock was one of UTC: no zone is named.
    WithoutZone(DateTime<Utc>),
    /// There is a date, but it can't be read.
    Unreadable,
    /// There is none.
    Nowhere,
}

impl WrittenDate {
    /// The instant.
    #[must_use]
    pub fn instant(self) -> Option<DateTime<Utc>> {
        match self {
            Self::At(instant) | Self::WithoutZone(instant) => Some(instant),
            Self::Unreadable | Self::Nowhere => None,
        }
    }

    /// What a reader should know of the instant, or of why there is none.
    #[must_use]
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::WithoutZone(_) => Some("the mail names no time zone; UTC is assumed"),
            Self::Unreadable => Some("the mail has a date that can't be read"),
            Self::At(_) | Self::Nowhere => None,
        }
    }
}

/// Reads a Date field's value.
pub(super) fn read(value: Option<&[u8]>) -> WrittenDate {
    let Some(value) = value.filter(|value| !value.trim_ascii().is_empty()) else {
        return WrittenDate::Nowhere;
    };
    let text = String::from_utf8_lossy(value.get(..LONGEST).unwrap_or(value));
    parse(&text).unwrap_or(WrittenDate::Unreadable)
}

fn parse(text: &str) -> Option<WrittenDate> {
    let (plain, comment) = without_comments(text);
    if let Ok(instant) = DateTime::parse_from_rfc3339(plain.trim()) {
        return Some(WrittenDate::At(instant.to_utc()));
    }
    let mut found = DateParts::default();
    for word in words(without_weekday(&plain)) {
        found.add(word)?;
    }
    if found.zone.is_none() {
        // `10:00:00 (CET)`: the zone stands in the comment alone.
        found.zone = comment.as_deref().and_then(zone::offset);
    }
    let local = found.local()?;
    let Some(zone) = found.zone else {
        return Some(WrittenDate::WithoutZone(local.and_utc()));
    };
    let offset = FixedOffset::east_opt(zone)?;
    Some(WrittenDate::At(local.and_local_timezone(offset).single()?.to_utc()))
}

/// The text without the weekday before its comma, in whatever language: no date depends on it.
fn without_weekday(plain: &str) -> &str {
    match plain.split_once(',') {
        Some((day, rest))
            if !day.trim().is_empty()
                && day.trim().chars().all(|c| c.is_alphabetic() || c == '.')
                && month(&day.trim().to_ascii_lowercase()).is_none() =>
        {
            rest
        }
        _ => plain,
    }
}

/// The text without what stands in parentheses, and the first of that.
fn without_comments(text: &str) -> (String, Option<String>) {
    let (mut plain, mut comments, mut depth) = (String::new(), String::new(), 0_usize);
    for c in text.chars() {
        match c {
            '(' => {
                depth += 1;
                comments.push(' ');
            }
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            c => comments.push(c),
        }
    }
    let comment = Some(comments.trim().to_owned()).filter(|comment| !comment.is_empty());
    (plain, comment)
}

/// The words of a date. Commas and line breaks separate; a `T` between date and time does, too.
fn words(plain: &str) -> impl Iterator<Item = &str> {
    plain
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"'))
        .flat_map(|word| {
            let iso = word
                .split_once(['T', 't', '_'])
                .filter(|(date, time)| is_number(date.get(..1)) && is_number(time.get(..1)) && time.contains(':'));
            let (first, second) = iso.unwrap_or((word, ""));
            [first, second]
        })
        .filter(|word| !word.is_empty())
}

fn is_number(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What was found of a date.
#[derive(Debug, Default)]
struct DateParts {
    numbers: Vec<u32>,
    month: Option<u32>,
    year: Option<i32>,
    time: Option<NaiveTime>,
    afternoon: Option<bool>,
    /// Seconds east of UTC.
    zone: Option<i32>,
    /// The whole date was one word.
    date: Option<NaiveDate>,
}

impl DateParts {
    /// Takes a word; nothing where it means nothing.
    fn add(&mut self, word: &str) -> Option<()> {
        let word = word.trim_end_matches('.');
        if word.contains(':') && self.time.is_none() && word.starts_with(|c: char| c.is_ascii_digit()) {
            return self.add_time(word);
        }
        if is_number(Some(word)) {
            return self.add_number(word);
        }
        let lower = word.to_ascii_lowercase();
        if let Some(afternoon) = half(&lower) {
            self.afternoon = Some(afternoon);
            return Some(());
        }
        if let Some(month) = month(&lower) {
            self.month = self.month.or(Some(month));
            return Some(());
        }
        if self.time.is_none() && (self.year.is_some() || self.date.is_some()) && is_dotted_time(word) {
            return self.add_time(&word.replace('.', ":"));
        }
        if self.date.is_none()
            && self.year.is_none()
            && self.numbers.is_empty()
            && self.month.is_none()
            && let Some(date) = whole(&lower)
        {
            self.date = Some(date);
            return Some(());
        }
        if let Some(day) = lower
            .strip_suffix("st")
            .or_else(|| lower.strip_suffix("nd"))
            .or_else(|| lower.strip_suffix("rd"))
            .or_else(|| lower.strip_suffix("th"))
            && is_number(Some(day))
        {
            return self.add_number(day);
        }
        if is_weekday(&lower) || matches!(lower.as_str(), "at" | "of" | "date:" | "uhr") {
            return Some(());
        }
        if self.time.is_some() || self.numbers.len() + usize::from(self.date.is_some()) > 0 {
            // The first zone counts; words behind it (`Eastern Standard Time`) are looked at as one by what follows.
            return match (zone::offset(word), self.zone) {
                (Some(zone), None) => {
                    self.zone = Some(zone);
                    Some(())
                }
                // `GMT+1`, `UTC +02:00`: what follows a name of UTC goes on from there.
                (Some(zone), Some(0)) => {
                    self.zone = Some(zone);
                    Some(())
                }
                (Some(_), Some(_)) => Some(()),
                (None, _) => self.add_zone_word(&lower),
            };
        }
        None
    }

    /// A word of a zone's long name: `Eastern`, `Daylight`, `Time`.
    fn add_zone_word(&mut self, lower: &str) -> Option<()> {
        match (lower, self.zone) {
            ("time" | "standard", Some(_)) => Some(()),
            ("daylight" | "summer", Some(zone)) => {
                self.zone = Some(zone + 3600);
                Some(())
            }
            _ => {
                self.zone = Some(zone::offset_of_long_name(lower)?);
                Some(())
            }
        }
    }

    fn add_time(&mut self, word: &str) -> Option<()> {
        let lower = word.to_ascii_lowercase();
        let end = lower
            .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'))
            .unwrap_or(lower.len());
        let (time, rest) = lower.split_at_checked(end)?;
        let mut parts = time.split(':');
        let hour: u32 = parts.next()?.parse().ok()?;
        let minute: u32 = parts.next()?.parse().ok()?;
        let second = parts.next().map(|second| second.split('.').next().unwrap_or_default());
        let second: u32 = second
            .filter(|second| !second.is_empty())
            .map_or(Some(0), |second| second.parse().ok())?;
        // A leap second, and midnight as the end of a day, are the instant before.
        self.time = NaiveTime::from_hms_opt(hour, minute, second.min(59));
        self.time?;
        match rest {
            "" => {}
            "z" => self.zone = Some(0),
            _ => match half(rest) {
                Some(afternoon) => self.afternoon = Some(afternoon),
                None => self.zone = Some(zone::offset(rest)?),
            },
        }
        Some(())
    }

    fn add_number(&mut self, word: &str) -> Option<()> {
        let number: u32 = word.parse().ok()?;
        match word.len() {
            // `1000 +0100` without a colon.
            4 if self.year.is_some() && self.time.is_none() => {
                self.time = Some(NaiveTime::from_hms_opt(number / 100, number % 100, 0)?);
            }
            4 | 5 if self.year.is_none() => {
                self.year = i32::try_from(number).ok().filter(|year| (1900..=9999).contains(year))
            }
            3 if self.year.is_none() => self.year = Some(1900 + i32::try_from(number).ok()?),
            8 if self.date.is_none() => self.date = Some(NaiveDate::parse_from_str(word, "%Y%m%d").ok()?),
            1 | 2 => self.numbers.push(number),
            _ => return None,
        }
        Some(())
    }

    fn local(&self) -> Option<NaiveDateTime> {
        let date = match self.date {
            Some(date) => date,
            None => self.day()?,
        };
        let mut time = self.time?;
        if let Some(afternoon) = self.afternoon {
            let hour = time.hour();
            time = match (hour, afternoon) {
                (12, false) => time.with_hour(0)?,
                (1..=11, true) => time.with_hour(hour + 12)?,
                _ => time,
            };
        }
        Some(date.and_time(time))
    }

    /// Day, month and year from what was found.
    fn day(&self) -> Option<NaiveDate> {
        let month = self.month?;
        let (day, year) = match (self.numbers.as_slice(), self.year) {
            ([day], Some(year)) => (*day, year),
            // RFC 5322 section 4.3: two digits below 50 are of this century.
            ([day, year], None) => (*day, i32::try_from(*year).ok()? + if *year < 50 { 2000 } else { 1900 }),
            _ => return None,
        };
        NaiveDate::from_ymd_opt(year, month, day)
    }
}

/// A date in one word: `2026-11-29`, `29-Nov-2026`, `29.11.2026`, `11/29/2026`, `2026/11/29`.
fn whole(word: &str) -> Option<NaiveDate> {
    let mark = word.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
    let parts: Vec<_> = word.split(mark).collect();
    let [first, second, third] = parts.as_slice() else {
        return None;
    };
    let number = |text: &str| is_number(Some(text)).then(|| text.parse::<u32>().ok()).flatten();
    let year = |text: &str| {
        let year = i32::try_from(number(text)?).ok()?;
        match text.len() {
            4 => Some(year),
            2 => Some(year + if year < 50 { 2000 } else { 1900 }),
            _ => None,
        }
    };
    if let Some(month) = month(second) {
        return NaiveDate::from_ymd_opt(year(third)?, month, number(first)?);
    }
    let (first_number, second_number) = (number(first)?, number(second)?);
    if first.len() == 4 {
        return NaiveDate::from_ymd_opt(year(first)?, second_number, number(third)?);
    }
    match mark {
        '.' => NaiveDate::from_ymd_opt(year(third)?, second_number, first_number),
        // Nobody can tell 3/4 from 4/3: what may be either is neither.
        _ if first_number > 12 => NaiveDate::from_ymd_opt(year(third)?, second_number, first_number),
        _ if second_number > 12 || first_number == second_number => {
            NaiveDate::from_ymd_opt(year(third)?, first_number, second_number)
        }
        _ => None,
    }
}

/// `10.00.00`, as some programs write a time.
fn is_dotted_time(word: &str) -> bool {
    let parts: Vec<_> = word.split('.').collect();
    matches!(parts.len(), 2 | 3)
        && parts
            .iter()
            .all(|part| (1..=2).contains(&part.len()) && is_number(Some(part)))
}

fn half(lower: &str) -> Option<bool> {
    match lower {
        "am" | "a.m" => Some(false),
        "pm" | "p.m" => Some(true),
        _ => None,
    }
}

/// By its first three letters, also where it is written out.
fn month(lower: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let lower = if lower == "sept" { "sep" } else { lower };
    let place = MONTHS
        .iter()
        .position(|month| lower.len() >= 3 && (*month == lower || month.get(..3) == Some(lower)))?;
    u32::try_from(place + 1).ok()
}

fn is_weekday(lower: &str) -> bool {
    const DAYS: [&str; 7] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    lower.len() >= 3 && DAYS.iter().any(|day| day.starts_with(lower))
}

#[cfg(test)]
#[path = "date_tests.rs"]
mod tests;
