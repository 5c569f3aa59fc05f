//! Names for files from a mail, safe in every folder of every system. Pure.
//!
//! A name is one path component of at most [`MAX_BYTES`] bytes, never empty, never hidden, never an option (`-rf`), without control,
//! bidirectional and zero-width characters, legal on Windows, and different from its siblings even where case is ignored.

use std::collections::HashSet;

/// Bytes of a name at most.
pub const MAX_BYTES: usize = 150;

/// Bytes of an extension that survives when a name is cut.
const MAX_EXTENSION: usize = 20;

/// The names of one folder.
#[derive(Debug, Default)]
pub struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// A safe name near the wanted one that no earlier call returned.
    pub fn add(&mut self, wanted: Option<&str>, media_type: &str) -> String {
        self.unique(wanted, media_type, '-', 2)
    }

    /// The same for results: `out.pdf`, `out_1.pdf`, `out_2.pdf`.
    pub fn add_indexed(&mut self, wanted: Option<&str>, media_type: &str) -> String {
        self.unique(wanted, media_type, '_', 1)
    }

    fn unique(&mut self, wanted: Option<&str>, media_type: &str, mark: char, first: usize) -> String {
        let name = safe_name(wanted.unwrap_or_default(), media_type);
        let mut unique = name.clone();
        let mut number = first;
        while !self.taken.insert(unique.to_lowercase()) {
            unique = numbered(&name, mark, number);
            number += 1;
        }
        unique
    }
}

/// A safe name near the wanted one; where nothing of it is usable, `attachment` with the media type's extension.
#[must_use]
pub fn safe_name(wanted: &str, media_type: &str) -> String {
    let named = if is_path(wanted) {
        wanted.rsplit(['/', '\\']).next().unwrap_or_default()
    } else {
        wanted
    };
    let replaced: String = named.chars().filter(|&c| !is_hidden(c)).map(legal).collect();
    let trimmed = replaced.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
    if trimmed.is_empty() {
        return format!("attachment.{}", extension(media_type));
    }
    let prefix = if is_reserved(trimmed) || trimmed.starts_with('-') {
        "_"
    } else {
        ""
    };
    let (stem, extension) = split(trimmed);
    join(&format!("{prefix}{stem}"), "", extension)
}

/// Whether a name says where a file lay. A `/` alone doesn't: people write `Invoice 4711/2026.pdf`, and of that no part may be lost.
fn is_path(name: &str) -> bool {
    let begins = name.starts_with(['/', '~']) || name.as_bytes().get(1) == Some(&b':');
    let goes = || name.split('/').any(|part| matches!(part.trim(), "" | "." | ".."));
    name.contains('\\') || name.contains('/') && (begins || goes())
}

fn numbered(name: &str, mark: char, number: usize) -> String {
    let (stem, extension) = split(name);
    join(stem, &format!("{mark}{number}"), extension)
}

/// Cuts the stem so that the whole fits.
fn join(stem: &str, suffix: &str, extension: &str) -> String {
    let room = MAX_BYTES.saturating_sub(suffix.len() + extension.len());
    let cut = stem.get(..stem.floor_char_boundary(room)).unwrap_or(stem);
    format!("{}{suffix}{extension}", cut.trim_end_matches(['.', ' ']))
}

/// The stem, and the extension with its dot where there is one that is worth keeping.
#[must_use]
pub fn split(name: &str) -> (&str, &str) {
    name.rfind('.')
        .filter(|&dot| dot > 0 && name.len() - dot <= MAX_EXTENSION)
        .and_then(|dot| name.split_at_checked(dot))
        .unwrap_or((name, ""))
}

/// Characters that can't be seen, or that change how others are seen.
fn is_hidden(c: char) -> bool {
    super::clean::is_unfit(c)
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Windows refuses these; other spaces than the ASCII one only confuse.
fn legal(c: char) -> char {
    match c {
        '<' | '>' | ':' | '"' | '|' | '?' | '*' | '/' => '_',
        c if c.is_whitespace() => ' ',
        c => c,
    }
}

/// Windows' device names, with any extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let is = |device: &str| stem.eq_ignore_ascii_case(device);
    let mut chars = stem.chars();
    let port = chars
        .next_back()
        .is_some_and(|c| matches!(c, '0'..='9' | '¹' | '²' | '³'))
        && (chars.as_str().eq_ignore_ascii_case("com") || chars.as_str().eq_ignore_ascii_case("lpt"));
    port || ["con", "prn", "aux", "nul", "conin$", "conout$"].into_iter().any(is)
}

/// The usual extension of a media type; where we know none, `txt` for what is text and `bin` for the rest.
#[must_use]
pub fn extension(media_type: &str) -> &'static str {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    EXTENSIONS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(essence))
        .map(|(_, extension)| *extension)
        .unwrap_or_else(|| if is_text(essence) { "txt" } else { "bin" })
}

/// The usual media type for a file's extension; `application/octet-stream` where we know none.
#[must_use]
pub fn media_type(name: &str) -> &'static str {
    let (_, extension) = split(name);
    EXTENSIONS
        .iter()
        .find(|(_, known)| {
            extension
                .strip_prefix('.')
                .is_some_and(|found| found.eq_ignore_ascii_case(known))
        })
        .map_or("application/octet-stream", |(media_type, _)| media_type)
}

fn is_text(media_type: &str) -> bool {
    let kind = media_type.split('/').next().unwrap_or_default();
    ["text", "message"]
        .into_iter()
        .any(|text| kind.eq_ignore_ascii_case(text))
}

const EXTENSIONS: [(&str, &str); 19] = [
    ("application/pdf", "pdf"),
    ("application/json", "json"),
    ("application/xml", "xml"),
    ("application/zip", "zip"),
    ("application/msword", "doc"),
    ("application/vnd.ms-excel", "xls"),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx",
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    ("image/gif", "gif"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/svg+xml", "svg"),
    ("image/tiff", "tif"),
    ("message/rfc822", "eml"),
    ("text/calendar", "ics"),
    ("text/csv", "csv"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/xml", "xml"),
];

#[cfg(test)]
#[path = "safe_name_tests.rs"]
mod tests;
