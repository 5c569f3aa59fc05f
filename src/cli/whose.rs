//! Whose account a command uses: one of the configuration, changed field by field, or one that is given altogether.

use std::{path::PathBuf, sync::Arc};

use clap::ValueEnum;

use super::{ConfigArgs, beside, fault::CommandError, whereabouts};
use crate::{
    app,
    auth::{Login, NullTokenStore, TokenStore},
    config::{
        Account, Protocol, Server, Service, Tls,
        load::{Loaded, Sources},
    },
    net,
    post::account::{AccountFields, ServerFields, resolve},
    secret::SecretRef,
};

/// The account. A password is never an argument: every user of the machine could read it there.
#[derive(Debug, clap::Args)]
pub(super) struct AccountArgs {
    /// The account, by its name in `mailjob.toml`. Without it, give server, user and password below.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The user name, instead of the account's: a shared mailbox that its sign-in opens.
    #[arg(long)]
    user: Option<String>,
    /// A file that holds the password, instead of the account's sign-in.
    #[arg(long, value_name = "FILE", conflicts_with = "password_env")]
    password_file: Option<PathBuf>,
    /// A variable that holds the password, instead of the account's sign-in.
    #[arg(long, value_name = "VARIABLE")]
    password_env: Option<String>,
    /// A PEM file of further trusted roots.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    files: ConfigArgs,
}

/// When TLS starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TlsForm {
    /// With the first byte.
    Implicit,
    /// By STARTTLS or STLS.
    Starttls,
}

impl From<TlsForm> for Tls {
    fn from(form: TlsForm) -> Self {
        match form {
            TlsForm::Implicit => Self::Implicit,
            TlsForm::Starttls => Self::StartTls,
        }
    }
}

/// What the configuration says, and which account is meant.
pub(super) struct ConfiguredAccount {
    pub(super) loaded: Loaded,
    service: Service,
    base: Option<Arc<Account>>,
    fields: AccountFields,
}

/// An account that is ready to be used.
pub(super) struct ChosenAccount {
    pub(super) account: Arc<Account>,
    pub(super) server: Server,
    pub(super) login: Login,
}

impl AccountArgs {
    /// Reads the configuration and finds the account in it.
    pub(super) async fn find(self) -> Result<ConfiguredAccount, CommandError> {
        let sources = Sources::from(self.files);
        let (loaded, service) = beside::read(sources.clone()).await;
        let base = match &self.account {
            None => None,
            Some(name) => match loaded.accounts.get(name) {
                Some(account) => Some(account.clone()),
                None => {
                    let lost = whereabouts::lost(&sources, &service).await;
                    return Err(lost.map_or_else(|| unknown(&loaded, name), CommandError::no_input));
                }
            },
        };
        let file = self.password_file.map(SecretRef::File);
        let fields = AccountFields {
            server: ServerFields::default(),
            user: self.user,
            password: file.or(self.password_env.map(SecretRef::Env)),
            ca_file: self.ca_file,
        };
        Ok(ConfiguredAccount {
            loaded,
            service,
            base,
            fields,
        })
    }
}

impl ConfiguredAccount {
    /// The account of the configuration, where one is named.
    pub(super) fn base(&self) -> Option<&Account> {
        self.base.as_deref()
    }

    /// The account with its server for a protocol and its sign-in.
    pub(super) async fn choose(&self, server: ServerFields, protocol: Protocol) -> Result<ChosenAccount, CommandError> {
        let fields = AccountFields {
            server,
            ..self.fields.clone()
        };
        let (account, server) = resolve(self.base(), fields, protocol).map_err(CommandError::config)?;
        let account = Arc::new(account);
        let store: Arc<dyn TokenStore> = if account.auth.is_person() {
            // Only who can store a new refresh token may use the old one.
            if let Some(words) = whereabouts::lacking(&self.service).await {
                return Err(CommandError::no_input(words));
            }
            let vault = app::sign_ins(&self.service).await;
            Arc::new(vault.map_err(|fatal| CommandError::untold(fatal.to_string()))?)
        } else {
            Arc::new(NullTokenStore)
        };
        let http =
            net::http::client(account.auth.ca_file()).map_err(|error| CommandError::config(error.to_string()))?;
        let login = Login::new(account.clone(), &[protocol], store, http);
        Ok(ChosenAccount { account, server, login })
    }
}

fn unknown(loaded: &Loaded, name: &str) -> CommandError {
    let known = beside::known_accounts(loaded, name);
    CommandError::config(format!("there is no account {name:?}; {known}"))
}
