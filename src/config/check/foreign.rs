//! Placeholders of other programs, which stay as they are here: AEM's `%SUBJECT%`, a shell's `$SUBJECT`, `{subject}` where nothing is filled
//! in. The one place that knows them. Pure.

/// What of a mail others have placeholders for.
const OF_MAILS: &str = "subject body body_text body_html text html header headers sender from to cc reply_to date message_id \
    messageid attachment attachments file filename file_name email mail";
/// Programs whose arguments are written in a language of their own, in which braces and `$` have a meaning.
const LANGUAGES: [&str; 13] = [
    "awk", "gawk", "mawk", "sed", "jq", "yq", "perl", "find", "xargs", "parallel", "m4", "envsubst", "rg",
];
/// What a shell does with a line, when there is one.
const SHELL_WORDS: [&str; 9] = ["|", "||", "&&", "&", ">", ">>", "<", "2>", "2>&1"];

/// What somebody took for a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign {
    /// As it is written.
    pub(super) written: String,
    /// The name in it, in lower case.
    pub(super) name: String,
}

/// The first placeholder in a text in which nothing is filled in: only such as stand for a mail's field, or for one of these names. What
/// else is in braces or behind a `$` may be meant so.
pub(super) fn of_mails<'a>(text: &str, names: impl Iterator<Item = &'a str> + Clone) -> Option<Foreign> {
    let is_known = |found: &Foreign| is_of_mail(found) || names.clone().any(|name| name == found.name);
    all(text).into_iter().find(is_known)
}

/// The first one in an argument where no inputs are named: there `{name}` and `$NAME` have no meaning of their own.
pub(super) fn of_arguments(text: &str) -> Option<Foreign> {
    let is_variable = |found: &Foreign| {
        found.written.starts_with('$') && !found.written.bytes().any(|b| b.is_ascii_lowercase())
            || found.written.starts_with('{')
            || is_of_mail(found)
    };
    all(text).into_iter().find(is_variable)
}

impl Foreign {
    /// How an input of this name is written.
    pub(super) fn as_input(&self) -> String {
        let name = match self.name.as_str() {
            "from" | "email" => "sender",
            "file" | "filename" | "file_name" | "attachment" => "attachments",
            name => name.trim_matches('_'),
        };
        let source = match name {
            "subject" | "body" | "text" | "html" | "headers" | "sender" | "to" | "cc" | "reply_to" | "date"
            | "message_id" => {
                format!("field = \"{name}\"")
            }
            "body_text" => "field = \"text\"".to_owned(),
            "body_html" => "field = \"html\"".to_owned(),
            "attachments" => "attachments = [\"*\"]".to_owned(),
            _ => "field = \"…\"".to_owned(),
        };
        format!("{name} = {{ {source} }}")
    }
}

/// Whether it stands for a field of a mail.
pub(super) fn is_of_mail(found: &Foreign) -> bool {
    OF_MAILS.split_ascii_whitespace().any(|name| name == found.name)
}

/// Whether an argument is a word of a shell.
pub(super) fn is_shell_word(argument: &str) -> bool {
    SHELL_WORDS.contains(&argument)
}

/// How many arguments from the first on are plain: what follows is a program by itself (`-c`, `-e`), or in a language of its own.
pub(super) fn plain<'a>(argv: impl Iterator<Item = &'a str>) -> usize {
    let mut plain = 0;
    for argument in argv {
        plain += 1;
        let name = argument.rsplit('/').next().unwrap_or_default();
        let is_switch = argument.strip_prefix('-').is_some_and(|letters| {
            letters.len() <= 3 && letters.ends_with(['c', 'e']) && letters.bytes().all(|b| b.is_ascii_lowercase())
        });
        if LANGUAGES.contains(&name) || is_switch {
            break;
        }
    }
    plain
}

/// All that look like a placeholder: `%NAME%`, `$NAME`, `${NAME}`, `{name}`, but not `{{name}}`.
fn all(text: &str) -> Vec<Foreign> {
    let mut found = Vec::new();
    let mut add = |written: &str, name: &str| {
        found.push(Foreign {
            written: written.to_owned(),
            name: name.to_ascii_lowercase(),
        });
    };
    for (at, mark) in text.match_indices(['%', '$', '{']) {
        let (before, rest) = text.split_at(at);
        let inner = rest.get(1..).unwrap_or_default();
        let name_of = |text: &str| {
            let end = text
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(text.len());
            let name = text.get(..end).unwrap_or_default();
            let begins = name
                .bytes()
                .next()
                .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
            begins.then(|| name.to_owned())
        };
        let whole = |len: usize| rest.get(..len).unwrap_or(rest).to_owned();
        match mark {
            "%" => {
                if let Some(name) =
                    name_of(inner).filter(|name| inner.get(name.len()..).is_some_and(|end| end.starts_with('%')))
                {
                    add(&whole(name.len() + 2), &name);
                }
            }
            "$" => {
                let braced = inner.strip_prefix('{').and_then(name_of);
                if let Some(name) = braced {
                    add(&whole(name.len() + 3), &name);
                } else if let Some(name) = name_of(inner) {
                    add(&whole(name.len() + 1), &name);
                }
            }
            _ if before.ends_with(['$', '{', '%']) || inner.starts_with('{') => {}
            _ => {
                let closed = |name: &String| {
                    inner
                        .get(name.len()..)
                        .is_some_and(|end| end.starts_with('}') && !end.starts_with("}}"))
                };
                if let Some(name) = name_of(inner).filter(closed) {
                    add(&whole(name.len() + 2), &name);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_fill_in_is_known() {
        let none = || std::iter::empty();
        let mail = |text: &str| of_mails(text, none()).map(|found| found.written);
        for (text, written) in [
            ("%SUBJECT%", "%SUBJECT%"),
            ("Re: %BODY_TEXT% x", "%BODY_TEXT%"),
            ("$SUBJECT", "$SUBJECT"),
            ("x${from}y", "${from}"),
            ("https://a.example/{subject}", "{subject}"),
        ] {
            assert_eq!(mail(text).as_deref(), Some(written), "{text}");
        }
        for text in [
            "100% of %5BA%5D",
            "https://a.example/%E2%82%AC",
            "$5",
            "{{ mail.subject }}",
            "{{subject}}",
            "{\"a\":1}",
            "$HOME",
            "{number}",
            "%SUBJECT",
            "{ subject }",
        ] {
            assert_eq!(mail(text), None, "{text}");
        }
        let own = of_mails("https://a.example/{number}", ["number"].into_iter());
        assert_eq!(own.unwrap().name, "number");
    }

    #[test]
    fn arguments_have_no_variables() {
        let found = |text: &str| of_arguments(text).map(|found| found.written);
        for (text, written) in [
            ("--number={number}", "{number}"),
            ("$HOME/x", "$HOME"),
            ("${MAILJOB_JOB}", "${MAILJOB_JOB}"),
            ("%SENDER%", "%SENDER%"),
        ] {
            assert_eq!(found(text).as_deref(), Some(written), "{text}");
        }
        for text in [
            "$5",
            "$x",
            "{1,3}",
            "{}",
            "{ print }",
            "+%Y%m%d",
            "a{{b}}",
            "{{number}}",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn programs_in_arguments_are_left_alone() {
        for (argv, count) in [
            (&["/bin/sh", "-c", "echo $SUBJECT"][..], 2),
            (&["/usr/bin/env", "jq", "{subject}"], 2),
            (&["bash", "-lc", "x"], 2),
            (&["convert-it", "--name={name}"], 2),
            (&["python3", "-c", "x", "$Y"], 2),
            (&["tool", "--exec", "$X"], 3),
        ] {
            assert_eq!(plain(argv.iter().copied()), count, "{argv:?}");
        }
    }
}
