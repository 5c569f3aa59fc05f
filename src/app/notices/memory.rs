//! What is remembered between two looks: what files told, what was logged, and how long the account that sends is left alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{
    news::{self, News, NewsItem},
    words,
};
use crate::{
    auth::{facts, forecast::AccountFacts},
    config::Account,
    ledger::counts::Unwritable,
};

/// How long what files told counts.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What is remembered between two looks.
#[derive(Default)]
pub(super) struct NoticeMemory {
    pub(super) facts: BTreeMap<String, (Arc<Account>, Instant, AccountFacts)>,
    failures: u32,
    pub(super) rest: Option<Instant>,
    /// Since when it is known that an endpoint's jobs wait for a person.
    pub(super) waiting: BTreeMap<String, DateTime<Utc>>,
    /// When it was told that the ledger can't be written: what is told can't be noted there meanwhile.
    pub(super) unwritable: Option<DateTime<Utc>>,
    /// What was logged.
    pub(super) logged: BTreeSet<String>,
}

impl NoticeMemory {
    pub(super) async fn facts(&mut self, name: &str, account: &Arc<Account>) -> AccountFacts {
        if let Some((of, read, facts)) = self.facts.get(name)
            && of == account
            && read.elapsed() < HOUR
        {
            return facts.clone();
        }
        let reading = account.clone();
        let facts = match tokio::task::spawn_blocking(move || facts::read(&reading)).await {
            Ok(Ok(facts)) => facts,
            Ok(Err(error)) => {
                warn!(account = %name, %error, "when it ends can't be told");
                AccountFacts::default()
            }
            Err(_) => AccountFacts::default(),
        };
        let entry = (account.clone(), Instant::now(), facts.clone());
        self.facts.insert(name.to_owned(), entry);
        facts
    }

    /// Says what is news once, whether or not a mail can be sent.
    pub(super) fn log(&mut self, items: &[NewsItem]) {
        // What happened to a job was logged when it did.
        let conditions = items.iter().filter(|item| !matches!(item.news, News::Jobs(_)));
        let conditions: Vec<_> = conditions
            .map(|item| (news::id(std::slice::from_ref(item)), item))
            .collect();
        for (id, item) in &conditions {
            match (self.logged.contains(id), item.news.is_good()) {
                (true, _) => {}
                (false, true) => info!(name = %item.name, "{}", words::headline(item)),
                (false, false) => warn!(name = %item.name, "{}", words::headline(item)),
            }
        }
        self.logged = conditions.into_iter().map(|(id, _)| id).collect();
    }

    /// What is to be told of the ledger itself.
    pub(super) fn of_ledger(&self, unwritable: Option<&Unwritable>) -> Option<NewsItem> {
        let news = match (unwritable, self.unwritable) {
            (Some(Unwritable { since, why, .. }), None) => News::Unwritable(*since, why.clone()),
            (None, Some(told)) => News::Writable(told),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        Some(NewsItem {
            name: "the ledger".to_owned(),
            is_person: false,
            news,
            tells: None,
            ends: None,
        })
    }

    /// Whether the account that sends is left alone.
    pub(super) fn rests(&self) -> bool {
        self.rest.is_some_and(|rest| Instant::now() < rest)
    }

    pub(super) fn worked(&mut self) {
        (self.failures, self.rest) = (0, None);
    }

    pub(super) fn failed(&mut self, verdict: crate::auth::AuthVerdict) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let wait = verdict.pause(self.failures).mul_f64(0.8 + 0.4 * fastrand::f64());
        self.rest = Some(Instant::now() + wait);
        wait
    }
}
