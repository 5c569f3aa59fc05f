//! A webhook.

use std::{path::PathBuf, time::Duration};

use super::{Action, Describe, HeaderValue, Kind, Remote, secret_file};
use crate::{
    config::{ClientCertificate, check, mendable, reference},
    secret::SecretRef,
    slots,
};

pub(super) const KIND: Kind = Kind {
    name: "webhook",
    place: "A webhook: its URL, without a query, which may hold a key.",
    example: Some("[webhook] with url = \"https://…\""),
    #[cfg(test)]
    least: "url = \"https://erp.example/\"",
    read: |table, inputs| check::webhook(table, inputs).map(Action::Webhook),
    sections: reference::WEBHOOK,
};

/// An HTTP POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// http or https.
    pub url: String,
    /// What the body is. Default JSON.
    pub body: Body,
    /// Standard Webhooks secrets; more than one while a key is rotated, each signs. Empty: unsigned.
    pub secrets: Vec<SecretRef>,
    /// Further header fields; values may be secrets.
    pub headers: Vec<(String, HeaderValue)>,
    /// The whole exchange. Default 30 s.
    pub timeout: Duration,
    /// Bytes of the answer that are read. Default 10 MiB.
    pub max_answer: u64,
    /// Whether the address may be private, loopback or link-local. Default no.
    pub allow_private_network: bool,
    /// PEM file of further trusted roots.
    pub ca_file: Option<PathBuf>,
    /// What proves us by TLS, where the server asks for that.
    pub client: Option<ClientCertificate>,
}

impl Webhook {
    /// A webhook of which nothing but the URL is written.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self {
            url,
            body: Body::Json,
            secrets: Vec::new(),
            headers: Vec::new(),
            timeout: Duration::from_secs(30),
            max_answer: 10 << 20,
            allow_private_network: false,
            ca_file: None,
            client: None,
        }
    }

    /// The URL without its query, which may hold a key.
    #[must_use]
    pub fn place(&self) -> &str {
        self.url.split_once('?').map_or(&*self.url, |(place, _)| place)
    }
}

/// What a webhook's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// The parsed mail with its attachments in base64.
    Json,
    /// The parsed mail as part `mail`, each attachment a part of its own.
    Multipart,
    /// The mail as it came, `message/rfc822`.
    Raw,
    /// A form: a field for each named input, a file for each attachment among them.
    Form,
}

impl Describe for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn place(&self) -> String {
        Self::place(self).to_owned()
    }

    fn summary(&self) -> String {
        format!("POST {}", Self::place(self))
    }

    fn identity(&self) -> String {
        let place = |secret: &SecretRef| match secret {
            SecretRef::File(path) => format!("file {}", path.display()),
            SecretRef::Env(name) => format!("env {name}"),
        };
        let mut lines = vec!["webhook 1".to_owned(), self.url.clone()];
        lines.extend(self.headers.iter().map(|(name, value)| match value {
            HeaderValue::Plain(text) => format!("{name}: text {text}"),
            HeaderValue::Secret(secret) => format!("{name}: {}", place(secret)),
        }));
        lines.extend(self.secrets.iter().map(place));
        lines.join("\n")
    }

    fn mendable(&self) -> Vec<PathBuf> {
        let headers = self.headers.iter().map(|(_, value)| value);
        let keys = self.secrets.iter().filter_map(secret_file);
        let files = mendable::of_tls(self.tls()).into_iter().chain(keys);
        files.chain(headers.filter_map(HeaderValue::file)).collect()
    }

    fn slots(&self) -> slots::Kind {
        slots::Kind::Webhook
    }

    fn answers(&self) -> bool {
        true
    }

    fn remote(&self) -> Option<Remote<'_>> {
        Some(Remote {
            tls: self.tls(),
            allow_private_network: self.allow_private_network,
        })
    }

    fn confined(&self) -> Option<&[PathBuf]> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_another_when_it_asks_somebody_else_or_as_somebody_else() {
        let webhook = Webhook::new("https://erp.example/hook?key=1".to_owned());
        let of = |change: fn(&mut Webhook)| {
            let mut other = webhook.clone();
            change(&mut other);
            other.identity()
        };
        // Kept in ledgers: an endpoint whose webhook is gone goes on where this is another.
        assert_eq!(of(|_| ()), "webhook 1\nhttps://erp.example/hook?key=1");
        let with_field = of(|webhook| webhook.headers = vec![("x-key".to_owned(), HeaderValue::Plain("a".to_owned()))]);
        assert_eq!(with_field, "webhook 1\nhttps://erp.example/hook?key=1\nx-key: text a");
        let signed = of(|webhook| webhook.secrets = vec![SecretRef::File("key".into())]);
        assert_eq!(signed, "webhook 1\nhttps://erp.example/hook?key=1\nfile key");
        assert_ne!(of(|webhook| webhook.url.push('2')), of(|_| ()));
        // None of these makes a webhook that is gone another one.
        assert_eq!(of(|webhook| webhook.timeout *= 2), of(|_| ()));
        assert_eq!(of(|webhook| webhook.max_answer *= 2), of(|_| ()));
    }
}
