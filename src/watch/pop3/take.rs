//! Receives mails one after the other and hands them to the ledger.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    body::{Body, Next},
    maildrop::{Found, New},
    portion::{Care, Portion},
    wire::Wire,
};
use crate::{
    job::Reason,
    ledger::{Cursor, Lack, MAILDROP},
    watch::{
        error::Error,
        intake::{About, Intake, held},
        session::Looking,
    },
};

/// A mail of at most this many bytes is handed over as a whole.
const SMALL: u64 = 256 << 10;
/// The pieces of a larger one.
const PIECE: u64 = 1 << 20;

/// What a session took.
pub(super) struct Took {
    /// The session, if it can go on: a mail over the limit is read no further, and that ends it.
    pub(super) wire: Option<Wire>,
    /// There are more mails to take.
    pub(super) more: bool,
    /// The mails that it tried to take.
    pub(super) mails: usize,
}

/// Takes the next portion of new mails. When this returns, they are in the ledger, and what the session has to know of them in `found`.
pub(super) async fn take(
    wire: Wire,
    on: &Looking<'_>,
    found: &mut Found,
    care: &mut Care,
    portion: Portion,
) -> Result<Took, Error> {
    on.health.announced(found.new.len());
    let (chosen, more) = care.choose(std::mem::take(&mut found.new), portion, Instant::now());
    if chosen.is_empty() {
        return Ok(Took {
            wire: Some(wire),
            more,
            mails: 0,
        });
    }
    let mails = chosen.len();
    let names = chosen.iter().map(|mail| mail.name.clone()).collect();
    let uids = on.ledger.maildrop_number(on.mailbox, names).await?;
    let numbered = chosen.into_iter().zip(uids).collect();
    // There is no cursor in a maildrop: the ledger says of each mail whether it was taken.
    let cursor = Cursor {
        uid_validity: MAILDROP,
        uid_next: 1,
    };
    let mut intake = Intake::begin(
        on.ledger.clone(),
        on.inlet.takers.clone(),
        on.mailbox.clone(),
        cursor,
        on.budget.clone(),
        on.health.clone(),
    );
    let receiver = Receiver {
        intake: &mut intake,
        limit: on.inlet.size,
    };
    let received = receiver.all(wire, numbered, found, care, portion.time).await;
    // What was received whole is kept, however the session ended.
    let taken = intake.finish().await;
    let (wire, late) = received?;
    let taken = taken?;
    if taken.new > 0 {
        tracing::info!(new = taken.new, known = taken.known, "took new mail");
    }
    let more = more || late || wire.is_none();
    Ok(Took { wire, more, mails })
}

struct Receiver<'a> {
    intake: &'a mut Intake,
    limit: u64,
}

impl Receiver<'_> {
    /// Receives these mails. The second value says that time was over before all were.
    async fn all(
        mut self,
        mut wire: Wire,
        mails: Vec<(New, u32)>,
        found: &mut Found,
        care: &mut Care,
        time: Duration,
    ) -> Result<(Option<Wire>, bool), Error> {
        let until = Instant::now() + time;
        for (New { name, numbers }, uid) in mails {
            if Instant::now() >= until {
                return Ok((Some(wire), true));
            }
            if care.gives_up(&name) {
                self.give_up(uid, &name.uidl).await?;
                continue;
            }
            let Some(number) = numbers.first() else { continue };
            care.trying(&name);
            let body = match wire.retrieve(*number).await? {
                Ok(body) => body,
                Err((back, answer)) => {
                    tracing::warn!(uidl = name.uidl, %answer, "the server does not deliver a mail; trying again later");
                    care.refused(Instant::now());
                    wire = back;
                    continue;
                }
            };
            let whole = self.receive(body, uid).await?;
            care.received();
            found.there.insert(uid, numbers);
            match whole {
                Some(back) => wire = back,
                None => return Ok((None, true)),
            }
        }
        Ok((Some(wire), false))
    }

    /// Receives a mail, up to one byte more than it may have: a small one as a whole, a larger one in pieces.
    async fn receive(&mut self, mut body: Body, uid: u32) -> Result<Option<Wire>, Error> {
        let (mut size, mut begun) = (0, false);
        loop {
            let most = if begun { PIECE } else { SMALL };
            let room = self.limit.saturating_add(1).saturating_sub(size);
            let (piece, next) = body
                .piece(usize::try_from(most.min(room)).unwrap_or(usize::MAX))
                .await?;
            size += piece.len() as u64;
            let held = held(size, self.limit);
            let last = held.is_some() || matches!(next, Next::End(_));
            if last && !begun {
                self.intake.mail(uid, About::default(), piece.into(), held).await?;
            } else {
                if !std::mem::replace(&mut begun, true) {
                    self.intake.begin_large(uid, About::default()).await?;
                }
                if !piece.is_empty() {
                    self.intake.piece(piece.into()).await?;
                }
                if last {
                    self.intake.end_large(held).await?;
                }
            }
            body = match next {
                Next::End(wire) => return Ok(Some(wire)),
                Next::Piece(_) if last => return Ok(None),
                Next::Piece(body) => body,
            };
        }
    }

    /// A mail that the server can't deliver is taken without its bytes, and nobody works on it.
    async fn give_up(&mut self, uid: u32, uidl: &str) -> Result<(), Error> {
        tracing::error!(
            uidl,
            "the server can't deliver a mail; it is held, and the next ones go on"
        );
        let lack = Lack {
            reason: Reason::Unreadable,
            detail: format!(
                "the server fails whenever the mail with the unique id {uidl} is asked for: look at it in the mailbox; mailjob jobs retry has it fetched again"
            ),
            size: 0,
            upload: None,
        };
        self.intake.lacking(uid, About::default(), lack).await
    }
}

#[cfg(test)]
#[path = "take_tests.rs"]
mod tests;
