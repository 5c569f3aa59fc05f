//! The files by which an operator mends an account, and what they are of an action: what waits for him goes on as soon as one of them is another.

use std::path::{Path, PathBuf};

use super::{Account, Auth, ClientProof, Grant, HeaderValue, OAuth, TlsFiles, TokenSource};
use crate::{guest, secret::SecretRef};

impl Account {
    /// The files that prove who we are to the account's servers, and those that TLS is made with.
    #[must_use]
    pub fn mendable(&self) -> Vec<PathBuf> {
        let mut files = of_tls(self.tls());
        match &self.auth {
            Auth::None => {}
            Auth::Password(secret) | Auth::Token(TokenSource::Kept(secret)) => files.extend(of_secret(secret)),
            Auth::Token(TokenSource::Command { argv, .. }) => files.extend(of_argv(argv)),
            Auth::OAuth(oauth) => files.extend(of_oauth(oauth)),
        }
        files
    }
}

fn of_oauth(oauth: &OAuth) -> Vec<PathBuf> {
    let mut files: Vec<_> = oauth.ca_file.iter().cloned().collect();
    match &oauth.client {
        ClientProof::Public => {}
        ClientProof::Secret { secret, .. } => files.extend(of_secret(secret)),
        ClientProof::Certificate { certificate, key } => {
            files.push(certificate.clone());
            files.extend(of_secret(key));
        }
        ClientProof::Federated(token) => files.push(token.clone()),
    }
    match &oauth.grant {
        Grant::RefreshToken(Some(secret)) | Grant::ServiceAccount { key: secret } => files.extend(of_secret(secret)),
        Grant::RefreshToken(None) | Grant::ClientCredentials => {}
    }
    files
}

pub(super) fn of_tls(tls: TlsFiles<'_>) -> Vec<PathBuf> {
    let ca = tls.ca_file.map(Path::to_owned);
    let client = tls.client.into_iter();
    let client = client.flat_map(|client| [Some(client.cert.clone()), of_secret(&client.key)]);
    ca.into_iter().chain(client.flatten()).collect()
}

pub(super) fn of_value(value: &HeaderValue) -> Option<PathBuf> {
    match value {
        HeaderValue::Plain(_) => None,
        HeaderValue::Secret(secret) => of_secret(secret),
    }
}

/// A variable can't change while we run.
pub(super) fn of_secret(secret: &SecretRef) -> Option<PathBuf> {
    match secret {
        SecretRef::File(path) => Some(path.clone()),
        SecretRef::Env(_) => None,
    }
}

/// The program where it is found, and what stands among its arguments by its whole path, such as a script.
pub(super) fn of_argv(argv: &[String]) -> Vec<PathBuf> {
    let Some((program, arguments)) = argv.split_first() else {
        return Vec::new();
    };
    let program = guest::located(program).unwrap_or_else(|_| program.into());
    let scripts = arguments.iter().map(PathBuf::from).filter(|path| path.is_absolute());
    [program].into_iter().chain(scripts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ClientCertificate, Command, Describe as _, Webhook};

    #[test]
    fn what_mends_an_action() {
        let file = |name: &str| SecretRef::File(name.into());
        let webhook = Webhook {
            secrets: vec![file("/s/key"), SecretRef::Env("KEY".into())],
            headers: vec![
                ("authorization".into(), HeaderValue::Secret(file("/s/bearer"))),
                ("x-plain".into(), HeaderValue::Plain("/s/plain".into())),
            ],
            ca_file: Some("/s/ca".into()),
            client: Some(ClientCertificate {
                cert: "/s/cert".into(),
                key: file("/s/cert-key"),
            }),
            ..Webhook::new("https://erp.example/".into())
        };
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(
            webhook.mendable(),
            paths(&["/s/ca", "/s/cert", "/s/cert-key", "/s/key", "/s/bearer"])
        );
        let command = Command {
            env: vec![("KEY".into(), HeaderValue::Secret(file("/s/env")))],
            read: vec!["/opt/erp".into()],
            ..Command::new(["/bin/sh", "/opt/run.sh", "-v"].map(String::from).to_vec())
        };
        assert_eq!(
            command.mendable(),
            paths(&["/bin/sh", "/opt/run.sh", "/s/env", "/opt/erp"])
        );
        let unknown = Command::new(vec!["no-such-program-of-ours".into()]);
        assert_eq!(unknown.mendable(), paths(&["no-such-program-of-ours"]));
    }
}
