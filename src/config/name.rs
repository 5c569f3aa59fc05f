//! What endpoints are called.

use std::{fmt, sync::Arc};

/// An endpoint's name: the stem of its file, `[a-z0-9][a-z0-9_-]{0,62}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointName(Arc<str>);

impl EndpointName {
    /// The name, when it is a legal one.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let mut chars = name.chars();
        let first = chars.next().is_some_and(legal);
        let rest = chars.all(|c| legal(c) || c == '_' || c == '-');
        (first && rest && name.len() <= 63).then(|| Self(name.into()))
    }

    /// Of a file whose name has nothing that a legal one could keep.
    pub(super) fn of_nothing() -> Self {
        Self("misnamed".into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}
