//! `[defaults]` of `mailjob.toml`: what an endpoint file does not say, as if it stood there. Pure.

use std::path::Path;

use toml::de::{DeTable, DeValue};

/// `[defaults]`, read once for all endpoint files.
#[derive(Debug)]
pub(super) struct Defaults<'a> {
    /// `mailjob.toml`.
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    /// The table, with the same keys as an endpoint file.
    pub(super) table: DeTable<'a>,
}

impl<'a> Defaults<'a> {
    /// The defaults in a text, or that it has none.
    ///
    /// # Errors
    /// When they can't be known: the text is no TOML, or they are no table. Whoever reads all of the text says so.
    pub(super) fn of(file: &'a Path, text: &'a str) -> Result<Option<Self>, Unknown> {
        let mut root = DeTable::parse(text).map_err(|_| Unknown)?.into_inner();
        match root.remove("defaults").map(toml::Spanned::into_inner) {
            Some(DeValue::Table(table)) => Ok(Some(Self { file, text, table })),
            Some(_) => Err(Unknown),
            None => Ok(None),
        }
    }
}

/// The defaults can't be known, and so no endpoint can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unknown;
