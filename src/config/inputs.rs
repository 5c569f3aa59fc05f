//! Named inputs of an action. Types only; `check` reads them.

/// The named inputs of an action, in the order of their names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inputs {}
