//! Who runs, with the cells that say how they are.

use std::{collections::BTreeMap, sync::Arc};

use super::Fleet;
use crate::{
    app::board::RunningEndpoint,
    config::{Config, Endpoint, EndpointName, Mailbox},
    watch,
};

impl Fleet {
    /// What runs, with the cells that say how it is.
    pub(in crate::app) fn seats(&self, config: &Config) -> BTreeMap<String, RunningEndpoint> {
        let held_back = config.routes().into_iter().flat_map(|route| route.held_back());
        let held_back: BTreeMap<_, _> = held_back.collect();
        let seat = |(name, endpoint): (&EndpointName, &Arc<Endpoint>)| {
            let mailbox = &endpoint.mailbox;
            let account = &mailbox.account;
            let sends = endpoint.reply.account.as_ref();
            let seat = RunningEndpoint {
                description: endpoint.description.clone(),
                mailbox: watch::mailbox_key(mailbox).to_string(),
                account: account.name.clone(),
                name: mailbox_name(mailbox).to_owned(),
                person: account.auth.is_person().then(|| account.sign_in.clone()),
                held_back: held_back
                    .get(name)
                    .into_iter()
                    .flatten()
                    .map(|(name, away)| (name.to_string(), *away))
                    .collect(),
                watch: self.health.get(&mailbox.id())?.clone(),
                acts: self.acting.get(name).cloned(),
                outbox: sends.and_then(|account| self.sending.get(&account.name).cloned()),
            };
            Some((name.to_string(), seat))
        };
        config.endpoints.iter().filter_map(seat).collect()
    }
}

/// The mailbox's name at its server, in one form where it may have several.
pub(super) fn mailbox_name(mailbox: &Mailbox) -> &str {
    if mailbox.name.eq_ignore_ascii_case("INBOX") {
        "INBOX"
    } else {
        &mailbox.name
    }
}
