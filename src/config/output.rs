//! What goes back of an action's result. Types only; `check` reads them.

/// What goes back of an action's result, and under which names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {}
