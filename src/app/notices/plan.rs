//! What the operator has to be told now, given what was told already. Pure.
//!
//! A condition is told once: its key stands in the ledger from when a server took the mail until the condition is over. What
//! happened to jobs is told once: it stands in the ledger until then. What is not told stays due, however often it fails.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    digest::is_mail,
    news::{News, NewsItem, SendingAccount, SignInNow, Survey, WatchedMailbox},
};
use crate::{
    auth::forecast::{Expiry, LoginState, Threshold, due},
    ledger::{JobNews, NewsKind, SentNotices},
    watch::health,
};

/// Conditions in one mail, at most; the others go with the next one.
const MOST: usize = 200;

/// What is to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NoticePlan {
    /// To tell, the most urgent first.
    pub(super) items: Vec<NewsItem>,
    /// Keys of what is over without a word: to forget at once.
    pub(super) over: Vec<String>,
}

/// Compares what is with what was told. A mailbox counts as out of reach after `silent_after`.
pub(super) fn plan(survey: &Survey, told: &SentNotices, silent_after: Duration, now: DateTime<Utc>) -> NoticePlan {
    let mut plan = NoticePlan::default();
    let sign_ins = &survey.sign_ins;
    plan.items
        .extend(sign_ins.iter().filter_map(|seen| of_sign_in(seen, told)));
    // Whoever is told of a sign-in need not be told what follows from it.
    let explained = |name: &str| {
        let needs = |seen: &SignInNow| seen.name == name && matches!(seen.forecast.state, LoginState::NeedsSignIn(_));
        sign_ins.iter().any(needs)
    };
    plan.items.extend(survey.mailboxes.iter().filter_map(|mailbox| {
        let explained = explained(&mailbox.sign_in);
        of_mailbox(mailbox, explained, told, silent_after, now)
    }));
    let senders = survey.senders.iter();
    plan.items
        .extend(senders.filter_map(|sender| of_sender(sender, explained(&sender.sign_in), told)));
    plan.items
        .extend(survey.mailboxes.iter().filter_map(|mailbox| of_ledgers(mailbox, told)));
    plan.items.extend(
        survey
            .mailboxes
            .iter()
            .filter_map(|mailbox| of_touches(mailbox, told, silent_after, now)),
    );
    for waiting in &survey.waiting {
        let key = format!("{JOBS}{}", waiting.endpoint);
        if !told.contains_key(&key) {
            let news = News::JobsWait(waiting.since, waiting.why.clone());
            plan.items.push(starts(&waiting.endpoint, key, news));
        }
    }
    for (key, when) in told {
        let Some(endpoint) = key.strip_prefix(JOBS) else {
            continue;
        };
        if !survey.waiting.iter().any(|waiting| waiting.endpoint == endpoint) {
            plan.items.push(ends(endpoint, key.clone(), News::JobsGoOn(*when)));
        }
    }
    for broken in &survey.broken {
        let key = format!("{FILE}{}", broken.file);
        if !told.contains_key(&key) {
            plan.items.push(starts(
                &broken.file,
                key,
                News::Broken(broken.since, broken.why.clone()),
            ));
        }
    }
    for (key, when) in told {
        let Some(file) = key.strip_prefix(FILE) else { continue };
        if !survey.broken.iter().any(|broken| broken.file == file) {
            plan.items.push(ends(file, key.clone(), News::Mended(*when)));
        }
    }
    plan.items
        .extend(sign_ins.iter().flat_map(|seen| of_expiries(seen, told)));
    plan.items.truncate(MOST);
    plan.items
        .extend(survey.jobs.iter().filter_map(|jobs| of_jobs(jobs, told, now)));
    let passed = |(key, when): &(&String, &DateTime<Utc>)| {
        is_over(key, survey) || key.starts_with(RATES) && now - **when >= SELDOM
    };
    plan.over = told.iter().filter(passed).map(|(key, _)| key.clone()).collect();
    plan
}

fn of_sign_in(sign_in: &SignInNow, told: &SentNotices) -> Option<NewsItem> {
    let key = sign_in_key(&sign_in.name);
    let item = match (&sign_in.forecast.state, told.get(&key)) {
        (LoginState::NeedsSignIn(refused), None) => starts(&sign_in.name, key, News::NeedsSignIn(refused.clone())),
        (LoginState::SignedIn | LoginState::NeedsNoSignIn | LoginState::NeverSignedIn, Some(when)) => {
            ends(&sign_in.name, key, News::WorksAgain(*when))
        }
        _ => return None,
    };
    Some(NewsItem {
        is_person: sign_in.is_person,
        ..item
    })
}

fn of_expiries<'a>(sign_in: &'a SignInNow, told: &'a SentNotices) -> impl Iterator<Item = NewsItem> + 'a {
    sign_in.forecast.expiries.iter().filter_map(move |expiry| {
        let key = |threshold: &Threshold| expiry_key(&sign_in.name, expiry, *threshold);
        let known: BTreeSet<_> = Threshold::ALL
            .into_iter()
            .filter(|t| told.contains_key(&key(t)))
            .collect();
        let threshold = due(expiry, &known)?;
        let news = News::Ends(expiry.clone(), threshold);
        Some(NewsItem {
            is_person: sign_in.is_person,
            ..starts(&sign_in.name, key(&threshold), news)
        })
    })
}

/// What happened to jobs. Replies that `[rates]` held back are told once a day: a sender who sends too much does so all day.
fn of_jobs(jobs: &JobNews, told: &SentNotices, now: DateTime<Utc>) -> Option<NewsItem> {
    let key = match jobs.kind {
        NewsKind::Unanswered => Some(format!("{RATES}{}", jobs.endpoint)),
        _ => None,
    };
    let is_told = |key: &String| told.get(key).is_some_and(|when| now - *when < SELDOM);
    if key.as_ref().is_some_and(is_told) {
        return None;
    }
    Some(NewsItem {
        name: jobs.endpoint.clone(),
        is_person: false,
        news: News::Jobs(jobs.clone()),
        tells: key,
        ends: None,
    })
}

/// A mailbox that comes and goes is neither: it was not looked at since its trouble began.
fn of_mailbox(
    mailbox: &WatchedMailbox,
    explained: bool,
    told: &SentNotices,
    silent_after: Duration,
    now: DateTime<Utc>,
) -> Option<NewsItem> {
    let key = format!("{MAILBOX}{}", mailbox.endpoint);
    let health::WatchState {
        looked, trouble, since, ..
    } = &mailbox.state;
    let patience = TimeDelta::from_std(silent_after).unwrap_or(TimeDelta::MAX);
    match (since, told.get(&key)) {
        (Some(since), None) if now - *since >= patience && !explained => {
            let why = trouble
                .clone()
                .unwrap_or_else(|| "its sessions end before they have looked".to_owned());
            Some(starts(&mailbox.endpoint, key, News::Silent(*since, why)))
        }
        (None, Some(when)) if looked.is_some() => Some(ends(&mailbox.endpoint, key, News::ReadsAgain(*when))),
        _ => None,
    }
}

/// Whether replies go out by the account. That one is away for a while ends by itself, and is no person's business.
fn of_sender(sender: &SendingAccount, explained: bool, told: &SentNotices) -> Option<NewsItem> {
    let key = format!("{SENDER}{}", sender.account);
    match (&sender.trouble, told.get(&key)) {
        (Some(trouble), None) if trouble.needs_person && !explained => {
            let news = News::Unsent(trouble.since, trouble.words.clone());
            Some(starts(&sender.account, key, news))
        }
        (None, Some(when)) if sender.works => Some(ends(&sender.account, key, News::SentAgain(*when))),
        _ => None,
    }
}

/// Whether another ledger works at the mailbox. What was not looked at yet says nothing.
fn of_ledgers(mailbox: &WatchedMailbox, told: &SentNotices) -> Option<NewsItem> {
    let key = format!("{LEDGERS}{}", mailbox.endpoint);
    match (mailbox.state.rival, told.get(&key)) {
        (Some(since), None) => Some(starts(&mailbox.endpoint, key, News::SecondLedger(since))),
        (None, Some(when)) if mailbox.state.looked.is_some() => {
            Some(ends(&mailbox.endpoint, key, News::OneLedger(*when)))
        }
        _ => None,
    }
}

/// Whether mails that are over can't have their last touch, for so long.
fn of_touches(
    mailbox: &WatchedMailbox,
    told: &SentNotices,
    silent_after: Duration,
    now: DateTime<Utc>,
) -> Option<NewsItem> {
    let key = format!("{TOUCHES}{}", mailbox.endpoint);
    let patience = TimeDelta::from_std(silent_after).unwrap_or(TimeDelta::MAX);
    match (&mailbox.state.unsettled, told.get(&key)) {
        (Some(health::Unsettled { mails, why, since }), None) if now - *since >= patience => {
            let why = format!("{mails} of them, {why}");
            Some(starts(&mailbox.endpoint, key, News::Unsettled(*since, why)))
        }
        (None, Some(when)) if mailbox.state.looked.is_some() => {
            Some(ends(&mailbox.endpoint, key, News::Settled(*when)))
        }
        _ => None,
    }
}

/// Something that holds from now on.
fn starts(name: &str, key: String, news: News) -> NewsItem {
    NewsItem {
        name: name.to_owned(),
        is_person: false,
        news,
        tells: Some(key),
        ends: None,
    }
}

/// Something that holds no more.
fn ends(name: &str, key: String, news: News) -> NewsItem {
    NewsItem {
        tells: None,
        ends: Some(key.clone()),
        ..starts(name, key, news)
    }
}

/// What stands before an endpoint's name, in the key of its mailbox.
const MAILBOX: &str = "mailbox/";
/// What stands before an account's name, in the key of the replies that go out by it.
const SENDER: &str = "sender/";
/// The same in the key of the ledgers that work at it.
const LEDGERS: &str = "ledgers/";
/// The same in the key of its mails that can't have their last touch.
const TOUCHES: &str = "touches/";
/// The same in the key of its jobs.
const JOBS: &str = "jobs/";
/// The same in the key of its replies that were held back.
const RATES: &str = "rates/";
/// So long after that was told, it is not told again.
const SELDOM: TimeDelta = TimeDelta::days(1);
/// What stands before a file's name, in its key.
const FILE: &str = "file/";

fn sign_in_key(name: &str) -> String {
    format!("sign-in/{name}")
}

/// With the day on which it ends: what was renewed starts anew.
fn expiry_key(name: &str, expiry: &Expiry, threshold: Threshold) -> String {
    let (what, day) = (expiry.what.code(), expiry.ends.format("%F"));
    format!("expiry/{name}/{what}/{day}/{}", threshold.days())
}

/// Whether a key's account or endpoint is gone, or what it tells of has another end now. What can't be seen at the moment is not over.
fn is_over(key: &str, survey: &Survey) -> bool {
    let find = |name: &str| survey.sign_ins.iter().find(|sign_in| sign_in.name == name);
    if is_mail(key) || key.starts_with(FILE) || key.starts_with(JOBS) || key.starts_with(RATES) {
        return false;
    }
    let of_mailbox = [MAILBOX, LEDGERS, TOUCHES];
    if let Some(name) = of_mailbox.into_iter().find_map(|prefix| key.strip_prefix(prefix)) {
        return !survey.mailboxes.iter().any(|mailbox| mailbox.endpoint == name);
    }
    if let Some(name) = key.strip_prefix(SENDER) {
        return !survey.senders.iter().any(|sender| sender.account == name);
    }
    if let Some(name) = key.strip_prefix("sign-in/") {
        return find(name).is_none();
    }
    // From the end: a name may have slashes.
    let mut parts = key.rsplitn(4, '/').skip(1);
    let (Some(day), Some(what), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return true;
    };
    let Some(sign_in) = name.strip_prefix("expiry/").and_then(find) else {
        return true;
    };
    let now = sign_in
        .forecast
        .expiries
        .iter()
        .find(|expiry| expiry.what.code() == what);
    now.is_some_and(|expiry| expiry.ends.format("%F").to_string() != day)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
