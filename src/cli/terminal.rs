//! What a terminal takes: colours or none, how wide a text is there, and characters beyond ASCII. Pure but for what the environment says.

use std::{borrow::Cow, env};

use unicode_width::UnicodeWidthStr;

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Whether what goes to a terminal, or not, has colours.
pub(super) fn has_colours(is_terminal: bool) -> bool {
    colours(is_terminal, |name| env::var(name).ok())
}

/// As programs agree on it: `NO_COLOR` (no-color.org), `CLICOLOR` and `CLICOLOR_FORCE` (bixense.com/clicolors), and a terminal that has none.
fn colours(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    let has_none = set("TERM").is_some_and(|term| term == "dumb") || set("CLICOLOR").is_some_and(|value| value == "0");
    is_terminal && !has_none
}

/// A text of ours as the locale can show it.
pub(super) fn fitting(text: &str) -> Cow<'_, str> {
    match is_utf8(|name| env::var(name).ok()) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(ascii(text)),
    }
}

/// Whether the locale shows more than ASCII. Where nothing is said, as in a container, nearly everything does.
fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let Some(locale) = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set) else {
        return true;
    };
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Our own signs as ASCII has them. What others wrote stays as it is.
fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '✓' => plain.push('+'),
            '✗' => plain.push('x'),
            '–' => plain.push('-'),
            '→' => plain.push_str("->"),
            '…' => plain.push_str("..."),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            set.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn colours_are_for_who_wants_them() {
        for (terminal, set, expected) in [
            (true, &[][..], true),
            (false, &[], false),
            (true, &[("NO_COLOR", "1")], false),
            (true, &[("NO_COLOR", "")], true),
            (true, &[("TERM", "dumb")], false),
            (true, &[("TERM", "xterm-256color")], true),
            (true, &[("CLICOLOR", "0")], false),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            (false, &[("CLICOLOR_FORCE", "0")], false),
        ] {
            assert_eq!(colours(terminal, of(set)), expected, "{terminal} {set:?}");
        }
    }

    #[test]
    fn a_locale_without_utf_8_gets_ascii() {
        for (set, expected) in [
            (&[][..], true),
            (&[("LANG", "C")], false),
            (&[("LANG", "POSIX")], false),
            (&[("LANG", "en_US.UTF-8")], true),
            (&[("LANG", "C.utf8")], true),
            (&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")], false),
            (&[("LC_ALL", ""), ("LC_CTYPE", "de_DE.ISO-8859-1")], false),
        ] {
            assert_eq!(is_utf8(of(set)), expected, "{set:?}");
        }
        assert_eq!(ascii("✓ a → b – ✗ c… é"), "+ a -> b - x c... é");
    }

    #[test]
    fn what_is_wide_takes_two_columns() {
        assert_eq!(
            (width("請求書"), width("é"), width("e\u{301}"), width("a")),
            (6, 1, 1, 1)
        );
    }
}
