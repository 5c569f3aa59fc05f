//! A guest while it runs: its output is drained, its time is limited, and nothing of it is left behind.

use std::{io, pin::pin, process::ExitStatus, time::Duration};

use futures_util::{FutureExt, future::FusedFuture};
use tokio::{
    select,
    time::{Instant, timeout},
};

use super::output::OutputCapture;
use crate::{
    config,
    deadline::before,
    guest::{Guest, LimitExceeded},
};

/// How long what was killed may take to vanish, and its pipes to close: what hangs in the kernel for longer is left to its warden.
const GONE: Duration = Duration::from_secs(5);

/// How a process ended.
#[derive(Debug)]
pub(in crate::dispatch) enum ProcessEnd {
    /// By itself.
    Exit(ExitStatus),
    /// By us, when its time was over.
    Timeout,
    /// By us, when it took more than it may.
    Over(LimitExceeded),
    /// We don't know.
    Lost(io::Error),
}

/// Waits for the guest while its output is drained; ends its group when its time is over, and whatever is left of it in any case.
pub(in crate::dispatch) async fn supervise(
    guest: &mut Guest,
    command: &config::Command,
    out: &mut OutputCapture,
    err: &mut OutputCapture,
) -> ProcessEnd {
    let (stdout, stderr) = (guest.stdout.take(), guest.stderr.take());
    let drained = async { tokio::join!(out.drain(stdout), err.drain(stderr)) };
    let mut drained = pin!(drained.map(|_| ()).fuse());
    let end = match beside(&mut drained, before(Instant::now() + command.timeout, guest.wait())).await {
        Ok(Ok(Ok(status))) => ProcessEnd::Exit(status),
        Ok(Ok(Err(over))) => ProcessEnd::Over(over),
        Ok(Err(error)) => ProcessEnd::Lost(error),
        Err(_elapsed) => {
            guest.ask().await;
            if beside(&mut drained, timeout(command.grace, guest.wait()))
                .await
                .is_err()
            {
                guest.kill().await;
                // The status of a killed process says nothing more.
                drop(beside(&mut drained, timeout(GONE, guest.wait())).await);
            }
            ProcessEnd::Timeout
        }
    };
    if !drained.is_terminated() && matches!(end, ProcessEnd::Exit(_)) {
        // A child of the process holds the pipes: it may finish its sentence.
        drop(timeout(command.grace, &mut drained).await);
    }
    guest.kill().await;
    if beside(&mut drained, timeout(GONE, guest.gone())).await.is_err() {
        tracing::warn!("what a command left behind does not die: it hangs in the kernel");
    }
    if !drained.is_terminated() {
        drop(timeout(GONE, &mut drained).await);
    }
    end
}

/// Waits for `main` while the other future goes on.
async fn beside<T>(other: &mut (impl FusedFuture<Output = ()> + Unpin), main: impl Future<Output = T>) -> T {
    let mut main = pin!(main);
    if !other.is_terminated() {
        select! {
            biased;
            result = &mut main => return result,
            () = other => {}
        }
    }
    main.await
}
