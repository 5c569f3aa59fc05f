//! An answer's own text, without the mail that it quotes. Pure.
//!
//! What is certain is cut: lines with `>` below "On … wrote:", and what Outlook and its kin put below their separators. Where there is
//! doubt everything is kept, as it is where nothing would be left but for a separator that people write too.

/// Bytes that are kept.
const MAX: usize = 64 * 1024;
/// Lines over which a mail program wraps "On … wrote:".
const WRAPPED: usize = 3;
/// Bytes of "On … wrote:", at most.
const LONGEST: usize = 400;
/// Lines of Outlook's copy of a header below the first.
const HEADER: usize = 6;

/// The words of programs that put "On … wrote:" above a quote: how it begins, and what stands in or at the end of it.
const ATTRIBUTIONS: [(&str, &str); 6] = [
    ("on ", " wrote"),
    ("am ", " schrieb"),
    ("le ", " a écrit"),
    ("el ", " escribió"),
    ("il ", " ha scritto"),
    ("op ", " schreef"),
];
/// Words between dashes.
const ORIGINAL: [&str; 7] = [
    "original message",
    "original appointment",
    "ursprüngliche nachricht",
    "message d'origine",
    "mensaje original",
    "messaggio originale",
    "oorspronkelijk bericht",
];
/// The names that Outlook gives From, and Date, To and Subject.
const FROM: [&str; 5] = ["from", "von", "de", "da", "van"];
const OTHERS: [&[&str]; 3] = [
    &[
        "sent",
        "date",
        "gesendet",
        "datum",
        "envoyé",
        "enviado",
        "inviato",
        "verzonden",
        "fecha",
        "data",
    ],
    &["to", "an", "à", "para", "a", "aan"],
    &["subject", "betreff", "objet", "asunto", "oggetto", "onderwerp"],
];

/// The text of an answer without what it quotes; at most 64 KiB of it.
#[must_use]
pub fn own_text(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let own = match first_quote(&lines) {
        Some(Quote::Marked { from, to }) => {
            let below = lines.get(to..).unwrap_or_default();
            let below = below.iter().filter(|line| !is_quoted(line)).copied();
            let above = lines.get(..from).unwrap_or_default();
            let joined = joined(above.iter().copied().chain(below));
            return kept(&joined);
        }
        Some(Quote::Unmarked { from }) => lines.get(..from),
        None => before_last_quote(&lines),
    };
    let own = own.map(|own| joined(own.iter().copied())).filter(|own| !own.is_empty());
    kept(&own.unwrap_or_else(|| joined(lines.iter().copied())))
}

fn kept(text: &str) -> String {
    text.get(..text.floor_char_boundary(MAX)).unwrap_or_default().to_owned()
}

fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<_> = lines.collect();
    let blank = |c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}');
    lines.join("\n").trim_matches(blank).to_owned()
}

/// Where a quote begins.
enum Quote {
    /// Lines `from..to` say whose words follow, and those are marked.
    Marked { from: usize, to: usize },
    /// From here on all is quoted.
    Unmarked { from: usize },
}

fn first_quote(lines: &[&str]) -> Option<Quote> {
    (0..lines.len()).find_map(|place| {
        let here = lines.get(place..)?;
        if is_separator(here) || is_header(here) {
            return Some(Quote::Unmarked { from: place });
        }
        let (length, has_address) = attribution(here)?;
        let mut below = here.iter().skip(length).filter(|line| !line.is_empty());
        match below.next() {
            Some(next) if is_quoted(next) => Some(Quote::Marked {
                from: place,
                to: place + length,
            }),
            // Without marks, only a program would have written an address and nothing but these words.
            _ if has_address => Some(Quote::Unmarked { from: place }),
            _ => None,
        }
    })
}

fn is_quoted(line: &str) -> bool {
    line.starts_with('>')
}

/// All above the marked lines at the end, if there are any.
fn before_last_quote<'a, 't>(lines: &'a [&'t str]) -> Option<&'a [&'t str]> {
    let own = lines.iter().rposition(|line| !line.is_empty() && !is_quoted(line))?;
    lines.get(..=own)
}

/// How many lines "On … wrote:" takes, and whether it names an address.
fn attribution(lines: &[&str]) -> Option<(usize, bool)> {
    let first = lines.first()?.trim_start().to_lowercase();
    let (_, verb) = ATTRIBUTIONS.iter().find(|(opener, _)| first.starts_with(opener))?;
    let mut all = String::new();
    for (count, line) in (1..).zip(lines.iter().take(WRAPPED)) {
        if line.is_empty() || is_quoted(line) || all.len() + line.len() > LONGEST {
            return None;
        }
        all.push(' ');
        all.push_str(&line.trim().to_lowercase());
        let is_said = all.contains(verb) && all.contains(|c: char| c.is_ascii_digit());
        if is_said && all.ends_with(':') {
            return Some((count, all.contains('@')));
        }
    }
    None
}

/// `-----Original Message-----`, or a long line above a copy of a header.
fn is_separator(lines: &[&str]) -> bool {
    let Some(line) = lines.first().map(|line| line.trim()) else {
        return false;
    };
    let words = line.trim_matches(['-', ' ']).to_lowercase();
    let dashed = line.starts_with("--") && line.ends_with("--") && ORIGINAL.contains(&words.as_str());
    let ruled = line.len() >= 10 && line.bytes().all(|byte| byte == b'_');
    let next = lines.iter().skip(1).position(|line| !line.is_empty());
    dashed || (ruled && next.and_then(|next| lines.get(next + 1..)).is_some_and(is_header))
}

/// Outlook's copy of a header: From, then two of Date, To and Subject at least.
fn is_header(lines: &[&str]) -> bool {
    let named = |line: &&str, names: &[&str]| {
        let line = line.trim().trim_start_matches('*').to_lowercase();
        line.split_once(':')
            .is_some_and(|(name, _)| names.contains(&name.trim_end_matches(['*', ' ', '\u{a0}'])))
    };
    let below = || lines.iter().skip(1).take(HEADER);
    lines.first().is_some_and(|first| named(first, &FROM))
        && OTHERS
            .iter()
            .filter(|names| below().any(|line| named(line, names)))
            .count()
            >= 2
}

#[cfg(test)]
#[path = "quote_tests.rs"]
mod tests;
