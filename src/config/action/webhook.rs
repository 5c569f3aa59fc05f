//! What others have to know of a webhook.

use std::path::PathBuf;

use super::describe::{ActionKind, Describe, RemoteAccess};
use crate::{
    config::{
        HeaderValue, Webhook,
        check::{self, headers_section},
        mendable,
    },
    secret::SecretRef,
    slots,
};

pub(super) const KIND: ActionKind<Webhook> = ActionKind {
    name: "webhook",
    place: "A webhook: its URL, without a query, which may hold a key.",
    example: Some("[webhook] with url = \"https://…\""),
    #[cfg(test)]
    least: "url = \"https://erp.example/\"",
    read: check::webhook,
    sections: || vec![Webhook::section(), headers_section()],
};

impl Describe for Webhook {
    fn name(&self) -> &'static str {
        KIND.name
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
        let keys = self.secrets.iter().filter_map(mendable::of_secret);
        let files = mendable::of_tls(self.tls()).into_iter().chain(keys);
        files.chain(headers.filter_map(mendable::of_value)).collect()
    }

    fn slots(&self) -> slots::SlotKind {
        slots::SlotKind::Webhook
    }

    fn answers(&self) -> bool {
        true
    }

    fn remote(&self) -> Option<RemoteAccess<'_>> {
        Some(RemoteAccess {
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
