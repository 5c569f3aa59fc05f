//! Patterns with `*` and `?`: what they match, and whether that can be anything at all. The one place that judges one. Pure.
//!
//! Whoever comes from a shell, a regular expression or another program writes what those know. Taken as it stands, it would match nothing,
//! for ever and without a word; so what can't match is refused, with what was likely meant.

use wildmatch::WildMatch;

pub use super::example::PatternTarget;
use super::{example::example, problem::Fault};

/// A pattern, ready to match without regard to case.
#[derive(Debug, Clone, PartialEq)]
pub enum Glob {
    /// Written with a `=` in front: exactly this.
    Exact(String),
    /// `*` is any text, `?` any character.
    Wild(WildMatch),
}

impl Glob {
    /// The pattern as it is written.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        match pattern.strip_prefix('=') {
            Some(exact) => Self::Exact(exact.to_lowercase()),
            None => Self::Wild(WildMatch::new_case_insensitive(pattern)),
        }
    }

    /// Whether a text is meant.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => *exact == text.to_lowercase(),
            Self::Wild(wild) => wild.matches(text),
        }
    }
}

/// Text in a pattern that makes it a list in other programs.
const SEPARATORS: [char; 3] = [';', ',', '|'];
/// Characters that stand in no address (but for quoted ones, which are not answered either).
const NEVER_IN_ADDRESSES: &[char] = &[
    ' ', ',', ';', ':', '<', '>', '"', '(', ')', '[', ']', '\\', '{', '}', '|',
];
/// Extensions that people write without the rest.
const EXTENSIONS: [&str; 34] = [
    "pdf", "doc", "docx", "xls", "xlsx", "csv", "txt", "xml", "json", "zip", "gz", "png", "jpg", "jpeg", "tif", "tiff",
    "gif", "eml", "msg", "htm", "html", "ppt", "pptx", "rtf", "odt", "ods", "odp", "p7m", "ics", "svg", "mp3", "mp4",
    "wav", "edi",
];
/// Bytes of a pattern at most.
const LONGEST: usize = 500;
/// What media types begin with.
const TOP_TYPES: [&str; 8] = [
    "application/",
    "audio/",
    "font/",
    "image/",
    "message/",
    "multipart/",
    "text/",
    "video/",
];
/// Characters of an extension at most.
const LONGEST_EXTENSION: usize = 5;

/// For a program's arguments: the pattern, or why it is none.
///
/// # Errors
/// In words, when it could match nothing.
pub fn argument(against: PatternTarget, pattern: &str) -> Result<String, String> {
    match flaw(against, pattern) {
        None => Ok(pattern.to_owned()),
        Some(Fault { cause, cure }) => Err(format!("{cause}; {cure}")),
    }
}

/// Why a pattern matches nothing, or surely not what was meant, and what to write.
pub(super) fn flaw(against: PatternTarget, pattern: &str) -> Option<Fault> {
    if pattern.len() > LONGEST {
        let cure = format!("write {LONGEST} bytes at most; several patterns make a list");
        return Some(Fault::new("is too long for a pattern", cure));
    }
    let of_kind = || match against {
        // Exactly what is meant was said.
        _ if pattern.starts_with('=') => None,
        PatternTarget::Address => of_address(pattern),
        PatternTarget::Domain => of_domain(pattern),
        PatternTarget::Detail => of_detail(pattern),
        PatternTarget::Subject => of_subject(pattern),
        PatternTarget::FileName => of_file(pattern),
        PatternTarget::MediaType => of_media_type(pattern),
    };
    let found = by_form(against, pattern).or_else(of_kind);
    found.or_else(|| {
        let unmatched = example(against, pattern).is_none();
        unmatched.then(|| no(pattern, against.never(), against.usual()))
    })
}

impl PatternTarget {
    fn never(self) -> &'static str {
        match self {
            Self::Address => "which no mail address can match",
            Self::Domain => "which no domain can match",
            Self::Detail => "which nothing between + and @ of an address can match",
            Self::Subject => "which no subject can match",
            Self::FileName => "which no file's name can match",
            Self::MediaType => "which no media type can match",
        }
    }

    fn usual(self) -> &'static str {
        match self {
            Self::Address => "write an address with * and ? for what may be anything, such as \"*@supplier.example\"",
            Self::Domain => "write a domain such as \"supplier.example\" or \"*.supplier.example\"",
            Self::Detail => "write what stands between + and @, such as \"tickets\" or \"bug-*\"",
            Self::Subject => "write it with * for what may be anything, such as \"*invoice*\"",
            Self::FileName => "write a name with * for what may be anything, such as \"*.pdf\"",
            Self::MediaType => "write it as in \"application/pdf\" or \"image/*\"",
        }
    }
}

fn no(pattern: &str, what: &str, cure: &str) -> Fault {
    Fault::new(format!("is \"{pattern}\", {what}"), cure)
}

fn instead(pattern: &str, what: &str, write: &str) -> Fault {
    no(pattern, what, &format!("write \"{write}\""))
}

/// What any kind of pattern may have of other programs.
fn by_form(against: PatternTarget, pattern: &str) -> Option<Fault> {
    if let Some(exact) = pattern.strip_prefix('=') {
        if against == PatternTarget::Subject && exact.starts_with('?') && exact.ends_with("?=") {
            let what = "which is encoded; subjects are matched as people read them";
            return Some(no(pattern, what, against.usual()));
        }
        if exact.contains('*')
            && matches!(
                against,
                PatternTarget::Address | PatternTarget::Domain | PatternTarget::MediaType
            )
        {
            return Some(instead(pattern, "but behind a = the * is only itself", exact));
        }
        let blank = exact.trim() != exact || exact.is_empty();
        return blank.then(|| instead(pattern, "exactly, with a blank", &format!("={}", exact.trim())));
    }
    if pattern.trim() != pattern {
        return Some(instead(pattern, "with a blank at its start or end", pattern.trim()));
    }
    if let Some(wanted) = pattern.strip_prefix('!').filter(|wanted| !wanted.is_empty()) {
        let cure = match against {
            PatternTarget::Address | PatternTarget::Domain => format!("write \"{wanted}\" in deny of [senders]"),
            PatternTarget::FileName => format!("write \"{wanted}\" in not_attachments of [when]"),
            _ => "name what is meant, not what is not".to_owned(),
        };
        return Some(no(pattern, "but a ! is only itself here, and no \"not\"", &cure));
    }
    if against == PatternTarget::FileName
        && let Some((_, name)) = pattern.rsplit_once(['/', '\\']).filter(|(folder, _)| !is_media(folder))
    {
        return Some(instead(
            pattern,
            "but names of files have no folders",
            if name.is_empty() { "*" } else { name },
        ));
    }
    if let Some(list) = braces(pattern).or_else(|| listed(against, pattern)) {
        let list = list.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>();
        let what = "which is one pattern; lists are lists here";
        return Some(no(pattern, what, &format!("write [{}]", list.join(", "))));
    }
    if let Some((write, folds)) = classes(pattern) {
        let what = match folds {
            true => "but case is ignored anyway, and [ and ] are only themselves",
            false => "but there are no classes of characters: [ and ] are only themselves",
        };
        return Some(instead(pattern, what, &write));
    }
    if let Some(words) = between_slashes(pattern).filter(|_| against == PatternTarget::Subject) {
        let what = "a regular expression; only * (anything) and ? (one character) are known here";
        return Some(instead(pattern, what, &format!("*{}*", words.trim_matches(['^', '$']))));
    }
    let escapes = ["\\d", "\\w", "\\s", "\\.", "\\b", "\\S", "\\@"];
    let is_regex = pattern.starts_with(".*") && pattern != ".*"
        || pattern.starts_with('^')
        || pattern.ends_with(".*$")
        || escapes.iter().any(|escape| pattern.contains(escape));
    is_regex.then(|| {
        let plain = pattern.trim_start_matches('^').trim_end_matches('$');
        let plain = plain
            .replace(".*", "*")
            .replace(".+", "?*")
            .replace("\\d+", "*")
            .replace("\\.", ".");
        let what = "a regular expression; only * (anything) and ? (one character) are known here";
        match plain.contains('\\') {
            true => no(pattern, what, against.usual()),
            false => instead(pattern, what, &plain),
        }
    })
}

/// Whether this begins a media type.
fn is_media(folder: &str) -> bool {
    let folder = format!("{}/", folder.to_ascii_lowercase());
    TOP_TYPES.contains(&folder.as_str())
}

/// The words of `/words/i`, as some languages write a regular expression.
fn between_slashes(pattern: &str) -> Option<&str> {
    let (words, flags) = pattern.strip_prefix('/')?.rsplit_once('/')?;
    let are_flags = flags.len() <= 3 && flags.bytes().all(|b| b"gimsux".contains(&b));
    (are_flags && !words.is_empty()).then_some(words)
}

/// `{a,b}`, spread out as a shell does.
fn braces(pattern: &str) -> Option<Vec<String>> {
    let (before, rest) = pattern.split_once('{')?;
    let (inside, after) = rest.split_once('}')?;
    let parts = inside.split(',').map(|part| format!("{before}{}{after}", part.trim()));
    inside.contains(',').then(|| parts.collect())
}

/// Several patterns in one text. In a subject or a name a `;` may be itself, so each part has to look like a pattern.
fn listed(against: PatternTarget, pattern: &str) -> Option<Vec<String>> {
    let parts: Vec<_> = pattern.split(SEPARATORS).map(|part| part.trim().to_owned()).collect();
    let is_one = |part: &String| match against {
        PatternTarget::Address => part.contains('@') || part.contains('.') || part.contains('*'),
        PatternTarget::Domain | PatternTarget::Detail => true,
        PatternTarget::MediaType => part.contains('/'),
        PatternTarget::FileName => part.starts_with("*.") || extension(part).is_some(),
        PatternTarget::Subject => part.len() > 1 && (part.starts_with('*') || part.ends_with('*')),
    };
    // A word in place of another is what a `|` means wherever it means anything.
    let bare = pattern.trim_matches('*');
    let alternatives: Vec<_> = bare.split('|').collect();
    let are_words = |words: &[&str]| {
        words
            .iter()
            .all(|word| word.len() > 1 && word.trim() == *word && !word.contains('*'))
    };
    if against == PatternTarget::Subject && alternatives.len() > 1 && are_words(&alternatives) {
        return Some(alternatives.iter().map(|word| format!("*{word}*")).collect());
    }
    (parts.len() > 1 && parts.iter().all(|part| !part.is_empty() && is_one(part))).then_some(parts)
}

/// What a name ends in behind its last dot, where that is like an extension.
fn extension(name: &str) -> Option<&str> {
    let (stem, extension) = name.rsplit_once('.')?;
    let alike =
        (1..=LONGEST_EXTENSION).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    (alike && !stem.contains(' ')).then_some(extension)
}

/// The same without classes of characters, and whether they were about case alone.
fn classes(pattern: &str) -> Option<(String, bool)> {
    let (mut plain, mut rest) = (String::new(), pattern);
    let (mut found, mut folds) = (false, true);
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        let Some((inside, behind)) = after.split_once(']') else {
            plain.push('[');
            rest = after;
            continue;
        };
        let one = folded(inside);
        if one.is_none() && !is_range(inside) {
            plain.push('[');
            rest = after;
            continue;
        }
        (found, folds) = (true, folds && one.is_some());
        plain.push(one.unwrap_or('?'));
        rest = behind;
    }
    plain.push_str(rest);
    found.then_some((plain, folds))
}

/// The letter of `[xX]`.
fn folded(inside: &str) -> Option<char> {
    let mut letters = inside.chars();
    let (one, other) = (letters.next()?, letters.next()?);
    let same = one != other && one.to_lowercase().eq(other.to_lowercase()) && letters.next().is_none();
    same.then(|| one.to_ascii_lowercase())
}

/// Whether this is `0-9`, `A-Za-z`, `!x` and the like, and no word such as a ticket's number.
fn is_range(inside: &str) -> bool {
    let negated = inside.strip_prefix(['!', '^']);
    let mut rest = negated.unwrap_or(inside).as_bytes();
    let mut ranges = 0;
    while let [from, b'-', to, behind @ ..] = rest {
        let alike = from.is_ascii_digit() == to.is_ascii_digit() && from < to;
        if !(alike && from.is_ascii_alphanumeric() && to.is_ascii_alphanumeric()) {
            return false;
        }
        (ranges, rest) = (ranges + 1, behind);
    }
    match negated {
        Some(some) => !some.is_empty() && (ranges > 0 || some.len() == 1),
        None => ranges > 0 && matches!(rest, [] | [b'_' | b'-' | b'.']),
    }
}

fn of_address(pattern: &str) -> Option<Fault> {
    const NO: &str = "which is no mail address";
    if let Some((_, inside)) = pattern.split_once('<') {
        let address = inside.trim_end_matches('>').trim();
        return Some(instead(pattern, "but names are not matched, only addresses", address));
    }
    if let Some(address) = pattern.strip_prefix("mailto:") {
        return Some(instead(pattern, NO, address));
    }
    match pattern.split_once('@') {
        Some(("", domain)) if !domain.is_empty() => Some(instead(pattern, NO, &format!("*@{domain}"))),
        Some((local, "")) if !local.is_empty() => Some(instead(pattern, NO, &format!("{local}@*"))),
        Some((local, domain)) if domain.starts_with('.') => Some(instead(pattern, NO, &format!("{local}@*{domain}"))),
        None if pattern.contains('*') || pattern.contains(NEVER_IN_ADDRESSES) => None,
        None if pattern.starts_with('.') => Some(instead(pattern, "which is a domain", &format!("*@*{pattern}"))),
        None if pattern.contains('.') => Some(instead(pattern, "which is a domain", &format!("*@{pattern}"))),
        None => Some(instead(pattern, NO, &format!("{pattern}@*"))),
        Some(_) => None,
    }
}

fn of_domain(pattern: &str) -> Option<Fault> {
    let (_, domain) = pattern.split_once('@')?;
    (!domain.is_empty()).then(|| instead(pattern, "which is an address", domain))
}

fn of_detail(pattern: &str) -> Option<Fault> {
    const NO: &str = "but only what stands between + and @ is matched";
    let local = pattern.split_once('@').map_or(pattern, |(local, _)| local);
    let detail = local.split_once('+').map_or(local, |(_, detail)| detail);
    (pattern.contains('@') || pattern.starts_with('+')).then(|| instead(pattern, NO, detail))
}

/// One word alone would have to be the whole subject, which is rarely what was meant.
fn of_subject(pattern: &str) -> Option<Fault> {
    let is_word = !pattern.contains(['*', '?']) && !pattern.contains(char::is_whitespace);
    is_word.then(|| {
        let what = "which is met by no subject but exactly this word";
        let cure =
            format!("write \"*{pattern}*\" for subjects that have it in them, or \"={pattern}\" for exactly this");
        no(pattern, what, &cure)
    })
}

fn of_file(pattern: &str) -> Option<Fault> {
    const NO: &str = "but names of files are matched";
    let lower = pattern.to_ascii_lowercase();
    if let Some(kind) = TOP_TYPES.iter().find_map(|top| lower.strip_prefix(top)) {
        let likely = extension(&format!("x.{kind}")).map(|extension| format!("*.{extension}"));
        let cure = match likely {
            Some(likely) => format!("write \"{likely}\"; media types are matched by [inputs], with media_type"),
            None => "write \"*.pdf\" and the like; media types are matched by [inputs], with media_type".to_owned(),
        };
        return Some(no(
            pattern,
            "which is a media type, but names of files are matched",
            &cure,
        ));
    }
    if pattern.contains(['*', '?']) {
        return None;
    }
    match pattern.strip_prefix('.') {
        Some(extension) if !extension.is_empty() && !extension.contains('.') => {
            return Some(instead(pattern, NO, &format!("*.{extension}")));
        }
        _ if pattern.contains('.') => return None,
        _ => {}
    }
    let likely = match EXTENSIONS.contains(&lower.as_str()) {
        true => format!("*.{pattern}"),
        false => format!("*{pattern}*"),
    };
    let cure = format!("write \"{likely}\", or \"={pattern}\" for a file that is called so");
    Some(no(pattern, NO, &cure))
}

fn of_media_type(pattern: &str) -> Option<Fault> {
    let name = pattern.trim_start_matches('*').trim_start_matches('.');
    let likely = match name.to_ascii_lowercase().as_str() {
        "pdf" | "zip" | "json" | "xml" => Some(format!("application/{name}")),
        "png" | "jpeg" | "gif" | "tiff" => Some(format!("image/{name}")),
        "jpg" => Some("image/jpeg".to_owned()),
        "txt" => Some("text/plain".to_owned()),
        "csv" | "html" => Some(format!("text/{name}")),
        _ => None,
    };
    let (bare, _) = pattern.split_once(';').unwrap_or((pattern, ""));
    match likely {
        Some(likely) => Some(instead(pattern, "which is no media type", &likely)),
        None if bare != pattern => Some(instead(pattern, "but parameters are not matched", bare.trim())),
        None if !bare.contains('/') => Some(no(pattern, "which is no media type", PatternTarget::MediaType.usual())),
        None => None,
    }
}

#[cfg(test)]
#[path = "glob_tests.rs"]
mod tests;
