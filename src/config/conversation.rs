//! Mails that answer our replies. Types only; `check` reads them.

/// Who may answer a reply, and how long.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conversation {}
