//! What responses are to those who asked. Pure.

/// What a response was to whoever heard it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expectation {
    /// The command is a step further: it gets more time.
    Progress,
    /// It belongs to the answer, but is of no use any more.
    Expected,
    /// Nobody asked for it. There may be some of those, but not without end.
    Unasked,
}

impl From<()> for Expectation {
    fn from((): ()) -> Self {
        Self::Unasked
    }
}

impl From<bool> for Expectation {
    fn from(progress: bool) -> Self {
        if progress { Self::Progress } else { Self::Unasked }
    }
}
