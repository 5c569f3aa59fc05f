//! Templates of minijinja (<https://docs.rs/minijinja>), with what bounds and guards them. Pure.
//!
//! A value that is missing may be asked for (`{% if answer.text %}`, `default`), but not written: then the template fails, and
//! whoever renders it takes other words. `none` counts as missing. Templates include no others.

use std::{collections::BTreeSet, fmt, io, sync::Arc};

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, escape_formatter};

use super::{
    given::{Stray, TemplateShape},
    place::visible,
};

/// Bytes of a template.
pub const MAX_SOURCE: usize = 256 << 10;
/// Instructions of one rendering; a loop takes some ten for each round.
const FUEL: u64 = 1_000_000;
/// Characters of a failure's words.
const LONGEST: usize = 300;
/// What minijinja brings; `debug` would tell everything to whoever reads the result, and is taken away.
const GLOBALS: [&str; 3] = ["range", "dict", "namespace"];

/// What a template makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateFormat {
    /// Text as it is.
    Text,
    /// HTML: every value is escaped.
    Html,
}

/// A template that could be parsed.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    form: TemplateFormat,
    source: Arc<str>,
}

/// Why a template can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TemplateError {
    /// The template's line, from 1.
    pub line: usize,
    /// What is wrong: a few words without control characters.
    pub what: String,
    /// Whether it calls a filter, test, function or method that there is not.
    pub unknown: bool,
}

/// What is wrong with a template that could be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TemplateFlaw {
    /// It calls what there is not.
    Unknown(TemplateError),
    /// It asks for what there is not.
    Strays(BTreeSet<Stray>),
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// When it is too large or can't be parsed.
    pub fn new(form: TemplateFormat, source: &str) -> Result<Self, TemplateError> {
        if source.len() > MAX_SOURCE {
            let what = format!("the template has more than {MAX_SOURCE} bytes");
            return Err(TemplateError {
                line: 1,
                what,
                unknown: false,
            });
        }
        engine(None).template_from_str(source).map_err(|error| told(&error))?;
        Ok(Self {
            form,
            source: source.into(),
        })
    }

    /// A template of our own, which a test parses.
    pub(super) fn ours(form: TemplateFormat, source: &'static str) -> Self {
        let source = source.into();
        Self { form, source }
    }

    /// What it was made from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The values that it asks for, e.g. `mail.subject`.
    #[must_use]
    pub fn asked(&self) -> BTreeSet<String> {
        let engine = engine(None);
        let parsed = engine.template_from_str(&self.source);
        let asked = parsed.map(|template| template.undeclared_variables(true));
        let asked = asked.unwrap_or_default().into_iter();
        asked.filter(|name| !GLOBALS.contains(&name.as_str())).collect()
    }

    /// What it makes of these values, at most `most` bytes and within bounded work.
    ///
    /// # Errors
    /// When a value is missing, or it would be too much.
    pub fn render(&self, values: &Value, most: usize) -> Result<String, TemplateError> {
        self.rendered(values, most, Some(FUEL))
    }

    /// The same for a template of our own, whose work is bounded by the values.
    ///
    /// # Errors
    /// When a value is missing.
    pub fn render_ours(&self, values: &Value) -> Result<String, TemplateError> {
        self.rendered(values, usize::MAX, None)
    }

    /// What it calls that there is not, and else what it asks for that there is not: by its words, and as far as such values lead into it,
    /// of which each time others are absent.
    pub(super) fn flaw(
        &self,
        given: &'static TemplateShape,
        absent: &[&'static [&'static str]],
    ) -> Option<TemplateFlaw> {
        let mut found = BTreeSet::new();
        for absent in absent {
            let (values, strays) = given.sample(absent);
            if let Some(error) = self.unknown(&values) {
                return Some(TemplateFlaw::Unknown(error));
            }
            found.extend(strays.all());
        }
        found.extend(self.asked().iter().filter_map(|asked| given.stray(asked)));
        (!found.is_empty()).then_some(TemplateFlaw::Strays(found))
    }

    /// Whether it calls something that there is not, as far as these values lead into it.
    fn unknown(&self, values: &Value) -> Option<TemplateError> {
        let mut engine = engine(Some(FUEL));
        engine.set_undefined_behavior(UndefinedBehavior::Chainable);
        let template = engine.template_from_str(&self.source).ok()?;
        let error = template.render_captured_to(values.clone(), io::sink()).err()?;
        Some(told(&error)).filter(|error| error.unknown)
    }

    fn rendered(&self, values: &Value, most: usize, fuel: Option<u64>) -> Result<String, TemplateError> {
        let name = match self.form {
            TemplateFormat::Text => "reply.txt",
            TemplateFormat::Html => "reply.html",
        };
        let mut text = Bounded {
            bytes: Vec::new(),
            room: most,
        };
        let engine = engine(fuel);
        let rendered = engine
            .template_from_named_str(name, &self.source)
            .and_then(|template| template.render_captured_to(values.clone(), &mut text).map(drop));
        rendered.map_err(|error| told(&error))?;
        Ok(String::from_utf8_lossy(&text.bytes).into_owned())
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.source)
    }
}

fn engine<'a>(fuel: Option<u64>) -> Environment<'a> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    engine.remove_global("debug");
    // So that a fault names what is missing.
    engine.set_debug(true);
    engine.set_fuel(fuel);
    engine.set_formatter(|out, state, value| {
        if value.is_none() {
            return Err(minijinja::Error::new(ErrorKind::UndefinedError, "a value is none"));
        }
        escape_formatter(out, state, value)
    });
    engine
}

fn told(error: &minijinja::Error) -> TemplateError {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let what = match error.kind() {
        ErrorKind::WriteFailure => "the result is too long".to_owned(),
        ErrorKind::OutOfFuel => "it takes too much work".to_owned(),
        kind => format!("{kind}{detail}"),
    };
    TemplateError {
        line: error.line().unwrap_or(1),
        what: what.chars().take(LONGEST).map(visible).collect(),
        unknown: matches!(
            error.kind(),
            ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction | ErrorKind::UnknownMethod
        ),
    }
}

/// Takes so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    room: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self
            .room
            .checked_sub(bytes.len())
            .ok_or_else(|| io::Error::other("too long"))?;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn render(form: TemplateFormat, source: &str, most: usize) -> Result<String, String> {
        let values = context! { name => "<b>\"Ann\"</b>", nothing => (), list => vec![1, 2, 3] };
        let template = Template::new(form, source).map_err(|error| error.to_string())?;
        template.render(&values, most).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_missing_may_be_asked_for_but_not_written() {
        for (source, made) in [
            ("{{ name }}", Ok("<b>\"Ann\"</b>")),
            ("{% if other %}x{% else %}y{% endif %}", Ok("y")),
            ("{{ other | default('z') }}", Ok("z")),
            ("a\n{{ other }}", Err("line 2: undefined value: `other` is undefined")),
            ("{{ name.other }}", Err("line 1: undefined value")),
            ("{% if other.deep %}x{% endif %}", Err("line 1: undefined value")),
            ("{% for x in other %}x{% endfor %}", Err("line 1: undefined value")),
            ("{{ nothing }}", Err("line 1: undefined value: a value is none")),
            ("{% if %}", Err("line 1: syntax error")),
            ("{{ name|nosuch }}", Err("line 1: unknown filter")),
            ("{{ debug() }}", Err("line 1: unknown function")),
            ("{% include 'other' %}", Err("line 1: syntax error")),
            (
                "{% for x in range(99999) %}{% for y in list %}{% endfor %}{% endfor %}",
                Err("line 1: it takes too much work"),
            ),
            (
                "{% for x in list %}0123456789{% endfor %}",
                Err("line 1: the result is too long"),
            ),
        ] {
            let found = render(TemplateFormat::Text, source, 25);
            match (&found, made) {
                (Ok(found), Ok(made)) => assert_eq!(found, made, "{source}"),
                (Err(found), Err(made)) => assert!(found.starts_with(made), "{source}: {found}"),
                _ => panic!("{source}: {found:?}"),
            }
        }
    }

    #[test]
    fn html_is_escaped_by_its_name() {
        let made = render(TemplateFormat::Html, "<p>{{ name }}</p>", 1000).unwrap();
        assert_eq!(made, "<p>&lt;b&gt;&quot;Ann&quot;&lt;&#x2f;b&gt;</p>");
    }

    #[test]
    fn what_is_asked_for() {
        let template = Template::new(
            TemplateFormat::Text,
            "{{ mail.subject }}{% for x in range(3) %}{{ x }}{{ now }}{% endfor %}",
        )
        .unwrap();
        assert_eq!(
            template.asked().into_iter().collect::<Vec<_>>(),
            ["mail.subject", "now"]
        );
    }
}
