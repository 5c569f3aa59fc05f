//! Mails that answer our replies. Types only; `check` reads them.

use std::time::Duration;

use super::EndpointName;

/// Who may answer a reply, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// How long after the reply was made an answer is accepted. Default 14 days.
    pub expires: Duration,
    /// Who may answer. Default: those to whom the reply went.
    pub from: Answerers,
    /// Whether an answer counts only if something shows that it is of whom its From names. Default: it does.
    pub proven: bool,
    /// Whether the first accepted answer is the last one. Default: it is.
    pub once: bool,
    /// Whether Reply-To is a plus-address with the token. Default: it is. Where servers don't know such addresses, answers find
    /// their job by Message-ID alone.
    pub plus: bool,
    /// Answers of people in a row at most; with `once = false` also answers to one reply. Default 20.
    pub answers: u32,
    /// The endpoint whose job an answer becomes. Default: the same.
    pub endpoint: EndpointName,
    /// The mail address of that endpoint's mailbox, to which answers go. `load` fills it in where that is another endpoint, which
    /// one file alone can't say.
    pub address: String,
}

/// Who may answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answerers {
    /// Those to whom the reply went.
    Recipients,
    /// Addresses that match one of these; `*` and `?` are wildcards.
    Like(Vec<String>),
}

/// Which mails are meant, by whether they answer a reply of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Answers {
    /// Both.
    #[default]
    Any,
    /// Only mails that do not.
    None,
    /// Only answers, to replies of one of these endpoints; of any when there is none.
    Only(Vec<EndpointName>),
}
