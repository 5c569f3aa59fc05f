use proptest::prelude::*;

use super::*;

fn at(uid_validity: u32, uid_next: u32) -> Cursor {
    Cursor { uid_validity, uid_next }
}

#[test]
fn where_reading_begins() {
    let selected = |uid_validity, uid_next| Selected {
        uid_validity,
        uid_next,
        exists: 0,
    };
    for (stored, selected, cursor, relist) in [
        (None, selected(Some(7), Some(1)), at(7, 1), Some(Relist::First)),
        (None, selected(Some(7), None), at(7, 1), Some(Relist::First)),
        (Some(at(7, 5)), selected(Some(7), Some(9)), at(7, 5), None),
        (Some(at(7, 5)), selected(Some(7), Some(5)), at(7, 5), None),
        (Some(at(7, 5)), selected(Some(7), None), at(7, 5), None),
        (
            Some(at(7, 5)),
            selected(Some(7), Some(4)),
            at(7, 1),
            Some(Relist::Decreased),
        ),
        (
            Some(at(7, 5)),
            selected(Some(8), Some(9)),
            at(8, 1),
            Some(Relist::Changed),
        ),
        (Some(at(7, 5)), selected(Some(6), None), at(6, 1), Some(Relist::Changed)),
        (
            Some(at(7, 5)),
            selected(None, Some(9)),
            at(99, 1),
            Some(Relist::Nameless),
        ),
        (None, selected(None, None), at(99, 1), Some(Relist::Nameless)),
    ] {
        assert_eq!(
            start(stored, selected, 99),
            StartPoint { cursor, relist },
            "{stored:?} {selected:?}"
        );
    }
}

fn listed(list: &[(u32, u32)]) -> Vec<ListedUid> {
    list.iter()
        .map(|&(uid, size)| ListedUid { uid, size: Some(size) })
        .collect()
}

#[test]
fn the_last_mail_is_not_new_when_its_uid_is_below() {
    assert_eq!(lowest(listed(&[(4, 100)]), 5, 9), (vec![], false));
    assert_eq!(portions(vec![]), []);
}

#[test]
fn large_mails_come_in_pieces() {
    let portions = portions(lowest(listed(&[(9, SMALL), (7, SMALL + 1), (7, 1), (8, 0)]), 1, 3).0);
    assert_eq!(
        portions,
        [UidBatch {
            small: vec![8, 9],
            large: vec![7]
        }]
    );
    assert_eq!(portions[0].next(), 10);
}

proptest! {
    #[test]
    fn portions_lose_nothing_and_are_bounded(
        list in prop::collection::vec((1u32..5_000, prop_oneof![0u32..9_000, 0u32..9_000_000, Just(u32::MAX)]), 0..600),
        from in 1u32..5_000,
        most in 0usize..700,
    ) {
        let (lowest, more) = lowest(listed(&list), from, most);
        let portions = portions(lowest);
        let mut next = from;
        let mut all = Vec::new();
        for portion in &portions {
            let count = portion.small.len() + portion.large.len();
            prop_assert!((1..=MAILS).contains(&count));
            let first = portion.small.first().into_iter().chain(portion.large.first()).min().copied().unwrap();
            prop_assert!(first >= next, "portions ascend");
            next = portion.next();
            all.extend(portion.small.iter().chain(&portion.large).copied());
        }
        all.sort_unstable();
        let mut wanted: Vec<u32> = list.iter().map(|(uid, _)| *uid).filter(|uid| *uid >= from).collect();
        wanted.sort_unstable();
        wanted.dedup();
        prop_assert_eq!(more, wanted.len() > most);
        wanted.truncate(most);
        prop_assert_eq!(all, wanted);
    }
}
