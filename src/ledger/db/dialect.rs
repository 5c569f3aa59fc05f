//! What engines say in words of their own, in the statements of rules and views. All else is standard SQL, or understood by all of them
//! (`ON CONFLICT`, `RETURNING`, `LIMIT`, `IS [NOT] DISTINCT FROM`).

/// An engine's words.
#[derive(Debug)]
pub(in crate::ledger) struct Dialect {
    /// The values of a list that is one parameter, as made by [`ids`]: `IN {each}`.
    pub(in crate::ledger) each_id: fn(parameter: &str) -> String,
    /// The same as made by [`words`].
    pub(in crate::ledger) each_word: fn(parameter: &str) -> String,
    /// Whether a text has another in it, letter by letter.
    pub(in crate::ledger) has_in_it: fn(text: &str, part: &str) -> String,
    /// Whether a text is like a pattern (`%`, `_`, and `\\` before what is meant by itself), whether its letters are large or small.
    pub(in crate::ledger) is_like: fn(text: &str, pattern: &str) -> String,
    /// Bytes as hexadecimal digits, the large ones.
    pub(in crate::ledger) hex: fn(bytes: &str) -> String,
    /// The function that gives the greatest of several values.
    pub(in crate::ledger) greatest: &'static str,
    /// Behind a table: the index by which it is to be read, where the engine would choose worse and can be told.
    pub(in crate::ledger) by: fn(index: &str) -> String,
    /// Joins a table to those that are read before it, where the engine can be told in which order.
    pub(in crate::ledger) then_join: &'static str,
}

/// A list of rows as one parameter.
pub(in crate::ledger) fn ids(rows: &[i64]) -> String {
    format!("{rows:?}")
}

/// A list of words as one parameter.
pub(in crate::ledger) fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(words).to_string()
}
