//! HTTP clients, one for each way to be trusted: they share their connections.

use std::{collections::HashMap, path::PathBuf};

use crate::net;

/// The clients in use.
#[derive(Default)]
pub(super) struct Clients(HashMap<(Option<PathBuf>, bool), reqwest::Client>);

impl Clients {
    /// A client that trusts the roots in `ca_file` too, and may reach private networks only if that is allowed.
    pub(super) fn client(
        &mut self,
        ca_file: Option<PathBuf>,
        allow_private: bool,
    ) -> Result<reqwest::Client, net::Error> {
        let key = (ca_file, allow_private);
        if let Some(client) = self.0.get(&key) {
            return Ok(client.clone());
        }
        let client = net::http::client(key.0.as_deref(), allow_private)?;
        self.0.insert(key, client.clone());
        Ok(client)
    }
}
