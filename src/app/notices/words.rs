//! The words of a notice: what, since when, the cure, and who says it. Pure, and nothing secret.

use super::plan::{Item, News};
use crate::{
    auth::forecast::{Expiry, What},
    message::clean::clean,
};

/// Characters kept of what a token server said.
const MAX_WHY: usize = 600;

/// Who speaks: there may be several of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::app) struct Speaker {
    pub(super) host: String,
    /// The ledger, which no two of us share.
    pub(super) ledger: String,
}

/// Subject and text of a mail about these.
pub(super) fn words(items: &[Item], speaker: &Speaker) -> (String, String) {
    let subject = match items {
        [only] => format!("[mailjob] {}", headline(only)),
        several => {
            let again = |item: &&Item| matches!(item.news, News::WorksAgain(_));
            match several.len() - several.iter().filter(again).count() {
                0 => format!("[mailjob] {} accounts work again", several.len()),
                1 => "[mailjob] 1 account or secret needs you".to_owned(),
                needy => format!("[mailjob] {needy} accounts or secrets need you"),
            }
        }
    };
    let paragraphs: Vec<_> = items.iter().map(paragraph).collect();
    let Speaker { host, ledger } = speaker;
    let text = format!(
        "{}\n\nThis was written by Mailjob on {host}, ledger {ledger}.\nYou are told once; mailjob auth status shows how it is now.\n",
        paragraphs.join("\n\n")
    );
    (subject, text)
}

/// The news in a line.
pub(super) fn headline(item: &Item) -> String {
    let name = &item.name;
    match &item.news {
        News::NeedsSignIn(_) if item.is_person => format!("{name} needs a sign-in"),
        News::NeedsSignIn(_) => format!("{name} can't sign in"),
        News::WorksAgain(_) => format!("{name} works again"),
        News::Ends(expiry, _) => {
            let what = expiry.what;
            match expiry.days {
                ..=0 => format!("the {what} of {name} has ended"),
                1 => format!("the {what} of {name} ends within a day"),
                days => format!("the {what} of {name} ends in {days} days"),
            }
        }
    }
}

fn paragraph(item: &Item) -> String {
    let name = &item.name;
    let headline = headline(item);
    match &item.news {
        News::NeedsSignIn(refused) => {
            let since = refused.since.format("%F %R UTC");
            let why = clean(&refused.why, MAX_WHY);
            let cure = if item.is_person {
                format!("Sign in anew where it runs:\n\n  mailjob auth login {name}")
            } else {
                format!(
                    "No person's sign-in helps here. Mend what the reason names, then look at\n\n  mailjob auth status {name}"
                )
            };
            format!("{headline}, since {since}. Its mail waits until then; nothing is lost.\n\nWhy: {why}\n\n{cure}")
        }
        News::WorksAgain(told) => {
            format!(
                "{headline}. You were told on {} that it didn't.",
                told.format("%F %R UTC")
            )
        }
        News::Ends(expiry, _) => {
            let ends = expiry.ends.format("%F %R UTC");
            format!("{headline}, on {ends}.\n\n{}", cure(expiry, name))
        }
    }
}

fn cure(expiry: &Expiry, name: &str) -> String {
    match expiry.what {
        What::RefreshToken => {
            let before = if expiry.days > 0 { " before that" } else { "" };
            format!("Sign in anew{before}, where it runs:\n\n  mailjob auth login {name}")
        }
        What::ClientSecret => format!(
            "Make a new secret where the client is registered, put it where client_secret of [accounts.{name}] points, and write \
             its end into client_secret_expires. The old one works beside it until it ends."
        ),
        What::Certificate => format!(
            "Make a new certificate, add it where the client is registered, then put it and its key where certificate and \
             certificate_key of [accounts.{name}] point."
        ),
        What::FederatedToken => {
            "Nobody has renewed the file that federated_token names. In Kubernetes the kubelet does: look \
             whether the volume is projected, and not mounted by subPath."
                .to_owned()
        }
        What::AccessToken => {
            "Nobody has renewed the file that token names: look after the program that should.".to_owned()
        }
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
