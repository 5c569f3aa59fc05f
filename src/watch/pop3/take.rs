//! Receives mails one after the other and hands them to the ledger.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    MaildropMemory,
    body::{BodyEvent, RetrStream},
    maildrop::{KnownMail, MaildropPlan, UntakenMail, VerifiedExtent},
    portion::SessionQuota,
    whole::{self, ByteCounts, SizeCheck, SizeRecord},
    wire::Pop3Connection,
};
use crate::{
    job::Reason,
    ledger::{Cursor, Fingerprint, Lack, MAILDROP, MaildropName},
    watch::{
        cursor::SMALL,
        error::{WatchError, Words},
        intake::IntakeHandle,
        into_ledger::IntoLedger,
        reading::PART,
        source::{MailSink, StepContext},
        taker::{MailMetadata, held},
    },
};

/// What a session took.
pub(super) struct TakeResult {
    /// The session, if it can go on: a mail over the limit is read no further, and that ends it.
    pub(super) wire: Option<Pop3Connection>,
    /// There are more mails to take.
    pub(super) more: bool,
    /// The mails that it tried to take.
    pub(super) mails: usize,
}

/// Takes the next portion of new mails. When this returns, they are in the ledger, and what the session has to know of them in `found`.
pub(super) async fn take(
    wire: Pop3Connection,
    on: &StepContext<'_>,
    found: &mut MaildropPlan,
    past: &mut MaildropMemory,
    portion: SessionQuota,
) -> Result<TakeResult, WatchError> {
    on.health.announced(found.new.len());
    let (chosen, more) = past
        .care
        .choose(std::mem::take(&mut found.new), portion, Instant::now());
    if chosen.is_empty() {
        return Ok(TakeResult {
            wire: Some(wire),
            more,
            mails: 0,
        });
    }
    let mails = chosen.len();
    let fresh = chosen.iter().filter(|mail| mail.again.is_none());
    let names = fresh.map(|mail| mail.name.clone()).collect();
    let mut uids = on.ledger.maildrop_number(&on.watched(), names).await?.into_iter();
    let with_uid = |mail: UntakenMail| mail.again.or_else(|| uids.next()).map(|uid| (mail, uid));
    let numbered = chosen.into_iter().filter_map(with_uid).collect();
    // There is no cursor in a maildrop: the ledger says of each mail whether it was taken.
    let cursor = Cursor {
        uid_validity: MAILDROP,
        uid_next: 1,
    };
    let mut intake = on.intake(cursor);
    let receiver = Pop3Receiver {
        intake: &mut intake,
        limit: on.inlet.size,
    };
    let received = receiver.all(wire, numbered, found, past, portion.time).await;
    // What was received whole is kept, however the session ended.
    let taken = intake.finish().await;
    let (wire, late) = received?;
    let taken = taken?;
    if taken.new > 0 {
        tracing::info!(new = taken.new, known = taken.known, "took new mail");
    }
    let more = more || late || wire.is_none();
    Ok(TakeResult { wire, more, mails })
}

struct Pop3Receiver<'a> {
    intake: &'a mut IntakeHandle,
    limit: u64,
}

impl Pop3Receiver<'_> {
    /// Receives these mails. The second value says that time was over before all were.
    async fn all(
        mut self,
        mut wire: Pop3Connection,
        mails: Vec<(UntakenMail, u32)>,
        found: &mut MaildropPlan,
        past: &mut MaildropMemory,
        time: Duration,
    ) -> Result<(Option<Pop3Connection>, bool), WatchError> {
        let until = Instant::now() + time;
        for (UntakenMail { name, number, again }, uid) in mails {
            if Instant::now() >= until {
                return Ok((Some(wire), true));
            }
            if let Some(why) = past.care.gives_up(&name) {
                self.give_up(uid, &name.uidl, why).await?;
                past.care.forget(&name);
                continue;
            }
            past.care.trying(&name);
            let mut sink = IntoLedger::new(self.intake, uid);
            let received = match wire.retrieve(number).await? {
                Ok(body) => receive(body, &name, self.limit, &mut sink, &mut past.record).await?,
                Err((back, answer)) => Received::Short(back, format!("the server said {answer}")),
            };
            match &received {
                // It is handed over when nothing speaks against its being whole, and not before.
                Received::Whole(_) | Received::Over(_) => sink.end(None).await?,
                Received::TooLarge(_) => sink.end(held(self.limit.saturating_add(1), self.limit)).await?,
                Received::Short(..) => sink.forget().await?,
            }
            if let Received::Short(back, why) = received {
                wire = back;
                // Whoever asked for it hears of it now.
                if again.is_some() {
                    self.give_up(uid, &name.uidl, &why).await?;
                    past.care.forget(&name);
                } else {
                    tracing::warn!(
                        uidl = name.uidl,
                        why,
                        "a mail does not come whole and is not taken; trying again later"
                    );
                    past.care.refused(why, Instant::now());
                }
                continue;
            }
            past.care.received();
            past.checks.proved(uid);
            let known = KnownMail {
                name,
                number,
                print: Fingerprint::default(),
                proof: VerifiedExtent::Whole,
            };
            found.there.insert(uid, known);
            match received {
                Received::Whole(back) | Received::Short(back, _) => wire = back,
                // What is over the limit is not read to its end, and that ends the session.
                Received::TooLarge(_) => return Ok((None, true)),
                Received::Over(error) => return Err(error),
            }
        }
        Ok((Some(wire), false))
    }

    /// A mail that the server can't deliver is taken without its bytes, and nobody works on it.
    async fn give_up(&mut self, uid: u32, uidl: &str, why: &str) -> Result<(), WatchError> {
        tracing::error!(
            uidl,
            why,
            "the server can't deliver a mail; it is held, and the next ones go on"
        );
        let lack = Lack {
            reason: Reason::Unreadable,
            detail: format!(
                "the server does not deliver all of the mail with the unique id {uidl}: {why}; look at it in the mailbox, and mailjob jobs retry has it fetched again"
            ),
            size: 0,
            upload: None,
        };
        self.intake.lacking(uid, MailMetadata::default(), lack).await
    }
}

/// Reads a mail, up to one byte more than it may have.
pub(super) async fn receive<S: MailSink>(
    mut body: RetrStream,
    name: &MaildropName,
    limit: u64,
    sink: &mut S,
    record: &mut SizeRecord,
) -> Result<Received, WatchError> {
    let mut size = 0;
    loop {
        let most = if size > 0 { PART } else { u64::from(SMALL) };
        let room = limit.saturating_add(1).saturating_sub(size);
        let most = usize::try_from(most.min(room)).unwrap_or(usize::MAX);
        let (piece, next) = body.piece(most).await?;
        if size == 0 && is_an_answer(&piece) {
            let words = Words::new(&String::from_utf8_lossy(piece.get(..100).unwrap_or(&piece)));
            return Err(WatchError::Odd { command: "RETR", words });
        }
        size += piece.len() as u64;
        if !piece.is_empty() {
            sink.piece(piece.into()).await?;
        }
        body = match next {
            next if size > limit => return Ok(Received::TooLarge(next)),
            BodyEvent::End(wire, tally) => return behind(wire, &tally, name, record).await,
            BodyEvent::Piece(body) => body,
        };
    }
}

/// No mail begins so: the answer before this one was another's, and this is it.
fn is_an_answer(piece: &[u8]) -> bool {
    piece.starts_with(b"+OK") || piece.starts_with(b"-ERR")
}

/// How the receiving of a mail ended.
pub(super) enum Received {
    /// All of it came.
    Whole(Pop3Connection),
    /// Not all of it came; why that is said.
    Short(Pop3Connection, String),
    /// It has more bytes than it may have, and goes on.
    TooLarge(BodyEvent),
    /// All of it came, and the session is over.
    Over(WatchError),
}

/// Looks behind the end of a mail, whether it was the end.
async fn behind(
    mut wire: Pop3Connection,
    tally: &ByteCounts,
    name: &MaildropName,
    record: &mut SizeRecord,
) -> Result<Received, WatchError> {
    let count = whole::count(tally, name.size);
    let sure = record.is_sure_of(count);
    let looked = match wire.quiet("the next command").await {
        Ok(()) if sure => Ok(wire),
        Ok(()) => wire.in_step().await,
        Err(error) => Err(error),
    };
    let wire = match looked {
        Ok(wire) => wire,
        // Nothing came behind it, and nothing will.
        Err(error @ (WatchError::Closed | WatchError::Io(_) | WatchError::Bye(_)))
            if matches!(count, SizeCheck::Agrees(_) | SizeCheck::More) && tally.bytes > 0 =>
        {
            return Ok(Received::Over(error));
        }
        Err(error) => return Err(error),
    };
    if tally.bytes == 0 {
        return Ok(Received::Short(wire, "the server sent nothing for it".to_owned()));
    }
    if record.believes(name, count) {
        return Ok(Received::Whole(wire));
    }
    let why = format!(
        "the server listed it with {} bytes, and it ended after {}",
        name.size, tally.bytes
    );
    Ok(Received::Short(wire, why))
}

#[cfg(test)]
#[path = "take_tests.rs"]
mod tests;
