//! A deadline that is fair to what came in time while this process stood still: a machine that was paused, a frozen container, SIGSTOP.

use std::{future::Future, pin::pin, time::Duration};

use tokio::time::{Instant, error::Elapsed, timeout, timeout_at};

/// A timer that is later than this was not kept waiting by other work alone.
const LATE: Duration = Duration::from_secs(2);
/// How long what may lie there already is looked at before a deadline counts that passed while nothing ran.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// What comes of this by then. Where nothing ran when the time was over, what has ended meanwhile, or is in a buffer, counts as in time.
///
/// # Errors
/// When it has not ended by then.
pub async fn before<F: Future>(until: Instant, work: F) -> Result<F::Output, Elapsed> {
    let mut work = pin!(work);
    match timeout_at(until, &mut work).await {
        Err(_) if Instant::now() > until + LATE => timeout(SECOND_LOOK, work).await,
        ended => ended,
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        sync::oneshot,
        task::yield_now,
        time::{advance, sleep},
    };

    use super::*;

    /// Ends after so many seconds, and is heard of a few turns of the runtime later, as an answer that lies in a socket is.
    async fn ended_after(seconds: u64) -> u64 {
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            sleep(Duration::from_secs(seconds)).await;
            for _ in 0..8 {
                yield_now().await;
            }
            tell.send(seconds)
        });
        told.await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_in_time_counts_though_nothing_ran_when_the_time_was_over() {
        let until = Instant::now() + Duration::from_secs(10);
        let waits = tokio::spawn(async move { before(until, ended_after(5)).await });
        yield_now().await;
        advance(Duration::from_secs(100)).await;
        assert_eq!(waits.await.unwrap().unwrap(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_not_come_is_late() {
        let began = Instant::now();
        let until = began + Duration::from_secs(10);
        assert!(before(until, ended_after(11)).await.is_err());
        assert_eq!(
            began.elapsed(),
            Duration::from_secs(10),
            "a deadline of one that runs is as it is written"
        );
        let waits =
            tokio::spawn(async move { before(Instant::now() + Duration::from_secs(10), ended_after(500)).await });
        yield_now().await;
        advance(Duration::from_secs(100)).await;
        assert!(waits.await.unwrap().is_err());
    }
}
