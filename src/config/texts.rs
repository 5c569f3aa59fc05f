//! The texts of the files of a configuration.

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::EndpointName;

/// The text of a file. It may hold secrets, and so can't be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct FileText(Arc<str>);

impl FileText {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for FileText {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for FileText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileText({} bytes)", self.0.len())
    }
}

/// The texts of the files that are right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    /// `mailjob.toml`, where nothing is wrong with it.
    pub shared: Option<FileText>,
    /// Whether there is a `mailjob.toml`, right or not.
    pub has_shared: bool,
    /// The endpoints' files.
    pub endpoints: BTreeMap<EndpointName, FileText>,
}
