//! Every key of an endpoint file in one place: what it is, its limits, its default, and what it is for. The JSON Schema for editors
//! and the commented reference `endpoints.d/reference.toml.example` are made from it, and tests hold it against what `check`
//! reads: keys, defaults and limits.

mod action;
mod mailbox;
mod reply;
mod schema;
#[cfg(test)]
mod tests;
mod text;

pub use schema::schema;
pub use text::reference;

/// A table of an endpoint file.
#[derive(Debug)]
struct Section {
    /// E.g. `webhook.headers`; nothing for the top of the file.
    name: &'static str,
    /// Lines that stand above it.
    about: &'static str,
    /// Whether the reference leaves it out: it has no use without a wish, or excludes another one.
    off: bool,
    /// Its keys in their order.
    keys: &'static [Key],
    /// What its entries are, where their names are the operator's own.
    open: Option<&'static Shape>,
}

/// A key of a table.
#[derive(Debug)]
struct Key {
    name: &'static str,
    shape: Shape,
    given: Given,
    /// What it is for. The limits of its shape are said after it.
    about: &'static str,
    /// A paragraph that stands above it.
    above: &'static str,
}

/// What the reference shows of a key, as TOML.
#[derive(Debug, Clone, Copy)]
enum Given {
    /// It must be written: an example.
    Must(&'static str),
    /// Its default.
    Usual(&'static str),
    /// It has no default, or excludes another key: examples, each with what is said of it alone.
    Never(&'static [(&'static str, &'static str)]),
    /// It must be written, and may be in several ways: the first one stands, the others are shown beside it.
    OneOf(&'static str, &'static [(&'static str, &'static str)]),
}

/// What a value may be.
#[derive(Debug)]
enum Shape {
    /// Text on one line, one character at least.
    Text,
    /// Text of any length.
    Prose,
    /// true or false.
    Flag,
    /// A whole number.
    Count(i64, i64),
    /// Text with a unit of time.
    Duration(&'static str, &'static str),
    /// Text with a unit of bytes.
    Size(&'static str, &'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A mail address.
    Address,
    /// The place of a secret.
    Secret,
    /// A list that may be empty, of so many at most.
    List(&'static Shape, usize),
    /// One, or a list of one at least.
    OneOrMore(&'static Shape),
    /// One of several.
    Either(&'static [Shape]),
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table that is described elsewhere.
    Elsewhere,
}

impl Key {
    const fn must(name: &'static str, shape: Shape, example: &'static str, about: &'static str) -> Self {
        let given = Given::Must(example);
        Self {
            name,
            shape,
            given,
            about,
            above: "",
        }
    }

    const fn usual(name: &'static str, shape: Shape, usual: &'static str, about: &'static str) -> Self {
        let given = Given::Usual(usual);
        Self {
            name,
            shape,
            given,
            about,
            above: "",
        }
    }

    const fn never(name: &'static str, shape: Shape, shown: &'static [(&'static str, &'static str)]) -> Self {
        let (given, about) = (Given::Never(shown), "");
        Self {
            name,
            shape,
            given,
            about,
            above: "",
        }
    }

    /// The same with a paragraph above it.
    const fn below(self, above: &'static str) -> Self {
        Self { above, ..self }
    }
}

/// All tables in the order of the reference.
fn sections() -> impl Iterator<Item = &'static Section> {
    let parts: [&[Section]; 3] = [mailbox::SECTIONS, action::SECTIONS, reply::SECTIONS];
    parts.into_iter().flatten()
}
