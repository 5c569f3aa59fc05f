//! A command's words: atoms, strings, lists (RFC 9051 section 4). Pure.

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ImapWord {
    /// An atom, with the brackets in it: `BODY.PEEK[HEADER.FIELDS (DATE)]<0.100>`.
    Atom(String),
    /// A quoted string or a literal.
    Text(Vec<u8>),
    /// What stands in parentheses.
    List(Vec<ImapWord>),
}

/// Lists in lists, and words of a command.
const DEPTH: usize = 8;
const WORDS: usize = 5000;

/// Collects the words of a command, whose literals stand between pieces of its text.
#[derive(Debug)]
pub(super) struct ImapWords {
    /// Lists that are open; the first is the command itself.
    open: Vec<Vec<ImapWord>>,
    count: usize,
}

impl Default for ImapWords {
    fn default() -> Self {
        Self {
            open: vec![Vec::new()],
            count: 0,
        }
    }
}

impl ImapWords {
    fn push(&mut self, word: ImapWord) -> Option<()> {
        self.count += 1;
        if self.count > WORDS {
            return None;
        }
        self.open.last_mut()?.push(word);
        Some(())
    }

    /// A literal.
    pub(super) fn literal(&mut self, bytes: Vec<u8>) -> Option<()> {
        self.push(ImapWord::Text(bytes))
    }

    /// A piece of text. Nothing: it can't be read.
    pub(super) fn text(&mut self, text: &[u8]) -> Option<()> {
        let mut rest = text;
        while let [first, tail @ ..] = rest {
            rest = match first {
                b' ' => tail,
                b'(' => {
                    if self.open.len() > DEPTH {
                        return None;
                    }
                    self.open.push(Vec::new());
                    tail
                }
                b')' => {
                    let list = self.open.pop()?;
                    self.push(ImapWord::List(list))?;
                    tail
                }
                b'"' => self.quoted(tail)?,
                _ => self.atom(rest)?,
            };
        }
        Some(())
    }

    fn quoted<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let (mut said, mut rest) = (Vec::new(), text);
        loop {
            match rest {
                [b'"', tail @ ..] => {
                    self.push(ImapWord::Text(said))?;
                    return Some(tail);
                }
                [b'\\', byte, tail @ ..] | [byte, tail @ ..] => {
                    said.push(*byte);
                    rest = tail;
                }
                [] => return None,
            }
        }
    }

    fn atom<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let mut is_inside = false;
        let ends = |byte: &u8| {
            match byte {
                b'[' => is_inside = true,
                b']' => is_inside = false,
                b' ' | b'(' | b')' | b'"' => return !is_inside,
                _ => {}
            }
            false
        };
        let end = text.iter().position(ends).unwrap_or(text.len());
        let (atom, rest) = text.split_at_checked(end)?;
        self.push(ImapWord::Atom(String::from_utf8(atom.to_vec()).ok()?))?;
        Some(rest)
    }

    /// All words, where every list has its end.
    pub(super) fn all(mut self) -> Option<Vec<ImapWord>> {
        let words = self.open.pop()?;
        self.open.is_empty().then_some(words)
    }
}

impl ImapWord {
    /// An atom or string as text.
    pub(super) fn as_text(&self) -> Option<String> {
        match self {
            Self::Atom(text) => Some(text.clone()),
            Self::Text(bytes) => String::from_utf8(bytes.clone()).ok(),
            Self::List(_) => None,
        }
    }

    /// The words of a list; of anything else the word itself.
    pub(super) fn as_list(&self) -> &[Self] {
        match self {
            Self::List(words) => words,
            word => std::slice::from_ref(word),
        }
    }
}

/// The size of the literal that a line ends with, and whether its client waits for a word: `{10}` or `{10+}`.
pub(super) fn announced(line: &[u8]) -> Option<(usize, bool)> {
    let inner = line.strip_suffix(b"}")?;
    let begin = inner.iter().rposition(|byte| *byte == b'{')?;
    let digits = std::str::from_utf8(inner.get(begin + 1..)?).ok()?;
    match digits.strip_suffix('+') {
        Some(digits) => Some((digits.parse().ok()?, false)),
        None => Some((digits.parse().ok()?, true)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Vec<ImapWord>> {
        let mut words = ImapWords::default();
        words.text(text.as_bytes())?;
        words.all()
    }

    fn atom(text: &str) -> ImapWord {
        ImapWord::Atom(text.into())
    }

    #[test]
    fn words_are_told_apart() {
        assert_eq!(
            read(r#"a1 LOGIN "an\"n" (x (y)) BODY.PEEK[HEADER.FIELDS (DATE FROM)]<0.9>"#),
            Some(vec![
                atom("a1"),
                atom("LOGIN"),
                ImapWord::Text(b"an\"n".into()),
                ImapWord::List(vec![atom("x"), ImapWord::List(vec![atom("y")])]),
                atom("BODY.PEEK[HEADER.FIELDS (DATE FROM)]<0.9>"),
            ])
        );
        for broken in ["(", ")", "\"a", "((((((((((", "\\\""] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }

    #[test]
    fn literals_are_announced() {
        assert_eq!(announced(b"a APPEND x {12}"), Some((12, true)));
        assert_eq!(announced(b"a APPEND x {12+}"), Some((12, false)));
        for none in ["", "}", "{}", "{x}", "{1} ", "{99999999999999999999}"] {
            assert_eq!(announced(none.as_bytes()), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_ends_in_words_or_nothing(said in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut words = ImapWords::default();
            let _ = words.text(&said).and_then(|()| words.all());
            let _ = announced(&said);
        }
    }
}
