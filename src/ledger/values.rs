//! How times, sizes and texts are kept.

use chrono::{DateTime, Utc};

/// Bytes of one piece of a mail.
pub(super) const PIECE: usize = 256 * 1024;

/// The most that is kept of a text that an action wrote, in bytes.
const TEXT: usize = 64 * 1024;

/// An instant as microseconds.
pub(super) fn micros(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_micros()
}

/// The instant of these microseconds.
pub(super) fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// A size as SQLite counts.
pub(super) fn signed(size: impl TryInto<i64>) -> i64 {
    size.try_into().unwrap_or(i64::MAX)
}

/// At most 64 KiB of a text.
pub(super) fn capped(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT)).unwrap_or_default()
}
