//! An access token that a program prints.

use std::{env, ffi::OsString, io, sync::Arc, time::Duration};

use futures_util::future::{Either, select};
use tokio::{io::AsyncReadExt, time::timeout};

use crate::{
    guest::{self, Guests, SpawnRequest, StartError},
    secret::Secret,
};

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

/// What it always gets of our environment, where it is set: where programs are found and kept, in which language, and the way out.
const PASSED: [&str; 13] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Starts the program, without a shell, and reads what it prints. Of our environment it gets what every program needs and what `pass_env`
/// names. Whatever it leaves behind ends with it, and with us.
pub(super) async fn token(argv: &[String], pass_env: &[String]) -> Result<Secret, ExternalError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(ExternalError::NoToken);
    };
    let named = PASSED.iter().copied().chain(pass_env.iter().map(String::as_str));
    let order = SpawnRequest {
        program: guest::located(program).map_err(ExternalError::Start)?,
        arguments: arguments.iter().map(OsString::from).collect(),
        environment: named
            .filter_map(|name| Some((name.into(), env::var_os(name)?)))
            .collect(),
        folder: env::current_dir().ok(),
    };
    let mut guest = Guests::default()
        .start(&Arc::default(), &order)
        .await
        .map_err(|error| match error {
            StartError::Program(error) => ExternalError::Start(error),
            error => ExternalError::Start(io::Error::other(error)),
        })?;
    let mut printed = String::new();
    let (output, complaints) = (guest.stdout.take(), guest.stderr.take());
    let ended = async {
        let read = async {
            match output {
                Some(output) => output.take(MOST).read_to_string(&mut printed).await.map(drop),
                None => Ok(()),
            }
        };
        // Nobody reads them, and they may hold a secret; but a full pipe would hold the program up.
        let drained = async {
            match complaints {
                Some(mut complaints) => tokio::io::copy(&mut complaints, &mut tokio::io::sink()).await.map(drop),
                None => Ok(()),
            }
        };
        let drained = std::pin::pin!(drained);
        match select(std::pin::pin!(async { read.await.and(guest.wait().await) }), drained).await {
            Either::Left((status, _)) => status,
            Either::Right((_, ended)) => ended.await,
        }
    };
    let status = timeout(PATIENCE, ended)
        .await
        .map_err(|_| ExternalError::Slow(PATIENCE))?
        .map_err(ExternalError::Start)?
        .map_err(|_| ExternalError::NoToken)?;
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
        assert_eq!(token(&sh("echo tok3n"), &[]).await.unwrap().expose_secret(), "tok3n");
    }

    #[tokio::test]
    async fn anything_else_is_told_without_its_output() {
        for (script, words) in [
            ("echo secret; exit 3", "exit status: 3"),
            ("true", "no token"),
            ("echo two words", "no token"),
            ("printf 'a\\nb'", "no token"),
        ] {
            let text = token(&sh(script), &[]).await.unwrap_err().to_string();
            assert!(text.contains(words) && !text.contains("secret"), "{script}: {text}");
        }
        let nowhere = token(&["/no/such/program".to_owned()], &[]).await.unwrap_err();
        assert!(matches!(nowhere, ExternalError::Start(_)));
    }

    #[tokio::test]
    async fn it_gets_what_was_named_and_nothing_else_of_ours() {
        // Cargo sets variables of its own for every test.
        let script = "echo ${CARGO_PKG_NAME:-none},${CARGO_PKG_VERSION:-none},${PATH:+path}";
        let named = ["CARGO_PKG_VERSION".to_owned()];
        let token = token(&sh(script), &named).await.unwrap();
        assert_eq!(
            token.expose_secret(),
            concat!("none,", env!("CARGO_PKG_VERSION"), ",path")
        );
    }

    #[tokio::test]
    async fn what_it_leaves_behind_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!(
            "setsid sh -c 'echo $$ >{0}; exec sleep 1000 >/dev/null' & while ! [ -s {0} ]; do sleep 0.01; done; echo tok3n",
            file.display()
        );
        token(&sh(&script), &[]).await.unwrap();
        let pid = std::fs::read_to_string(file).unwrap();
        let stat = std::path::PathBuf::from(format!("/proc/{}/stat", pid.trim()));
        // It is its warden's to kill, which may take a moment.
        let end = std::time::Instant::now() + Duration::from_secs(60);
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(std::time::Instant::now() < end, "{pid} still lives");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_is_ended() {
        let error = token(&sh("sleep 3600"), &[]).await.unwrap_err();
        assert!(matches!(error, ExternalError::Slow(_)), "{error}");
    }
}
