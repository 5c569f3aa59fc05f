//! What responses are to those who asked. Pure.

/// What a response was to whoever heard it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The command is a step further: it gets more time.
    Progress,
    /// It belongs to the answer, but is of no use any more.
    Expected,
    /// Nobody asked for it. There may be some of those, but not without end.
    Unasked,
}

impl From<()> for Heard {
    fn from((): ()) -> Self {
        Self::Unasked
    }
}

impl From<bool> for Heard {
    fn from(progress: bool) -> Self {
        if progress { Self::Progress } else { Self::Unasked }
    }
}
