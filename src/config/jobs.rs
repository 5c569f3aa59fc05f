//! How one mail becomes jobs. Types only; `check` reads them.

/// How one mail becomes jobs, and how their results go back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Jobs {}
