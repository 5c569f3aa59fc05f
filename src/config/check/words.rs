//! Templates of replies: written out, or kept in a file beside the endpoint's.

use std::path::PathBuf;

use minijinja::{Value as Given, context};
use toml::de::DeValue;

use super::foreign;
use crate::config::{
    Form, Template, TemplateError, Words,
    presence::{self, Need},
    reply::VALUES,
    sheet::Value,
    table::{Table, nearest},
    value::{path, prose},
};

/// Reads `subject`, `text` and `html`.
pub(super) fn words(table: &mut Table<'_>) -> Words {
    Words {
        subject: table.get("subject", |value| template(Form::Text, value)),
        text: table.get("text", |value| template(Form::Text, value)),
        html: table.get("html", |value| template(Form::Html, value)),
    }
}

/// Reads the line above a quoted mail.
pub(super) fn heading(value: Value<'_>) -> Option<Template> {
    template(Form::Text, value)
}

/// A template, or the file that holds it. It is read here, since it is as much a setting as the lines around its name.
fn template(form: Form, value: Value<'_>) -> Option<Template> {
    let (source, place) = match value.raw {
        DeValue::Table(_) => {
            let file = file(value.clone())?;
            let read = presence::template(&file);
            value.need(Need::Template(file.clone(), read.clone()));
            let source = match read {
                Ok(source) => source,
                Err(why) => {
                    let cause = format!("names a file that can't be read: {}: {why}", file.display());
                    return value.wrong(cause, "put the template there, readable for the user that runs mailjob");
                }
            };
            (source, format!(" in {}, ", file.display()))
        }
        _ => (prose(value.clone())?, String::new()),
    };
    let wrong = |error: &TemplateError, cure: &str| {
        value.wrong(
            format!("is a template with a fault: {}{error}", place.trim_start()),
            cure,
        )
    };
    if let Some(found) = foreign::of_mails(&source, std::iter::empty()) {
        let cure = match found.name.as_str() {
            name @ ("subject" | "from" | "to" | "cc" | "date" | "message_id" | "text") => {
                format!("write {{{{ mail.{name} }}}}")
            }
            "body" | "body_text" => "write {{ mail.text }}".to_owned(),
            "sender" | "email" => "write {{ mail.from }}".to_owned(),
            _ => "values stand between two braces each, such as {{ mail.subject }}".to_owned(),
        };
        let cause = format!(
            "has {}, in place of which nothing is put{}",
            found.written,
            place.trim_end_matches(", ")
        );
        return value.wrong(cause, cure);
    }
    let template = match Template::new(form, &source) {
        Ok(template) => template,
        Err(error) => {
            return wrong(
                &error,
                "values stand between {{ and }}, statements between {% and %}, each of them closed; see https://docs.rs/minijinja/3/minijinja/syntax/",
            );
        }
    };
    if let Some(error) = samples().iter().find_map(|values| template.unknown(values)) {
        return wrong(
            &error,
            "see https://docs.rs/minijinja/3/minijinja/filters/ for what there is",
        );
    }
    if let Some((asked, cure)) = template.asked().iter().find_map(|asked| unknown(asked)) {
        return value.wrong(format!("asks for `{asked}`, which there is not"), cure);
    }
    Some(template)
}

fn file(value: Value<'_>) -> Option<PathBuf> {
    value.table(|table| table.must("file", "write { file = \"reply.txt\" }", path))
}

/// Why a value can't be asked for, and what to write.
fn unknown(asked: &str) -> Option<(String, String)> {
    let mut parts = asked.split('.');
    let (name, part) = (parts.next().unwrap_or_default(), parts.next());
    let Some((_, inside)) = VALUES.iter().find(|(known, _)| *known == name) else {
        let known: Vec<_> = VALUES.iter().map(|(name, _)| *name).collect();
        return Some((name.to_owned(), cure(name, &known)));
    };
    let part = part.filter(|part| !inside.is_empty() && !inside.contains(part))?;
    Some((format!("{name}.{part}"), cure(part, inside)))
}

fn cure(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// Values that lead through most of a template: of a success, and of a failure.
fn samples() -> [Given; 2] {
    let address = context! { name => "x", address => "x@x" };
    let mail = context! {
        subject => "x", topic => "x", from => address.clone(), to => vec![address.clone()], cc => vec![address.clone()],
        date => "x", message_id => "x", text => "x",
    };
    let files = vec![context! { name => "x", size => 1, media_type => "x" }];
    let nothing: [String; 0] = [];
    [
        context! {
            mail => mail.clone(), job => "x", endpoint => "x", now => "x", answer => context! { text => "x", files },
        },
        context! {
            mail, job => "x", endpoint => "x", now => "x", answer => context! { files => nothing },
            reason => context! { code => "x", sentence => "x" }, tell => "x",
        },
    ]
}
