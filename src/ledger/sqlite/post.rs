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
    /// Tells the one who asked, when all is durable or the batch failed.
    fn answer(self: Box<Self>, batch: Result<(), Error>);
}

struct PendingOperation<W, T> {
    work: Option<W>,
    result: Option<Result<T, Error>>,
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

    /// Has an operation done; returns when it is durable. `bytes` is what it adds to a transaction.
    pub(in crate::ledger) async fn ask<T, W>(&self, bytes: usize, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.ask_for((bytes, None), work).await
    }

    /// The same for bytes of a new mail, which is taken only where room enough is left for all that is to be done with it.
    /// `so_far`: with what came of that mail before.
    pub(in crate::ledger) async fn ask_to_take<T, W>(&self, bytes: usize, so_far: usize, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.ask_for((bytes, Some(so_far)), work).await
    }

    async fn ask_for<T, W>(&self, (bytes, is_new): (usize, Option<usize>), work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (tell, answer) = oneshot::channel();
        self.send(WriteCommand::Do {
            operation: operation(work, tell),
            bytes,
            is_new,
        })
        .await?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

/// An operation that runs `work` and tells its result.
pub(in crate::ledger) fn operation<T, W>(work: W, tell: oneshot::Sender<Result<T, Error>>) -> Box<dyn WriteOperation>
where
    T: Send + 'static,
    W: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
{
    Box::new(PendingOperation {
        work: Some(work),
        result: None,
        tell,
    })
}

/// Who has a claim that nobody took given back, as long as there is a writer.
pub(in crate::ledger) fn giver<T: Claimable + Sync>(post: Weak<WriterHandle>) -> GiveBack<T> {
    Arc::new(move |items| {
        if let Some(post) = post.upgrade() {
            let (tell, _) = oneshot::channel();
            let give_back = move |tx: &mut Transaction<'_>| items.iter().try_for_each(|item| item.release(tx));
            post.send_now(WriteCommand::Do {
                operation: operation(give_back, tell),
                bytes: 0,
                is_new: None,
            });
        }
    })
}
