//! The first look ever at a mailbox, and the first after the server renumbered it: what becomes of the mails that are there.
//!
//! Decided once, and noted in the ledger before anything is taken: who was let in is taken whole, also after a crash.

use super::{
    backlog::{Fate, at_first_sight, is_forgotten},
    cursor,
    error::Error,
    fetch,
    imap::{Selected, Wire},
    session::Looking,
};
use crate::ledger::{self, Cursor};

/// The cursor to begin with. `session` is a number that no session before had.
pub(super) async fn admit(
    wire: Wire,
    on: &Looking<'_>,
    selected: Selected,
    stored: Option<Cursor>,
    session: u32,
) -> Result<(Wire, Option<Cursor>), Error> {
    let looks = &on.inlet.mailbox.looks;
    let start = cursor::start(stored, selected, session);
    if stored.is_some() {
        return match is_forgotten(looks, start.relist) {
            false => Ok((wire, stored)),
            true if selected.exists > 0 => Err(Error::Forgotten),
            true => Ok((wire, Some(note(on, start.cursor).await?))),
        };
    }
    let waiting = usize::try_from(selected.exists).unwrap_or(usize::MAX);
    match at_first_sight(looks, waiting)? {
        Fate::Take => Ok((wire, Some(note(on, start.cursor).await?))),
        // What is left could not be told from what comes in the next session.
        Fate::Leave if selected.uid_validity.is_none() => Err(Error::Forgotten),
        Fate::Leave => {
            let (wire, uid_next) = behind(wire, selected).await?;
            let cursor = Cursor {
                uid_next,
                ..start.cursor
            };
            tracing::info!(
                mails = waiting,
                "the mails that are there are left, as backlog = \"skip\" says"
            );
            Ok((wire, Some(note(on, cursor).await?)))
        }
    }
}

/// Notes how far the mailbox counts as read.
async fn note(on: &Looking<'_>, cursor: Cursor) -> Result<Cursor, Error> {
    let intake = ledger::Intake {
        mailbox: on.mailbox.clone(),
        endpoints: Vec::new(),
        cursor,
        mails: Vec::new(),
    };
    on.ledger.take(intake).await?;
    Ok(cursor)
}

/// The first UID behind all mails that are there.
async fn behind(mut wire: Wire, selected: Selected) -> Result<(Wire, u32), Error> {
    if let Some(next) = selected.uid_next {
        return Ok((wire, next));
    }
    let mut next = 1;
    loop {
        let (listed, more);
        (wire, listed, more) = fetch::list(wire, next).await?;
        let last = listed.iter().map(|mail| mail.uid).max().unwrap_or(0);
        next = next.max(last.saturating_add(1));
        if !more {
            return Ok((wire, next));
        }
    }
}
