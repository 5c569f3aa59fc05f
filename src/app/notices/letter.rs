//! Subject and text of a mail to the operator, by the operator's templates. Pure but for a warning.
//!
//! A template that can't be filled in must not keep anybody from being told: then the usual words are used.

use minijinja::{Environment, Error, UndefinedBehavior, value::Serde};
use serde::Serialize;
use tracing::warn;

use super::{
    news::NewsItem,
    words::{NoticeSender, NoticeText, closing, said, subject},
};
use crate::config::Operator;

/// Steps that a template may take: far more than any list of news needs.
const FUEL: u64 = 1_000_000;

/// What a template may name.
#[derive(Serialize)]
struct Context<'a> {
    /// All news in a line.
    headline: String,
    news: Vec<NoticeText>,
    /// Where one sees how it is now.
    closing: &'a str,
    host: &'a str,
    ledger: &'a str,
}

/// Subject and text of a mail about these.
pub(super) fn letter(
    items: &[NewsItem],
    speaker: &NoticeSender,
    (subject_by, text_by): (&str, &str),
) -> (String, String) {
    let context = Context {
        headline: subject(items),
        news: items.iter().map(said).collect(),
        closing: closing(items),
        host: &speaker.host,
        ledger: &speaker.ledger,
    };
    let written = |key: &str, template: &str, usual: &str| match fill(template, &context) {
        Ok(text) if !text.trim().is_empty() => text,
        Ok(_) => {
            warn!("operator.{key} yields nothing; the usual words are used");
            fill(usual, &context).unwrap_or_else(|_| context.headline.clone())
        }
        Err(error) => {
            warn!(%error, "operator.{key} can't be filled in; the usual words are used");
            fill(usual, &context).unwrap_or_else(|_| context.headline.clone())
        }
    };
    (
        written("subject", subject_by, Operator::SUBJECT).trim_end().to_owned(),
        written("text", text_by, Operator::TEXT),
    )
}

fn fill(template: &str, context: &Context<'_>) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    // By default minijinja drops a last line feed (3.1).
    let filled = environment.template_from_str(template)?.render(Serde(context))?;
    Ok(format!("{}\n", filled.trim_end()))
}

#[cfg(test)]
#[path = "letter_tests.rs"]
mod tests;
