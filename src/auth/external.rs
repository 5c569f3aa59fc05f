//! An access token that a program prints.

use std::{process::Stdio, time::Duration};

use tokio::{io::AsyncReadExt, process::Command, time::timeout};

use crate::secret::Secret;

/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The bytes of its output that are read.
const MOST: u64 = 64 * 1024;

/// Why a program gave no token. Never holds its output.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// It can't be started.
    #[error("the token command can't be started: {0}")]
    Start(#[source] std::io::Error),
    /// It ended otherwise than with 0.
    #[error("the token command failed ({0}): run it by hand to see why")]
    Failed(std::process::ExitStatus),
    /// It took too long.
    #[error("the token command did not end within {} s", .0.as_secs())]
    Slow(Duration),
    /// It printed nothing, too much, or what is no token.
    #[error("the token command printed no token: it has to print one line, the access token")]
    NoToken,
}

/// Starts the program, without a shell, and reads what it prints.
pub(super) async fn token(argv: &[String]) -> Result<Secret, ExternalError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(ExternalError::NoToken);
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(ExternalError::Start)?;
    let mut printed = String::new();
    let output = child.stdout.take();
    let ended = async {
        if let Some(output) = output {
            output.take(MOST).read_to_string(&mut printed).await?;
        }
        child.wait().await
    };
    let status = timeout(PATIENCE, ended)
        .await
        .map_err(|_| ExternalError::Slow(PATIENCE))?
        .map_err(ExternalError::Start)?;
    if !status.success() {
        return Err(ExternalError::Failed(status));
    }
    let token = printed.trim();
    if token.is_empty() || token.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(ExternalError::NoToken);
    }
    Ok(Secret::from(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ExposeSecret;

    fn sh(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[tokio::test]
    async fn what_it_prints_is_the_token() {
        assert_eq!(token(&sh("echo tok3n")).await.unwrap().expose_secret(), "tok3n");
    }

    #[tokio::test]
    async fn anything_else_is_told_without_its_output() {
        for (script, words) in [
            ("echo secret; exit 3", "exit status: 3"),
            ("true", "no token"),
            ("echo two words", "no token"),
            ("printf 'a\\nb'", "no token"),
        ] {
            let text = token(&sh(script)).await.unwrap_err().to_string();
            assert!(text.contains(words) && !text.contains("secret"), "{script}: {text}");
        }
        let nowhere = token(&["/no/such/program".to_owned()]).await.unwrap_err();
        assert!(matches!(nowhere, ExternalError::Start(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_is_ended() {
        let error = token(&sh("sleep 3600")).await.unwrap_err();
        assert!(matches!(error, ExternalError::Slow(_)), "{error}");
    }
}
