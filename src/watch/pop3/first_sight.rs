//! The first look ever at a maildrop, and each in which mails have other names: what becomes of the mails that are there. Noted in the
//! ledger before anything is taken.
//!
//! POP3 tells neither when a mail came nor what is in other mailboxes: so a ledger that was lost can't be seen here, and a mail is as old as
//! its header says.

use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use chrono::Utc;
use tokio::time::Instant;

use super::{
    body::BodyEvent,
    maildrop::{Listing, MaildropEntry},
    wire::Pop3Connection,
};
use crate::{
    ledger::{Cursor, MAILDROP, MaildropMail, MaildropName, OldMail},
    watch::{
        backlog::{BacklogDecision, LateArrivals, at_first_sight, late_wish, meanwhile, received, remember},
        error::WatchError,
        first_sight::tell,
        source::StepContext,
    },
};

/// Headers that are asked for at the first look: of the newest mails.
const HEADERS: usize = 2_000;
/// How long that may take: meanwhile nobody else can open the maildrop.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of a header that are read.
const HEADER: usize = 64 << 10;

/// What the ledger knows of a maildrop, after it was decided what becomes of what lay there.
pub(super) async fn known(
    wire: Pop3Connection,
    on: &StepContext<'_>,
    listing: &Listing,
) -> Result<(Pop3Connection, Vec<MaildropMail>), WatchError> {
    if on.ledger.cursor(on.mailbox).await?.is_none() {
        let wire = first(wire, on, listing).await?;
        return Ok((wire, on.ledger.maildrop(on.mailbox).await?));
    }
    let known = on.ledger.maildrop(on.mailbox).await?;
    let Some(backlog) = on.ledger.backlog(on.mailbox).await? else {
        return Ok((wire, known));
    };
    let renamed = renamed(listing, &known);
    let late = late_wish(&on.inlet.mailbox.looks, backlog.first_look).filter(|_| backlog.left > 0);
    on.health.left(backlog.left);
    if renamed.is_empty() && late.is_none() {
        return Ok((wire, known));
    }
    let mut wire = wire;
    if !renamed.is_empty() {
        let sorted;
        (wire, sorted) = headers(wire, renamed, usize::MAX).await?;
        // Without a header a mail is as old as one that is missing and has its size.
        let sizes = missing_sizes(listing, &known);
        let is_doubtful = |(_, mail): &(MaildropName, OldMail)| mail.key.is_some() || sizes.contains(&mail.size);
        let sorted = sorted.into_iter().filter(is_doubtful).collect();
        on.ledger.maildrop_sort(&on.watched(), sorted).await?;
    }
    if let Some(since) = late {
        on.ledger.backlog_want(&on.watched(), since).await?;
    }
    let left = on.ledger.backlog(on.mailbox).await?.map_or(0, |backlog| backlog.left);
    on.health.left(left);
    Ok((wire, on.ledger.maildrop(on.mailbox).await?))
}

/// The first look ever.
async fn first(wire: Pop3Connection, on: &StepContext<'_>, listing: &Listing) -> Result<Pop3Connection, WatchError> {
    let choice = on.ledger.backlog_choice(on.mailbox).await?;
    let take_since = match at_first_sight(&on.inlet.mailbox.looks, choice, Utc::now()) {
        BacklogDecision::Take => {
            on.ledger.maildrop_number(&on.watched(), Vec::new()).await?;
            return Ok(wire);
        }
        BacklogDecision::Leave { take_since } => take_since,
        BacklogDecision::Doubt => None,
    };
    // The headers come first: only when all are sorted the maildrop counts as seen.
    let newest = if take_since.is_some() { usize::MAX } else { HEADERS };
    let (wire, sorted) = headers(wire, listing.mails.iter().collect(), newest).await?;
    let cursor = Cursor {
        uid_validity: MAILDROP,
        uid_next: 1,
    };
    // Only who wrote a mail says when: that is no ground to take one.
    let begun = on.ledger.backlog_begun(&on.watched()).await?;
    let mails: Vec<_> = sorted.iter().map(|(_, mail)| mail.clone()).collect();
    let came = begun.map_or_else(LateArrivals::default, |begun| meanwhile(&mails, begun, Utc::now()));
    on.ledger
        .maildrop_first(&on.watched(), cursor, take_since, sorted)
        .await?;
    let backlog = on.ledger.backlog_listed(&on.watched(), 0).await?;
    let perhaps = came.surely.len() + came.perhaps;
    tell(on, backlog, begun.filter(|_| take_since.is_none()), (0, perhaps));
    Ok(wire)
}

/// Mails with names that are new, where a mail that is left is not there under its own: the server may have given it another.
fn renamed<'a>(listing: &'a Listing, known: &[MaildropMail]) -> Vec<&'a MaildropEntry> {
    let there: HashSet<&MaildropName> = listing.mails.iter().map(|mail| &mail.name).collect();
    let is_gone = |mail: &MaildropMail| mail.skipped && !there.contains(&mail.name);
    if listing.cut || !known.iter().any(is_gone) {
        return Vec::new();
    }
    let names: HashSet<&MaildropName> = known.iter().map(|mail| &mail.name).collect();
    listing
        .mails
        .iter()
        .filter(|mail| !names.contains(&mail.name))
        .collect()
}

/// The sizes of mails that are left and not there under their names.
fn missing_sizes(listing: &Listing, known: &[MaildropMail]) -> HashSet<u64> {
    let there: HashSet<&MaildropName> = listing.mails.iter().map(|mail| &mail.name).collect();
    let missing = known.iter().filter(|mail| mail.skipped && !there.contains(&mail.name));
    missing.map(|mail| mail.name.size).collect()
}

/// What is remembered of mails: of the newest by their headers, as far as the server gives them (TOP, RFC 1939 section 7).
async fn headers(
    mut wire: Pop3Connection,
    mails: Vec<&MaildropEntry>,
    newest: usize,
) -> Result<(Pop3Connection, Vec<(MaildropName, OldMail)>), WatchError> {
    let until = Instant::now() + PATIENCE;
    let mut gives = true;
    let mut sorted = Vec::with_capacity(mails.len());
    for (place, listed) in mails.into_iter().rev().enumerate() {
        let mail = OldMail {
            size: listed.name.size,
            ..OldMail::default()
        };
        let mut header = None;
        if gives && place < newest && (newest == usize::MAX || Instant::now() < until) {
            (wire, header) = top(wire, listed.number).await?;
            gives = header.is_some();
        }
        let received = header.as_deref().and_then(received);
        let mail = remember(mail, header).await;
        sorted.push((
            listed.name.clone(),
            OldMail {
                received: received.or(mail.written),
                ..mail
            },
        ));
    }
    // Numbers are given in the server's order.
    sorted.reverse();
    Ok((wire, sorted))
}

/// A mail's header; nothing where the server does not give it.
async fn top(wire: Pop3Connection, number: u32) -> Result<(Pop3Connection, Option<Bytes>), WatchError> {
    let mut body = match wire.retrieve_by("TOP", &format!("{number} 0")).await? {
        Ok(body) => body,
        Err((wire, answer)) => {
            tracing::debug!(%answer, "the server does not give the headers of mails that are left");
            return Ok((wire, None));
        }
    };
    let mut header = Vec::new();
    loop {
        let (piece, next) = body.piece(HEADER).await?;
        let room = HEADER.saturating_sub(header.len()).min(piece.len());
        header.extend_from_slice(piece.get(..room).unwrap_or_default());
        body = match next {
            BodyEvent::Piece(body) => body,
            BodyEvent::End(wire, _) => return Ok((wire, Some(header.into()))),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(uidl: &str) -> MaildropName {
        MaildropName {
            uidl: uidl.into(),
            size: 10,
        }
    }

    #[test]
    fn new_names_are_suspicious_only_where_a_mail_that_is_left_has_lost_its_own() {
        let listing = |names: &[&str], cut| Listing {
            mails: (1..)
                .zip(names)
                .map(|(number, uidl)| MaildropEntry {
                    number,
                    name: name(uidl),
                })
                .collect(),
            cut,
            ..Listing::default()
        };
        let known = |uidl, skipped| MaildropMail {
            name: name(uidl),
            uid: 1,
            taken: true,
            skipped,
            print: crate::ledger::Fingerprint::default(),
        };
        let known = [known("left", true), known("taken", false)];
        for (there, cut, found) in [
            (&["left", "taken", "new"][..], false, 0),
            (&["left", "new"], false, 0),
            (&["taken", "new"], false, 1),
            (&["a", "b", "c"], false, 3),
            (&["a", "b", "c"], true, 0),
            (&["taken"], false, 0),
        ] {
            assert_eq!(renamed(&listing(there, cut), &known).len(), found, "{there:?}");
        }
    }
}
