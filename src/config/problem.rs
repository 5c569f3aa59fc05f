//! One thing that an operator should mend: where, what, and what to write instead. Never holds a secret.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{
    EndpointName,
    place::{Place, visible},
};

/// Characters of a cause or cure.
const LONGEST: usize = 500;

/// Something wrong in a file. Displays as one line for logs; [`Problem::render`] is for terminals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, or the folder that could not be listed.
    pub file: PathBuf,
    /// Where in it; nothing when it could not be read at all.
    pub place: Option<Place>,
    /// What is wrong.
    pub cause: String,
    /// What to do about it.
    pub cure: String,
    /// The endpoint whose file it is.
    pub endpoint: Option<EndpointName>,
    /// Whether it is there only because of another problem, which is told by itself.
    pub follows: bool,
}

impl Problem {
    pub(super) fn at(file: &Path, place: Place, fault: Fault) -> Self {
        Self {
            file: file.to_owned(),
            place: Some(place),
            cause: fault.cause,
            cure: fault.cure,
            endpoint: None,
            follows: false,
        }
    }

    pub(super) fn of(file: &Path, fault: Fault) -> Self {
        Self {
            file: file.to_owned(),
            place: None,
            cause: fault.cause,
            cure: fault.cure,
            endpoint: None,
            follows: false,
        }
    }

    /// `path:line:column: cause`, a look at the line, and the cure, over several lines.
    #[must_use]
    pub fn render(&self) -> String {
        let look = self.place.as_ref().and_then(Place::show);
        let look = look.map(|look| format!("{look}\n")).unwrap_or_default();
        format!("{}: {}\n{look}      = {}\n", self.head(), self.cause, self.cure)
    }

    fn head(&self) -> String {
        let file: String = self.file.display().to_string().chars().map(visible).collect();
        match &self.place {
            Some(place) => format!("{file}:{}:{}", place.line, place.column),
            None => file,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.head(), self.cause, self.cure)
    }
}

/// A problem that has no place yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) cause: String,
    pub(super) cure: String,
}

impl Fault {
    /// What is wrong, and what to do about it; characters that could disturb a terminal are replaced, and what is quoted from
    /// a file can't make it endless.
    pub(super) fn new(cause: impl AsRef<str>, cure: impl AsRef<str>) -> Self {
        let clean = |text: &str| text.chars().take(LONGEST).map(visible).collect();
        Self {
            cause: clean(cause.as_ref()),
            cure: clean(cure.as_ref()),
        }
    }
}
