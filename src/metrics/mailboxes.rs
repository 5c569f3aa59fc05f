//! What is counted of mailboxes, by account and mailbox.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use super::{Histograms, histograms};

/// From the server's reception to the commit, in seconds: an hour and more is a backlog.
const DELAY: [f64; 12] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MailboxLabels {
    account: String,
    mailbox: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SettledLabels {
    account: String,
    mailbox: String,
    verdict: &'static str,
}

/// The counters of all mailboxes.
#[derive(Debug, Clone)]
pub(super) struct MailboxMeters {
    seen: Family<MailboxLabels, Counter>,
    taken: Family<MailboxLabels, Counter>,
    settled: Family<SettledLabels, Counter>,
    failures: Family<MailboxLabels, Counter>,
    delay: Histograms<MailboxLabels>,
}

impl MailboxMeters {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let all = Self {
            seen: Family::default(),
            taken: Family::default(),
            settled: Family::default(),
            failures: Family::default(),
            delay: histograms(|| Histogram::new(DELAY)),
        };
        registry.register(
            "mails_seen",
            "Mails that were received from a mailbox, known ones too",
            all.seen.clone(),
        );
        registry.register("mails_taken", "Mails that became jobs, or are held", all.taken.clone());
        registry.register(
            "mails_settled",
            "Mails that had their last touch in the mailbox, by how they ended",
            all.settled.clone(),
        );
        registry.register(
            "mailbox_failures",
            "Sessions with a mailbox that failed, or could not begin",
            all.failures.clone(),
        );
        registry.register(
            "mail_take_delay_seconds",
            "From a mail's reception by its server to its commit, where the server says when that was",
            all.delay.clone(),
        );
        all
    }

    pub(super) fn mailbox(&self, account: &str, mailbox: &str) -> MailboxMeter {
        let labels = MailboxLabels {
            account: account.to_owned(),
            mailbox: mailbox.to_owned(),
        };
        let settled = |verdict| {
            let (account, mailbox) = (account.to_owned(), mailbox.to_owned());
            self.settled.get_or_create_owned(&SettledLabels {
                account,
                mailbox,
                verdict,
            })
        };
        MailboxMeter {
            seen: self.seen.get_or_create_owned(&labels),
            taken: self.taken.get_or_create_owned(&labels),
            done: settled("done"),
            failed: settled("failed"),
            ignored: settled("ignored"),
            failures: self.failures.get_or_create_owned(&labels),
            delay: Some(self.delay.get_or_create_owned(&labels)),
        }
    }
}

/// Counts what happens at one mailbox. By default it counts for nobody.
#[derive(Debug, Clone, Default)]
pub struct MailboxMeter {
    seen: Counter,
    taken: Counter,
    done: Counter,
    failed: Counter,
    ignored: Counter,
    failures: Counter,
    delay: Option<Histogram>,
}

/// How a settled mail had ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettledOutcome {
    /// Its jobs were done.
    Done,
    /// A job failed.
    Failed,
    /// Nobody wanted it.
    Ignored,
}

impl MailboxMeter {
    /// Mails came, of which so many are new.
    pub fn took(&self, new: usize, known: usize) {
        self.seen.inc_by(count(new) + count(known));
        self.taken.inc_by(count(new));
    }

    /// A mail was taken so long after its server received it.
    pub fn took_after(&self, delay: Duration) {
        if let Some(histogram) = &self.delay {
            histogram.observe(delay.as_secs_f64());
        }
    }

    /// A mail had its last touch.
    pub fn settled(&self, ended: SettledOutcome) {
        match ended {
            SettledOutcome::Done => &self.done,
            SettledOutcome::Failed => &self.failed,
            SettledOutcome::Ignored => &self.ignored,
        }
        .inc();
    }

    /// A session failed.
    pub fn failed(&self) {
        self.failures.inc();
    }
}

fn count(mails: usize) -> u64 {
    u64::try_from(mails).unwrap_or(u64::MAX)
}
