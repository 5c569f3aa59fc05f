//! What the sizes are worth that a server tells of mails, by the mails that came before. Pure.

use std::{collections::HashSet, hash::Hash};

use super::error::Words;

/// Mails whose sizes are remembered to be wrong.
const REMEMBERED: usize = 1_000;
/// So many mails with wrong sizes, and more than with right ones, say that the server estimates …
const ESTIMATES: usize = 3;
/// … and so many with right sizes for each with a wrong one, that it counts.
const EXACT: usize = 4;

/// The sizes of the mails that came, by what a mail is called.
#[derive(Debug)]
pub(super) struct SizeHistory<K> {
    /// The server says who it is, and such servers estimate.
    estimates: bool,
    exact: usize,
    /// Mails whose size was not theirs.
    off: HashSet<K>,
}

/// What the size of a mail is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SizeTrust {
    /// It may be any: the server estimates.
    Estimate,
    /// It is exact.
    Exact,
    /// Nothing is known yet; or more sizes were wrong than right.
    Unknown { mostly_wrong: bool },
}

impl<K> Default for SizeHistory<K> {
    fn default() -> Self {
        Self {
            estimates: false,
            exact: 0,
            off: HashSet::new(),
        }
    }
}

impl<K: Eq + Hash> SizeHistory<K> {
    /// The server greets, and may be one of these, which estimate.
    pub(super) fn greeted(&mut self, greeting: &Words, estimators: &[&str]) {
        let greeting = greeting.to_string().to_ascii_lowercase();
        self.estimates |= estimators.iter().any(|name| greeting.contains(name));
    }

    /// What the size of this mail is worth. It is no witness for itself, however often it came.
    pub(super) fn trust(&self, mail: &K) -> SizeTrust {
        let others = self.off.len() - usize::from(self.off.contains(mail));
        let mostly_wrong = others > self.exact;
        match () {
            () if self.estimates || others >= ESTIMATES && mostly_wrong => SizeTrust::Estimate,
            () if self.exact > 0 && self.exact >= others.saturating_mul(EXACT) => SizeTrust::Exact,
            () => SizeTrust::Unknown { mostly_wrong },
        }
    }

    /// A mail came with as many bytes as the server tells.
    pub(super) fn was_right(&mut self) {
        self.exact = self.exact.saturating_add(1);
    }

    /// A mail came with another size.
    pub(super) fn was_wrong(&mut self, mail: K) {
        if self.off.len() < REMEMBERED {
            self.off.insert(mail);
        }
    }
}
