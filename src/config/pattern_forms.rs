//! Patterns as other programs write them: lists, classes of characters, regular expressions, "not". What each was meant as, and what to write
//! in its place. Pure.

use super::{example::PatternTarget, problem::Fault};

/// Text in a pattern that makes it a list in other programs.
const SEPARATORS: [char; 3] = [';', ',', '|'];
/// What media types begin with.
pub(super) const TOP_TYPES: [&str; 8] = [
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

impl PatternTarget {
    pub(super) fn never(self) -> &'static str {
        match self {
            Self::Address => "which no mail address can match",
            Self::Domain => "which no domain can match",
            Self::Detail => "which nothing between + and @ of an address can match",
            Self::Subject => "which no subject can match",
            Self::FileName => "which no file's name can match",
            Self::MediaType => "which no media type can match",
        }
    }

    pub(super) fn usual(self) -> &'static str {
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

pub(super) fn no(pattern: &str, what: &str, cure: &str) -> Fault {
    Fault::new(format!("is \"{pattern}\", {what}"), cure)
}

pub(super) fn instead(pattern: &str, what: &str, write: &str) -> Fault {
    no(pattern, what, &format!("write \"{write}\""))
}

/// What any kind of pattern may have of other programs.
pub(super) fn by_form(against: PatternTarget, pattern: &str) -> Option<Fault> {
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
    let of_windows = pattern.chars().nth(1) == Some(':');
    let folders = if of_windows { '\\' } else { '/' };
    if against == PatternTarget::FileName
        && let Some((_, name)) = pattern.rsplit_once(folders).filter(|(folder, _)| !is_media(folder))
    {
        let name = if name.is_empty() { "*" } else { name };
        return Some(instead(pattern, "but names of files have no folders", name));
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
pub(super) fn extension(name: &str) -> Option<&str> {
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
