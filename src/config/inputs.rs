//! Named inputs of an action. Types only; `check` reads them.

use std::collections::BTreeMap;

/// The named inputs of an action, in the order of their names: `[a-z][a-z0-9_]{0,62}`.
pub type Inputs = BTreeMap<String, Input>;

/// A named input.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// What the sender knows it as; its name where there is none.
    pub label: Option<String>,
    /// Whether the job fails without it.
    pub required: bool,
    /// What it is made of.
    pub source: InputSource,
}

/// What an input is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum InputSource {
    /// The same for every mail.
    Value(Literal),
    /// A field of the mail.
    Field(MailField, InputType),
    /// What a pattern finds.
    Match(Match, InputType),
    /// The detail of the plus-address that the mail was sent to.
    Plus(InputType),
    /// Attachments that are handed on.
    Attachments(FileInput),
}

/// A value that the operator wrote.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A fraction.
    Number(f64),
    /// true or false.
    Boolean(bool),
    /// A list of these.
    List(Vec<Literal>),
}

/// What a text is turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InputType {
    /// Nothing else.
    #[default]
    Text,
    /// A number, with a `.` before its fraction.
    Number,
    /// A whole number of 64 bits.
    Integer,
    /// `true`, `yes`, `1` or `false`, `no`, `0`, in any case.
    Boolean,
}

/// A field of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailField {
    /// Subject, decoded, on one line.
    Subject,
    /// The text, or what of the HTML is text where there is none.
    Body,
    /// The text.
    Text,
    /// The HTML.
    Html,
    /// All header fields, one a line, not decoded.
    Headers,
    /// The first address of From.
    Sender,
    /// The addresses of From.
    From,
    /// The addresses of To.
    To,
    /// The addresses of Cc.
    Cc,
    /// The addresses of Reply-To.
    ReplyTo,
    /// Date, as RFC 3339 in UTC.
    Date,
    /// Message-ID without angle brackets.
    MessageId,
    /// Bytes of the raw mail.
    Size,
    /// The first header field of this name, decoded, on one line.
    Header(String),
}

impl MailField {
    /// Whether it is a list of texts.
    #[must_use]
    pub fn is_list(&self) -> bool {
        match self {
            Self::From | Self::To | Self::Cc | Self::ReplyTo => true,
            Self::Subject
            | Self::Body
            | Self::Text
            | Self::Html
            | Self::Headers
            | Self::Sender
            | Self::Date
            | Self::MessageId
            | Self::Size
            | Self::Header(_) => false,
        }
    }
}

/// A pattern and where it is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The pattern.
    pub pattern: Pattern,
    /// Where.
    pub place: MatchIn,
    /// The group that is taken; without one all named groups are, as an object.
    pub group: Option<String>,
}

/// Where a pattern is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchIn {
    /// [`MailField::Subject`].
    Subject,
    /// [`MailField::Body`].
    Body,
}

/// A regular expression: linear time in the text, and limited in size.
#[derive(Debug, Clone)]
pub struct Pattern(pub(super) regex::Regex);

impl Pattern {
    /// Bytes that a compiled pattern may take.
    const SIZE: usize = 1 << 20;

    /// The expression, in the syntax of the crate regex.
    ///
    /// # Errors
    /// When it is none, or too large.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        let built = regex::RegexBuilder::new(text)
            .size_limit(Self::SIZE)
            .dfa_size_limit(Self::SIZE)
            .build();
        built.map(Self)
    }

    /// The expression.
    #[must_use]
    pub fn regex(&self) -> &regex::Regex {
        &self.0
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

/// Attachments that are handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInput {
    /// Globs; one of them matches the name.
    pub names: Vec<String>,
    /// Globs; the declared media type and that of the content each match one. Empty: any.
    pub media_types: Vec<String>,
    /// In which shape they are handed over.
    pub shape: Shape,
    /// How many at least.
    pub min: usize,
    /// How many at most.
    pub max: usize,
}

/// In which shape files are handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// One file.
    #[default]
    One,
    /// A list.
    List,
    /// By their names.
    Map,
}
