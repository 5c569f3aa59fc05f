//! Actions: what is done with a mail. Types only; `check` reads them.

use super::{Command, HeaderValue, Webhook};
use crate::secret::SecretRef;

/// What is done with a mail.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// An HTTP POST.
    Webhook(Webhook),
    /// A process.
    Command(Command),
}

impl Action {
    /// Whom it asks, and as whom: two that are equal in this are the same to whoever is asked. It is kept from one release to the next,
    /// so it is written out here, and a change of what it says resumes every endpoint whose webhook is gone.
    #[must_use]
    pub fn identity(&self) -> String {
        let place = |secret: &SecretRef| match secret {
            SecretRef::File(path) => format!("file {}", path.display()),
            SecretRef::Env(name) => format!("env {name}"),
        };
        match self {
            Self::Webhook(webhook) => {
                let mut lines = vec!["webhook 1".to_owned(), webhook.url.clone()];
                lines.extend(webhook.headers.iter().map(|(name, value)| match value {
                    HeaderValue::Plain(text) => format!("{name}: text {text}"),
                    HeaderValue::Secret(secret) => format!("{name}: {}", place(secret)),
                }));
                lines.extend(webhook.secrets.iter().map(place));
                lines.join("\n")
            }
            Self::Command(command) => format!("command 1\n{}", command.argv.join("\n")),
        }
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
            Action::Webhook(other).identity()
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
