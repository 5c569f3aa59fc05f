//! What an operator writes: accounts, secrets, endpoints, the settings of the service.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    sync::PoisonError,
};

use anyhow::{Context, Result};

use super::Mailjob;
use crate::{
    dovecot::PASSWORD,
    oauth::{APP_SECRET, CLIENT_SECRET},
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

impl Mailjob {
    /// Further lines of `[service]`, such as `drain = "1s"`.
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

    /// An account spelt out: the lines below `[accounts.NAME]`, for servers and sign-ins that [`Self::account`] doesn't have.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn account_as(&mut self, name: &str, lines: &str) -> Result<&mut Self> {
        let account = format!("[accounts.{name}]\n{lines}\n");
        self.accounts.insert(name.to_owned(), account);
        self.write_config()?;
        Ok(self)
    }

    /// A secret file, `secrets/NAME`, for its owner's eyes only. Its value may not turn up in the log.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn secret(&self, name: &str, value: &str) -> Result<()> {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.push((name.to_owned(), value.to_owned()));
        self.write_as(&format!("secrets/{name}"), value, 0o600)
    }

    /// Writes `endpoints.d/NAME.toml`, also while the program runs. Mails that lie in its mailbox before the first start are taken, unless
    /// the text says something else of a backlog.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn endpoint(&self, name: &str, text: &str) -> Result<()> {
        let table = text.find("[mailbox]\n").filter(|_| !text.contains("backlog ="));
        // After its first line, so that the places of others stay as they are where a test asks for them.
        let end = table.and_then(|at| Some(at + 10 + text.get(at + 10..)?.find('\n')? + 1));
        match end.and_then(|end| text.split_at_checked(end)) {
            Some((before, after)) => self.plain_endpoint(name, &format!("{before}backlog = \"process\"\n{after}")),
            None => self.plain_endpoint(name, text),
        }
    }

    /// Writes `endpoints.d/NAME.toml` as it is.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn plain_endpoint(&self, name: &str, text: &str) -> Result<()> {
        self.write(&format!("endpoints.d/{name}.toml"), text)
    }

    /// Removes `endpoints.d/NAME.toml`.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove_endpoint(&self, name: &str) -> Result<()> {
        Ok(fs::remove_file(self.dir.join(format!("endpoints.d/{name}.toml")))?)
    }

    pub(super) fn write_config(&self) -> Result<()> {
        let Self { health, service, .. } = self;
        let accounts: String = self.accounts.values().map(|account| format!("\n{account}")).collect();
        self.write(
            "mailjob.toml",
            &format!("[service]\nledger = \"mailjob.db\"\nhealth = \"127.0.0.1:{health}\"\n{service}\n{accounts}"),
        )
    }

    /// Files change at once, as an editor or Kubernetes changes them.
    fn write_as(&self, name: &str, text: &str, mode: u32) -> Result<()> {
        let (path, draft) = (self.dir.join(name), self.dir.join("draft"));
        fs::write(&draft, text)?;
        fs::set_permissions(&draft, Permissions::from_mode(mode))?;
        fs::rename(&draft, &path).with_context(|| format!("write {}", path.display()))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        self.write_as(name, text, 0o644)
    }
}
