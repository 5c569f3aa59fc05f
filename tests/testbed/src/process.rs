//! A server's process: started in the foreground, logged to a file, stopped however its owner ends.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};

/// How long a server may take until it answers.
const READY: Duration = Duration::from_secs(60);
/// Longer than the keeper's own patience with a server.
const STOP: Duration = Duration::from_secs(20);

/// A running server under its keeper (`conf/keeper.sh`).
#[derive(Debug)]
pub(crate) struct Process {
    keeper: Child,
    pid: Pid,
    log: PathBuf,
}

impl Process {
    /// Starts `argv` with further variables in its environment; its output is appended to `log`.
    pub(crate) fn start(argv: &[&str], env: &[(&str, &str)], log: &Path) -> Result<Self> {
        let mut keeper = Command::new("sh")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/conf/keeper.sh"))
            .args(argv)
            .envs(env.iter().copied())
            .env("LOG", log)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A Ctrl-C at the terminal is for the test; the keeper then notices that its holder ended.
            .process_group(0)
            .spawn()
            .context("start sh")?;
        let mut line = String::new();
        let out = keeper.stdout.take().context("the keeper has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let pid = line.trim().parse().ok().and_then(Pid::from_raw);
        let pid = pid.with_context(|| format!("the keeper of {argv:?} said {line:?}"))?;
        let log = log.to_owned();
        Ok(Self { keeper, pid, log })
    }

    /// Sends a signal; nothing happens when the server has ended.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.exited()?.is_none() {
            rustix::process::kill_process(self.pid, signal).context("signal")?;
        }
        Ok(())
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// The exit code, once there is one; 128 + signal for a server that was killed.
    pub(crate) fn exited(&mut self) -> Result<Option<i32>> {
        Ok(self.keeper.try_wait()?.and_then(|status| status.code()))
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self, patience: Duration) -> Result<i32> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(code) = self.exited()? {
                return Ok(code);
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("still running after {patience:?}; its log:\n{}", self.log())
    }

    /// Waits until `ready` says so, and fails with the log when the server ends or takes too long.
    pub(crate) async fn await_ready(&mut self, name: &str, mut ready: impl AsyncFnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + READY;
        while Instant::now() < deadline {
            if ready().await {
                return Ok(());
            }
            if let Some(code) = self.exited()? {
                bail!(
                    "{name} ended with {code} instead of answering; its log:\n{}",
                    self.log()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("{name} did not answer within {READY:?}; its log:\n{}", self.log())
    }

    /// The end of the log, at most 64 KiB.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let start = log.len().saturating_sub(64 << 10);
        String::from_utf8_lossy(&log[start..]).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if self.wait(STOP).is_err() {
            self.keeper.kill().ok();
            self.keeper.wait().ok();
        }
    }
}
