//! Templates of replies: written out, or kept in a file beside the endpoint's.

use std::path::PathBuf;

use toml::de::DeValue;

use super::foreign;
use crate::config::{
    Template, TemplateError, TemplateFormat,
    declare::{keys, never},
    given::{self, REPLY},
    key::Allowed,
    presence::{self, Need},
    sheet::PlacedValue,
    template::TemplateFlaw,
    value::{path, prose},
};

/// What is not there of a success, and of a failure: both lead through most of a template.
const ABSENT: &[&[&str]] = &[&["reason", "tell"], &["answer.text", "answer.files"]];

keys! {
    /// Templates of a letter; those that are missing are the usual ones.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ReplyWords: Default in "reply" "" {
        subject: Option<Template> = template_allowed() => subject, never("\"Re: {{ mail.topic }}\""), "", below("\
The words, as templates of minijinja; or { file = \"reply.txt\" }. What a template may ask for: mail (subject, topic: the subject without
Re:, from and each of to and cc: name, address; date, message_id, text), job, endpoint, answer (text, data, files: name, size,
media_type), reason (code, sentence; of a failure only), tell, inputs, now. Writing what is missing makes the template fail, and then the
words are these, which are the usual ones: ask with {% if … %} or default(…). In html every value is escaped.");
        text: Option<Template> = template_allowed() => plain, never("\
'''
{% if reason -%}
Your mail could not be handled:
{{ reason.sentence }}.
{% if tell %}
{{ tell }}
{% endif %}
If you ask about it, please give this number:
{{ job }}
{%- elif answer.text -%}
{{ answer.text }}
{%- elif answer.files -%}
Your mail was handled. The result is attached:
{% for file in answer.files %}
{{ \"  \" ~ file.name }}
{%- endfor %}
{%- else -%}
Your mail was handled.
{%- endif %}
'''"), "";
        html: Option<Template> = template_allowed() => html, never(
            "\"<p>{% if reason %}{{ reason.sentence }}{% else %}{{ answer.text | default('Done.') }}{% endif %}</p>\""
        ), "beside the text, which is made of it when none is written";
    }
}

/// A template, or the file that it is in.
pub(super) fn template_allowed() -> Allowed {
    Allowed::Either(vec![Allowed::Prose, Allowed::only("file", Allowed::Text)])
}

pub(super) fn subject(value: PlacedValue<'_>) -> Option<Template> {
    template(TemplateFormat::Text, value)
}

pub(super) fn plain(value: PlacedValue<'_>) -> Option<Template> {
    template(TemplateFormat::Text, value)
}

pub(super) fn html(value: PlacedValue<'_>) -> Option<Template> {
    template(TemplateFormat::Html, value)
}

/// Reads the line above a quoted mail.
pub(super) fn heading(value: PlacedValue<'_>) -> Option<Template> {
    template(TemplateFormat::Text, value)
}

/// A template, or the file that holds it. It is read here, since it is as much a setting as the lines around its name.
fn template(form: TemplateFormat, value: PlacedValue<'_>) -> Option<Template> {
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
    match template.flaw(&REPLY, ABSENT) {
        None => {}
        Some(TemplateFlaw::Unknown(error)) => {
            return wrong(
                &error,
                "see https://docs.rs/minijinja/3/minijinja/filters/ for what there is",
            );
        }
        Some(TemplateFlaw::Strays(strays)) => {
            let (cause, cure) = given::told(&strays);
            return value.wrong(cause, cure);
        }
    }
    Some(template)
}

fn file(value: PlacedValue<'_>) -> Option<PathBuf> {
    value.table(|table| table.must("file", "write { file = \"reply.txt\" }", path))
}
