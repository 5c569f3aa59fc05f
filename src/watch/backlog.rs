//! Mails that lay in a mailbox before it was watched: taken, left, or nothing is done until somebody says which. Pure.

use super::{cursor::Relist, error::Error};
use crate::config::{Backlog, Looks};

/// What becomes of the mails that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// They are taken.
    Take,
    /// They are left as they are, for ever.
    Leave,
}

/// What becomes of the mails that are there at the first look ever.
pub(super) fn at_first_sight(looks: &Looks, waiting: usize) -> Result<Fate, Error> {
    match looks.backlog {
        Some(Backlog::Process) => Ok(Fate::Take),
        Some(Backlog::Skip) => Ok(Fate::Leave),
        None if waiting <= looks.backlog_limit => Ok(Fate::Take),
        None => Err(Error::Backlog {
            waiting,
            limit: looks.backlog_limit,
        }),
    }
}

/// Whether mails that were left can't be told from new ones now: the server gave all of them new numbers.
pub(super) fn is_forgotten(looks: &Looks, relist: Option<Relist>) -> bool {
    let renumbered = matches!(relist, Some(Relist::Changed | Relist::Nameless | Relist::Decreased));
    renumbered && looks.backlog == Some(Backlog::Skip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_guessed_where_more_wait_than_may() {
        use Backlog::{Process, Skip};
        for (backlog, limit, waiting, fate) in [
            (None, 1000, 0, Some(Fate::Take)),
            (None, 1000, 1000, Some(Fate::Take)),
            (None, 1000, 1001, None),
            (None, 0, 0, Some(Fate::Take)),
            (None, 0, 1, None),
            (Some(Process), 0, 1_000_000, Some(Fate::Take)),
            (Some(Skip), 1000, 0, Some(Fate::Leave)),
            (Some(Skip), 1000, 5000, Some(Fate::Leave)),
        ] {
            let looks = Looks {
                backlog,
                backlog_limit: limit,
                ..Looks::default()
            };
            let found = at_first_sight(&looks, waiting);
            assert_eq!(found.as_ref().ok(), fate.as_ref(), "{backlog:?} {limit} {waiting}");
            if let Err(error) = found {
                let told = error.to_string();
                let cure = told.contains("backlog = \"process\"") && told.contains("\"skip\"");
                assert!(cure && told.contains(&waiting.to_string()), "{told}");
            }
        }
    }

    #[test]
    fn what_was_left_is_forgotten_only_when_the_mailbox_is_renumbered() {
        let looks = |backlog| Looks {
            backlog,
            ..Looks::default()
        };
        for relist in [Relist::Changed, Relist::Decreased, Relist::Nameless] {
            assert!(is_forgotten(&looks(Some(Backlog::Skip)), Some(relist)));
            assert!(!is_forgotten(&looks(Some(Backlog::Process)), Some(relist)));
            assert!(!is_forgotten(&looks(None), Some(relist)));
        }
        assert!(!is_forgotten(&looks(Some(Backlog::Skip)), None));
        assert!(!is_forgotten(&looks(Some(Backlog::Skip)), Some(Relist::First)));
    }
}
