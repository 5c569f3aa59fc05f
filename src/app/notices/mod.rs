//! Tells the operator by mail what only a person can mend, before it breaks where that can be known, and keeps the metrics of the
//! sign-ins.
//!
//! Each look asks the ledger how the sign-ins are and what was told. A condition is noted as told after a server took the mail, so
//! a crash in between tells it twice, with the same Message-ID. Nothing waits for a notice: what can't be sent is logged, backed
//! off, and due again at a later look.

mod plan;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    auth::{
        Login, facts,
        forecast::{Facts, Forecast, State, What, forecast},
    },
    config::{Account, Operator, Service},
    ledger::{Error, NoticeTable, SignInTable},
    metrics::{Metrics, SignIn, SignInState},
    reply::{Notice, send_notice},
};

use self::{
    plan::{AN_HOUR, Item, Seen},
    words::Speaker,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What is looked at and who is told, as the configuration has it now.
#[derive(Clone, Default)]
pub(super) struct Desk {
    pub(super) sign_ins: BTreeMap<String, Arc<Account>>,
    /// Who is told, and the sign-in of the account that sends.
    pub(super) operator: Option<(Operator, Arc<Login>)>,
}

/// What the loop needs.
#[derive(Clone)]
pub(super) struct Notices {
    pub(super) desk: watch::Receiver<Desk>,
    pub(super) sign_ins: Arc<dyn SignInTable>,
    pub(super) told: Arc<dyn NoticeTable>,
    pub(super) metrics: Metrics,
    pub(super) speaker: Arc<Speaker>,
    pub(super) stop: CancellationToken,
}

/// Us, for whoever gets mail from several.
pub(super) fn speaker(service: &Service) -> Arc<Speaker> {
    let ledger = std::path::absolute(&service.ledger).unwrap_or_else(|_| service.ledger.clone());
    Arc::new(Speaker {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        ledger: ledger.display().to_string(),
    })
}

/// Looks until it is stopped.
pub(super) async fn run(mut notices: Notices) {
    let stop = notices.stop.clone();
    let mut memory = Memory::default();
    loop {
        let desk = notices.desk.borrow_and_update().clone();
        let every = desk
            .operator
            .as_ref()
            .map_or(Operator::EVERY, |(operator, _)| operator.every);
        let look = async {
            if let Err(error) = notices.look(&desk, &mut memory).await {
                warn!(%error, "the sign-ins can't be looked at; trying again later");
            }
            tokio::select! {
                () = sleep(every) => true,
                changed = notices.desk.changed() => changed.is_ok(),
            }
        };
        if stop.run_until_cancelled(look).await != Some(true) {
            return;
        }
    }
}

/// What is remembered between two looks.
#[derive(Default)]
struct Memory {
    facts: BTreeMap<String, (Arc<Account>, Instant, Facts)>,
    /// When mails were sent within the last hour.
    sent: VecDeque<Instant>,
    failures: u32,
    rest: Option<Instant>,
    /// What was logged.
    logged: BTreeSet<String>,
}

impl Notices {
    async fn look(&self, desk: &Desk, memory: &mut Memory) -> Result<(), Error> {
        let now = Utc::now();
        let seen = self.survey(desk, memory, now).await?;
        let shown = seen.iter().map(|seen| (seen.name.clone(), measured(&seen.forecast)));
        self.metrics.sign_ins.show(shown.collect());
        let told = self.told.told().await?;
        let plan = plan::plan(&seen, &told);
        if !plan.over.is_empty() {
            self.told.note_told(Vec::new(), plan.over, now).await?;
        }
        memory.log(&plan.items);
        let Some((operator, login)) = &desk.operator else {
            return Ok(());
        };
        for items in plan::gather(plan.items, memory.room()) {
            let (subject, text) = words::words(&items, &self.speaker);
            let notice = Notice {
                id: plan::id(&items),
                to: operator.to.clone(),
                subject,
                text,
                at: now,
            };
            match send_notice(&operator.account, login, &notice).await {
                Ok(answer) => {
                    info!(subject = %notice.subject, %answer, "the operator was told");
                    self.metrics.notices_sent.inc();
                    memory.worked();
                    let (tells, ends) = items
                        .into_iter()
                        .map(|item| (item.tells, item.ends))
                        .unzip::<_, _, Vec<_>, Vec<_>>();
                    let keys = |keys: Vec<Option<String>>| keys.into_iter().flatten().collect();
                    self.told.note_told(keys(tells), keys(ends), now).await?;
                }
                Err(error) => {
                    self.metrics.notices_failed.inc();
                    let wait = memory.failed(error.verdict);
                    let account = &operator.account.name;
                    warn!(%account, wait = wait.as_secs(), subject = %notice.subject, %error, "the operator can't be told");
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Every sign-in in use, as it is now. Files are read once an hour.
    async fn survey(&self, desk: &Desk, memory: &mut Memory, now: DateTime<Utc>) -> Result<Vec<Seen>, Error> {
        let rows: BTreeMap<_, _> = self.sign_ins.sign_ins().await?.into_iter().collect();
        memory.facts.retain(|name, _| desk.sign_ins.contains_key(name));
        let mut seen = Vec::new();
        for (name, account) in &desk.sign_ins {
            let known = rows.get(name).map(|row| row.known()).unwrap_or_default();
            let facts = memory.facts(name, account).await;
            let forecast = forecast(account, &known, &facts, now);
            seen.push(Seen::new(name, account.auth.oauth(), forecast));
        }
        Ok(seen)
    }
}

impl Memory {
    async fn facts(&mut self, name: &str, account: &Arc<Account>) -> Facts {
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
                Facts::default()
            }
            Err(_) => Facts::default(),
        };
        let entry = (account.clone(), Instant::now(), facts.clone());
        self.facts.insert(name.to_owned(), entry);
        facts
    }

    /// Says what is news once, whether or not a mail can be sent.
    fn log(&mut self, items: &[Item]) {
        let now: BTreeSet<_> = items.iter().map(|item| plan::id(std::slice::from_ref(item))).collect();
        for item in items {
            if !self.logged.contains(&plan::id(std::slice::from_ref(item))) {
                warn!(account = %item.name, "{}", words::headline(item));
            }
        }
        self.logged = now;
    }

    /// Mails that may be sent now.
    fn room(&mut self) -> usize {
        if self.rest.is_some_and(|rest| Instant::now() < rest) {
            return 0;
        }
        while self.sent.front().is_some_and(|sent| sent.elapsed() > HOUR) {
            self.sent.pop_front();
        }
        AN_HOUR.saturating_sub(self.sent.len())
    }

    fn worked(&mut self) {
        self.sent.push_back(Instant::now());
        (self.failures, self.rest) = (0, None);
    }

    fn failed(&mut self, verdict: crate::auth::Verdict) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let wait = verdict.pause(self.failures).mul_f64(0.8 + 0.4 * fastrand::f64());
        self.rest = Some(Instant::now() + wait);
        wait
    }
}

fn measured(forecast: &Forecast) -> SignIn {
    let ends = |what| forecast.expiry(what).map(|expiry| expiry.ends.timestamp());
    SignIn {
        state: match forecast.state {
            State::SignedIn => SignInState::SignedIn,
            State::NeedsSignIn(_) => SignInState::NeedsSignIn,
            State::NeverSignedIn => SignInState::Never,
            State::NeedsNoSignIn => SignInState::NotNeeded,
        },
        issued: forecast.issued.map(|issued| issued.timestamp()),
        expires: ends(What::RefreshToken),
        client_secret: ends(What::ClientSecret),
        certificate: ends(What::Certificate),
        refreshed: forecast.refreshed.map(|refreshed| refreshed.timestamp()),
    }
}

#[cfg(test)]
#[path = "look_tests.rs"]
mod tests;
