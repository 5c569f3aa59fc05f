//! The writer: one thread that owns the only writing connection.
//!
//! It takes all that waits, runs it in one transaction, each operation in a savepoint of its own, but for the ends of jobs, and answers after the
//! commit: many callers share one fsync. Claims that wait are served inside the same transaction, after the operations, so
//! that taking a mail and claiming its job, or ending a job and claiming the next, cost one fsync together.
//! Where several came together, the next transaction waits a moment for as many (`gather`).
//!
//! An operation that fails is undone alone. When the engine fails (disk full), the whole batch is undone and told so, and
//! the writer goes on with the next. Waiting costs nothing: the thread sleeps until a command comes or a waiting claim's job is due,
//! and looks every two seconds whether another process wrote, who may have made something due (a command by the side door), and whether
//! somebody set the clock.

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    change::data_version,
    gather::{GATHERS, NAP, awaits},
    hindrance::judged,
    place::OpenLedger,
    post::{QueuedCommand, WriteCommand, WriteOperation, WriterHandle, giver},
    reserve,
    room::{DiskSpace, Looks, Shortage},
    schema,
    shared::Shared,
    time::{self, ClockCheck, Noted},
    values::statements,
};
use crate::{
    ledger::{
        ClaimedJob, ClaimedReply, Clock, Error,
        lease::{Claimed, LeaseHolder},
        rules::{
            recover,
            transaction::{AfterCommit, CAREFUL, savepoint, unguarded},
        },
        values::micros,
        wake::ClaimQueue,
    },
    metrics::Commits,
};

/// Operations in one transaction, at most.
const BATCH: usize = 256;
/// Bytes in one transaction: no more is begun beyond this.
const BATCH_BYTES: usize = 8 << 20;
/// The longest sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// The time between two looks whether another process wrote.
const BESIDE: Duration = Duration::from_secs(2);

/// The thread's state. Fields drop in order: the connection before the lock.
struct Writer {
    db: Connection,
    clock: Clock,
    /// What the clocks showed when that was last written down.
    noted: Noted,
    holder: LeaseHolder,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<QueuedCommand>,
    jobs: ClaimQueue<ClaimedJob>,
    replies: ClaimQueue<ClaimedReply>,
    /// SQLite's number of what others wrote, and when it is looked at again.
    beside: (i64, Instant),
    commits: Commits,
    looks: Looks,
    /// Operations of the last transaction.
    latest: usize,
    /// Until when each operation has a savepoint, whatever it is.
    careful: Instant,
    shortage: Shortage,
    ended: oneshot::Sender<()>,
    held: OpenLedger,
}

/// Starts the thread; the receiver is told when it has ended.
pub(in crate::ledger) fn start(
    db: Connection,
    held: OpenLedger,
    (clock, noted, holder): (Clock, Noted, LeaseHolder),
    shared: Arc<Shared>,
    commits: Commits,
) -> Result<(Arc<WriterHandle>, oneshot::Receiver<()>), Error> {
    let (post, commands) = WriterHandle::new();
    let back = Arc::downgrade(&post);
    let (ended, end) = oneshot::channel();
    let writer = Writer {
        beside: (data_version(&db)?, Instant::now() + BESIDE),
        db,
        clock,
        noted,
        holder,
        shared,
        commands,
        jobs: ClaimQueue::new(giver(back.clone())),
        replies: ClaimQueue::new(giver(back)),
        commits,
        looks: Looks::new(),
        latest: 0,
        careful: Instant::now(),
        shortage: Shortage::default(),
        ended,
        held,
    };
    std::thread::Builder::new()
        .name("ledger".into())
        .spawn(move || writer.run())
        .map_err(|error| Error::Engine(format!("the writer's thread can't be started: {error}")))?;
    Ok((post, end))
}

#[derive(Default)]
struct Batch {
    operations: Vec<Box<dyn WriteOperation>>,
    bytes: usize,
    /// What room there was before it.
    room: Option<DiskSpace>,
    close: bool,
}

impl Writer {
    fn run(mut self) {
        loop {
            let slept = self.sleep();
            let knocked = self.knocked();
            let mut batch = Batch::default();
            if self.shared.lost().is_some() {
                // What is asked for is not done: nobody would find it again.
                break;
            }
            match slept {
                Ok(command) => {
                    batch.room = self.looks.room(&self.db, self.held.place.path());
                    self.open(command, &mut batch);
                }
                Err(mpsc::RecvTimeoutError::Timeout)
                    if !knocked && !self.is_due() && !self.was_set() && !self.looks_at_leases() =>
                {
                    continue;
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            self.gather(&mut batch);
            let close = batch.close;
            self.looks.write(batch.bytes);
            self.commit(batch.operations);
            if close {
                break;
            }
        }
        // Whoever closes a ledger copies its log where that finds room.
        self.looks.forget();
        self.looks.room(&self.db, self.held.place.path());
        let Self { db, ended, held, .. } = self;
        drop(db);
        drop(held);
        drop(ended);
    }

    /// Opens what else lies there, and waits a moment for as many as came together before.
    fn gather(&mut self, batch: &mut Batch) {
        let until = Instant::now() + GATHERS;
        while batch.operations.len() < BATCH && batch.bytes < BATCH_BYTES && !batch.close {
            match self.commands.try_recv() {
                Ok((command, _)) => self.open(command, batch),
                Err(mpsc::TryRecvError::Empty)
                    if awaits(batch.operations.len(), self.latest) && Instant::now() < until =>
                {
                    std::thread::sleep(NAP);
                }
                Err(_) => break,
            }
        }
        self.latest = batch.operations.len();
    }

    /// When a waiting claim may be served, in microseconds.
    fn alarm(&self) -> Option<i64> {
        match (self.jobs.alarm(), self.replies.alarm()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn is_due(&self) -> bool {
        self.alarm().is_some_and(|due| due <= micros(self.clock.now()))
    }

    /// Whether it is time to look at leases.
    fn looks_at_leases(&self) -> bool {
        self.holder.is_due(micros(self.clock.now()))
    }

    /// Whether somebody set the clock since the last commit.
    fn was_set(&self) -> bool {
        self.noted.look(self.clock.read()).moved != 0
    }

    /// Waits for a command, until a waiting claim may be served, or until it is time to look beside.
    fn sleep(&self) -> Result<WriteCommand, mpsc::RecvTimeoutError> {
        let wait = self.alarm().map_or(LONGEST_SLEEP, |due| {
            let wait = u64::try_from(due - micros(self.clock.now())).unwrap_or(0);
            Duration::from_micros(wait).min(LONGEST_SLEEP)
        });
        let look = self.beside.1.saturating_duration_since(Instant::now());
        Ok(self.commands.recv_timeout(wait.min(look))?.0)
    }

    /// Whether another process wrote since the last look: then everybody's claims are looked at.
    fn knocked(&mut self) -> bool {
        if Instant::now() < self.beside.1 {
            return false;
        }
        if let Some(lost) = self.held.place.lost() {
            tracing::error!("{lost}");
            self.shared.lose(lost);
            return false;
        }
        // A number that can't be read is none that changed.
        let found = data_version(&self.db).unwrap_or(self.beside.0);
        let changed = found != self.beside.0;
        self.beside = (found, Instant::now() + BESIDE);
        if changed {
            self.jobs.rouse([].iter(), true);
            self.replies.rouse([].iter(), true);
            self.shared.changed_outside().notify_waiters();
            self.shared.ring_all();
        }
        changed
    }

    fn open(&mut self, command: WriteCommand, batch: &mut Batch) {
        match command {
            WriteCommand::Do {
                operation,
                bytes,
                is_new,
            } => {
                let all = match bytes {
                    0 => 0,
                    bytes => batch.bytes.saturating_add(bytes) as u64,
                };
                let path = self.held.place.path();
                match batch
                    .room
                    .map_or(Ok(()), |room| room.refuse(path, all, is_new.is_some()))
                {
                    Ok(()) => {
                        batch.operations.push(operation);
                        batch.bytes += bytes;
                    }
                    Err(full) => {
                        self.shortage.refused(all.max(is_new.unwrap_or(0) as u64));
                        self.failed(&full);
                        operation.answer(Err(full));
                    }
                }
            }
            WriteCommand::Jobs(waiter) => self.jobs.join(waiter),
            WriteCommand::Replies(waiter) => self.replies.join(waiter),
            WriteCommand::Close => batch.close = true,
        }
    }

    /// Whether there is room for what found none.
    fn is_roomy(&self) -> bool {
        let room = DiskSpace::look(&self.db, self.held.place.path());
        room.is_none_or(|room| self.shortage.is_over(room))
    }

    /// Something was not written: counted, known to who asks, and told now and then.
    fn failed(&self, why: &Error) {
        self.commits.failed();
        if self.shared.failed(why, self.clock.now()) {
            tracing::error!(error = %why, "the ledger can't be written; what was to be written is tried again");
        }
    }

    /// One transaction, then the answers.
    fn commit(&mut self, mut operations: Vec<Box<dyn WriteOperation>>) {
        let reading = self.clock.read();
        let now = reading.wall;
        self.holder.begins(reading);
        let look = self.noted.look(reading);
        let (begun, changes, ran) = (Instant::now(), self.db.total_changes(), statements());
        let proves = self.shared.must_prove(|| self.shortage.is_any() && self.is_roomy());
        match self.transact(&mut operations, now, &look, proves) {
            Ok(after) => {
                if look.is_news {
                    self.noted = look.noted;
                }
                self.commits.took(begun.elapsed());
                self.commits.ran(statements() - ran);
                let wrote = proves || self.db.total_changes() != changes;
                if let Some(since) = self.shared.committed(wrote, || self.is_roomy()) {
                    self.shortage = Shortage::default();
                    tracing::info!(%since, "the ledger can be written again");
                }
                for (held, renewed) in after.renewed {
                    held.renewed(&renewed);
                }
                self.shared.keep(after.fresh);
                self.jobs.deliver();
                self.replies.deliver();
                for operation in operations {
                    operation.answer(Ok(()));
                }
                self.shared.ring(&after.bells);
            }
            Err(failed) => {
                let path = self.held.place.path();
                let failed = judged(path, failed);
                self.failed(&failed);
                self.looks.forget();
                self.holder.looks_again();
                self.careful = Instant::now() + CAREFUL;
                if !self.db.is_autocommit()
                    && let Err(error) = self.db.execute_batch("ROLLBACK")
                {
                    tracing::error!(%error, "the ledger could not undo a batch");
                }
                // New mails were refused before, so this is what settling and retention need.
                if matches!(failed, Error::Full(_)) && reserve::is_needed(path) {
                    reserve::give_up(path);
                }
                if matches!(failed, Error::Full(_)) && !self.is_roomy() {
                    self.shortage.refused(0);
                }
                for operation in operations {
                    operation.answer(Err(failed.clone()));
                }
                self.jobs.restore(now);
                self.replies.restore(now);
            }
        }
    }

    fn transact(
        &mut self,
        operations: &mut [Box<dyn WriteOperation>],
        now: i64,
        look: &ClockCheck,
        proves: bool,
    ) -> Result<AfterCommit, Error> {
        let db = &self.db;
        let mut all = AfterCommit::default();
        step(db, "BEGIN IMMEDIATE")?;
        if proves {
            schema::write_version(db)?;
        }
        if look.is_news {
            time::keep(db, look)?;
        }
        if look.moved != 0 {
            self.jobs.rouse([].iter(), true);
            self.replies.rouse([].iter(), true);
        }
        for operation in operations {
            let after = match operation.judges_first() && Instant::now() >= self.careful {
                true => unguarded(db, now, &self.holder, || db.total_changes(), |tx| operation.run(tx)),
                false => savepoint(db, now, &self.holder, |tx| operation.run(tx)),
            };
            all.merge(after?);
        }
        if self.holder.is_due(now) {
            let mut claimed = Claimed::Work;
            all.merge(savepoint(db, now, &self.holder, |tx| {
                claimed = recover::look(tx).inspect_err(|error| {
                    tracing::error!(%error, "what nobody works on any more can't be put right; trying again");
                })?;
                Ok(())
            })?);
            self.holder.looked(now, claimed);
        }
        self.jobs.rouse(all.endpoints.iter(), all.everyone);
        self.replies.rouse(all.accounts.iter(), all.every_account);
        all.next.drain(..).for_each(|(key, tell)| self.jobs.follow(key, tell));
        self.jobs.serve(db, now, &self.holder)?;
        self.replies.serve(db, now, &self.holder)?;
        step(db, "COMMIT")?;
        Ok(all)
    }
}

/// Runs a statement without parameters.
fn step(db: &Connection, sql: &str) -> Result<(), Error> {
    db.prepare_cached(sql)?.execute([])?;
    Ok(())
}
