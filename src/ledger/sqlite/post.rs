//! How callers speak to the writer: commands with an operation and someone to tell.

use std::sync::{Arc, Weak, mpsc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::ledger::{
    ClaimedJob, ClaimedReply, Error,
    rules::transaction::Transaction,
    wake::{ClaimWaiter, Claimable, GiveBack},
};

/// Letters that may lie unopened; who has more to say waits.
const LETTERS: usize = 1024;

/// Something to do and someone to tell.
pub(in crate::ledger) trait WriteOperation: Send {
    /// Does it; its changes are undone when it fails.
    fn run(&mut self, tx: &mut Transaction<'_>) -> Result<(), Error>;
    /// Whether it fails before it changes anything, unless the engine does.
    fn judges_first(&self) -> bool;
    /// Tells the one who asked, when all is durable or the batch failed.
    fn answer(self: Box<Self>, batch: Result<(), Error>);
}

struct PendingOperation<W, T> {
    work: Option<W>,
    result: Option<Result<T, Error>>,
    judges_first: bool,
    tell: oneshot::Sender<Result<T, Error>>,
}

impl<W, T> WriteOperation for PendingOperation<W, T>
where
    W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        let result = self.work.take().map_or(Err(Error::Closed), |work| work(tx));
        let undo = match &result {
            // An illegal change holds its job: that must stay.
            Ok(_) | Err(Error::Illegal { .. }) => Ok(()),
            Err(failed) => Err(failed.clone()),
        };
        self.result = Some(result);
        undo
    }

    fn judges_first(&self) -> bool {
        self.judges_first
    }

    fn answer(self: Box<Self>, batch: Result<(), Error>) {
        let result = match (batch, self.result) {
            (Err(failed), None | Some(Ok(_) | Err(Error::Illegal { .. }))) => Err(failed),
            (_, Some(result)) => result,
            (Ok(()), None) => Err(Error::Closed),
        };
        // Who does not wait any more need not know.
        drop(self.tell.send(result));
    }
}

/// A command to the writer.
pub(in crate::ledger) enum WriteCommand {
    /// Do this. `bytes` is what it adds to a transaction.
    Do {
        operation: Box<dyn WriteOperation>,
        bytes: usize,
        /// Of a mail that lies safely elsewhere, and may wait until there is room: its bytes so far.
        is_new: Option<usize>,
    },
    /// I wait for jobs.
    Jobs(ClaimWaiter<ClaimedJob>),
    /// I wait for replies.
    Replies(ClaimWaiter<ClaimedReply>),
    /// Stop; all that lies here is done first.
    Close,
}

/// A command and the room it takes up until it is read.
pub(in crate::ledger) type QueuedCommand = (WriteCommand, Option<OwnedSemaphorePermit>);

/// The way to the writer. When it is dropped, the writer stops.
pub(in crate::ledger) struct WriterHandle {
    commands: mpsc::Sender<QueuedCommand>,
    room: Arc<Semaphore>,
}

impl WriterHandle {
    /// A handle, and the end at which its commands arrive.
    pub(in crate::ledger) fn new() -> (Arc<Self>, mpsc::Receiver<QueuedCommand>) {
        let (sender, commands) = mpsc::channel();
        (
            Arc::new(Self {
                commands: sender,
                room: Arc::new(Semaphore::new(LETTERS)),
            }),
            commands,
        )
    }

    /// Sends a command as soon as there is room.
    pub(in crate::ledger) async fn send(&self, command: WriteCommand) -> Result<(), Error> {
        let room = self.room.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        self.commands.send((command, Some(room))).map_err(|_| Error::Closed)
    }

    /// Sends a command at once, where nobody can wait; there are never more of these than of claims.
    pub(in crate::ledger) fn send_now(&self, command: WriteCommand) {
        // A closed writer's jobs are queued again when their leases end.
        drop(self.commands.send((command, None)));
    }

    /// Has something done, and waits for nothing: where nobody can wait, and what is not done is made good by time.
    pub(in crate::ledger) fn tell(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<(), Error> + Send + 'static,
    ) {
        let (tell, _) = oneshot::channel();
        self.send_now(WriteCommand::Do {
            operation: operation(work, false, tell),
            bytes: 0,
            is_new: None,
        });
    }

    /// Has an operation done; returns when it is durable. `bytes` is what it adds to a transaction.
    pub(in crate::ledger) async fn ask<T, W>(&self, bytes: usize, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.ask_for((bytes, None, false), work).await
    }

    /// The same for one that fails before it changes anything, unless the engine does: it needs no savepoint, which would keep a copy of each
    /// page that it changes.
    pub(in crate::ledger) async fn ask_judged<T, W>(&self, bytes: usize, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.ask_for((bytes, None, true), work).await
    }

    /// The same for bytes of a new mail, which is taken only where room enough is left for all that is to be done with it.
    /// `so_far`: with what came of that mail before.
    pub(in crate::ledger) async fn ask_to_take<T, W>(&self, bytes: usize, so_far: usize, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.ask_for((bytes, Some(so_far), false), work).await
    }

    async fn ask_for<T, W>(
        &self,
        (bytes, is_new, judges_first): (usize, Option<usize>, bool),
        work: W,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (tell, answer) = oneshot::channel();
        self.send(WriteCommand::Do {
            operation: operation(work, judges_first, tell),
            bytes,
            is_new,
        })
        .await?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

/// An operation that runs `work` and tells its result.
pub(in crate::ledger) fn operation<T, W>(
    work: W,
    judges_first: bool,
    tell: oneshot::Sender<Result<T, Error>>,
) -> Box<dyn WriteOperation>
where
    T: Send + 'static,
    W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
{
    Box::new(PendingOperation {
        work: Some(work),
        result: None,
        judges_first,
        tell,
    })
}

/// Who has a claim that nobody took given back, as long as there is a writer.
pub(in crate::ledger) fn giver<T: Claimable + Sync>(post: Weak<WriterHandle>) -> GiveBack<T> {
    Arc::new(move |items| {
        if let Some(post) = post.upgrade() {
            post.tell(move |tx| items.iter().try_for_each(|item| item.release(tx)));
        }
    })
}
