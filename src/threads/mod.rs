//! Threads of a kind for work that holds one up: so many and no more, apart from those of all others. Who waits for one knows when his
//! work begins, so that a queue never counts as work.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore, SemaphorePermit, oneshot},
    time::timeout,
};

/// How long a thread stays without work.
const IDLE: Duration = Duration::from_secs(10);
/// A thread that began something is expected to be free again so soon: what comes meanwhile waits for that one, since to wake another costs more
/// than most work does. What has not begun by then gets a thread of its own.
const SOON: Duration = Duration::from_millis(1);
/// So many wait for threads that are free soon, at most.
const BEHIND: usize = 8;

type Task = Box<dyn FnOnce() + Send>;

/// Threads for one kind of work, started as they are needed.
pub struct Threads {
    name: &'static str,
    most: usize,
    free: Semaphore,
    queue: Mutex<Queue>,
    came: Condvar,
}

struct Queue {
    work: VecDeque<Task>,
    /// Threads without work, and how many of them were woken and have not come yet.
    idle: usize,
    woken: usize,
    /// What threads are at, by the number of the work, and since when.
    working: Vec<(u64, Instant)>,
    /// How much was begun so far.
    begun: u64,
}

impl Queue {
    const fn new() -> Self {
        Self {
            work: VecDeque::new(),
            idle: 0,
            woken: 0,
            working: Vec::new(),
            begun: 0,
        }
    }

    /// The next work, with its number.
    fn next(&mut self, now: Instant) -> Option<(u64, Task)> {
        let work = self.work.pop_front()?;
        if self.work.is_empty() {
            // Who was woken finds nothing, and sleeps on.
            self.woken = 0;
        }
        self.begun += 1;
        self.working.push((self.begun, now));
        Some((self.begun, work))
    }

    /// Whether what was put in last may wait for a thread that is at work: one began just now, and not many wait for it.
    fn follows(&self, now: Instant) -> bool {
        let is_soon_free = |(_, since): &(u64, Instant)| now.saturating_duration_since(*since) < SOON;
        self.work.len() <= BEHIND && self.working.iter().any(is_soon_free)
    }
}

/// The system refuses a thread.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this system refuses a thread ({0}); look at its limits of processes and memory")]
pub struct NoThread(String);

/// Why a future did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfinished {
    /// No thread came in time.
    #[error("all threads are at work with others")]
    Busy,
    /// A turn took too long; its thread was given up.
    #[error("it took too long")]
    Slow,
    /// It panicked.
    #[error("it panicked")]
    Panicked,
    /// There is no thread for it.
    #[error(transparent)]
    NoThread(#[from] NoThread),
}

/// Work that has begun: what it comes to, or nothing where it panicked.
pub type TaskResult<T> = oneshot::Receiver<T>;

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Threads({}: {} of {} are free)", self.name, self.free(), self.most)
    }
}

impl Threads {
    /// At most so many threads of this name.
    #[must_use]
    pub const fn new(name: &'static str, most: usize) -> Self {
        Self {
            name,
            most,
            free: Semaphore::const_new(most),
            queue: Mutex::new(Queue::new()),
            came: Condvar::new(),
        }
    }

    /// How many could begin something now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.free.available_permits()
    }

    /// Waits for a thread, first come, first served; returns when the work begins. Who does not wait for its end leaves the thread to it.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub async fn begin<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<TaskResult<T>, NoThread> {
        let permit = self.free.acquire().await.map_err(|error| NoThread(error.to_string()))?;
        let (task, begun, end) = task(permit, work);
        self.hand_over(task, |_, _| false)?;
        // There are no more threads busy than permits taken: one is idle or was started.
        drop(begun.await);
        Ok(end)
    }

    /// The same for work that is most often done at once: a thread that is at work is expected to come to it. It has its time from when it begins,
    /// and may wait as long before that.
    async fn quickly<T: Send + 'static>(
        &'static self,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let permit = match self.free.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                let permit = timeout(limit, self.free.acquire()).await;
                let permit = permit.map_err(|_elapsed| Unfinished::Busy)?;
                permit.map_err(|error| NoThread(error.to_string()))?
            }
        };
        let (task, begun, mut end) = task(permit, work);
        self.hand_over(task, Queue::follows)?;
        let worked = match timeout(SOON.min(limit), &mut end).await {
            Ok(worked) => worked,
            Err(_elapsed) => {
                self.rouse()?;
                let begun = timeout(limit, begun).await;
                drop(begun.map_err(|_elapsed| Unfinished::Busy)?);
                timeout(limit, end).await.map_err(|_elapsed| Unfinished::Slow)?
            }
        };
        worked.map_err(|_panicked| Unfinished::Panicked)
    }

    /// Runs a future that computes and waits by turns: it computes on these threads, and holds none while it waits. A turn may wait for its
    /// thread, and take, no longer than `limit`. `turn` hears of each.
    ///
    /// # Errors
    /// When there is no thread to be had, or the future took too long or panicked.
    pub async fn poll<T: Send + 'static>(
        &'static self,
        limit: Duration,
        turn: impl Fn(),
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Unfinished> {
        let (mut future, woken, runtime) = (Box::pin(future), Arc::<Woken>::default(), Handle::current());
        loop {
            turn();
            let (waker, runtime) = (Waker::from(woken.clone()), runtime.clone());
            let step = move || {
                let _timers_and_sockets = runtime.enter();
                let polled = Pin::new(&mut future).poll(&mut Context::from_waker(&waker));
                (future, polled)
            };
            let polled;
            (future, polled) = self.quickly(limit, step).await?;
            match polled {
                Poll::Ready(worked) => return Ok(worked),
                Poll::Pending => woken.0.notified().await,
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts work into the queue, and sees to it that a thread comes, unless it may follow what another is at.
    fn hand_over(&'static self, work: Task, follows: impl FnOnce(&Queue, Instant) -> bool) -> Result<(), NoThread> {
        let mut queue = self.queue();
        queue.work.push_back(work);
        if follows(&queue, Instant::now()) {
            return Ok(());
        }
        let come = self.come(&mut queue);
        if come.is_err() {
            queue.work.pop_back();
        }
        come
    }

    /// Has a thread come for what waits.
    fn rouse(&'static self) -> Result<(), NoThread> {
        let mut queue = self.queue();
        match queue.work.is_empty() {
            true => Ok(()),
            false => self.come(&mut queue),
        }
    }

    /// Wakes a thread, or starts one.
    fn come(&'static self, queue: &mut Queue) -> Result<(), NoThread> {
        if queue.woken < queue.idle {
            queue.woken += 1;
            self.came.notify_one();
            return Ok(());
        }
        let started = thread::Builder::new().name(self.name.into()).spawn(|| self.serve());
        started.map(drop).map_err(|error| NoThread(error.to_string()))
    }

    fn serve(&self) {
        let mut queue = self.queue();
        loop {
            while let Some((number, work)) = queue.next(Instant::now()) {
                drop(queue);
                work();
                queue = self.queue();
                queue.working.retain(|(known, _)| *known != number);
            }
            queue.idle += 1;
            let waited = self.came.wait_timeout_while(queue, IDLE, |queue| queue.work.is_empty());
            let (waited, _) = waited.unwrap_or_else(PoisonError::into_inner);
            queue = waited;
            queue.idle -= 1;
            queue.woken = queue.woken.saturating_sub(1);
            if queue.work.is_empty() {
                return;
            }
        }
    }
}

/// Work for a thread; who waits for it hears when it begins and when it ends.
fn task<T: Send + 'static>(
    permit: SemaphorePermit<'static>,
    work: impl FnOnce() -> T + Send + 'static,
) -> (Task, oneshot::Receiver<()>, TaskResult<T>) {
    let (begins, begun) = oneshot::channel();
    let (tell, end) = oneshot::channel();
    #[cfg(test)]
    let holds = clock::held();
    let task = Box::new(move || {
        begins.send(()).ok();
        let worked = catch_unwind(AssertUnwindSafe(work));
        // Free before it is told, so that whoever is told finds it free.
        drop(permit);
        if let Ok(worked) = worked {
            drop(tell.send(worked));
        }
        #[cfg(test)]
        drop(holds);
    });
    (task, begun, end)
}

/// A test whose clock is paused must not skip the time in which a thread works: as for tokio's own threads, which are asked to wait for it.
#[cfg(test)]
mod clock {
    use std::sync::mpsc;

    /// Holds the clock until it is dropped.
    pub(super) fn held() -> mpsc::Sender<()> {
        let (holds, held) = mpsc::channel();
        tokio::task::spawn_blocking(move || held.recv().ok());
        holds
    }
}

#[derive(Default)]
struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

#[cfg(test)]
mod tests;
