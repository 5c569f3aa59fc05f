//! What goes back of an action's result.

use super::{did_you_mean, foreign};
use crate::config::{
    braces::{self, TextPiece},
    declare::{keys, never, usual, usual_as},
    key::Allowed,
    kind::{Bytes, OneOf, WordOrTable},
    sheet::PlacedValue,
    value::{prose, text},
};

keys! {
    /// What goes back of an action's result, and under which names.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Output: Default in "output" "What goes back of the result. Equal names of files get a number: out.pdf, out_1.pdf." {
        name: Option<Vec<NamePiece>> = Allowed::Text => name, never("\"{stem}.{ext}\""), "of each file", below("\
{stem} and {ext} of a file's own name (where the action gives none: {source}, and by its media type), {n} its number, {date} on which the
mail was taken (UTC), {job}, {source} the stem of the job's or only attachment, else the subject, else mail.");
        text: TextFrom = TEXT => text_from,
            usual_as(TextFrom::Stdout, "\"stdout\""),
            "what a command prints or a webhook answers; or none, { file = \"reply.txt\" } of out/, { json = \"/text\" } of the JSON that is said";
        data: Option<DataFrom> = DATA => data_from, never("{ json = \"/data\" }"), "or { file = \"data.json\" }", below("\
For templates and for answers to the reply; of a webhook its top-level data when nothing is written; 256KiB at most.");
        max_size: u64 = Bytes(1 << 10..=1 << 30), usual(20 << 20), "of all files together as they are mailed, in base64";
        oversize: Oversize = OneOf(&[("refuse", Oversize::Refuse), ("drop", Oversize::Drop), ("zip", Oversize::Zip)]),
            usual(Oversize::Refuse), "", below("\
refuse: no file goes back, and sender and operator are told (the job is done); drop: what has no room is left out and named; zip: all
files as one, refused when that is too large (or four times max_size before).");
    }
}

const TEXT: WordOrTable<TextFrom> = WordOrTable {
    words: &[("stdout", TextFrom::Stdout), ("none", TextFrom::Nothing)],
    keys: &[("file", Allowed::Text), ("json", Allowed::Prose)],
    forms: "\"stdout\", \"none\", { file = \"…\" } or { json = \"/…\" }",
};
const DATA: WordOrTable<DataFrom> = WordOrTable {
    words: &[],
    keys: TEXT.keys,
    forms: "{ file = \"…\" } or { json = \"/…\" }",
};

/// A piece of a result file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamePiece {
    /// As written.
    Text(String),
    /// Made for each file.
    Token(NameToken),
}

/// What is made for each result file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameToken {
    /// The result's own name without its extension; where the action gives none, as [`Self::Source`].
    Stem,
    /// The extension of its own name; where it has none, that of its media type.
    Ext,
    /// Its number, from 1.
    N,
    /// The day on which the mail was taken, UTC.
    Date,
    /// The job's id.
    Job,
    /// The attachment's name without its extension: of the job's, or the only one that is handed on; else the subject, else `mail`.
    Source,
}

impl NameToken {
    /// All of them, as they are written.
    pub const ALL: [(&'static str, Self); 6] = [
        ("stem", Self::Stem),
        ("ext", Self::Ext),
        ("n", Self::N),
        ("date", Self::Date),
        ("job", Self::Job),
        ("source", Self::Source),
    ];

    fn piece(piece: TextPiece) -> Result<NamePiece, String> {
        match piece {
            TextPiece::Text(text) => Ok(NamePiece::Text(text)),
            TextPiece::Name(name) => match Self::ALL.iter().find(|(known, _)| *known == name) {
                Some((_, token)) => Ok(NamePiece::Token(*token)),
                None => Err(name),
            },
        }
    }
}

/// Where the text of a reply is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextFrom {
    /// What a command prints, or a webhook answers as text.
    Stdout,
    /// Nowhere.
    Nothing,
    /// A file of the result, which is not attached then.
    File(String),
    /// A value in what a command prints or a webhook answers: JSON, by a pointer (RFC 6901).
    Json(String),
}

/// Where an action's data is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataFrom {
    /// A JSON file of the result, which is not attached then.
    File(String),
    /// A value in what a command prints or a webhook answers: JSON, by a pointer (RFC 6901); all of it when that is empty.
    Json(String),
}

/// What becomes of a result that is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oversize {
    /// The job fails.
    Refuse,
    /// Files that have no room are left out, and the text says so.
    Drop,
    /// All files go as one zip; what is still too large is refused.
    Zip,
}

/// The name of result files, with tokens.
fn name(value: PlacedValue<'_>) -> Option<Vec<NamePiece>> {
    let written = text(value.clone())?;
    if let Some(cure) = elsewhere(&written) {
        return value.wrong(format!("is \"{written}\", in which nothing stands for a name"), cure);
    }
    let known = || NameToken::ALL.map(|(name, _)| format!("{{{name}}}")).join(" ");
    let pieces = match braces::pieces(&written) {
        Ok(pieces) => pieces,
        Err(unpaired) => {
            let cure = format!(
                "write tokens as in \"{{stem}}.{{ext}}\", a brace itself twice; known: {}",
                known()
            );
            return value.wrong(unpaired.to_string(), cure);
        }
    };
    let mut name = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match NameToken::piece(piece) {
            Ok(piece) => name.push(piece),
            Err(unknown) => {
                let near = did_you_mean(&unknown, NameToken::ALL.into_iter().map(|(name, _)| name));
                let cure = near.unwrap_or_else(|| format!("known: {}", known()));
                return value.wrong(format!("has an unknown token {{{unknown}}}"), cure);
            }
        }
    }
    Some(name)
}

/// Tokens as AEM writes them.
fn elsewhere(written: &str) -> Option<String> {
    let ours = [
        ("%F", "{stem}"),
        ("%E", "{ext}"),
        ("%SUBJECT%", "{stem}"),
        ("%f", "{stem}"),
        ("%e", "{ext}"),
    ];
    let translate = |text: String, (theirs, ours): &(&str, &str)| text.replace(theirs, ours);
    let likely = ours.iter().fold(written.to_owned(), translate);
    let known = || NameToken::ALL.map(|(name, _)| format!("{{{name}}}")).join(" ");
    match likely.contains(['%', '$']) {
        _ if likely != written && !likely.contains('%') => Some(format!("write \"{likely}\"; known: {}", known())),
        true if foreign::of_mails(written, std::iter::empty()).is_some() => {
            Some(format!("write tokens as in \"{{stem}}.{{ext}}\"; known: {}", known()))
        }
        _ => None,
    }
}

fn text_from(value: PlacedValue<'_>) -> Option<TextFrom> {
    TEXT.read(value, |key, value| match key {
        "file" => file_name(value).map(TextFrom::File),
        _ => pointer(value).map(TextFrom::Json),
    })
}

fn data_from(value: PlacedValue<'_>) -> Option<DataFrom> {
    DATA.read(value, |key, value| match key {
        "file" => file_name(value).map(DataFrom::File),
        _ => pointer(value).map(DataFrom::Json),
    })
}

fn file_name(value: PlacedValue<'_>) -> Option<String> {
    let name = text(value.clone())?;
    if name.contains(['/', '\\']) {
        return value.wrong("has a folder", "write the name of a file in out/ only");
    }
    Some(name)
}

/// RFC 6901: empty, or each step after a `/`.
fn pointer(value: PlacedValue<'_>) -> Option<String> {
    let pointer = prose(value.clone())?;
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return value.wrong("is no JSON pointer", "begin it with /, as in \"/result/text\"");
    }
    Some(pointer)
}
