//! What a client asks for. Pure.

use super::{fetch::FetchItem, words::ImapWord};

/// Ranges of a set of numbers.
const RANGES: usize = 5000;

/// A set of numbers: ranges, in which nothing stands for `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NumberSet(Vec<(Option<u32>, Option<u32>)>);

impl NumberSet {
    pub(super) fn read(text: &str) -> Option<Self> {
        let number = |text: &str| match text {
            "*" => Some(None),
            digits => digits.parse::<u32>().ok().filter(|number| *number > 0).map(Some),
        };
        let range = |text: &str| match text.split_once(':') {
            Some((from, to)) => Some((number(from)?, number(to)?)),
            None => Some((number(text)?, number(text)?)),
        };
        let ranges: Vec<_> = text.split(',').map(range).collect::<Option<_>>()?;
        (ranges.len() <= RANGES).then_some(Self(ranges))
    }

    /// Whether it names a number, where `last` is the largest that there is.
    pub(super) fn has(&self, number: u32, last: u32) -> bool {
        self.0.iter().any(|(from, to)| {
            let (from, to) = (from.unwrap_or(last), to.unwrap_or(last));
            (from.min(to)..=from.max(to)).contains(&number)
        })
    }
}

/// What mails are looked for; all of it must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SearchTerm {
    All,
    /// Whether they have this flag.
    Flag(&'static str, bool),
    Uids(NumberSet),
    Numbers(NumberSet),
    /// Whether a header field of this name has this in it, in small letters.
    Header(String, String),
}

/// How flags change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlagChange {
    Set,
    Add,
    Remove,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ImapCommand {
    Capability,
    Noop,
    Logout,
    Id,
    Namespace,
    Enable,
    Login {
        user: String,
        password: String,
    },
    Authenticate {
        mechanism: String,
        initial: Option<String>,
    },
    Select {
        mailbox: String,
        read_only: bool,
    },
    Create(String),
    List(String),
    Status {
        mailbox: String,
        items: Vec<String>,
    },
    Append {
        mailbox: String,
        flags: Vec<String>,
        mail: Vec<u8>,
    },
    Idle,
    Close {
        expunges: bool,
    },
    Search {
        by_uid: bool,
        terms: Vec<SearchTerm>,
    },
    Fetch {
        by_uid: bool,
        set: NumberSet,
        items: Vec<FetchItem>,
    },
    Store {
        by_uid: bool,
        set: NumberSet,
        change: FlagChange,
        silent: bool,
        flags: Vec<String>,
    },
    Copy {
        by_uid: bool,
        set: NumberSet,
        mailbox: String,
        moves: bool,
    },
    /// All that are marked as deleted; or only those of a set of UIDs.
    Expunge(Option<NumberSet>),
}

/// Reads the words behind a tag. Nothing: no such command.
pub(super) fn read(words: &[ImapWord]) -> Option<ImapCommand> {
    let (verb, rest) = words.split_first()?;
    let verb = verb.as_text()?.to_ascii_uppercase();
    if verb == "UID" {
        let (verb, rest) = rest.split_first()?;
        return numbered(&verb.as_text()?.to_ascii_uppercase(), rest, true);
    }
    let text = |at: usize| rest.get(at).and_then(ImapWord::as_text);
    let command = match (verb.as_str(), rest.len()) {
        ("CAPABILITY", 0) => ImapCommand::Capability,
        ("NOOP" | "CHECK", 0) => ImapCommand::Noop,
        ("LOGOUT", 0) => ImapCommand::Logout,
        ("ID", 1) => ImapCommand::Id,
        ("NAMESPACE", 0) => ImapCommand::Namespace,
        ("ENABLE", 1..) => ImapCommand::Enable,
        ("LOGIN", 2) => ImapCommand::Login {
            user: text(0)?,
            password: text(1)?,
        },
        ("AUTHENTICATE", 1 | 2) => ImapCommand::Authenticate {
            mechanism: text(0)?,
            initial: text(1),
        },
        ("SELECT" | "EXAMINE", 1) => ImapCommand::Select {
            mailbox: text(0)?,
            read_only: verb == "EXAMINE",
        },
        ("CREATE", 1) => ImapCommand::Create(text(0)?),
        ("LIST" | "LSUB", 2) => ImapCommand::List(format!("{}{}", text(0)?, text(1)?)),
        ("STATUS", 2) => ImapCommand::Status {
            mailbox: text(0)?,
            items: texts(rest.get(1)?)?,
        },
        ("APPEND", 2..=4) => append(rest)?,
        ("IDLE", 0) => ImapCommand::Idle,
        ("CLOSE", 0) => ImapCommand::Close { expunges: true },
        ("UNSELECT", 0) => ImapCommand::Close { expunges: false },
        ("EXPUNGE", 0) => ImapCommand::Expunge(None),
        _ => return numbered(&verb, rest, false),
    };
    Some(command)
}

fn texts(word: &ImapWord) -> Option<Vec<String>> {
    word.as_list().iter().map(ImapWord::as_text).collect()
}

/// `APPEND mailbox [(flags)] ["date"] mail`. The date is not kept: a mail counts as received when it came here.
fn append(words: &[ImapWord]) -> Option<ImapCommand> {
    let (mailbox, rest) = words.split_first()?;
    let (mail, between) = rest.split_last()?;
    let ImapWord::Text(mail) = mail else {
        return None;
    };
    let flags = between.iter().find(|word| matches!(word, ImapWord::List(_)));
    Some(ImapCommand::Append {
        mailbox: mailbox.as_text()?,
        flags: flags.map_or(Some(Vec::new()), texts)?,
        mail: mail.clone(),
    })
}

/// Commands for mails that are named by their numbers.
fn numbered(verb: &str, words: &[ImapWord], by_uid: bool) -> Option<ImapCommand> {
    if verb == "SEARCH" {
        return Some(ImapCommand::Search {
            by_uid,
            terms: terms(words)?,
        });
    }
    let (set, rest) = words.split_first()?;
    let set = NumberSet::read(&set.as_text()?)?;
    match (verb, rest) {
        ("FETCH", [items]) => Some(ImapCommand::Fetch {
            by_uid,
            set,
            items: texts(items)?
                .iter()
                .map(|item| FetchItem::read(item))
                .collect::<Option<_>>()?,
        }),
        ("STORE", [how, flags @ ..]) if !flags.is_empty() => {
            let how = how.as_text()?.to_ascii_uppercase();
            let (how, silent) = match how.strip_suffix(".SILENT") {
                Some(how) => (how, true),
                None => (how.as_str(), false),
            };
            let flags: Vec<_> = flags.iter().map(texts).collect::<Option<_>>()?;
            Some(ImapCommand::Store {
                by_uid,
                set,
                change: match how {
                    "FLAGS" => FlagChange::Set,
                    "+FLAGS" => FlagChange::Add,
                    "-FLAGS" => FlagChange::Remove,
                    _ => return None,
                },
                silent,
                flags: flags.concat(),
            })
        }
        ("COPY" | "MOVE", [mailbox]) => Some(ImapCommand::Copy {
            by_uid,
            set,
            mailbox: mailbox.as_text()?,
            moves: verb == "MOVE",
        }),
        ("EXPUNGE", []) if by_uid => Some(ImapCommand::Expunge(Some(set))),
        _ => None,
    }
}

fn terms(words: &[ImapWord]) -> Option<Vec<SearchTerm>> {
    let mut terms = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word.as_text()?.to_ascii_uppercase();
        let term = match name.as_str() {
            "ALL" => SearchTerm::All,
            "SEEN" => SearchTerm::Flag("\\Seen", true),
            "UNSEEN" => SearchTerm::Flag("\\Seen", false),
            "FLAGGED" => SearchTerm::Flag("\\Flagged", true),
            "UNFLAGGED" => SearchTerm::Flag("\\Flagged", false),
            "DELETED" => SearchTerm::Flag("\\Deleted", true),
            "UNDELETED" => SearchTerm::Flag("\\Deleted", false),
            "UID" => SearchTerm::Uids(NumberSet::read(&words.next()?.as_text()?)?),
            "HEADER" => SearchTerm::Header(words.next()?.as_text()?, words.next()?.as_text()?.to_lowercase()),
            "FROM" | "TO" | "CC" | "SUBJECT" => SearchTerm::Header(name, words.next()?.as_text()?.to_lowercase()),
            _ => SearchTerm::Numbers(NumberSet::read(&name)?),
        };
        terms.push(term);
    }
    (!terms.is_empty()).then_some(terms)
}

#[cfg(test)]
mod tests {
    use super::{super::words::ImapWords, *};

    fn command(text: &str) -> Option<ImapCommand> {
        let mut words = ImapWords::default();
        words.text(text.as_bytes()).unwrap();
        read(&words.all().unwrap())
    }

    #[test]
    fn sets_name_numbers() {
        for (set, last, expected) in [
            ("2", 9, &[2][..]),
            ("2:4,7", 9, &[2, 3, 4, 7]),
            ("8:*", 9, &[8, 9]),
            // The last one is always meant.
            ("20:*", 9, &[9]),
            ("*", 9, &[9]),
            ("4:2", 9, &[2, 3, 4]),
        ] {
            let set = NumberSet::read(set).unwrap();
            let named: Vec<_> = (1..=9).filter(|number| set.has(*number, last)).collect();
            assert_eq!(named, expected);
        }
        for broken in ["", "0", "a", "1:", "1,,2", "-1"] {
            assert_eq!(NumberSet::read(broken), None, "{broken}");
        }
    }

    #[test]
    fn commands_are_read_or_refused() {
        let set = |text| NumberSet::read(text).unwrap();
        assert_eq!(
            command("UID STORE 1:2 +FLAGS.SILENT (\\Seen x)"),
            Some(ImapCommand::Store {
                by_uid: true,
                set: set("1:2"),
                change: FlagChange::Add,
                silent: true,
                flags: vec!["\\Seen".into(), "x".into()],
            })
        );
        assert_eq!(
            command("uid move 3 \"Done\""),
            Some(ImapCommand::Copy {
                by_uid: true,
                set: set("3"),
                mailbox: "Done".into(),
                moves: true,
            })
        );
        assert_eq!(
            command("SEARCH UNSEEN FROM Ann 1:9"),
            Some(ImapCommand::Search {
                by_uid: false,
                terms: vec![
                    SearchTerm::Flag("\\Seen", false),
                    SearchTerm::Header("FROM".into(), "ann".into()),
                    SearchTerm::Numbers(set("1:9")),
                ],
            })
        );
        for refused in [
            "",
            "UID",
            "LOGIN a",
            "SELECT",
            "FETCH 1 NONSENSE",
            "STORE 1 FLAGS",
            "UID EXPUNGE",
            "APPEND x y",
            "SEARCH OR",
        ] {
            assert_eq!(command(refused), None, "{refused}");
        }
    }
}
