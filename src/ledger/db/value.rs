//! Values as an engine keeps them, and what of ours is made of them and back.

use std::sync::Arc;

use super::{Result, SqlError};
use crate::{
    job::{JobId, state::State},
    ledger::types::{event::NewsKind, mail::MailOutcome, reply::ReplyState},
    status::state::PausedBy,
};

/// A value as an engine keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum SqlValue<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl<'a> SqlValue<'a> {
    /// A text.
    pub(in crate::ledger) fn as_str(self) -> Result<&'a str> {
        match self {
            SqlValue::Text(text) => Ok(text),
            _ => Err(SqlError::Unreadable("a text".to_owned())),
        }
    }

    /// A text, or nothing.
    pub(in crate::ledger) fn as_str_or_null(self) -> Result<Option<&'a str>> {
        match self {
            SqlValue::Null => Ok(None),
            other => other.as_str().map(Some),
        }
    }

    /// Bytes.
    pub(in crate::ledger) fn as_blob(self) -> Result<&'a [u8]> {
        match self {
            SqlValue::Blob(bytes) => Ok(bytes),
            _ => Err(SqlError::Unreadable("bytes".to_owned())),
        }
    }
}

/// What can be kept.
pub(in crate::ledger) trait ToValue {
    fn to_value(&self) -> SqlValue<'_>;
}

/// What can be read; nothing where it is something else.
pub(in crate::ledger) trait FromValue: Sized {
    /// What it is, for people.
    const WHAT: &'static str;

    fn from_value(value: SqlValue<'_>) -> Option<Self>;
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> SqlValue<'_> {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> SqlValue<'_> {
        self.as_ref().map_or(SqlValue::Null, ToValue::to_value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const WHAT: &'static str = T::WHAT;

    fn from_value(value: SqlValue<'_>) -> Option<Self> {
        match value {
            SqlValue::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// Whole numbers, and yes and no.
macro_rules! integers {
    ($($kind:ty)*) => {$(
        impl ToValue for $kind {
            fn to_value(&self) -> SqlValue<'_> {
                SqlValue::Integer((*self).into())
            }
        }

        impl FromValue for $kind {
            const WHAT: &'static str = "a whole number in its bounds";

            fn from_value(value: SqlValue<'_>) -> Option<Self> {
                match value {
                    SqlValue::Integer(number) => number.try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}
integers!(i64 u32);

impl ToValue for bool {
    fn to_value(&self) -> SqlValue<'_> {
        SqlValue::Integer((*self).into())
    }
}

impl FromValue for bool {
    const WHAT: &'static str = "yes or no";

    fn from_value(value: SqlValue<'_>) -> Option<Self> {
        match value {
            SqlValue::Integer(number) => Some(number != 0),
            _ => None,
        }
    }
}

impl ToValue for str {
    fn to_value(&self) -> SqlValue<'_> {
        SqlValue::Text(self)
    }
}

impl ToValue for String {
    fn to_value(&self) -> SqlValue<'_> {
        SqlValue::Text(self)
    }
}

impl ToValue for Arc<str> {
    fn to_value(&self) -> SqlValue<'_> {
        SqlValue::Text(self)
    }
}

impl FromValue for String {
    const WHAT: &'static str = "a text";

    fn from_value(value: SqlValue<'_>) -> Option<Self> {
        value.as_str().ok().map(str::to_owned)
    }
}

impl FromValue for Arc<str> {
    const WHAT: &'static str = "a text";

    fn from_value(value: SqlValue<'_>) -> Option<Self> {
        value.as_str().ok().map(Self::from)
    }
}

impl ToValue for [u8] {
    fn to_value(&self) -> SqlValue<'_> {
        SqlValue::Blob(self)
    }
}

impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> SqlValue<'_> {
        SqlValue::Blob(self)
    }
}

impl ToValue for Vec<u8> {
    fn to_value(&self) -> SqlValue<'_> {
        SqlValue::Blob(self)
    }
}

impl FromValue for Vec<u8> {
    const WHAT: &'static str = "bytes";

    fn from_value(value: SqlValue<'_>) -> Option<Self> {
        value.as_blob().ok().map(<[u8]>::to_vec)
    }
}

impl<const N: usize> FromValue for [u8; N] {
    const WHAT: &'static str = "so many bytes";

    fn from_value(value: SqlValue<'_>) -> Option<Self> {
        value.as_blob().ok()?.try_into().ok()
    }
}

impl ToValue for JobId {
    fn to_value(&self) -> SqlValue<'_> {
        SqlValue::Blob(self.0.as_bytes())
    }
}

impl FromValue for JobId {
    const WHAT: &'static str = "the id of a job";

    fn from_value(value: SqlValue<'_>) -> Option<Self> {
        uuid::Uuid::from_slice(value.as_blob().ok()?).ok().map(Self)
    }
}

/// Words of ours. One that is none of them is an error wherever it is read.
macro_rules! words {
    ($($kind:ty, $what:literal, $named:expr;)*) => {$(
        impl ToValue for $kind {
            fn to_value(&self) -> SqlValue<'_> {
                SqlValue::Text(self.as_str())
            }
        }

        impl FromValue for $kind {
            const WHAT: &'static str = $what;

            fn from_value(value: SqlValue<'_>) -> Option<Self> {
                $named(value.as_str().ok()?)
            }
        }
    )*};
}
words! {
    State, "the state of a job", State::named;
    ReplyState, "the state of a reply", ReplyState::named;
    NewsKind, "a kind of news", NewsKind::named;
    MailOutcome, "how a mail ended", MailOutcome::named;
    PausedBy, "who pauses an endpoint", PausedBy::named;
}
