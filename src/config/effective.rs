//! What settings are in the end, of an endpoint and of what endpoints share, and where each comes from: its file, the defaults of
//! `mailjob.toml`, the provider, or ours.

use std::{collections::BTreeSet, path::Path};

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{
    Action, Endpoint, Problem, ReadBy, Server, Tls,
    files::{list, read_text},
    key::{Key, Section},
    load::Sources,
    loaded::Loaded,
    place::Place,
    reference::{FileKind, sections},
};
use crate::slots::Size;

/// The settings of an endpoint that was loaded without a problem, so that nothing in its files is a secret: TOML, with the origin of
/// each value beside it.
///
/// # Errors
/// When a file can't be read any more.
pub fn effective(sources: &Sources, endpoint: &Endpoint) -> Result<String, Box<Problem>> {
    let files = list(sources, &mut Vec::new()).unwrap_or_default();
    let file = files
        .get(&endpoint.name)
        .map_or(&*sources.endpoints, |file| file.path.as_path());
    let own = SettingsFile::read(file, None)?;
    let shared = sources.config.as_deref();
    let shared = shared.map(|file| SettingsFile::read(file, Some("defaults")));
    let files: Vec<_> = [Some(own), shared.transpose()?].into_iter().flatten().collect();
    Ok(merged(&files, endpoint.mailbox.protocol == ReadBy::Pop3))
}

/// The settings that endpoints share, in the same way; what a provider or this machine makes of them is said too.
///
/// # Errors
/// When `mailjob.toml` can't be read any more, or has a problem: what is wrong there may be a secret that is written out.
pub fn effective_shared(sources: &Sources, loaded: &Loaded) -> Result<String, Vec<Problem>> {
    let is_shared = |problem: &&Problem| Some(&*problem.file) == sources.config.as_deref();
    let problems: Vec<_> = loaded.problems.iter().filter(is_shared).cloned().collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let file = sources.config.as_deref();
    let file = file.map(|file| SettingsFile::read(file, None)).transpose();
    let file = file.map_err(|problem| vec![*problem])?;
    let read: Vec<_> = file.iter().map(ParsedSettings::new).collect();
    let shown = |section: &&Section| section.name != "defaults";
    let implied = |table: &str, key: &str| implied(loaded, table, key);
    Ok(shown_over(
        &read,
        sections(FileKind::Shared).filter(shown),
        false,
        &implied,
    ))
}

/// What a setting comes to where its default depends on more than its table, and whence it is when it is not written.
type Implied<'a> = &'a dyn Fn(&str, &str) -> Option<(String, &'static str)>;

/// The whole of a setting of `mailjob.toml` of which the provider, the user or this machine says what is not written.
fn implied(loaded: &Loaded, table: &str, key: &str) -> Option<(String, &'static str)> {
    const SLOTS: &str = "default, by the cores; and one for each endpoint";
    let slots = |size: Size| match size {
        Size::Exactly(count) | Size::Beside(count) => (count.to_string(), SLOTS),
    };
    let service = loaded.service.as_ref();
    let account = || loaded.accounts.get(table.strip_prefix("accounts.")?);
    match (table, key) {
        ("service", "jobs") => service.map(|service| slots(service.jobs)),
        ("service", "commands") => service.map(|service| slots(service.commands)),
        (_, "from") => account()?.from.as_ref().map(|from| (format!("{from:?}"), "the user")),
        (_, "pace") => account()?
            .pace
            .map(|pace| (format!("\"{pace}\""), "default of the provider")),
        (_, "imap") => server(account()?.imap.as_ref()?, true),
        (_, "pop3") => server(account()?.pop3.as_ref()?, true),
        (_, "smtp") => account().and_then(|account| server(account.smtp.as_ref()?, account.smtp_auth)),
        _ => None,
    }
}

fn server(Server { host, port, tls }: &Server, signs_in: bool) -> Option<(String, &'static str)> {
    let tls = match tls {
        Tls::Implicit => "implicit",
        Tls::StartTls => "starttls",
    };
    let auth = if signs_in { "" } else { ", auth = false" };
    let whole = format!("{{ host = {host:?}, port = {port}, tls = \"{tls}\"{auth} }}");
    Some((whole, "default of the provider"))
}

/// A file with settings.
struct SettingsFile {
    /// What it is called in the margin.
    name: String,
    text: String,
    /// The tables in front of those of an endpoint: `defaults`, or none.
    within: Option<&'static str>,
}

impl SettingsFile {
    fn read(file: &Path, within: Option<&'static str>) -> Result<Self, Box<Problem>> {
        let text = read_text(file).map_err(|fault| Box::new(Problem::of(file, fault)))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, text, within })
    }
}

/// All settings of an endpoint over these files, the first one first. Of the actions only the one that it has. `pop3` says how its mailbox is read.
fn merged(files: &[SettingsFile], pop3: bool) -> String {
    let read: Vec<_> = files.iter().map(ParsedSettings::new).collect();
    let has = |name: &str| read.first().is_some_and(|own| own.table(name).is_some());
    let is_its = |section: &&Section| {
        let outer = section.name.split('.').next().unwrap_or_default();
        Action::KINDS.iter().all(|kind| kind.name != outer) || has(outer)
    };
    shown_over(&read, sections(FileKind::Endpoint).filter(is_its), pop3, &|_, _| None)
}

fn shown_over<'a>(
    read: &[ParsedSettings<'_>],
    sections: impl Iterator<Item = &'a Section>,
    pop3: bool,
    implied: Implied<'_>,
) -> String {
    let mut text = String::new();
    for section in sections {
        for name in names(section, read) {
            let Some(lines) = lines(section, &name, read, pop3, implied) else {
                continue;
            };
            if !name.is_empty() {
                text.extend(["\n[", &name, "]\n"]);
            }
            text.extend(lines.iter().flat_map(|line| [line.as_str(), "\n"]));
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

/// The lines of a section; nothing where it stands nowhere and has no defaults of ours that count by themselves.
fn lines(
    section: &Section,
    name: &str,
    read: &[ParsedSettings<'_>],
    pop3: bool,
    implied: Implied<'_>,
) -> Option<Vec<String>> {
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
        let names = tables.iter().flatten().flat_map(|table| table.keys());
        let names: BTreeSet<_> = names.map(|name| name.get_ref().as_ref()).collect();
        let line = |name: &str| find(name).map(|(value, from)| format!("{name} = {value} # {from}"));
        return Some(names.into_iter().filter_map(line).collect());
    }
    let line = |key: &Key| {
        let usual = || {
            let is_written = |other: &str| find(other).is_some();
            let is_out = section.rules.iter().any(|rule| rule.excludes(key.name, is_written));
            Some((key.usual_value(pop3).filter(|_| !is_out)?.to_owned(), "default"))
        };
        let (value, from) = match (find(key.name), implied(name, key.name)) {
            (Some((_, from)), Some((whole, _))) => (whole, from),
            (Some(written), None) => written,
            (None, implied) => implied.or_else(usual).map(|(value, from)| (value, from.to_owned()))?,
        };
        Some(format!("{} = {value} # {from}", key.name))
    };
    Some(section.keys.iter().filter_map(line).collect())
}

/// A source that was parsed.
struct ParsedSettings<'a> {
    source: &'a SettingsFile,
    root: DeTable<'a>,
}

impl<'a> ParsedSettings<'a> {
    fn new(source: &'a SettingsFile) -> Self {
        let (root, _) = DeTable::parse_recoverable(&source.text);
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
    fn value(&self, table: &DeTable<'a>, key: &str) -> Option<(String, String)> {
        let value: &Spanned<DeValue<'a>> = table.get(key)?;
        let place = Place::of(&self.source.text, &value.span());
        let written = without_queries(&self.written(value)?);
        Some((written, format!("{}:{}", self.source.name, place.line)))
    }

    /// What is written; a table with a header of its own, or written with dots, as if it stood on one line.
    fn written(&self, value: &Spanned<DeValue<'a>>) -> Option<String> {
        let text = self.source.text.get(value.span())?;
        match value.get_ref() {
            DeValue::Table(table) if !text.starts_with('{') => {
                let entry = |(name, value): (&Spanned<DeString<'a>>, _)| {
                    Some(format!("{} = {}", name.get_ref(), self.written(value)?))
                };
                let entries: Option<Vec<_>> = table.iter().map(entry).collect();
                Some(format!("{{ {} }}", entries?.join(", ")))
            }
            _ => Some(text.to_owned()),
        }
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
        let file = |name: &str, text: &str, within| SettingsFile {
            name: name.to_owned(),
            text: text.to_owned(),
            within,
        };
        let own = file("own.toml", own, None);
        let shared = file("mailjob.toml", SHARED, Some("defaults"));
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
            "success = { cc = [] } # own.toml:6",
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
