//! The commented references. Pure.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{FileKind, sections};
use crate::config::key::{Allowed, Key, KeyDefault, Section};

const ENDPOINT: &str = "\
# Every key of an endpoint file. Made by mailjob schema --reference.
#
# What is written is the default, but for what must be written: account, url, argv. A line that begins with # and no blank
# is a setting that has no default or excludes another one. Durations: ms, s, m, h, d. Sizes: B, KB, MB, GB, KiB, MiB, GiB.
# Relative paths start at the folder of this file.
";

const SHARED: &str = "\
# What endpoints share. Every key. Made by mailjob schema --shared --reference.
#
# What is written in [service] and [retention] is the default. A line that begins with # and no blank is a setting that has no
# default or excludes another one. Durations: ms, s, m, h, d. Sizes: B, KB, MB, GB, KiB, MiB, GiB. Relative paths start at the folder
# of this file. Accounts take effect when this file changes, and so do [operator] and [api]; [service], [net] and [retention] take
# effect at the next start.
";

/// The commented reference of a kind of file: TOML with every key, its default, its unit and its limits.
#[must_use]
pub fn reference(file: FileKind) -> String {
    let head = match file {
        FileKind::Endpoint => ENDPOINT,
        FileKind::Shared => SHARED,
    };
    let mut text = head.to_owned();
    let is_told = |section: &&Section| !section.keys.is_empty() || !section.name.is_empty();
    for section in sections(file).filter(is_told) {
        text.push('\n');
        paragraph(&mut text, section.about);
        if !section.samples.is_empty() {
            samples(&mut text, section);
            continue;
        }
        let off = if section.off { "#" } else { "" };
        if !section.name.is_empty() {
            line(&mut text, format_args!("{off}[{}]", section.name.replace('*', "de")));
        }
        for key in &section.keys {
            entry(&mut text, section, key);
        }
    }
    text
}

fn entry(text: &mut String, section: &Section, key: &Key) {
    if !key.above.is_empty() {
        text.push('\n');
        paragraph(text, key.above);
    }
    let off = if section.off { "#" } else { "" };
    let name = key.name;
    let said = |about: &str| said(about, &key.allowed);
    let (stands, others) = match &key.given {
        KeyDefault::Must(value, others) => (Some(*value), *others),
        KeyDefault::Usual(value) => (Some(value.as_str()), [].as_slice()),
        KeyDefault::Never(shown) => (None, shown.as_slice()),
    };
    if let Some(value) = stands {
        line(text, format_args!("{off}{name} = {value}{}", said(key.about)));
    }
    for (value, about) in others {
        line(
            text,
            format_args!(
                "#{name} = {}{}",
                value.replace('\n', "\n#"),
                said(if about.is_empty() { key.about } else { about })
            ),
        );
    }
}

/// Whole tables: what a key is for stands beside it where it is written first.
fn samples(text: &mut String, section: &Section) {
    let (mut told, mut inner) = (BTreeSet::new(), "");
    for sample in section.samples.lines() {
        let bare = sample.trim_start_matches('#');
        if let Some(header) = bare.strip_prefix('[') {
            inner = header.trim_end_matches(']').split('.').nth(2).unwrap_or_default();
        }
        let outer = section.keys.iter().find(|key| key.name == inner);
        let keys = match outer.map(|key| &key.allowed) {
            Some(Allowed::Table(inner)) => &inner.keys,
            _ => &section.keys,
        };
        let name = bare.split_once(" = ").map_or("", |(name, _)| name);
        let key = keys.iter().find(|key| key.name == name);
        let key = key.filter(|_| told.insert((inner, name)));
        let said = key.map(|key| said(key.about, &key.allowed)).unwrap_or_default();
        line(text, format_args!("{sample}{said}"));
    }
}

/// What stands behind a setting.
fn said(about: &str, allowed: &Allowed) -> String {
    match (about, limits(allowed).as_str()) {
        ("", "") => String::new(),
        ("", limits) => format!(" # {limits}"),
        (about, "") => format!(" # {about}"),
        (about, limits) => format!(" # {about}; {limits}"),
    }
}

fn paragraph(text: &mut String, lines: &str) {
    for each in lines.lines() {
        line(text, format_args!("# {}", each.trim()));
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string never fails.
    writeln!(text, "{line}").unwrap_or_default();
}

/// The limits of a value in words.
fn limits(shape: &Allowed) -> String {
    match shape {
        Allowed::Count(min, max) => format!("{min} to {max}"),
        Allowed::CountOrAll(min, max) => format!("{min} to {max}, or -1: all"),
        Allowed::Duration(min, max) | Allowed::Size(min, max) => format!("{min} to {max}"),
        Allowed::Secret => "or { env = \"…\" }".to_owned(),
        Allowed::List(each, most) if *most < 1000 => match limits(each).as_str() {
            "" => format!("{most} at most"),
            limits => format!("{most} at most, {limits} each"),
        },
        _ => String::new(),
    }
}
