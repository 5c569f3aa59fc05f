//! UIDs as commands write them (RFC 9051, `sequence-set`). Pure.

use std::fmt::Write as _;

/// The longest set of one command in bytes. Exchange takes lines of 10,240 bytes (2026); a mailbox's name has to fit beside it.
const LONGEST: usize = 6_000;

/// Ascending UIDs as sets, each short enough for a command, each with the UIDs that it names.
///
/// Neighbours are written as a range; a range never names a UID that was not given.
pub(crate) fn sets(uids: &[u32]) -> Vec<(String, Vec<u32>)> {
    let mut sets: Vec<(String, Vec<u32>)> = Vec::new();
    for run in uids.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        let text = match run {
            [one] => one.to_string(),
            [first, .., last] => format!("{first}:{last}"),
            [] => continue,
        };
        match sets.last_mut() {
            Some((set, named)) if set.len() + text.len() < LONGEST => {
                // Writing to a String can't fail.
                write!(set, ",{text}").ok();
                named.extend_from_slice(run);
            }
            _ => sets.push((text, run.to_vec())),
        }
    }
    sets
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_become_ranges() {
        for (uids, text) in [
            (&[1][..], "1"),
            (&[1, 2], "1:2"),
            (&[1, 2, 3, 7, 9, 10], "1:3,7,9:10"),
            (&[u32::MAX - 1, u32::MAX], "4294967294:4294967295"),
        ] {
            assert_eq!(sets(uids), [(text.to_owned(), uids.to_vec())]);
        }
        assert!(sets(&[]).is_empty());
    }

    fn read(set: &str) -> Vec<u32> {
        let range = |part: &str| match part.split_once(':') {
            Some((a, b)) => a.parse().unwrap()..=b.parse().unwrap(),
            None => part.parse().unwrap()..=part.parse().unwrap(),
        };
        set.split(',').flat_map(range).collect()
    }

    proptest! {
        #[test]
        fn sets_name_what_was_given_and_nothing_else(uids in prop::collection::btree_set(1u32..40_000, 0..4_000)) {
            let uids: Vec<u32> = uids.into_iter().collect();
            let sets = sets(&uids);
            for (set, named) in &sets {
                prop_assert!(set.len() <= LONGEST);
                prop_assert_eq!(&read(set), named);
            }
            let all: BTreeSet<u32> = sets.iter().flat_map(|(_, named)| named.clone()).collect();
            prop_assert_eq!(all.into_iter().collect::<Vec<_>>(), uids);
        }
    }
}
