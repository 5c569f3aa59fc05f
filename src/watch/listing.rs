//! What a mailbox says of its mails without giving them: which there are, and how large. What nobody asked for counts for nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    cursor::ListedUid,
    error::WatchError,
    imap::{Expectation, FETCH, Fetch, ImapConnection, ImapResponse},
    uids,
};

/// The mails that are listed at once; the rest is listed when these were received.
const LISTED: usize = 100_000;

/// Lists the mails from a UID on: UIDs and sizes. The second value says that there are more.
pub(crate) async fn list(
    wire: ImapConnection,
    from: u32,
) -> Result<(ImapConnection, Vec<ListedUid>, bool), WatchError> {
    // The lowest are kept, whatever the order in which they come, and each once.
    let mut lowest: BTreeMap<u32, Option<u32>> = BTreeMap::new();
    let mut more = false;
    let (exists, mut beyond) = (wire.exists(), 0_u32);
    let what = format!("{from}:* (UID RFC822.SIZE)");
    let done = wire.run(FETCH, &what, |said| {
        let ImapResponse::Fetch(Fetch {
            uid: Some(uid), size, ..
        }) = said
        else {
            return Expectation::Unasked;
        };
        if lowest.insert(uid, size).is_some() {
            return Expectation::Unasked;
        }
        if lowest.len() <= LISTED {
            return Expectation::Progress;
        }
        more = true;
        lowest.pop_last();
        beyond = beyond.saturating_add(1);
        // Of these nobody knows whether they come twice, but there can't be more than there are mails.
        if beyond <= exists {
            Expectation::Expected
        } else {
            Expectation::Unasked
        }
    });
    let (wire, _) = done.await?.ok()?;
    let listed = lowest.into_iter().map(|(uid, size)| ListedUid { uid, size }).collect();
    Ok((wire, listed, more))
}

/// The sizes of these mails, as far as they are there.
pub(crate) async fn sizes(
    mut wire: ImapConnection,
    wanted: &[u32],
) -> Result<(ImapConnection, Vec<ListedUid>), WatchError> {
    let mut found = BTreeMap::new();
    for (set, named) in uids::sets(wanted) {
        let what = format!("{set} (UID RFC822.SIZE)");
        let done = wire.run(FETCH, &what, |said| match said {
            ImapResponse::Fetch(Fetch {
                uid: Some(uid), size, ..
            }) => named.binary_search(&uid).is_ok() && found.insert(uid, size).is_none(),
            _ => false,
        });
        (wire, _) = done.await?.ok()?;
    }
    let listed = found.into_iter().map(|(uid, size)| ListedUid { uid, size }).collect();
    Ok((wire, listed))
}

/// Which of these mails are still there.
pub(crate) async fn present(
    mut wire: ImapConnection,
    uids: &[u32],
) -> Result<(ImapConnection, BTreeSet<u32>), WatchError> {
    let mut there = BTreeSet::new();
    for (set, named) in uids::sets(uids) {
        let what = format!("{set} (UID)");
        let done = wire.run(FETCH, &what, |said| match said {
            ImapResponse::Fetch(Fetch { uid: Some(uid), .. }) => named.binary_search(&uid).is_ok() && there.insert(uid),
            _ => false,
        });
        (wire, _) = done.await?.ok()?;
    }
    Ok((wire, there))
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
