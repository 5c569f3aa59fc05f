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
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore, oneshot},
    time::timeout,
};

/// How long a thread stays without work.
const IDLE: Duration = Duration::from_secs(10);

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
    idle: usize,
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
            queue: Mutex::new(Queue {
                work: VecDeque::new(),
                idle: 0,
            }),
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
        let (begins, begun) = oneshot::channel();
        let (tell, end) = oneshot::channel();
        #[cfg(test)]
        let holds = clock::held();
        self.hand_over(Box::new(move || {
            begins.send(()).ok();
            let worked = catch_unwind(AssertUnwindSafe(work));
            // Free before it is told, so that whoever is told finds it free.
            drop(permit);
            if let Ok(worked) = worked {
                drop(tell.send(worked));
            }
            #[cfg(test)]
            drop(holds);
        }))?;
        // There are no more threads busy than permits taken: one is idle or was started.
        drop(begun.await);
        Ok(end)
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
            let begun = timeout(limit, self.begin(step)).await;
            let begun = begun.map_err(|_elapsed| Unfinished::Busy)??;
            let polled = match timeout(limit, begun).await {
                Ok(Ok((unchanged, polled))) => {
                    future = unchanged;
                    polled
                }
                Ok(Err(_panicked)) => return Err(Unfinished::Panicked),
                Err(_elapsed) => return Err(Unfinished::Slow),
            };
            match polled {
                Poll::Ready(worked) => return Ok(worked),
                Poll::Pending => woken.0.notified().await,
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_over(&'static self, work: Task) -> Result<(), NoThread> {
        let mut queue = self.queue();
        queue.work.push_back(work);
        if queue.work.len() <= queue.idle {
            self.came.notify_one();
            return Ok(());
        }
        let started = thread::Builder::new().name(self.name.into()).spawn(|| self.serve());
        started.map(drop).map_err(|error| {
            queue.work.pop_back();
            NoThread(error.to_string())
        })
    }

    fn serve(&self) {
        let mut queue = self.queue();
        loop {
            while let Some(work) = queue.work.pop_front() {
                drop(queue);
                work();
                queue = self.queue();
            }
            queue.idle += 1;
            let waited = self.came.wait_timeout_while(queue, IDLE, |queue| queue.work.is_empty());
            let (waited, _) = waited.unwrap_or_else(PoisonError::into_inner);
            queue = waited;
            queue.idle -= 1;
            if queue.work.is_empty() {
                return;
            }
        }
    }
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
mod tests {
    use std::sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    };

    use futures_util::FutureExt;
    use tokio::time::sleep;

    use super::*;

    /// Work that ends when it is told to.
    fn until_told() -> (mpsc::Sender<()>, impl FnOnce() + Send) {
        let (tell, told) = mpsc::channel();
        (tell, move || {
            told.recv().ok();
        })
    }

    #[tokio::test]
    async fn no_more_work_than_threads_and_the_rest_has_not_begun() {
        static TWO: Threads = Threads::new("two", 2);
        let ((first, a), (second, b)) = (until_told(), until_told());
        let (a, b) = (TWO.begin(a).await.unwrap(), TWO.begin(b).await.unwrap());
        let mut third = Box::pin(TWO.begin(|| 3));
        assert!(third.as_mut().now_or_never().is_none());
        first.send(()).unwrap();
        a.await.unwrap();
        assert_eq!(third.await.unwrap().await, Ok(3));
        second.send(()).unwrap();
        b.await.unwrap();
        assert_eq!(TWO.free(), 2);
    }

    #[tokio::test]
    async fn work_that_panics_costs_no_thread() {
        static ONE: Threads = Threads::new("one", 1);
        for _ in 0..3 {
            assert!(ONE.begin(|| panic!("as the test wants")).await.unwrap().await.is_err());
        }
        assert_eq!(ONE.begin(|| 1).await.unwrap().await, Ok(1));
    }

    #[tokio::test]
    async fn a_future_that_waits_holds_no_thread() {
        static ONE: Threads = Threads::new("one", 1);
        let (tell, told) = oneshot::channel::<u32>();
        let (turns, limit) = (AtomicU32::new(0), Duration::from_secs(60));
        let count = || {
            turns.fetch_add(1, Ordering::Relaxed);
        };
        let mut waits = Box::pin(ONE.poll(limit, count, async move {
            sleep(Duration::from_millis(1)).await;
            told.await.unwrap() + 1
        }));
        for _ in 0..50 {
            assert!(waits.as_mut().now_or_never().is_none());
            let others = ONE.begin(|| thread::current().name().map(str::to_owned)).await.unwrap();
            assert_eq!(others.await.unwrap().as_deref(), Some("one"));
        }
        tell.send(1).unwrap();
        assert_eq!(waits.await, Ok(2));
        assert!(
            (2..=3).contains(&turns.load(Ordering::Relaxed)),
            "a turn for each time that it goes on"
        );
        let panics = ONE.poll(limit, || {}, async { panic!("as the test wants") });
        assert_eq!(panics.await, Err::<(), _>(Unfinished::Panicked));
    }
}
