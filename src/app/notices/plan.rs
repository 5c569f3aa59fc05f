//! What the operator has to be told now, given what was told already. Pure.
//!
//! A condition is told once: its key stands in the ledger from when a server took the mail until the condition is over. What is
//! not told stays due, however often it fails.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::{
    auth::{
        Refused,
        forecast::{Expiry, Forecast, State, Threshold, due},
    },
    config::OAuth,
    ledger::Told,
};

/// Mails an hour, in all.
pub(super) const AN_HOUR: usize = 20;

/// A sign-in as it is now.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) name: String,
    /// Whether `mailjob auth login` can mend it.
    pub(super) is_person: bool,
    pub(super) forecast: Forecast,
}

impl Seen {
    pub(super) fn new(name: &str, oauth: Option<&OAuth>, forecast: Forecast) -> Self {
        Self {
            name: name.to_owned(),
            is_person: oauth.is_some_and(OAuth::is_person),
            forecast,
        }
    }
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) is_person: bool,
    pub(super) news: News,
    /// The key to note once it is told.
    pub(super) tells: Option<String>,
    /// The key to forget once it is told.
    pub(super) ends: Option<String>,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// A person has to act.
    NeedsSignIn(Refused),
    /// It was told that a person has to act, then; they did.
    WorksAgain(DateTime<Utc>),
    /// Something ends.
    Ends(Expiry, Threshold),
}

impl Item {
    /// The same for the same news, another for the next time.
    fn identity(&self) -> String {
        let key = self.tells.as_ref().or(self.ends.as_ref()).map_or("", String::as_str);
        match &self.news {
            News::NeedsSignIn(refused) => format!("{key} since {}", refused.since.timestamp()),
            News::WorksAgain(told) => format!("{key} again {}", told.timestamp_micros()),
            News::Ends(..) => key.to_owned(),
        }
    }
}

/// What is to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// To tell, the most urgent first.
    pub(super) items: Vec<Item>,
    /// Keys of what is over without a word: to forget at once.
    pub(super) over: Vec<String>,
}

/// Compares what is with what was told. `seen` is every sign-in that is in use.
pub(super) fn plan(seen: &[Seen], told: &Told) -> Plan {
    let mut plan = Plan::default();
    for sign_in in seen {
        let key = sign_in_key(&sign_in.name);
        match (&sign_in.forecast.state, told.get(&key)) {
            (State::NeedsSignIn(refused), None) => plan.items.push(Item {
                tells: Some(key),
                ends: None,
                ..item(sign_in, News::NeedsSignIn(refused.clone()))
            }),
            (State::SignedIn | State::NeedsNoSignIn | State::NeverSignedIn, Some(when)) => plan.items.push(Item {
                tells: None,
                ends: Some(key),
                ..item(sign_in, News::WorksAgain(*when))
            }),
            _ => {}
        }
    }
    for sign_in in seen {
        for expiry in &sign_in.forecast.expiries {
            let key = |threshold: &Threshold| expiry_key(&sign_in.name, expiry, *threshold);
            let known: BTreeSet<_> = Threshold::ALL
                .into_iter()
                .filter(|t| told.contains_key(&key(t)))
                .collect();
            if let Some(threshold) = due(expiry, &known) {
                plan.items.push(Item {
                    tells: Some(key(&threshold)),
                    ends: None,
                    ..item(sign_in, News::Ends(expiry.clone(), threshold))
                });
            }
        }
    }
    plan.over = told.keys().filter(|key| is_over(key, seen)).cloned().collect();
    plan
}

fn item(sign_in: &Seen, news: News) -> Item {
    Item {
        name: sign_in.name.clone(),
        is_person: sign_in.is_person,
        news,
        tells: None,
        ends: None,
    }
}

fn sign_in_key(name: &str) -> String {
    format!("sign-in/{name}")
}

/// With the day on which it ends: what was renewed starts anew.
fn expiry_key(name: &str, expiry: &Expiry, threshold: Threshold) -> String {
    let (what, day) = (expiry.what.code(), expiry.ends.format("%F"));
    format!("expiry/{name}/{what}/{day}/{}", threshold.days())
}

/// Whether a key's account is gone, or what it tells of has another end now. What can't be seen at the moment is not over.
fn is_over(key: &str, seen: &[Seen]) -> bool {
    let find = |name: &str| seen.iter().find(|sign_in| sign_in.name == name);
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

/// Puts items into mails, of which `room` may be sent: one each, the rest gathered in the last one.
pub(super) fn gather(mut items: Vec<Item>, room: usize) -> Vec<Vec<Item>> {
    if items.is_empty() || room == 0 {
        return Vec::new();
    }
    let rest = items.split_off(items.len().min(room - 1));
    let mut mails: Vec<_> = items.into_iter().map(|item| vec![item]).collect();
    if !rest.is_empty() {
        mails.push(rest);
    }
    mails
}

/// Letters and digits that are the same for the same news.
pub(super) fn id(items: &[Item]) -> String {
    let mut hash = Sha256::new();
    for item in items {
        hash.update(item.identity());
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
