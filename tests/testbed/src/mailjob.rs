//! The program under test: its configuration in a folder, its binary as a child, its log in a file.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::{
    dovecot::PASSWORD,
    oauth::{APP_SECRET, CLIENT_SECRET},
    process::Process,
    world::World,
};

/// How an account signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// OAuth 2.0, client credentials: an application that may act for the mailbox.
    Application,
    /// OAuth 2.0, refresh token: the first one is made here, and rotates.
    RefreshToken,
    /// A password.
    Password,
}

/// When TLS starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the first byte.
    Implicit,
    /// By STARTTLS.
    StartTls,
}

/// One installation of Mailjob. Declare it after its world, so that it is dropped, and the program ended, before its servers.
#[derive(Debug)]
pub struct Mailjob {
    binary: PathBuf,
    dir: PathBuf,
    health: u16,
    service: String,
    accounts: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
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
        let (service, accounts, env) = Default::default();
        let mailjob = Self {
            binary: binary.into(),
            dir,
            health,
            service,
            accounts,
            env,
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

    /// Further lines of `[service]`, such as `retention = "1s"`.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn service(&mut self, lines: &str) -> Result<&mut Self> {
        self.service = lines.to_owned();
        self.write_config()?;
        Ok(self)
    }

    /// An account of the world: `[accounts.NAME]` for the mailboxes of `user`.
    ///
    /// # Errors
    /// When there is no refresh token to be had, or a file can't be written.
    pub async fn account(
        &mut self,
        world: &World,
        name: &str,
        user: &str,
        sign_in: SignIn,
        start: Start,
    ) -> Result<&mut Self> {
        let oauth = |lines: &str| {
            let token_url = world.oauth.token_url();
            format!("{lines}\noauth = {{ token_url = \"{token_url}\", scopes = [\"mail\"] }}")
        };
        let secret = format!("{{ file = \"secrets/{name}\" }}");
        let auth = match sign_in {
            SignIn::Password => {
                self.secret(name, PASSWORD)?;
                format!("password = {secret}")
            }
            SignIn::Application => {
                self.secret(name, APP_SECRET)?;
                oauth(&format!("client_id = \"app.{user}\"\nclient_secret = {secret}"))
            }
            SignIn::RefreshToken => {
                self.secret(name, CLIENT_SECRET)?;
                let token = format!("{name}-refresh-token");
                self.secret(&token, &world.oauth.refresh_token(user, "mailjob").await?)?;
                let token = format!("refresh_token = {{ file = \"secrets/{token}\" }}");
                oauth(&format!("client_id = \"mailjob\"\nclient_secret = {secret}\n{token}"))
            }
        };
        let (dovecot, postfix) = (&world.dovecot, &world.postfix);
        let (imap, pop3, smtp, tls) = match start {
            Start::Implicit => (dovecot.imaps, dovecot.pop3s, postfix.submissions, "implicit"),
            Start::StartTls => (dovecot.imap, dovecot.pop3, postfix.submission, "starttls"),
        };
        let account = format!(
            "[accounts.{name}]\nuser = \"{user}\"\nca_file = \"{ca}\"\n\
             imap = {{ host = \"localhost\", port = {imap}, tls = \"{tls}\" }}\n\
             pop3 = {{ host = \"localhost\", port = {pop3}, tls = \"{tls}\" }}\n\
             smtp = {{ host = \"localhost\", port = {smtp}, tls = \"{tls}\" }}\n{auth}\n",
            ca = world.tls.ca.display(),
        );
        self.accounts.insert(name.to_owned(), account);
        self.write_config()?;
        Ok(self)
    }

    /// A secret file, `secrets/NAME`.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn secret(&self, name: &str, value: &str) -> Result<()> {
        self.write(&format!("secrets/{name}"), value)
    }

    /// Writes `endpoints.d/NAME.toml`, also while the program runs.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn endpoint(&self, name: &str, text: &str) -> Result<()> {
        self.write(&format!("endpoints.d/{name}.toml"), text)
    }

    /// Removes `endpoints.d/NAME.toml`.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove_endpoint(&self, name: &str) -> Result<()> {
        Ok(fs::remove_file(self.dir.join(format!("endpoints.d/{name}.toml")))?)
    }

    fn write_config(&self) -> Result<()> {
        let Self { health, service, .. } = self;
        let accounts: String = self.accounts.values().map(|account| format!("\n{account}")).collect();
        self.write(
            "mailjob.toml",
            &format!("[service]\nledger = \"mailjob.db\"\nhealth = \"127.0.0.1:{health}\"\n{service}\n{accounts}"),
        )
    }

    /// Files change at once, as an editor or Kubernetes changes them.
    fn write(&self, name: &str, text: &str) -> Result<()> {
        let (path, draft) = (self.dir.join(name), self.dir.join("draft"));
        fs::write(&draft, text)?;
        // Some of these files are secrets, which nobody else may read.
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))?;
        fs::rename(&draft, &path).with_context(|| format!("write {}", path.display()))
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
