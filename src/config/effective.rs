//! What an endpoint's settings are in the end, and where each comes from: its file, the defaults of `mailjob.toml`, or ours.

use std::{collections::BTreeSet, fmt::Write as _, ops::Range, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Action, Endpoint, Problem, ReadBy,
    files::{list, read_text},
    key::{Key, Section},
    load::Sources,
    place::Place,
    reference::sections,
};

/// The settings of an endpoint that was loaded without a problem, so that nothing in its files is a secret: TOML, with the origin of
/// each value beside it.
///
/// # Errors
/// When a file can't be read any more.
pub fn effective(sources: &Sources, endpoint: &Endpoint) -> Result<String, Box<Problem>> {
    let text = |file: &Path| read_text(file).map_err(|fault| Box::new(Problem::of(file, fault)));
    let label = |file: &Path| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let files = list(sources, &mut Vec::new()).unwrap_or_default();
    let file = files
        .get(&endpoint.name)
        .map_or(&*sources.endpoints, |file| file.path.as_path());
    let (own, own_name) = (text(file)?, label(file));
    let shared = sources
        .config
        .as_deref()
        .map(|file| text(file).map(|text| (text, label(file))))
        .transpose()?;
    let own = SettingsFile {
        name: &own_name,
        text: &own,
        within: None,
    };
    let shared = shared.as_ref().map(|(text, name)| SettingsFile {
        name,
        text,
        within: Some("defaults"),
    });
    let sources: Vec<_> = [Some(own), shared].into_iter().flatten().collect();
    Ok(merged(&sources, endpoint.mailbox.protocol == ReadBy::Pop3))
}

/// A file with settings.
struct SettingsFile<'a> {
    /// What it is called in the margin.
    name: &'a str,
    text: &'a str,
    /// The tables in front of those of an endpoint: `defaults`, or none.
    within: Option<&'static str>,
}

/// All settings over these files, the first one first. Of the actions only the one that it has. `pop3` says how its mailbox is read.
fn merged(sources: &[SettingsFile<'_>], pop3: bool) -> String {
    let read: Vec<_> = sources.iter().map(ParsedSettings::new).collect();
    let has = |name: &str| read.first().is_some_and(|own| own.table(name).is_some());
    let mut text = String::new();
    for section in sections() {
        let outer = section.name.split('.').next().unwrap_or_default();
        if Action::KINDS.iter().any(|kind| kind.name == outer) && !has(outer) {
            continue;
        }
        for name in names(section, &read) {
            let Some(lines) = lines(section, &name, &read, pop3) else {
                continue;
            };
            if !name.is_empty() {
                put(&mut text, format_args!("\n[{name}]"));
            }
            for line in lines {
                put(&mut text, format_args!("{line}"));
            }
        }
    }
    text
}

/// The tables that a section stands for: one, or as many as the operator gave names to.
fn names(section: &Section, read: &[ParsedSettings<'_>]) -> BTreeSet<String> {
    let Some(outer) = section.name.strip_suffix(".*") else {
        return [section.name.to_owned()].into();
    };
    let tables = read.iter().filter_map(|source| source.table(outer));
    let inner = tables.flat_map(|table| table.keys());
    inner.map(|name| format!("{outer}.{}", name.get_ref())).collect()
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string never fails.
    writeln!(text, "{line}").unwrap_or_default();
}

/// The lines of a section; nothing where it stands nowhere and has no defaults of ours that count by themselves.
fn lines(section: &Section, name: &str, read: &[ParsedSettings<'_>], pop3: bool) -> Option<Vec<String>> {
    let tables: Vec<_> = read.iter().map(|source| source.table(name)).collect();
    let written = tables.iter().any(Option::is_some);
    if !written && (section.off || section.open.is_some() || !section.stands()) {
        return None;
    }
    let find = |key: &str| {
        let mut found = read
            .iter()
            .zip(&tables)
            .filter_map(|(source, table)| source.value((*table)?, key));
        found.next()
    };
    if section.open.is_some() {
        let mut names: Vec<&str> = tables
            .iter()
            .flatten()
            .flat_map(|table| table.keys())
            .map(|name| name.get_ref().as_ref())
            .collect();
        names.sort_unstable();
        names.dedup();
        return Some(
            names
                .into_iter()
                .filter_map(|name| Some(format!("{name} = {}", find(name)?)))
                .collect(),
        );
    }
    let line = |key: &Key| match find(key.name) {
        Some(found) => Some(format!("{} = {found}", key.name)),
        None => {
            let usual = key.usual_value(pop3, |other| find(other).is_some())?;
            Some(format!("{} = {usual} # default", key.name))
        }
    };
    Some(section.keys.iter().filter_map(line).collect())
}

/// A source that was parsed.
struct ParsedSettings<'a> {
    source: &'a SettingsFile<'a>,
    root: DeTable<'a>,
}

impl<'a> ParsedSettings<'a> {
    fn new(source: &'a SettingsFile<'a>) -> Self {
        let (root, _) = DeTable::parse_recoverable(source.text);
        let root = root.into_inner();
        Self { source, root }
    }

    /// The table with a name such as `webhook.headers`.
    fn table(&self, name: &str) -> Option<&DeTable<'a>> {
        let path = self
            .source
            .within
            .into_iter()
            .chain(name.split('.'))
            .filter(|part| !part.is_empty());
        let mut table = &self.root;
        for part in path {
            let DeValue::Table(inner) = table.get(part)?.get_ref() else {
                return None;
            };
            table = inner;
        }
        Some(table)
    }

    /// The value of a key as it is written, and where that is. Tables with names of their own are sections.
    fn value(&self, table: &DeTable<'a>, key: &str) -> Option<String> {
        let value: &Spanned<DeValue<'a>> = table.get(key)?;
        let Range { start, end } = value.span();
        let place = Place::of(self.source.text, &value.span());
        let written = match (value.get_ref(), self.source.text.get(start..end)?) {
            // With a header of its own, or written with dots.
            (DeValue::Table(_), text) if !text.starts_with('{') => "{ … }",
            (_, text) => text,
        };
        let written = without_queries(written);
        Some(format!("{written} # {}:{}", self.source.name, place.line))
    }
}

/// What is written, with `***` for the query, user and fragment of each URL: they may hold a key.
fn without_queries(written: &str) -> String {
    let mut left = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(['"', '\'', ' ', '\n', '\t', ',']).unwrap_or(after.len());
        let (url, more) = after.split_at(end);
        let (place, query) = match url.find(['?', '#']) {
            Some(at) => (url.split_at(at).0, url.get(at..=at).map(|mark| format!("{mark}***"))),
            None => (url, None),
        };
        let place = match place.split_once('/').map_or(place, |(host, _)| host).rsplit_once('@') {
            Some((user, _)) => format!("***{}", place.get(user.len()..).unwrap_or_default()),
            None => place.to_owned(),
        };
        left.extend([before, "://", &place, query.as_deref().unwrap_or_default()]);
        rest = more;
    }
    left + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "[mailbox]\naccount = \"office\"\nevery = \"20s\"\n[webhook]\nurl = \"https://erp.example/\"\n";
    const SHARED: &str = "[accounts.office]\nuser = \"a\"\n[defaults.webhook]\ntimeout = \"7s\"\n[defaults.webhook.headers]\nX-Tenant = \"one\"\n";

    fn shown(own: &str, pop3: bool) -> Vec<String> {
        let own = SettingsFile {
            name: "own.toml",
            text: own,
            within: None,
        };
        let shared = SettingsFile {
            name: "mailjob.toml",
            text: SHARED,
            within: Some("defaults"),
        };
        merged(&[own, shared], pop3).lines().map(str::to_owned).collect()
    }

    #[test]
    fn each_value_stands_beside_its_origin() {
        let lines = shown(OWN, false);
        for line in [
            "every = \"20s\" # own.toml:3",
            "timeout = \"7s\" # mailjob.toml:4",
            "X-Tenant = \"one\" # mailjob.toml:6",
            "max_answer = \"10MiB\" # default",
            "done = { move = \"Processed\" } # default",
        ] {
            assert!(lines.iter().any(|shown| shown == line), "{line}: {lines:#?}");
        }
        for absent in ["watch = ", "look = ", "argv = ", "[command]", "[reply]", "ca_file"] {
            assert!(
                !lines.iter().any(|shown| shown.starts_with(absent)),
                "{absent}: {lines:#?}"
            );
        }
    }

    #[test]
    fn tables_with_names_of_the_operators_own_are_shown() {
        let own = format!("{OWN}[reply.success]\ncc = []\n[reply.languages.de]\nsubject = \"Zu {{{{ job }}}}\"\n");
        let lines = shown(&own, false);
        for line in [
            "success = { … } # own.toml:6",
            "[reply.languages.de]",
            "subject = \"Zu {{ job }}\" # own.toml:9",
        ] {
            assert!(lines.iter().any(|shown| shown == line), "{line}: {lines:#?}");
        }
    }

    #[test]
    fn what_may_be_a_key_in_a_url_is_not_shown() {
        for (written, shown) in [
            (
                "\"https://erp.example/hook?key=x&v=1\"",
                "\"https://erp.example/hook?***\"",
            ),
            (
                "'https://me:key@erp.example/hook#key'",
                "'https://***@erp.example/hook#***'",
            ),
            (
                "[\"a\", \"http://a/?b\", \"http://c/@d\"]",
                "[\"a\", \"http://a/?***\", \"http://c/@d\"]",
            ),
            ("\"7s\"", "\"7s\""),
            ("\"://\"", "\"://\""),
        ] {
            assert_eq!(without_queries(written), shown);
        }
        let lines = shown(&OWN.replace("erp.example/", "erp.example/?key=canary"), false);
        assert!(!lines.concat().contains("canary"), "{lines:#?}");
    }

    #[test]
    fn by_pop3_other_defaults_count() {
        let lines = shown(&OWN.replace("every = \"20s\"\n", ""), true);
        for line in ["every = \"10s\" # default", "done = \"delete\" # default"] {
            assert!(lines.iter().any(|shown| shown == line), "{line}: {lines:#?}");
        }
        assert!(!lines.iter().any(|shown| shown.starts_with("watch = ")));
    }
}
