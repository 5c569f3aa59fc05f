//! What goes back of an action's result.

use toml::de::DeValue;

use super::{did_you_mean, foreign};
use crate::config::{
    DataFrom, NamePiece, NameToken, Output, Oversize, TextFrom, braces,
    sheet::Value,
    table::Table,
    value::{choice, prose, size, text},
};

/// Reads `[output]`.
pub(super) fn output(table: &mut Table<'_>) -> Option<Output> {
    let usual = Output::default();
    let oversize = [
        ("refuse", Oversize::Refuse),
        ("drop", Oversize::Drop),
        ("zip", Oversize::Zip),
    ];
    Some(Output {
        name: table.get("name", name),
        text: table.or("text", usual.text, text_from),
        data: table.get("data", |value| {
            place(value, "write { file = \"…\" } or { json = \"/…\" }").map(data_from)
        }),
        max_size: table.or("max_size", usual.max_size, size(1 << 10..=1 << 30)),
        oversize: table.or("oversize", usual.oversize, choice(&oversize)),
    })
}

/// The name of result files, with tokens.
fn name(value: Value<'_>) -> Option<Vec<NamePiece>> {
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

fn text_from(value: Value<'_>) -> Option<TextFrom> {
    const CURE: &str = "write \"stdout\", \"none\", { file = \"…\" } or { json = \"/…\" }";
    match value.raw {
        DeValue::String(word) if word == "stdout" => Some(TextFrom::Stdout),
        DeValue::String(word) if word == "none" => Some(TextFrom::Nothing),
        DeValue::String(word) => value.wrong(format!("is \"{word}\""), CURE),
        _ => place(value, CURE).map(|place| match place {
            Place::File(name) => TextFrom::File(name),
            Place::Json(pointer) => TextFrom::Json(pointer),
        }),
    }
}

fn data_from(place: Place) -> DataFrom {
    match place {
        Place::File(name) => DataFrom::File(name),
        Place::Json(pointer) => DataFrom::Json(pointer),
    }
}

/// A place in a result.
enum Place {
    File(String),
    Json(String),
}

/// `{ file = "…" }` or `{ json = "/…" }`.
fn place(value: Value<'_>, cure: &str) -> Option<Place> {
    let here = value.clone();
    value.table(
        |table| match (table.get("file", file_name), table.get("json", pointer)) {
            (Some(name), None) => Some(Place::File(name)),
            (None, Some(pointer)) => Some(Place::Json(pointer)),
            (Some(_), Some(_)) => here.wrong("names a file and a place in JSON", cure),
            (None, None) if table.value("file").or(table.value("json")).is_some() => None,
            (None, None) => here.wrong("names no place", cure),
        },
    )
}

fn file_name(value: Value<'_>) -> Option<String> {
    let name = text(value.clone())?;
    if name.contains(['/', '\\']) {
        return value.wrong("has a folder", "write the name of a file in out/ only");
    }
    Some(name)
}

/// RFC 6901: empty, or each step after a `/`.
fn pointer(value: Value<'_>) -> Option<String> {
    let pointer = prose(value.clone())?;
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return value.wrong("is no JSON pointer", "begin it with /, as in \"/result/text\"");
    }
    Some(pointer)
}
