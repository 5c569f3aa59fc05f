//! HTTP clients, one for each way to be trusted: they share their connections.

use std::{collections::HashMap, path::PathBuf};

use crate::{
    config::{ClientCertificate, TlsFiles},
    net,
};

/// The clients in use.
#[derive(Default)]
pub(super) struct Clients(HashMap<(Option<PathBuf>, Option<ClientCertificate>, bool), reqwest::Client>);

impl Clients {
    /// A client that trusts the roots in `ca_file` too, proves itself where that is asked, and may reach private networks only if that is
    /// allowed.
    pub(super) fn client(&mut self, files: TlsFiles<'_>, allow_private: bool) -> Result<reqwest::Client, net::Error> {
        let key = (
            files.ca_file.map(ToOwned::to_owned),
            files.client.cloned(),
            allow_private,
        );
        if let Some(client) = self.0.get(&key) {
            return Ok(client.clone());
        }
        let client = net::http::client(files, allow_private)?;
        self.0.insert(key, client.clone());
        Ok(client)
    }
}
