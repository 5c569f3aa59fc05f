//! Prometheus' own judge of metrics.

use std::process::Stdio;

use tokio::{io::AsyncWriteExt as _, process::Command};

/// Fails when it finds anything to say. Debian has it in the package `prometheus`; tests/run takes it from there.
pub(crate) async fn judged(metrics: &str) {
    // Where tests/setup put it, unless the system has it.
    let tools = mailjob_testbed::tools().unwrap_or_default().join("bin");
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool: tests/run brings it");
    let mut input = promtool.stdin.take().unwrap();
    input.write_all(metrics.as_bytes()).await.unwrap();
    drop(input);
    let output = promtool.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}\n{metrics}");
}
