//! A process while it runs: its output is drained, its time is limited, and nothing of its group is left behind.

use std::{io, pin::pin, process::ExitStatus, time::Duration};

use futures_util::{FutureExt, future::FusedFuture};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{process::Child, select, time::timeout};

use super::output::Output;
use crate::config;

/// How long a killed process may take to vanish, and its pipes to close: what hangs in the kernel for longer is left to it.
const GONE: Duration = Duration::from_secs(5);

/// How a process ended.
#[derive(Debug)]
pub(super) enum End {
    /// By itself.
    Exit(ExitStatus),
    /// By us, when its time was over.
    Timeout,
    /// We don't know.
    Lost(io::Error),
}

/// Waits for the process while its output is drained; ends its group when its time is over, and what is left of it in any case.
pub(super) async fn supervise(mut child: Child, command: &config::Command, out: &mut Output, err: &mut Output) -> End {
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let drained = async { tokio::join!(out.drain(stdout), err.drain(stderr)) };
    let mut drained = pin!(drained.map(|_| ()).fuse());
    let end = match beside(&mut drained, timeout(command.timeout, child.wait())).await {
        Ok(Ok(status)) => End::Exit(status),
        Ok(Err(error)) => End::Lost(error),
        Err(_elapsed) => {
            signal(group, Signal::TERM);
            if beside(&mut drained, timeout(command.grace, child.wait()))
                .await
                .is_err()
            {
                signal(group, Signal::KILL);
                // The status of a killed process says nothing more.
                drop(beside(&mut drained, timeout(GONE, child.wait())).await);
            }
            End::Timeout
        }
    };
    if !drained.is_terminated() && matches!(end, End::Exit(_)) {
        // A child of the process holds the pipes: it may finish its sentence.
        drop(timeout(command.grace, &mut drained).await);
    }
    signal(group, Signal::KILL);
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

/// Signals a process group; one that is gone needs none.
fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group
        && let Err(error) = kill_process_group(group, signal)
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(%error, "a command's process group could not be signalled");
    }
}
