//! HTTP clients, one for each way to be trusted: they share their connections.

use std::{collections::HashMap, path::PathBuf};

use crate::{
    config::{ClientCertificate, TlsFiles},
    net::{self, exchange::HttpClient},
};

type ClientKey = (Option<PathBuf>, Option<ClientCertificate>, bool);

/// The clients in use.
#[derive(Default)]
pub(super) struct Clients {
    token_servers: HashMap<ClientKey, reqwest::Client>,
    webhooks: HashMap<ClientKey, HttpClient>,
}

impl Clients {
    /// A client for token servers that trusts the roots in `ca_file` too, and proves itself where that is asked.
    pub(super) fn token_server(&mut self, files: TlsFiles<'_>) -> Result<reqwest::Client, net::ConnectError> {
        shared(&mut self.token_servers, files, true, |files, _| {
            net::http::client(files)
        })
    }

    /// One for webhooks, which may reach private networks only if that is allowed.
    pub(super) fn webhook(
        &mut self,
        files: TlsFiles<'_>,
        allow_private: bool,
    ) -> Result<HttpClient, net::ConnectError> {
        shared(&mut self.webhooks, files, allow_private, HttpClient::new)
    }
}

fn shared<'a, C: Clone>(
    clients: &mut HashMap<ClientKey, C>,
    files: TlsFiles<'a>,
    allow_private: bool,
    make: impl FnOnce(TlsFiles<'a>, bool) -> Result<C, net::ConnectError>,
) -> Result<C, net::ConnectError> {
    let key = (
        files.ca_file.map(ToOwned::to_owned),
        files.client.cloned(),
        allow_private,
    );
    if let Some(client) = clients.get(&key) {
        return Ok(client.clone());
    }
    let client = make(files, allow_private)?;
    clients.insert(key, client.clone());
    Ok(client)
}
