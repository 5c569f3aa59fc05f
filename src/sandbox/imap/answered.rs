//! What is said to a command. Pure.

/// The end of a command, and what is said before it.
pub(super) struct Answered {
    status: &'static str,
    words: String,
    pub(super) untagged: Vec<u8>,
}

impl Answered {
    fn new(status: &'static str, words: impl Into<String>) -> Self {
        Self {
            status,
            words: words.into(),
            untagged: Vec::new(),
        }
    }

    pub(super) fn ok(words: impl Into<String>) -> Self {
        Self::new("OK", words)
    }

    pub(super) fn no(words: impl Into<String>) -> Self {
        Self::new("NO", words)
    }

    pub(super) fn bad(words: impl Into<String>) -> Self {
        Self::new("BAD", words)
    }

    pub(super) fn saying(mut self, untagged: impl AsRef<[u8]>) -> Self {
        self.untagged.extend_from_slice(untagged.as_ref());
        self
    }

    pub(super) fn is_refusal(&self) -> bool {
        self.status != "OK"
    }

    pub(super) fn bytes(mut self, tag: &str) -> Vec<u8> {
        let end = format!("{tag} {} {}\r\n", self.status, self.words);
        self.untagged.extend_from_slice(end.as_bytes());
        self.untagged
    }
}
