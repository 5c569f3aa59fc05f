//! The named inputs of an action.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeValue;

use crate::config::{
    FileInput, Input, InputSource, InputType, Inputs, Literal, MailField, Match, MatchIn, Pattern, Shape,
    declare::{keys, never, usual},
    glob::PatternTarget,
    key::{Allowed, Section},
    kind::{Flag, OneOf, Text},
    problem::Fault,
    rule::Rule,
    sheet::{PlacedValue, kind},
    table::Table,
    value::{count, one_or_more, pattern, text},
};

/// Inputs of one endpoint at most.
const MOST: usize = 100;
/// Files that an input may have at most: as many as attachments may be handed on.
const MOST_FILES: usize = 10_000;

/// What an input can be made of, by the key that says so.
const SOURCES: &[&[&str]] = &[
    &["value"],
    &["field"],
    &["header"],
    &["match"],
    &["plus"],
    &["attachments"],
];
const CURE: &str = "write one of value, field, header, match, plus and attachments, as in { field = \"subject\" } or { attachments = [\"*.pdf\"] }";

/// The inputs that are right, and the names of all.
#[derive(Debug, Default)]
pub(in crate::config) struct NamedInputs {
    pub(super) inputs: Inputs,
    pub(super) names: BTreeSet<String>,
}

/// Reads `[inputs]`.
pub(super) fn inputs(table: &mut Table<'_>) -> Option<NamedInputs> {
    let entries = table.entries();
    if entries.len() > MOST {
        table.lacks("there are too many inputs", format!("write {MOST} at most"));
    }
    let (mut inputs, mut names) = (BTreeMap::new(), BTreeSet::new());
    for (name, value) in entries {
        names.insert(name.to_owned());
        if !is_name(name) {
            value.misnamed(Fault::new(
                format!("\"{name}\" is not a valid name of an input"),
                "use a to z, 0 to 9 and _, beginning with a letter, 63 characters at most",
            ));
            continue;
        }
        if let Some(input) = value.table(input) {
            inputs.insert(name.to_owned(), input);
        }
    }
    Some(NamedInputs { inputs, names })
}

/// A name that can be a field of a form, a part of a variable and of a template as it is.
fn is_name(name: &str) -> bool {
    let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    name.len() <= 63 && name.bytes().all(rest) && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
}

/// The inputs as the reference has them.
pub(in crate::config) fn inputs_section() -> Section {
    Section::open("inputs", ABOUT, InputKeys::allowed(), SAMPLES)
}

const ABOUT: &str = "\
What the action gets by name: in the payload as inputs.NAME, in a form, in arguments as {NAME}, in the environment as
MAILJOB_INPUT_NAME. Names: a to z, 0 to 9 and _. Each is made of one thing; a sender whose mail lacks a required one is told so.
AEM's %SUBJECT% is field = \"subject\", %BODY% is \"body\", %HEADER% is \"headers\", %SENDER% is \"sender\".";

const SAMPLES: &str = "#[inputs]
#queue = { value = 3 } # the same for each mail: text, a number, true or false, or a list of these
#subject = { field = \"subject\" } # or body (the text, else the HTML as text), text, html, headers, sender, from, to, cc, reply_to, date, message_id, size
#order = { header = \"X-Order\", label = \"The order number\" } # a header field; label is what the sender knows it as
#number = { match = 'INV-(?<number>\\d+)', in = \"subject\", group = \"number\", type = \"integer\" } # in subject or body; without group: all named groups. type of what a mail says: text, number, integer, boolean
#topic = { plus = true } # the detail of the plus-address: of support+bug@contoso.example it is bug
#invoice = { attachments = [\"*.pdf\"], media_type = [\"application/pdf\"], as = \"one\", required = true } # as: one, list or map (by name); media_type: as declared and by content
#scans = { attachments = [\"*.tif\", \"*.jpg\"], as = \"list\", min = 1, max = 20 } # min above 0 is required; a mail with more than max fails";

keys! {
    /// An input as it is written: made of one of the first six.
    struct InputKeys in "inputs.*" "" {
        literal("value"): Option<Literal> = Allowed::one_or_more(Allowed::Plain) => literal, never("3"), "the same for each mail";
        field: Option<MailField> = OneOf(&[
                ("subject", MailField::Subject), ("body", MailField::Body), ("text", MailField::Text), ("html", MailField::Html),
                ("headers", MailField::Headers), ("sender", MailField::Sender), ("from", MailField::From), ("to", MailField::To),
                ("cc", MailField::Cc), ("reply_to", MailField::ReplyTo), ("date", MailField::Date),
                ("message_id", MailField::MessageId), ("size", MailField::Size),
            ]), never("\"subject\""), "a field of the mail";
        header: Option<String> = Allowed::Text => header, never("\"X-Order\""), "a header field";
        regex("match"): Option<Pattern> = Allowed::Text => expression, never("'INV-(?<number>\\d+)'"), "a regular expression";
        plus: Option<bool> = Flag, never("true"), "the detail of the plus-address";
        names("attachments"): Option<Vec<String>> = Allowed::one_or_more(Allowed::Text) => one_or_more(pattern(PatternTarget::FileName)),
            never("[\"*.pdf\"]"), "attachments, by their names";
        place("in"): Option<MatchIn> = OneOf(&[("subject", MatchIn::Subject), ("body", MatchIn::Body)]), never("\"subject\""),
            "where the expression is looked for";
        group: Option<String> = Text, never("\"number\""), "of the expression; all named groups when nothing is written";
        media_types("media_type"): Vec<String> = Allowed::one_or_more(Allowed::Text) => one_or_more(pattern(PatternTarget::MediaType)),
            never("[\"application/pdf\"]"), "of the attachments, as declared and by content";
        shape("as"): Shape = OneOf(&[("one", Shape::One), ("list", Shape::List), ("map", Shape::Map)]), usual(Shape::default()),
            "how attachments are handed on; map is by name";
        min: Option<usize> = Allowed::Count(0, 10_000) => count(0..=most(shape)), never("1"), "attachments; above 0 is required";
        max: Option<usize> = Allowed::Count(0, 10_000) => count(1..=most(shape)), never("20"), "attachments; a mail with more fails";
        required: Option<bool> = Flag, never("true"), "whether a mail without it fails";
        kind("type"): Option<InputType> = OneOf(&[
                ("text", InputType::Text), ("number", InputType::Number), ("integer", InputType::Integer), ("boolean", InputType::Boolean),
            ]), never("\"integer\""), "of what a mail says";
        label: Option<String> = Text, never("\"The order number\""), "what the sender knows it as";
    }
    rules &[
        Rule::OneWay(SOURCES, "; an input is made of one thing", CURE),
        Rule::With(&["in", "group"], "match", "remove it"),
        Rule::With(&["media_type", "as", "min", "max"], "attachments", "remove it"),
    ]
}

/// Files that an input of this shape may have.
fn most(shape: Option<Shape>) -> usize {
    match shape.unwrap_or_default() {
        Shape::One => 1,
        Shape::List | Shape::Map => MOST_FILES,
    }
}

fn input(table: &mut Table<'_>) -> Option<Input> {
    let said = InputKeys::read(table)?;
    let (label, required, kind) = (said.label.clone(), said.required, said.kind);
    let meant = kind.unwrap_or_default();
    let source = match SOURCES.iter().flat_map(|way| way.iter()).find(|key| table.has(key)) {
        Some(&"value") => said.literal.map(InputSource::Value),
        Some(&"field") => said.field.map(|field| InputSource::Field(field, meant)),
        Some(&"header") => said
            .header
            .map(|name| InputSource::Field(MailField::Header(name), meant)),
        Some(&"match") => found(table, said).map(|found| InputSource::Match(found, meant)),
        Some(&"plus") => plus(table, said.plus).map(|()| InputSource::Plus(meant)),
        Some(_) => files(table, said).map(InputSource::Attachments),
        None => {
            table.lacks(format!("`{}` is made of nothing", table.path), CURE);
            None
        }
    };
    can_convert(table, source.as_ref()?, kind);
    Some(Input {
        label,
        required: required.unwrap_or(false),
        source: source?,
    })
}

/// Only a single text can be turned into something else.
fn can_convert(table: &mut Table<'_>, source: &InputSource, kind: Option<InputType>) {
    let why = match source {
        InputSource::Value(_) => "goes with what a mail says; a value has its type",
        InputSource::Attachments(_) => "goes with what a mail says, not with files",
        InputSource::Field(field, _) if field.is_list() && kind != Some(InputType::Text) => "can't be of a list",
        InputSource::Match(found, _) if found.group.is_none() && kind != Some(InputType::Text) => "needs a group",
        InputSource::Field(..) | InputSource::Match(..) | InputSource::Plus(_) => return,
    };
    if let (Some(_), Some(value)) = (kind, table.value("type")) {
        value.wrong::<()>(why, "remove it");
    }
}

/// Text, a number, true or false, or a list of these.
fn literal(value: PlacedValue<'_>) -> Option<Literal> {
    match value.raw {
        DeValue::Array(_) => {
            let items: Vec<_> = value.items().into_iter().map(scalar).collect();
            items.into_iter().collect::<Option<_>>().map(Literal::List)
        }
        _ => scalar(value),
    }
}

fn scalar(value: PlacedValue<'_>) -> Option<Literal> {
    const RANGE: &str = "write a number of 64 bits";
    match value.raw {
        DeValue::String(text) if text.contains('\0') => value.wrong("has a NUL character", "write it without"),
        DeValue::String(text) => Some(Literal::Text(text.to_string())),
        DeValue::Boolean(flag) => Some(Literal::Boolean(*flag)),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Some(Literal::Integer(number)),
            Err(_) => value.wrong("is out of range", RANGE),
        },
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Some(Literal::Number(number)),
            _ => value.wrong("is no number that JSON knows", RANGE),
        },
        other => value.wrong(
            format!("is {}", kind(other)),
            "write text, a number, true or false, or a list of these",
        ),
    }
}

/// The name of a header field (RFC 5322 section 3.6.8).
fn header(value: PlacedValue<'_>) -> Option<String> {
    let name = text(value.clone())?;
    if !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
        return value.wrong("is not a valid name of a header field", "write it as in \"X-Order\"");
    }
    Some(name)
}

fn expression(value: PlacedValue<'_>) -> Option<Pattern> {
    let written = text(value.clone())?;
    match Pattern::new(&written) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let error = error.to_string();
            let last = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            value.wrong(format!("is no pattern: {last}"), mended(last))
        }
    }
}

/// `match`, `in` and `group`.
fn found(table: &mut Table<'_>, said: InputKeys) -> Option<Match> {
    if table.value("in").is_none() {
        table.lacks_key("in", "write in = \"subject\" or in = \"body\"");
    }
    let InputKeys {
        regex, group, place, ..
    } = said;
    let pattern = regex?;
    let groups: Vec<_> = pattern.regex().capture_names().flatten().collect();
    if let (Some(group), Some(value)) = (&group, table.value("group"))
        && !groups.contains(&&**group)
    {
        return value.wrong(
            format!("is \"{group}\", which the pattern does not have"),
            "write (?<NAME>…) in the pattern",
        );
    }
    if groups.is_empty() {
        table.lacks(
            format!("`{}.match` has no named group", table.path),
            "write (?<NAME>…) around what is meant",
        );
    }
    Some(Match {
        place: place?,
        group,
        pattern,
    })
}

/// What to write in place of a pattern that is none.
fn mended(error: &str) -> &'static str {
    if error.contains("look-around") {
        return "look-ahead and look-behind are not known: match what is around it as well, and put what is meant into a group: 'No\\. (?<number>\\d+) of'";
    }
    if error.contains("backreference") {
        return "backreferences are not known: write what is meant twice";
    }
    if error.contains("size limit") {
        return "write smaller numbers in { }, or * and +";
    }
    "write a regular expression, best between single quotes: 'INV-(?<number>\\d+)'"
}

fn plus(table: &mut Table<'_>, said: Option<bool>) -> Option<()> {
    let value = table.value("plus")?;
    match said? {
        true => Some(()),
        false => value.wrong("is false", "write plus = true, or remove the input"),
    }
}

fn files(table: &mut Table<'_>, said: InputKeys) -> Option<FileInput> {
    let min = said.min.unwrap_or(usize::from(said.required == Some(true)));
    let max = said.max.unwrap_or(most(Some(said.shape)));
    if let Some(value) = table.value("max").filter(|_| min > max) {
        return value.wrong("is less than min", "write a larger max");
    }
    Some(FileInput {
        names: said.names?,
        media_types: said.media_types,
        shape: said.shape,
        min,
        max,
    })
}
