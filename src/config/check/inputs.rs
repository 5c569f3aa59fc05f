//! The named inputs of an action.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeValue;

use crate::config::{
    FileInput, Input, InputSource, InputType, Inputs, Literal, MailField, Match, MatchIn, Pattern, Shape,
    glob::PatternTarget,
    problem::Fault,
    sheet::{PlacedValue, kind},
    table::Table,
    value::{choice, count, flag, one_or_more, pattern, text},
};

/// Inputs of one endpoint at most.
const MOST: usize = 100;
/// Files that an input may have at most: as many as attachments may be handed on.
const MOST_FILES: usize = 10_000;

/// What an input can be made of, by the key that says so.
const SOURCES: [&str; 6] = ["value", "field", "header", "match", "plus", "attachments"];
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
                format!("\"{name}\" is no name of an input"),
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

fn input(table: &mut Table<'_>) -> Option<Input> {
    let label = table.get("label", text);
    let required = table.get("required", flag);
    let given: Vec<_> = SOURCES.into_iter().filter(|key| table.value(key).is_some()).collect();
    let kind = table.get("type", conversion);
    let source = match given.as_slice() {
        ["value"] => table.get("value", literal).map(InputSource::Value),
        ["field"] => table
            .get("field", field)
            .map(|field| InputSource::Field(field, kind.unwrap_or_default())),
        ["header"] => table
            .get("header", header)
            .map(|name| InputSource::Field(MailField::Header(name), kind.unwrap_or_default())),
        ["match"] => found(table).map(|found| InputSource::Match(found, kind.unwrap_or_default())),
        ["plus"] => plus(table).map(|()| InputSource::Plus(kind.unwrap_or_default())),
        ["attachments"] => files(table, required).map(InputSource::Attachments),
        [] => {
            table.lacks(format!("`{}` is made of nothing", table.path), CURE);
            None
        }
        [first] => {
            // Every key of SOURCES has its line above.
            table.lacks(format!("`{}.{first}` is not known", table.path), CURE);
            None
        }
        [first, second, ..] => {
            let cause = format!("`{}` has {first} and {second}, but is made of one thing", table.path);
            table.lacks(cause, CURE);
            None
        }
    };
    let name = given.first().copied().unwrap_or_default();
    only_with(table, name, "match", &["in", "group"]);
    only_with(table, name, "attachments", &["media_type", "as", "min", "max"]);
    can_convert(table, source.as_ref()?, kind);
    Some(Input {
        label,
        required: required.unwrap_or(false),
        source: source?,
    })
}

/// Notes keys that say something about another kind of input.
fn only_with(table: &mut Table<'_>, given: &str, owner: &str, keys: &[&'static str]) {
    for key in keys {
        if let Some(value) = table.value(key).filter(|_| given != owner) {
            value.wrong::<()>(format!("goes with {owner} only"), "remove it");
        }
    }
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

fn conversion(value: PlacedValue<'_>) -> Option<InputType> {
    let kinds = [
        ("text", InputType::Text),
        ("number", InputType::Number),
        ("integer", InputType::Integer),
        ("boolean", InputType::Boolean),
    ];
    choice(&kinds)(value)
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

fn field(value: PlacedValue<'_>) -> Option<MailField> {
    let fields = [
        ("subject", MailField::Subject),
        ("body", MailField::Body),
        ("text", MailField::Text),
        ("html", MailField::Html),
        ("headers", MailField::Headers),
        ("sender", MailField::Sender),
        ("from", MailField::From),
        ("to", MailField::To),
        ("cc", MailField::Cc),
        ("reply_to", MailField::ReplyTo),
        ("date", MailField::Date),
        ("message_id", MailField::MessageId),
        ("size", MailField::Size),
    ];
    choice(&fields)(value)
}

/// The name of a header field (RFC 5322 section 3.6.8).
fn header(value: PlacedValue<'_>) -> Option<String> {
    let name = text(value.clone())?;
    if !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
        return value.wrong("is no name of a header field", "write it as in \"X-Order\"");
    }
    Some(name)
}

/// `match`, `in` and `group`.
fn found(table: &mut Table<'_>) -> Option<Match> {
    let places = [("subject", MatchIn::Subject), ("body", MatchIn::Body)];
    let place = table.must("in", "write in = \"subject\" or in = \"body\"", choice(&places));
    let pattern = table.get("match", |value| {
        let written = text(value.clone())?;
        match Pattern::new(&written) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let error = error.to_string();
                let last = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
                value.wrong(format!("is no pattern: {last}"), mended(last))
            }
        }
    });
    let group = table.get("group", text);
    let pattern = pattern?;
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

fn plus(table: &mut Table<'_>) -> Option<()> {
    let value = table.value("plus")?;
    match flag(value.clone())? {
        true => Some(()),
        false => value.wrong("is false", "write plus = true, or remove the input"),
    }
}

fn files(table: &mut Table<'_>, required: Option<bool>) -> Option<FileInput> {
    let shapes = [("one", Shape::One), ("list", Shape::List), ("map", Shape::Map)];
    let names = table.get("attachments", one_or_more(pattern(PatternTarget::FileName)));
    let media_types = table.or("media_type", Vec::new(), one_or_more(pattern(PatternTarget::MediaType)));
    let shape = table.or("as", Shape::default(), choice(&shapes));
    let most = if shape == Shape::One { 1 } else { MOST_FILES };
    let min = table.or("min", usize::from(required == Some(true)), count(0..=most));
    let max = table.or("max", most, count(1..=most));
    if let Some(value) = table.value("max").filter(|_| min > max) {
        return value.wrong("is less than min", "write a larger max");
    }
    Some(FileInput {
        names: names?,
        media_types,
        shape,
        min,
        max,
    })
}
