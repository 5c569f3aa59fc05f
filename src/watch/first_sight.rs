//! The first look ever at a mailbox, and the first after the server renumbered it: what becomes of the mails that are there.
//!
//! A first start touches nothing that lay there before: the cursor is put behind it in one commit, and only then it is listed. What is left
//! is known by a key of its header from then on, so that it is told from new mail when all have new numbers.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{
    backlog::{BacklogDecision, LateArrivals, at_first_sight, late_wish, meanwhile, remember},
    cursor::{self, Relist},
    error::WatchError,
    imap::{Completion, Fetch, ImapConnection, ImapResponse, Selected},
    listing, lost,
    source::StepContext,
    uids,
};
use crate::{
    config::Backlog,
    ledger::{self, BacklogSummary, Cursor, OldMail},
};

/// The mails that are listed one by one, the newest.
const LISTED: usize = 100_000;
/// The mails whose headers are asked for at once.
const AT_ONCE: usize = 200;
/// Sessions that may end over headers, before mails are listed without …
const CAREFUL: u32 = 3;
/// … and over listing itself, before it is given up: then all that lies there is only counted.
const GIVEN_UP: u32 = 6;

/// The session to begin with, and its cursor. `session` is a number that no session before had: it stands in for a UIDVALIDITY that is
/// missing.
pub(super) async fn admit(
    wire: ImapConnection,
    on: &StepContext<'_>,
    mut selected: Selected,
    stored: Option<Cursor>,
    session: u32,
) -> Result<(ImapConnection, Selected, Option<Cursor>), WatchError> {
    let start = cursor::start(stored, selected, session);
    let Some(stored) = stored else {
        return first(wire, on, selected, start.cursor).await;
    };
    let backlog = on.ledger.backlog(on.mailbox).await?;
    let skips = on.inlet.mailbox.looks.backlog == Some(Backlog::Skip);
    let (wire, cursor) = match (backlog, start.relist) {
        // A ledger of before does not know what was left.
        (None, Some(_)) if skips && selected.exists > 0 => return Err(WatchError::Forgotten),
        // Noted at once: of a mailbox that is empty there would be nothing to note later, and it would seem new each time.
        (None, Some(why @ (Relist::Changed | Relist::Decreased))) => {
            tracing::info!(reason = why.reason(), "the mailbox is listed from its first mail on");
            (wire, note(on, start.cursor).await?)
        }
        (None, Some(_)) => return Ok((wire, selected, Some(stored))),
        (None, None) if skips => leave(wire, on, stored, selected.exists, None).await?,
        (None, None) => (wire, stored),
        (Some(backlog), None) if backlog.listed => (wire, stored),
        (Some(_), None) => (list(wire, on, stored, selected.exists).await?, stored),
        (Some(_), Some(why)) => {
            tracing::info!(
                reason = why.reason(),
                "the mailbox is listed anew; what was left in it stays there"
            );
            let (wire, uid_next) = behind(wire, selected).await?;
            let cursor = Cursor {
                uid_next,
                ..start.cursor
            };
            leave(wire, on, cursor, selected.exists, None).await?
        }
    };
    wish(on).await?;
    selected.uid_validity = Some(cursor.uid_validity);
    Ok((wire, selected, Some(cursor)))
}

/// The first look ever.
async fn first(
    wire: ImapConnection,
    on: &StepContext<'_>,
    mut selected: Selected,
    cursor: Cursor,
) -> Result<(ImapConnection, Selected, Option<Cursor>), WatchError> {
    let choice = on.ledger.backlog_choice(on.mailbox).await?;
    let (wire, take_since) = match at_first_sight(&on.inlet.mailbox.looks, choice, Utc::now()) {
        BacklogDecision::Take => return Ok((wire, selected, Some(note(on, cursor).await?))),
        BacklogDecision::Leave { take_since } => (wire, take_since),
        BacklogDecision::Doubt => match lost::judge(wire, on).await {
            Err(error @ WatchError::LostLedger { .. }) => {
                // What comes from now on is new, whatever is said of what lies there.
                if let Some(uid_next) = selected.uid_next {
                    on.ledger
                        .backlog_wait(&on.watched(), Cursor { uid_next, ..cursor })
                        .await?;
                }
                return Err(error);
            }
            judged => (judged?, None),
        },
    };
    let (wire, mut uid_next) = behind(wire, selected).await?;
    let waited = on.ledger.backlog_waited(on.mailbox).await?;
    if let Some(waited) = waited.filter(|waited| waited.uid_validity == cursor.uid_validity) {
        uid_next = uid_next.min(waited.uid_next);
    }
    let cursor = Cursor { uid_next, ..cursor };
    let (wire, cursor) = leave(wire, on, cursor, selected.exists, take_since).await?;
    selected.uid_validity = Some(cursor.uid_validity);
    Ok((wire, selected, Some(cursor)))
}

/// Notes how far the mailbox counts as read.
async fn note(on: &StepContext<'_>, cursor: Cursor) -> Result<Cursor, WatchError> {
    let intake = ledger::Intake {
        mailbox: on.watched(),
        endpoints: Vec::new(),
        cursor,
        mails: Vec::new(),
    };
    on.ledger.take(intake).await?;
    Ok(cursor)
}

/// Puts the cursor behind all mails that are there, then lists them.
async fn leave(
    wire: ImapConnection,
    on: &StepContext<'_>,
    cursor: Cursor,
    exists: u32,
    take_since: Option<DateTime<Utc>>,
) -> Result<(ImapConnection, Cursor), WatchError> {
    on.ledger.backlog_begin(&on.watched(), cursor, take_since).await?;
    Ok((list(wire, on, cursor, exists).await?, cursor))
}

/// Has those taken that a file wants by now.
async fn wish(on: &StepContext<'_>) -> Result<(), WatchError> {
    let Some(backlog) = on.ledger.backlog(on.mailbox).await? else {
        return Ok(());
    };
    if backlog.left > backlog.older
        && let Some(since) = late_wish(&on.inlet.mailbox.looks, backlog.first_look)
    {
        on.ledger.backlog_want(&on.watched(), since).await?;
    }
    let backlog = on.ledger.backlog(on.mailbox).await?.unwrap_or(backlog);
    on.health.left(backlog.left);
    Ok(())
}

/// Lists the mails before the cursor, and notes each that was not taken.
async fn list(
    mut wire: ImapConnection,
    on: &StepContext<'_>,
    cursor: Cursor,
    exists: u32,
) -> Result<ImapConnection, WatchError> {
    let tries = on.ledger.backlog_try(&on.watched()).await?;
    let begun = on.ledger.backlog_begun(&on.watched()).await?;
    let mut dated = Vec::new();
    let mut older = u64::from(exists);
    if exists > 0 && tries <= GIVEN_UP {
        let listed;
        (wire, listed, older) = newest(wire, cursor.uid_next, tries <= CAREFUL).await?;
        let (mut all, mut headers) = (listed.into_values().collect::<Vec<_>>(), tries <= CAREFUL);
        all.reverse();
        for mails in all.chunks(AT_ONCE) {
            let mut heads = HashMap::new();
            if headers {
                (wire, heads, headers) = self::headers(wire, mails).await?;
            }
            let mut noted = Vec::with_capacity(mails.len());
            for mail in mails {
                noted.push(remember(mail.clone(), heads.remove(&mail.uid)).await);
            }
            // Their dates alone: there may be very many.
            dated.extend(begun.iter().flat_map(|_| &noted).map(|mail| OldMail {
                uid: mail.uid,
                received: mail.received,
                written: mail.written,
                ..OldMail::default()
            }));
            on.ledger
                .backlog_note(&on.watched(), cursor.uid_validity, noted)
                .await?;
        }
    }
    let came = begun.map_or_else(LateArrivals::default, |begun| meanwhile(&dated, begun, Utc::now()));
    let surely = came.surely.len();
    on.ledger.backlog_came(&on.watched(), came.surely).await?;
    let backlog = on.ledger.backlog_listed(&on.watched(), older).await?;
    tell(on, backlog, begun, (surely, came.perhaps));
    Ok(wire)
}

/// Says what is left, and what came, surely or perhaps, while the mailbox could not be opened yet.
pub(super) fn tell(
    on: &StepContext<'_>,
    backlog: BacklogSummary,
    begun: Option<DateTime<Utc>>,
    (surely, perhaps): (usize, usize),
) {
    on.health.left(backlog.left);
    let endpoint = on.inlet.settle.keys().next().map_or("ENDPOINT", |name| name.as_str());
    if backlog.left > 0 {
        tracing::info!(
            mails = backlog.left,
            taken = backlog.wanted,
            "mails lay in this mailbox before it was watched and are left there; mailjob backlog list {endpoint} shows them, mailjob backlog take {endpoint} has them taken"
        );
    }
    let Some(begun) = begun else { return };
    let since = begun.format("%FT%TZ");
    if surely > 0 {
        tracing::info!(
            mails = surely,
            "mails came while this mailbox could not be opened yet, since {since}: they are taken"
        );
    }
    if perhaps > 0 {
        tracing::warn!(
            mails = perhaps,
            "mails may have come while this mailbox could not be opened yet, or have lain there before: they are left; mailjob backlog take {endpoint} --since {since} has them taken"
        );
    }
}

/// The newest mails before a UID, by UID, and how many more there are. Without their dates where a session ended over those.
async fn newest(
    wire: ImapConnection,
    before: u32,
    dates: bool,
) -> Result<(ImapConnection, BTreeMap<u32, OldMail>, u64), WatchError> {
    let mut newest = BTreeMap::new();
    let mut older = 0;
    let items = if dates {
        "UID INTERNALDATE RFC822.SIZE"
    } else {
        "UID RFC822.SIZE"
    };
    let what = format!("1:* ({items})");
    let done = wire.run("UID FETCH", &what, |said| {
        let ImapResponse::Fetch(Fetch {
            uid: Some(uid),
            received,
            size,
            ..
        }) = said
        else {
            return;
        };
        if uid >= before {
            return;
        }
        let mail = OldMail {
            uid,
            received,
            size: size.unwrap_or(0).into(),
            ..OldMail::default()
        };
        newest.insert(uid, mail);
        if newest.len() > LISTED {
            newest.pop_first();
            older += 1;
        }
    });
    let (wire, _) = done.await?.ok()?;
    Ok((wire, newest, older))
}

/// What is remembered of mails' headers. The last value is false where the server does not give them.
async fn headers(
    mut wire: ImapConnection,
    mails: &[OldMail],
) -> Result<(ImapConnection, HashMap<u32, Bytes>, bool), WatchError> {
    let mut uids: Vec<u32> = mails.iter().map(|mail| mail.uid).collect();
    uids.sort_unstable();
    let mut heads = HashMap::new();
    for (set, _) in uids::sets(&uids) {
        let what = format!("{set} (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT)])");
        let done = wire.run("UID FETCH", &what, |said| {
            if let ImapResponse::Fetch(Fetch {
                uid: Some(uid),
                header: Some(header),
                ..
            }) = said
            {
                heads.insert(uid, header);
            }
        });
        let done = done.await?;
        wire = done.wire;
        if let Completion::Refused(answer) = done.answer {
            tracing::warn!(%answer, "the server does not give the headers of mails that are left");
            return Ok((wire, heads, false));
        }
    }
    Ok((wire, heads, true))
}

/// The first UID behind all mails that are there.
async fn behind(mut wire: ImapConnection, selected: Selected) -> Result<(ImapConnection, u32), WatchError> {
    if let Some(next) = selected.uid_next {
        return Ok((wire, next));
    }
    let mut next = 1;
    loop {
        let (listed, more);
        (wire, listed, more) = listing::list(wire, next).await?;
        let last = listed.iter().map(|mail| mail.uid).max().unwrap_or(0);
        next = next.max(last.saturating_add(1));
        if !more {
            return Ok((wire, next));
        }
    }
}
