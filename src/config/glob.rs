//! Patterns with `*` and `?`: what they match, and whether that can be anything at all. The one place that judges one. Pure.
//!
//! Whoever comes from a shell, a regular expression or another program writes what those know. Taken as it stands, it would match nothing,
//! for ever and without a word; so what can't match is refused, with what was likely meant.

use wildmatch::WildMatch;

pub use super::example::PatternTarget;
use super::{
    example::example,
    pattern_forms::{TOP_TYPES, by_form, extension, instead, no},
    problem::Fault,
};

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
