//! Takes mails into the ledger while the next ones are being received.
//!
//! The session hands over what it receives; a task hashes it, stores pieces of large mails, and commits. The cursor moves only to
//! where the session says that everything is there, in one transaction with the mails; mails that were taken before that are known
//! by their place when they come again. What is in memory is counted against a budget that all mailboxes share.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::{
    Health,
    error::Error,
    taker::{About, Arrived, Held, Small, Taker},
};
use crate::{
    budget::{Budget, Room},
    config::EndpointName,
    ledger::{self, Cursor, Fence, Lack, Ledger, MailboxKey, Taken},
};

/// What may wait for the task, beside what the budget allows.
const QUEUE: usize = 32;

/// The way into the ledger for one look at a mailbox.
pub(crate) struct Intake {
    sender: mpsc::Sender<Arrived>,
    /// Nothing once it was asked how it ended.
    task: Option<AbortOnDropHandle<Result<Taken, ledger::Error>>>,
    budget: Budget,
}

impl Intake {
    pub(crate) fn begin(
        ledger: Arc<dyn Ledger>,
        takers: Vec<EndpointName>,
        mailbox: (MailboxKey, Fence),
        cursor: Cursor,
        budget: Budget,
        health: Arc<Health>,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let taker = Taker::new(ledger, takers, mailbox, cursor, health);
        Self {
            sender,
            task: Some(AbortOnDropHandle::new(tokio::spawn(taker.run(receiver)))),
            budget,
        }
    }

    /// A whole mail.
    pub(crate) async fn mail(&mut self, uid: u32, about: About, bytes: Bytes, held: Held) -> Result<(), Error> {
        let room = self.room(bytes.len()).await?;
        let small = Small {
            uid,
            about,
            bytes,
            held,
            room,
        };
        self.send(Arrived::Mail(small)).await
    }

    /// A mail whose pieces follow, in their order.
    pub(crate) async fn begin_large(&mut self, uid: u32, about: About) -> Result<(), Error> {
        self.send(Arrived::Begin { uid, about }).await
    }

    /// The next piece of it.
    pub(crate) async fn piece(&mut self, bytes: Bytes) -> Result<(), Error> {
        let room = self.room(bytes.len()).await?;
        self.send(Arrived::Piece(bytes, room)).await
    }

    /// What the server says of it, where that was not known at its beginning.
    pub(crate) async fn about_large(&mut self, about: About) -> Result<(), Error> {
        self.send(Arrived::About(about)).await
    }

    /// That was the last piece.
    pub(crate) async fn end_large(&mut self, held: Held) -> Result<(), Error> {
        self.send(Arrived::End(held)).await
    }

    /// The mail is gone from the mailbox; its pieces are forgotten.
    pub(crate) async fn gone(&mut self) -> Result<(), Error> {
        self.send(Arrived::Gone).await
    }

    /// Another mail came under this UID: what was handed over in one piece is not taken, if it is not committed yet.
    pub(crate) async fn retract(&mut self, uid: u32) -> Result<(), Error> {
        self.send(Arrived::Retract(uid)).await
    }

    /// A mail whose bytes can't be had. Where it is known already, nothing happens to what is known.
    pub(crate) async fn lacking(&mut self, uid: u32, about: About, lack: Lack) -> Result<(), Error> {
        self.send(Arrived::Lacking { uid, about, lack }).await
    }

    /// Every mail below `uid_next` was handed over: commit.
    pub(crate) async fn cursor(&mut self, uid_next: u32) -> Result<(), Error> {
        self.send(Arrived::Cursor(uid_next)).await
    }

    /// Waits until everything is committed. What was handed over without a cursor is committed too.
    ///
    /// # Errors
    /// What the ledger said; [`ledger::Error::Closed`] where that was said already when something was handed over.
    pub(crate) async fn finish(self) -> Result<Taken, Error> {
        drop(self.sender);
        joined(self.task).await
    }

    /// Room for so many bytes. Where there is none, what waits for its commit is committed now, so that nobody waits for one another.
    async fn room(&mut self, bytes: usize) -> Result<Room, Error> {
        let bytes = bytes as u64;
        if let Some(room) = self.budget.try_take(bytes) {
            return Ok(room);
        }
        self.send(Arrived::Flush).await?;
        self.budget
            .take(bytes)
            .await
            .ok_or(Error::Ledger(ledger::Error::Closed))
    }

    async fn send(&mut self, arrived: Arrived) -> Result<(), Error> {
        if self.sender.send(arrived).await.is_ok() {
            return Ok(());
        }
        // The task only ends before us when the ledger failed.
        joined(self.task.take())
            .await
            .and(Err(Error::Ledger(ledger::Error::Closed)))
    }
}

async fn joined(task: Option<AbortOnDropHandle<Result<Taken, ledger::Error>>>) -> Result<Taken, Error> {
    let task = task.ok_or(ledger::Error::Closed)?;
    match task.await {
        Ok(taken) => Ok(taken?),
        Err(panicked) => Err(Error::Ledger(ledger::Error::Engine(panicked.to_string()))),
    }
}
