//! What goes back of an action's result. Types only; `check` reads them.

use super::braces::Piece;

/// What goes back of an action's result, and under which names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The names of result files; `None`: as the action names them.
    pub name: Option<Vec<NamePiece>>,
    /// Where the text of the reply is from. Default: what the action prints or answers.
    pub text: TextFrom,
    /// Where data for whoever answers the reply is from; `None`: what a webhook's `data` says.
    pub data: Option<DataFrom>,
    /// Bytes of all files together as they are mailed, in base64. Default 20 MiB.
    pub max_size: u64,
    /// What becomes of a result that is larger. Default: it is refused.
    pub oversize: Oversize,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            name: None,
            text: TextFrom::Stdout,
            data: None,
            max_size: 20 << 20,
            oversize: Oversize::Refuse,
        }
    }
}

/// A piece of a result file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamePiece {
    /// As written.
    Text(String),
    /// Made for each file.
    Token(NameToken),
}

/// What is made for each result file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameToken {
    /// The result's own name without its extension; where the action gives none, as [`Self::Source`].
    Stem,
    /// The extension of its own name; where it has none, that of its media type.
    Ext,
    /// Its number, from 1.
    N,
    /// The day on which the mail was taken, UTC.
    Date,
    /// The job's id.
    Job,
    /// The attachment's name without its extension: of the job's, or the only one that is handed on; else the subject, else `mail`.
    Source,
}

impl NameToken {
    /// All of them, as they are written.
    pub const ALL: [(&'static str, Self); 6] = [
        ("stem", Self::Stem),
        ("ext", Self::Ext),
        ("n", Self::N),
        ("date", Self::Date),
        ("job", Self::Job),
        ("source", Self::Source),
    ];

    pub(super) fn piece(piece: Piece) -> Result<NamePiece, String> {
        match piece {
            Piece::Text(text) => Ok(NamePiece::Text(text)),
            Piece::Name(name) => match Self::ALL.iter().find(|(known, _)| *known == name) {
                Some((_, token)) => Ok(NamePiece::Token(*token)),
                None => Err(name),
            },
        }
    }
}

/// Where the text of a reply is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextFrom {
    /// What a command prints, or a webhook answers as text.
    Stdout,
    /// Nowhere.
    Nothing,
    /// A file of the result, which is not attached then.
    File(String),
    /// A value in what a command prints or a webhook answers: JSON, by a pointer (RFC 6901).
    Json(String),
}

/// Where an action's data is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataFrom {
    /// A JSON file of the result, which is not attached then.
    File(String),
    /// A value in what a command prints or a webhook answers: JSON, by a pointer (RFC 6901); all of it when that is empty.
    Json(String),
}

/// What becomes of a result that is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oversize {
    /// The job fails.
    Refuse,
    /// Files that have no room are left out, and the text says so.
    Drop,
    /// All files go as one zip; what is still too large is refused.
    Zip,
}
