//! The program under test: its configuration in a folder, its binary as a child, its log in a file.

mod files;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tokio::process::Command;

pub use self::files::{SignIn, Start};
use crate::{canary, oauth, process::Process, world::World};

/// One installation of Mailjob. Declare it after its world, so that it is dropped, and the program ended, before its servers.
///
/// When it is dropped it looks into its log, and panics when a secret or a token turns up there.
#[derive(Debug)]
pub struct Mailjob {
    binary: PathBuf,
    dir: PathBuf,
    health: u16,
    service: String,
    accounts: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
    // Names and values, old ones too: what may not turn up in a log.
    secrets: Mutex<Vec<(String, String)>>,
    granted: PathBuf,
    process: Option<Process>,
}

impl Mailjob {
    /// An installation without accounts and endpoints, in a folder of the world.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn new(world: &World, binary: impl Into<PathBuf>) -> Result<Self> {
        let health = world.ports.next();
        let dir = world.dir().join(format!("mailjob-{health}"));
        fs::create_dir_all(dir.join("endpoints.d"))?;
        fs::create_dir_all(dir.join("secrets"))?;
        let (service, accounts, env, secrets) = Default::default();
        let mailjob = Self {
            binary: binary.into(),
            dir,
            health,
            service,
            accounts,
            env,
            secrets,
            granted: world.oauth.granted_file().to_owned(),
            process: None,
        };
        mailjob.write_config()?;
        Ok(mailjob)
    }

    /// Its folder: `mailjob.toml`, `endpoints.d/`, `secrets/`, and the ledger `mailjob.db` once it ran.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A variable in its environment.
    pub fn env(&mut self, name: &str, value: &str) -> &mut Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Starts the program, again after an end too; its log goes on in the same file.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(&mut self) -> Result<()> {
        let in_dir = |name: &str| self.dir.join(name).display().to_string();
        let (binary, endpoints, config) = (
            self.binary.display().to_string(),
            in_dir("endpoints.d"),
            in_dir("mailjob.toml"),
        );
        let argv = [&*binary, "run", "--endpoints", &endpoints, "--config", &config];
        let env: Vec<_> = self
            .env
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.process = Some(Process::start(&argv, &env, &self.dir.join("mailjob.log"))?);
        Ok(())
    }

    /// Starts it and ends it, so that it has a ledger: no other command makes one.
    ///
    /// # Errors
    /// When it does not start, or does not end well.
    pub async fn make_ledger(&mut self) -> Result<()> {
        self.start()?;
        self.ready().await?;
        match self.term()? {
            0 => Ok(()),
            code => bail!("mailjob ended with {code}; its log:\n{}", self.log()),
        }
    }

    /// Another command of the program, such as `["check"]`, for this installation: in its folder, with its configuration and
    /// environment, without input, its output in pipes. [`Self::leaks`] looks into what it prints.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .current_dir(&self.dir)
            .env("MAILJOB_ENDPOINTS", self.dir.join("endpoints.d"))
            .env("MAILJOB_CONFIG", self.dir.join("mailjob.toml"))
            .envs(&self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// The names of the secrets that a text holds, plain, in base64 or URL-encoded: of all that were ever written by [`Self::secret`], and
    /// of all tokens that the OAuth server granted.
    #[must_use]
    pub fn leaks(&self, text: &str) -> Vec<String> {
        let tokens = oauth::granted_in(&self.granted);
        let tokens = tokens.iter().map(|token| ("a token of the OAuth server", &**token));
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let secrets = secrets.iter().map(|(name, value)| (&**name, &**value));
        canary::leaks(text, secrets.chain(tokens)).into_iter().collect()
    }

    /// Waits until `/readyz` answers 200.
    ///
    /// # Errors
    /// When the program ends instead, or doesn't answer within a minute; the error holds its log.
    pub async fn ready(&mut self) -> Result<()> {
        let url = self.health_url("/readyz");
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
        let answers = async || {
            http.get(&url)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
        };
        self.process
            .as_mut()
            .context("not started")?
            .await_ready("mailjob", answers)
            .await
    }

    /// An address of its health pages.
    #[must_use]
    pub fn health_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.health)
    }

    /// The token by which it knows programs of its own user; nothing before its first start.
    #[must_use]
    pub fn token(&self) -> String {
        let text = fs::read_to_string(self.dir.join("mailjob.token")).unwrap_or_default();
        text.trim_end().to_owned()
    }

    /// `kill -9`, and waits for the end.
    ///
    /// # Errors
    /// When it isn't running, or ended otherwise.
    pub fn kill9(&mut self) -> Result<()> {
        match self.end_by(Signal::KILL)? {
            137 => Ok(()),
            code => bail!("mailjob had ended with {code}; its log:\n{}", self.log()),
        }
    }

    /// SIGTERM, and waits for the end; the exit code (128 + signal when it was killed).
    ///
    /// # Errors
    /// When it isn't running, or doesn't end within a minute.
    pub fn term(&mut self) -> Result<i32> {
        self.end_by(Signal::TERM)
    }

    fn end_by(&mut self, signal: Signal) -> Result<i32> {
        let mut process = self.process.take().context("not started")?;
        process.signal(signal)?;
        process.wait(Duration::from_secs(60))
    }

    /// The exit code, when the program ended by itself.
    ///
    /// # Errors
    /// When it was not started.
    pub fn exited(&mut self) -> Result<Option<i32>> {
        self.process.as_mut().context("not started")?.exited()
    }

    /// The process id, to look at it in `/proc`.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.process.as_ref().map(Process::pid)
    }

    /// All that it wrote to stdout and stderr.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("mailjob.log")).unwrap_or_default()).into_owned()
    }

    /// Waits until the log holds `words`.
    ///
    /// # Errors
    /// When it doesn't within `patience`; the error holds the log.
    pub async fn wait_log(&self, words: &str, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        while !self.log().contains(words) {
            if Instant::now() > deadline {
                bail!("no {words:?} in mailjob's log within {patience:?}:\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Mailjob {
    fn drop(&mut self) {
        drop(self.process.take());
        // A test that fails already says what is wrong by itself.
        if !thread::panicking() {
            let leaked = self.leaks(&self.log());
            assert!(leaked.is_empty(), "mailjob's log holds secrets: {leaked:?}");
        }
    }
}
