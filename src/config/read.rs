//! Reads TOML value by value and notes every fault at its place, where serde would stop at the first. Pure.
//!
//! A value that can't be used is noted and reads as absent, so that reading goes on. Tables are in `table`.

use std::path::Path;

use toml::de::DeTable;

use super::{
    defaults::Defaults,
    key_table::{FileKind, KnownKeys},
    problem::Problem,
    sheet::{Checked, DefaultsTable, Sheet},
    slip::{ParseError, slip},
    table::Table,
};

/// Reads a whole file of a kind; `read` gets its top table. What the file does not say may stand in defaults: what is wrong with those is
/// told too.
pub(super) fn read<T>(
    (kind, known): (FileKind, &'static KnownKeys),
    defaults: Option<&Defaults<'_>>,
    (file, text): (&Path, &str),
    read: impl FnOnce(&mut Table<'_>) -> Option<T>,
) -> Checked<T> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut sheet = Sheet::new(file, text, (kind, known), root.get_ref());
    let complaints: Vec<_> = errors.iter().map(complaint).collect();
    let slip = slip(text, &complaints, known.is_known);
    sheet.is_torn = slip.is_some();
    let below = defaults.map(|defaults| {
        let sheet = Sheet::new(defaults.file, defaults.text, (kind, known), &defaults.table);
        (sheet, &defaults.table)
    });
    let top = Table::new(&sheet, String::new(), None, root.get_ref());
    let value = top
        .over(below.as_ref().map(|(sheet, table)| DefaultsTable::new(sheet, table)))
        .finish(read);
    let below = below.map(|(sheet, _)| sheet);
    let (problems, needs): (Vec<_>, Vec<_>) = [Some(sheet), below]
        .into_iter()
        .flatten()
        .map(Sheet::into_inner)
        .unzip();
    let (mut problems, mut needs) = (problems.concat(), needs.concat());
    if slip.is_some() {
        needs.clear();
    }
    problems.extend(slip.map(|(place, fault)| Problem::at(file, place, fault)));
    problems.sort();
    Checked { value, problems, needs }
}

fn complaint(error: &toml::de::Error) -> ParseError<'_> {
    ParseError {
        span: error.span().unwrap_or_default(),
        message: error.message(),
    }
}
