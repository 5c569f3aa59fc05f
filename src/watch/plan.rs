//! Which last touches are due, in as few commands as can be. Pure.

use super::uids;
use crate::{
    config::{Fate, Settle},
    ledger::{Settling, Verdict},
};

/// One touch for many mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Touch<'a> {
    pub(crate) fate: &'a Fate,
    /// The mails, as a command names them.
    pub(crate) set: String,
    /// The same mails.
    pub(crate) uids: Vec<u32>,
}

/// What becomes of a mail that ended so.
pub(crate) fn fate<'a>(settle: &'a Settle, mail: &Settling) -> &'a Fate {
    match mail.verdict {
        Verdict::Done => &settle.done,
        Verdict::Failed => &settle.failed,
        Verdict::Ignored if mail.refused => &settle.refused,
        Verdict::Ignored => &settle.ignored,
    }
}

/// The touches for these mails: those that cost nothing first, each mail in exactly one.
pub(crate) fn plan<'a>(due: &[Settling], settle: &'a Settle) -> Vec<Touch<'a>> {
    let mut fates: Vec<(&Fate, Vec<u32>)> = Vec::new();
    for mail in due {
        let fate = fate(settle, mail);
        match fates.iter_mut().find(|(other, _)| *other == fate) {
            Some((_, uids)) => uids.push(mail.place.uid),
            None => fates.push((fate, vec![mail.place.uid])),
        }
    }
    fates.sort_by_key(|(fate, _)| **fate != Fate::Keep);
    let touches = fates.into_iter().flat_map(|(fate, mut uids)| {
        uids.sort_unstable();
        uids.dedup();
        uids::sets(&uids)
            .into_iter()
            .map(move |(set, uids)| Touch { fate, set, uids })
    });
    touches.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::Place;

    fn due(list: &[(u32, Verdict)]) -> Vec<Settling> {
        let settling = |&(uid, verdict)| Settling {
            place: Place { uid_validity: 1, uid },
            verdict,
            refused: false,
        };
        list.iter().map(settling).collect()
    }

    fn settle() -> Settle {
        Settle {
            done: Fate::Move("Processed".into()),
            failed: Fate::Move("Failed".into()),
            ignored: Fate::Keep,
            refused: Fate::Flag,
        }
    }

    #[test]
    fn mails_with_one_fate_go_together() {
        let due = due(&[
            (5, Verdict::Done),
            (3, Verdict::Failed),
            (4, Verdict::Done),
            (9, Verdict::Ignored),
            (1, Verdict::Done),
        ]);
        let touches: Vec<_> = plan(&due, &settle())
            .into_iter()
            .map(|t| (t.fate.clone(), t.set))
            .collect();
        let expected = [
            (Fate::Keep, "9"),
            (Fate::Move("Processed".into()), "1,4:5"),
            (Fate::Move("Failed".into()), "3"),
        ];
        assert_eq!(touches, expected.map(|(fate, set)| (fate, set.to_owned())));
        let same = Settle {
            done: Fate::Delete,
            failed: Fate::Delete,
            ignored: Fate::Delete,
            refused: Fate::Delete,
        };
        assert_eq!(plan(&due, &same).len(), 1);
        assert!(plan(&[], &settle()).is_empty());
        let refused = Settling {
            refused: true,
            ..due[3]
        };
        assert_eq!(fate(&settle(), &refused), &Fate::Flag);
    }

    proptest! {
        #[test]
        fn every_mail_is_touched_once(list in prop::collection::btree_map(1u32..100_000, 0u8..3, 0..3_000)) {
            let list: Vec<_> = list.into_iter().map(|(uid, v)| (uid, [Verdict::Done, Verdict::Failed, Verdict::Ignored][v as usize])).collect();
            let settle = settle();
            let touches = plan(&due(&list), &settle);
            let mut touched: Vec<u32> = touches.iter().flat_map(|touch| touch.uids.clone()).collect();
            touched.sort_unstable();
            prop_assert_eq!(touched, list.iter().map(|(uid, _)| *uid).collect::<Vec<_>>());
        }
    }
}
