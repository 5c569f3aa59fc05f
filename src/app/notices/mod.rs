//! Tells the operator by mail what only a person can mend, before it breaks where that can be known, and keeps the metrics of the
//! sign-ins.
//!
//! Each look asks how the sign-ins, the mailboxes and the files are, which jobs wait for a person, what happened to jobs, and what was told. All news since the last
//! mail goes in one, no more often than the operator wants. A condition is noted as told after a server took the mail, so
//! a crash in between tells it twice, with the same Message-ID. Nothing waits for a notice: what can't be sent is logged, backed
//! off, and due again at a later look.

mod digest;
mod jobs;
mod letter;
mod memory;
mod news;
mod plan;
mod words;

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    auth::{
        Login,
        forecast::{ExpiringSecret, Forecast, LoginState, forecast},
    },
    config::{Account, Operator, Problem, Service},
    ledger::{
        Error, JobNews, NoticeTable, SignInTable,
        counts::{Countable, Unwritable},
    },
    message::clean::clean,
    metrics::{Metrics, SignInGauges, SignInState},
    reply::{self, Notice, send_notice},
    status::Setback,
    watch::WatchHealth,
};

use self::{
    letter::letter,
    memory::NoticeMemory,
    news::{BrokenFile, NewsItem, SendingAccount, SignInNow, Survey, Waiting, WatchedMailbox},
    words::NoticeSender,
};

/// Jobs of a kind and an endpoint that are told with their details.
const EXAMPLES: usize = 5;

/// What is looked at and who is told, as the configuration has it now.
#[derive(Clone, Default)]
pub(super) struct NoticeSettings {
    pub(super) sign_ins: BTreeMap<String, Arc<Account>>,
    /// The mailbox of each endpoint.
    pub(super) mailboxes: BTreeMap<String, MailboxHealth>,
    /// The accounts that replies go out by.
    pub(super) senders: BTreeMap<String, OutgoingAccount>,
    /// What is wrong with files of the configuration, by their names.
    pub(super) broken: BTreeMap<String, BrokenFile>,
    /// Who is told, and the sign-in of the account that sends.
    pub(super) operator: Option<(Operator, Arc<Login>)>,
}

/// An endpoint's mailbox.
#[derive(Clone)]
pub(super) struct MailboxHealth {
    /// The sign-in that opens it.
    pub(super) sign_in: String,
    pub(super) health: Arc<WatchHealth>,
}

/// An account that replies go out by.
#[derive(Clone)]
pub(super) struct OutgoingAccount {
    /// The sign-in that its server asks for.
    pub(super) sign_in: String,
    pub(super) health: Arc<reply::OutboxHealth>,
}

/// Problems of a file that are told; `mailjob check` shows all.
const PROBLEMS: usize = 3;

/// What is wrong with each file. Pure.
pub(super) fn broken(problems: &[Problem], since: DateTime<Utc>) -> BTreeMap<String, BrokenFile> {
    let mut broken = BTreeMap::<String, (BrokenFile, usize)>::new();
    for problem in problems {
        let name = problem.file.file_name().unwrap_or(problem.file.as_os_str());
        let file = clean(&name.to_string_lossy(), 200);
        let new = || {
            let (file, why) = (file.clone(), String::new());
            (BrokenFile { file, since, why }, 0)
        };
        let (broken, count) = broken.entry(file.clone()).or_insert_with(new);
        *count += 1;
        if *count <= PROBLEMS {
            let rest = if broken.why.is_empty() { "" } else { " / " };
            broken.why = format!("{}{rest}{}; {}", broken.why, problem.cause, problem.cure);
        }
    }
    broken.into_iter().map(|(file, (broken, _))| (file, broken)).collect()
}

/// What the loop needs.
#[derive(Clone)]
pub(super) struct Notices {
    pub(super) desk: watch::Receiver<NoticeSettings>,
    pub(super) sign_ins: Arc<dyn SignInTable>,
    pub(super) told: Arc<dyn NoticeTable>,
    pub(super) counts: Arc<dyn Countable>,
    pub(super) metrics: Metrics,
    pub(super) speaker: Arc<NoticeSender>,
    pub(super) stop: CancellationToken,
}

/// Us, for whoever gets mail from several.
pub(super) fn speaker(service: &Service) -> Arc<NoticeSender> {
    Arc::new(NoticeSender {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        ledger: service.ledger.absolute().to_string(),
    })
}

/// Looks until it is stopped.
pub(super) async fn run(mut notices: Notices) {
    let stop = notices.stop.clone();
    let mut memory = NoticeMemory::default();
    loop {
        let desk = notices.desk.borrow_and_update().clone();
        let every = desk
            .operator
            .as_ref()
            .map_or(Operator::EVERY, |(operator, _)| operator.every);
        let look = async {
            if let Err(error) = notices.look(&desk, &mut memory).await {
                warn!(%error, "what the operator should know can't be looked at; trying again later");
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

impl Notices {
    async fn look(&self, desk: &NoticeSettings, memory: &mut NoticeMemory) -> Result<(), Error> {
        let now = Utc::now();
        let counts = self.counts.counts().await?;
        self.look_at_ledger(desk, counts.unwritable.as_ref(), memory, now).await;
        if counts.unwritable.is_some() {
            // What is told now could not be noted, and would be told again and again.
            return Ok(());
        }
        let (jobs, mark) = self.told.news(EXAMPLES).await?;
        let any_jobs = !jobs.is_empty();
        let survey = self.survey(desk, jobs, counts.setbacks, memory, now).await?;
        let told = self.told.told().await?;
        let silent_after = desk
            .operator
            .as_ref()
            .map_or(Operator::SILENT_AFTER, |(operator, _)| operator.silent_after);
        let plan = plan::plan(&survey, &told, silent_after, now);
        if !plan.over.is_empty() {
            self.told.note_told(Vec::new(), plan.over, None, now).await?;
        }
        memory.log(&plan.items);
        let Some((operator, login)) = &desk.operator else {
            if any_jobs {
                // Nobody is there to be told, and whoever comes later need not hear of old things.
                self.told.note_told(Vec::new(), Vec::new(), Some(mark), now).await?;
            }
            return Ok(());
        };
        let (pause, limit) = (operator.digest, operator.limit);
        if plan.items.is_empty() || memory.rests() || !digest::may_mail(&told, pause, limit, now) {
            return Ok(());
        }
        if self.mail(operator, login, &plan.items, memory, now).await {
            let (mailed, mut ends) = digest::mailed(&told, pause, limit, now);
            ends.extend(plan.items.iter().filter_map(|item| item.ends.clone()));
            let tells = plan.items.into_iter().filter_map(|item| item.tells);
            let tells = tells.chain([mailed]).collect();
            self.told.note_told(tells, ends, any_jobs.then_some(mark), now).await?;
        }
        Ok(())
    }

    /// Tells once that the ledger can't be written, and once that it can again.
    async fn look_at_ledger(
        &self,
        desk: &NoticeSettings,
        unwritable: Option<&Unwritable>,
        memory: &mut NoticeMemory,
        now: DateTime<Utc>,
    ) {
        let Some(item) = memory.of_ledger(unwritable) else {
            return;
        };
        let Some((operator, login)) = &desk.operator else {
            return;
        };
        if !memory.rests() && self.mail(operator, login, &[item], memory, now).await {
            memory.unwritable = unwritable.map(|_| now);
        }
    }

    /// Whether a server took a mail about these.
    async fn mail(
        &self,
        operator: &Operator,
        login: &Login,
        items: &[NewsItem],
        memory: &mut NoticeMemory,
        now: DateTime<Utc>,
    ) -> bool {
        let (subject, text) = letter(items, &self.speaker, (&operator.subject, &operator.text));
        let notice = Notice {
            id: news::id(items),
            to: operator.to.clone(),
            subject,
            text,
            at: now,
        };
        match send_notice(&operator.account, login, &notice).await {
            Ok(answer) => {
                info!(subject = %notice.subject, news = items.len(), %answer, "the operator was told");
                self.metrics.notices_sent.inc();
                memory.worked();
                true
            }
            Err(error) => {
                self.metrics.notices_failed.inc();
                let wait = memory.failed(error.verdict);
                let account = &operator.account.name;
                warn!(%account, wait_s = wait.as_secs(), subject = %notice.subject, %error, "the operator can't be told");
                false
            }
        }
    }

    /// Everything as it is now, and the metrics of the sign-ins. Files are read once an hour.
    async fn survey(
        &self,
        desk: &NoticeSettings,
        jobs: Vec<JobNews>,
        setbacks: BTreeMap<String, Setback>,
        memory: &mut NoticeMemory,
        now: DateTime<Utc>,
    ) -> Result<Survey, Error> {
        let sign_ins = self.sign_ins(desk, memory, now).await?;
        let shown = sign_ins
            .iter()
            .map(|seen| (seen.name.clone(), measured(&seen.forecast)));
        self.metrics.sign_ins.show(shown.collect());
        let mailbox = |(endpoint, watched): (&String, &MailboxHealth)| WatchedMailbox {
            endpoint: endpoint.clone(),
            sign_in: watched.sign_in.clone(),
            state: watched.health.state(),
        };
        let waits: BTreeMap<_, _> = setbacks
            .into_iter()
            .filter(|(_, setback)| setback.needs_person)
            .collect();
        memory.waiting.retain(|endpoint, _| waits.contains_key(endpoint));
        let waiting = waits.into_iter().map(|(endpoint, setback)| Waiting {
            since: *memory.waiting.entry(endpoint.clone()).or_insert(now),
            why: setback.why().to_owned(),
            endpoint,
        });
        let sender = |(account, sends): (&String, &OutgoingAccount)| SendingAccount {
            account: account.clone(),
            sign_in: sends.sign_in.clone(),
            trouble: sends.health.trouble().filter(|trouble| trouble.holds_all),
            works: sends.health.works(),
        };
        Ok(Survey {
            senders: desk.senders.iter().map(sender).collect(),
            sign_ins,
            waiting: waiting.collect(),
            mailboxes: desk.mailboxes.iter().map(mailbox).collect(),
            broken: desk.broken.values().cloned().collect(),
            jobs,
        })
    }

    /// Every sign-in in use, as it is now. Files are read once an hour.
    async fn sign_ins(
        &self,
        desk: &NoticeSettings,
        memory: &mut NoticeMemory,
        now: DateTime<Utc>,
    ) -> Result<Vec<SignInNow>, Error> {
        let rows: BTreeMap<_, _> = self.sign_ins.sign_ins().await?.into_iter().collect();
        memory.facts.retain(|name, _| desk.sign_ins.contains_key(name));
        let mut seen = Vec::new();
        for (name, account) in &desk.sign_ins {
            let known = rows.get(name).map(|row| row.known()).unwrap_or_default();
            let facts = memory.facts(name, account).await;
            let forecast = forecast(account, &known, &facts, now);
            seen.push(SignInNow::new(name, account.auth.oauth(), forecast));
        }
        Ok(seen)
    }
}

fn measured(forecast: &Forecast) -> SignInGauges {
    let ends = |what| forecast.expiry(what).map(|expiry| expiry.ends.timestamp());
    SignInGauges {
        state: match forecast.state {
            LoginState::SignedIn => SignInState::SignedIn,
            LoginState::NeedsSignIn(_) => SignInState::NeedsSignIn,
            LoginState::NeverSignedIn => SignInState::Never,
            LoginState::NeedsNoSignIn => SignInState::NotNeeded,
        },
        issued: forecast.issued.map(|issued| issued.timestamp()),
        expires: ends(ExpiringSecret::RefreshToken),
        client_secret: ends(ExpiringSecret::ClientSecret),
        certificate: ends(ExpiringSecret::Certificate),
        refreshed: forecast.refreshed.map(|refreshed| refreshed.timestamp()),
    }
}

#[cfg(test)]
#[path = "look_tests.rs"]
mod tests;
