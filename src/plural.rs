//! Counts in words: the one place that knows how English counts. Pure.

use std::fmt::Display;

/// So many of these: `1 mail`, `2 mails`, `2 replies`.
#[must_use]
pub fn counted(count: impl Display, what: &str) -> String {
    let count = count.to_string();
    match count.as_str() {
        "1" => format!("1 {what}"),
        _ => format!("{count} {}", many(what)),
    }
}

/// The word for one, or that for none and several: `waits`, `wait`.
#[must_use]
pub fn of<'a>(count: impl Display, one: &'a str, many: &'a str) -> &'a str {
    if count.to_string() == "1" { one } else { many }
}

fn many(what: &str) -> String {
    match what.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{what}s"),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use regex::Regex;

    use super::*;

    #[test]
    fn one_is_told_from_none_and_several() {
        for (count, what, words) in [
            (0, "mail", "0 mails"),
            (1, "mail", "1 mail"),
            (21, "mail", "21 mails"),
            (1, "reply", "1 reply"),
            (2, "reply", "2 replies"),
            (2, "day", "2 days"),
        ] {
            assert_eq!(counted(count, what), words);
        }
        assert_eq!((of(1, "waits", "wait"), of(0, "waits", "wait")), ("waits", "wait"));
    }

    /// The lines of our own code, without its tests.
    fn lines(folder: &Path, each: &mut dyn FnMut(&Path, usize, &str)) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                lines(&path, each);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "plural.rs" {
                let text = fs::read_to_string(&path).unwrap();
                let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                product
                    .lines()
                    .enumerate()
                    .for_each(|(at, line)| each(&path, at + 1, line));
            }
        }
    }

    /// Nobody writes a plural behind a number that may be 1, but where the arm of a `match` or an `if` says that it is not.
    #[test]
    fn no_message_says_1_mails() {
        let counts = Regex::new(
            r"\{[a-z_.]*\} (?:more )?(?:mails|jobs|replies|steps|endpoints|attempts|problems|files|recipients|rows|times|days|minutes|hours|accounts|attachments|things|letters|events|parts)\b",
        )
        .unwrap();
        let mut found = Vec::new();
        lines(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut |file, line, text| {
                let is_arm = text.contains("=>") && !text.contains("=> match");
                if counts.is_match(text) && !is_arm && !text.trim_start().starts_with("//") {
                    found.push(format!("{}:{line}: {}", file.display(), text.trim()));
                }
            },
        );
        assert!(
            found.is_empty(),
            "write these by plural::counted:\n{}",
            found.join("\n")
        );
    }
}
