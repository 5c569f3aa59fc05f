//! What found no room on the ledger's disk, and whether as much would find some now. Pure.

/// For what there was no room since the disk became full.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Shortage {
    /// The most bytes for which there was seen to be none: for as many there has to be some, so that it is full no more. Nothing where only
    /// SQLite says that it is full, as by a quota.
    lacking: Option<u64>,
    /// Whether as large a mail was taken since.
    is_over: bool,
}

impl Shortage {
    /// So many bytes were refused.
    pub(in crate::ledger) fn refused(&mut self, bytes: usize) {
        *self = Self {
            lacking: self.lacking.max(Some(bytes as u64)),
            is_over: false,
        };
    }

    /// Something is being written; of a new mail, all of whose bytes are so many: where it is as large as that which found no room, new mails wait no longer.
    pub(in crate::ledger) fn admitted(&mut self, mail: Option<usize>) {
        let is_as_large = |mail| self.lacking.is_some_and(|lacking| mail as u64 >= lacking);
        self.is_over |= mail.is_some_and(is_as_large);
    }

    /// What was being taken came to nothing.
    pub(in crate::ledger) fn failed(&mut self) {
        self.is_over = false;
    }

    /// Whether anything was refused.
    pub(in crate::ledger) fn is_any(&self) -> bool {
        self.lacking.is_some()
    }

    /// Whether it is over; else for how many bytes there has to be room.
    pub(in crate::ledger) fn needs(&self) -> Option<u64> {
        (!self.is_over).then(|| self.lacking.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_with_a_mail_as_large_as_that_which_waited() {
        let mut shortage = Shortage::default();
        shortage.admitted(Some(9));
        assert_eq!((shortage.is_any(), shortage.needs()), (false, Some(0)));
        shortage.refused(5);
        shortage.refused(3);
        assert_eq!((shortage.is_any(), shortage.needs()), (true, Some(5)));
        shortage.admitted(Some(4));
        assert_eq!(shortage.needs(), Some(5), "a smaller one shows nothing");
        shortage.admitted(Some(5));
        assert_eq!(shortage.needs(), None);
        shortage.failed();
        assert_eq!(shortage.needs(), Some(5), "it was not taken after all");
        shortage.admitted(Some(6));
        shortage.refused(2);
        assert_eq!(shortage.needs(), Some(5));
    }
}
