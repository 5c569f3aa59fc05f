//! The commented reference. Pure.

use std::fmt::Write as _;

use super::sections;
use crate::config::key::{Allowed, Key, KeyDefault, Section};

const HEAD: &str = "\
# Every key of an endpoint file. Made by mailjob schema --reference.
#
# What is written is the default, but for what must be written: account, url, argv. A line that begins with # and no blank
# is a setting that has no default or excludes another one. Durations: ms, s, m, h, d. Sizes: B, KB, MB, GB, KiB, MiB, GiB.
# Relative paths start at the folder of this file.
";

/// The commented reference of an endpoint file: TOML with every key, its default, its unit and its limits.
#[must_use]
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    for section in sections() {
        text.push('\n');
        paragraph(&mut text, section.about);
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
    let limits = limits(&key.allowed);
    let said = |about: &str| match (about, limits.as_str()) {
        ("", "") => String::new(),
        ("", limits) => format!(" # {limits}"),
        (about, "") => format!(" # {about}"),
        (about, limits) => format!(" # {about}; {limits}"),
    };
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
        Allowed::List(each, most) if *most < 1000 => match limits(each).as_str() {
            "" => format!("{most} at most"),
            limits => format!("{most} at most, {limits} each"),
        },
        _ => String::new(),
    }
}
