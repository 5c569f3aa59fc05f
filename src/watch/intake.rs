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
    WatchHealth,
    error::WatchError,
    taker::{IntakeMessage, IntakeTask, MailMetadata, Shortfall, SmallMail},
};
use crate::{
    budget::{Budget, Room},
    config::EndpointName,
    ledger::{self, Cursor, IntakeResult, Lack, Ledger, WatchedMailbox},
};

/// What may wait for the task, beside what the budget allows.
const QUEUE: usize = 32;

/// The way into the ledger for one look at a mailbox.
pub(crate) struct IntakeHandle {
    sender: mpsc::Sender<IntakeMessage>,
    /// Nothing once it was asked how it ended.
    task: Option<AbortOnDropHandle<Result<IntakeResult, ledger::Error>>>,
    budget: Budget,
}

impl IntakeHandle {
    pub(crate) fn begin(
        ledger: Arc<dyn Ledger>,
        takers: Vec<EndpointName>,
        mailbox: WatchedMailbox,
        cursor: Cursor,
        budget: Budget,
        health: Arc<WatchHealth>,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let taker = IntakeTask::new(ledger, takers, mailbox, cursor, health);
        Self {
            sender,
            task: Some(AbortOnDropHandle::new(tokio::spawn(taker.run(receiver)))),
            budget,
        }
    }

    /// A whole mail.
    pub(crate) async fn mail(
        &mut self,
        uid: u32,
        about: MailMetadata,
        bytes: Bytes,
        held: Shortfall,
    ) -> Result<(), WatchError> {
        let room = self.room(bytes.len()).await?;
        let small = SmallMail {
            uid,
            about,
            bytes,
            held,
            room,
        };
        self.send(IntakeMessage::Mail(small)).await
    }

    /// A mail whose pieces follow, in their order.
    pub(crate) async fn begin_large(&mut self, uid: u32, about: MailMetadata) -> Result<(), WatchError> {
        self.send(IntakeMessage::Begin { uid, about }).await
    }

    /// The next piece of it.
    pub(crate) async fn piece(&mut self, bytes: Bytes) -> Result<(), WatchError> {
        let room = self.room(bytes.len()).await?;
        self.send(IntakeMessage::Piece(bytes, room)).await
    }

    /// What the server says of it, where that was not known at its beginning.
    pub(crate) async fn about_large(&mut self, about: MailMetadata) -> Result<(), WatchError> {
        self.send(IntakeMessage::About(about)).await
    }

    /// That was the last piece.
    pub(crate) async fn end_large(&mut self, held: Shortfall) -> Result<(), WatchError> {
        self.send(IntakeMessage::End(held)).await
    }

    /// The mail is gone from the mailbox; its pieces are forgotten.
    pub(crate) async fn gone(&mut self) -> Result<(), WatchError> {
        self.send(IntakeMessage::Gone).await
    }

    /// Another mail came under this UID: what was handed over in one piece is not taken, if it is not committed yet.
    pub(crate) async fn retract(&mut self, uid: u32) -> Result<(), WatchError> {
        self.send(IntakeMessage::Retract(uid)).await
    }

    /// A mail whose bytes can't be had. Where it is known already, nothing happens to what is known.
    pub(crate) async fn lacking(&mut self, uid: u32, about: MailMetadata, lack: Lack) -> Result<(), WatchError> {
        self.send(IntakeMessage::Lacking { uid, about, lack }).await
    }

    /// Every mail below `uid_next` was handed over: commit.
    pub(crate) async fn cursor(&mut self, uid_next: u32) -> Result<(), WatchError> {
        self.send(IntakeMessage::Cursor(uid_next)).await
    }

    /// Waits until everything is committed. What was handed over without a cursor is committed too.
    ///
    /// # Errors
    /// What the ledger said; [`ledger::WatchError::Closed`] where that was said already when something was handed over.
    pub(crate) async fn finish(self) -> Result<IntakeResult, WatchError> {
        drop(self.sender);
        joined(self.task).await
    }

    /// Room for so many bytes. Where there is none, what waits for its commit is committed now, so that nobody waits for one another.
    async fn room(&mut self, bytes: usize) -> Result<Room, WatchError> {
        let bytes = bytes as u64;
        if let Some(room) = self.budget.try_take(bytes) {
            return Ok(room);
        }
        self.send(IntakeMessage::Flush).await?;
        self.budget
            .take(bytes)
            .await
            .ok_or(WatchError::Ledger(ledger::Error::Closed))
    }

    async fn send(&mut self, arrived: IntakeMessage) -> Result<(), WatchError> {
        if self.sender.send(arrived).await.is_ok() {
            return Ok(());
        }
        // The task only ends before us when the ledger failed.
        joined(self.task.take())
            .await
            .and(Err(WatchError::Ledger(ledger::Error::Closed)))
    }
}

async fn joined(
    task: Option<AbortOnDropHandle<Result<IntakeResult, ledger::Error>>>,
) -> Result<IntakeResult, WatchError> {
    let task = task.ok_or(ledger::Error::Closed)?;
    match task.await {
        Ok(taken) => Ok(taken?),
        Err(panicked) => Err(WatchError::Ledger(ledger::Error::Engine(panicked.to_string()))),
    }
}
