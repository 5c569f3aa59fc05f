//! The beginning of something long. Pure.

use std::io::{self, Write};

use bytes::Bytes;

/// Bytes, or the first ones of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Excerpt {
    /// The first ones.
    pub shown: Bytes,
    /// How many there are.
    pub size: u64,
}

impl Excerpt {
    /// Whether it is everything.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.shown.len() as u64 == self.size
    }

    /// What is shown, without a character that was cut; nothing when it is no UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match str::from_utf8(&self.shown) {
            Ok(text) => Some(text),
            Err(error) if !self.is_whole() && error.error_len().is_none() => {
                str::from_utf8(self.shown.get(..error.valid_up_to())?).ok()
            }
            Err(_) => None,
        }
    }
}

/// Counts what is written and keeps its beginning.
pub(super) struct ExcerptWriter {
    pub(super) kept: Vec<u8>,
    pub(super) size: u64,
    most: u64,
}

impl ExcerptWriter {
    pub(super) fn new(most: u64) -> Self {
        let kept = Vec::new();
        Self { kept, size: 0, most }
    }
}

impl Write for ExcerptWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.most.saturating_sub(self.kept.len() as u64);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        self.kept.extend(bytes.iter().take(room));
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
