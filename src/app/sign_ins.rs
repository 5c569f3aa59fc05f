//! The sign-ins of this process: one each, shared by all sessions that use it, and kept alive for as long as somebody does.

use std::{collections::HashMap, sync::Arc};

use tokio_util::sync::CancellationToken;

use crate::{
    auth::Login,
    config::{Account, Config},
    ledger::Vault,
    metrics::Metrics,
    net,
};

use super::{clients::Clients, supervise::Loops};

/// The sign-ins in use.
pub(super) struct SignIns {
    loops: Loops,
    vault: Arc<Vault>,
    metrics: Metrics,
    stop: CancellationToken,
    by_name: HashMap<String, RunningSignIn>,
}

struct RunningSignIn {
    account: Arc<Account>,
    login: Arc<Login>,
    /// Ends what keeps it alive.
    stop: CancellationToken,
}

impl SignIns {
    pub(super) fn new(loops: Loops, vault: Arc<Vault>, metrics: Metrics, stop: CancellationToken) -> Self {
        Self {
            loops,
            vault,
            metrics,
            stop,
            by_name: HashMap::new(),
        }
    }

    /// Asks for what the endpoints of `config` need from now on, and ends what keeps sign-ins alive that none of them uses.
    pub(super) fn reconcile(&mut self, config: &Config) {
        self.by_name.retain(|name, sign_in| {
            let uses = config.uses(name);
            sign_in.login.use_for(&uses);
            if uses.is_empty() {
                sign_in.stop.cancel();
            }
            !uses.is_empty()
        });
    }

    /// The sign-in of an account. While it signs in the same way it is the same one, whoever asks: tokens are refreshed once.
    pub(super) fn login(
        &mut self,
        account: &Arc<Account>,
        config: &Config,
        clients: &mut Clients,
    ) -> Result<Arc<Login>, net::ConnectError> {
        if let Some(known) = self.by_name.get(&account.sign_in)
            && known.account.signs_in_like(account)
        {
            return Ok(known.login.clone());
        }
        let http = clients.token_server(account.auth.ca_file().into())?;
        let uses = config.uses(&account.sign_in);
        let requests = self.metrics.token_requests(&account.sign_in);
        let login = Login::counted(account.clone(), &uses, self.vault.clone(), http, requests);
        let login = Arc::new(login);
        let stop = self.stop.child_token();
        self.keep(&login, &account.sign_in, &stop);
        let sign_in = RunningSignIn {
            account: account.clone(),
            login: login.clone(),
            stop,
        };
        if let Some(before) = self.by_name.insert(account.sign_in.clone(), sign_in) {
            before.stop.cancel();
        }
        Ok(login)
    }

    fn keep(&self, login: &Arc<Login>, name: &str, stop: &CancellationToken) {
        let (login, ended) = (login.clone(), stop.clone());
        // Nobody waits for its end: what it asked for is stored by a task of its own.
        drop(self.loops.start(format!("sign-in {name}"), stop.clone(), move || {
            let (login, ended) = (login.clone(), ended.clone());
            async move {
                ended.run_until_cancelled(login.keep()).await;
            }
        }));
    }
}
