//! Telling the result: who hears of it, in which words, and the way there.
//!
//! [`Composer`] decides and builds in the moment in which a job ends; [`run`] submits what the ledger holds for one account, until
//! the server has taken or refused it. A reply that the server has taken and whose answer we lost is sent again with the same
//! Message-ID. Trouble with the account (no sign-in, no connection) is not held against a reply until its days are over.

mod answer;
mod answerable;
mod build;
mod charset;
mod compose;
mod courier;
pub mod direct;
mod fates;
mod health;
mod hello;
mod ids;
mod inspect;
mod letter;
mod noted;
mod notice;
mod offers;
mod original;
mod pace;
mod plainer;
pub mod probe;
mod recipients;
mod sign_in;
mod smtp;
mod steps;
mod trouble;
mod values;
mod wire;
mod wording;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use compose::{Composed, Composer};
pub use health::{OutboxHealth, OutboxProblem};
pub(crate) use ids::is_quotable;
pub(crate) use inspect::is_sound_with;
pub use notice::{Notice, NoticeError, send_notice};
pub use recipients::{OwnAddresses, ourselves};

use crate::{
    auth::{AuthVerdict, Login, PauseEnd},
    budget::Budget,
    config::Account,
    ledger::Ledger,
};
use courier::Submitter;

/// The replies of one SMTP account.
#[derive(Clone)]
pub struct Outbox {
    /// The account; without an SMTP server nothing goes out.
    pub account: Arc<Account>,
    /// Where replies wait.
    pub ledger: Arc<dyn Ledger>,
    /// The room for a large letter that is made smaller.
    pub work: Budget,
    /// The account's sign-in.
    pub login: Arc<Login>,
    /// How the account is doing.
    pub health: Arc<OutboxHealth>,
    /// Stops the loop: the reply in hand is finished, the others are given back.
    pub stop: CancellationToken,
}

/// Submits the replies of an account until it is stopped.
pub async fn run(outbox: Outbox) {
    let Some(server) = outbox.account.smtp.clone() else {
        tracing::error!(account = %outbox.account.name, "the account has no SMTP server; its replies wait");
        return;
    };
    let stop = outbox.stop.clone();
    let (login, changed_outside) = (outbox.login.clone(), outbox.ledger.changed_outside());
    let mut courier = Submitter::new(outbox, server).await;
    // Whoever changed the account, or started us anew, may have mended what they wait for.
    courier.mended().await;
    while let Some(claimed) = stop.run_until_cancelled(courier.claim()).await {
        let pause = match claimed {
            Ok(claimed) => courier.carry(claimed).await,
            Err(error) => {
                tracing::warn!(account = courier.account(), %error, "replies can't be claimed");
                Some(courier.failed(AuthVerdict::Reconnect))
            }
        };
        if let Some(pause) = pause {
            let rest = async {
                tokio::select! {
                    ended = login.pause(pause, courier.verdict()) => ended,
                    // Somebody may have asked to try again now.
                    () = changed_outside.notified() => PauseEnd::Over,
                }
            };
            if let Some(PauseEnd::Works | PauseEnd::Mended) = stop.run_until_cancelled(rest).await {
                courier.mended().await;
            }
        }
    }
    courier.part().await;
}

#[cfg(test)]
#[path = "tests/server_tests.rs"]
mod server_tests;
#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
