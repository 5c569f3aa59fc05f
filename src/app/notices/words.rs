//! The words of a notice: what, since when, the cure, and who says it. Pure, and nothing secret.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    jobs,
    news::{News, NewsItem},
};
use crate::{
    auth::forecast::{ExpiringSecret, Expiry},
    message::clean::clean,
};

/// Characters kept of what a server said.
pub(super) const MAX_WHY: usize = 600;
/// How a time is told.
pub(super) const TIME: &str = "%F %R UTC";

/// Who speaks: there may be several of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::app) struct NoticeSender {
    pub(super) host: String,
    /// The ledger, which no two of us share.
    pub(super) ledger: String,
}

/// The news in a line, of several how many.
pub(super) fn subject(items: &[NewsItem]) -> String {
    match items {
        [only] => headline(only),
        several => match several.iter().filter(|item| !item.news.is_good()).count() {
            0 => format!("{} things work again", several.len()),
            1 => "1 thing needs you".to_owned(),
            needy => format!("{needy} things need you"),
        },
    }
}

/// Where one sees how it is now.
pub(super) fn closing(items: &[NewsItem]) -> &'static str {
    let of_sign_ins =
        |item: &NewsItem| matches!(item.news, News::NeedsSignIn(_) | News::WorksAgain(_) | News::Ends(..));
    if items.iter().all(of_sign_ins) {
        "You are told once; mailjob auth status shows how it is now."
    } else {
        "You are told once; mailjob status, mailjob jobs list and mailjob replies list show how it is now."
    }
}

/// What is said of an item, in pieces for templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct NoticeText {
    /// What it is about: an account, an endpoint, a file.
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) headline: String,
    /// Since when, or when it was told; empty where it has no beginning.
    pub(super) since: String,
    /// The reason; empty where there is none to tell.
    pub(super) why: String,
    /// What to do; empty where nothing is to be done.
    pub(super) cure: String,
    /// All of it in paragraphs.
    pub(super) words: String,
}

/// What is said of an item.
pub(super) fn said(item: &NewsItem) -> NoticeText {
    let (since, why, cure, words) = match &item.news {
        News::Jobs(jobs) => {
            let (why, cure) = (jobs::examples(jobs), jobs::cure(jobs));
            let since = jobs.since.format(TIME).to_string();
            let words = format!("{}, since {since}.\n\n{why}\n\n{cure}", headline(item));
            (since, why, cure, words)
        }
        _ => pieces(item),
    };
    NoticeText {
        name: item.name.clone(),
        kind: item.news.kind(),
        headline: headline(item),
        since,
        why,
        cure,
        words,
    }
}

/// The news in a line.
pub(super) fn headline(item: &NewsItem) -> String {
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
        News::Silent(..) => format!("the mailbox of {name} can't be read"),
        News::ReadsAgain(_) => format!("the mailbox of {name} is read again"),
        News::Unsent(..) => format!("no reply goes out by the account {name}"),
        News::SentAgain(_) => format!("replies go out by the account {name} again"),
        News::SecondLedger(_) => format!("another Mailjob works at the mailbox of {name}"),
        News::OneLedger(_) => format!("no other Mailjob answers at the mailbox of {name} any more"),
        News::Unsettled(..) => format!("mails that are over can't leave the mailbox of {name}"),
        News::Settled(_) => format!("mails that are over leave the mailbox of {name} again"),
        News::Broken(..) => format!("the file {name} is broken"),
        News::Mended(_) => format!("the file {name} is right again, or gone"),
        News::JobsWait(..) => format!("the jobs of {name} wait for you"),
        News::JobsGoOn(_) => format!("no job of {name} waits for you any more"),
        News::Unwritable(..) => format!("{name} can't be written"),
        News::Writable(_) => format!("{name} can be written again"),
        News::Jobs(jobs) => jobs::headline(jobs),
    }
}

/// Since when, why, the cure, and all of it.
fn pieces(item: &NewsItem) -> (String, String, String, String) {
    let name = &item.name;
    let headline = headline(item);
    let told = |at: &DateTime<Utc>, words: &str| {
        let at = at.format(TIME).to_string();
        let all = format!("{headline}. You were told on {at} that {words}.");
        (at, String::new(), String::new(), all)
    };
    let wrong = |since: &DateTime<Utc>, why: &str, waits: &str, cure: String| {
        let (since, why) = (since.format(TIME).to_string(), clean(why, MAX_WHY));
        let all = format!("{headline}, since {since}. {waits}\n\nWhy: {why}\n\n{cure}");
        (since, why, cure, all)
    };
    match &item.news {
        News::NeedsSignIn(refused) => {
            let cure = if item.is_person {
                format!("Sign in anew where it runs:\n\n  mailjob auth login {name}")
            } else {
                format!(
                    "No person's sign-in helps here. Mend what the reason names, then look at\n\n  mailjob auth status {name}"
                )
            };
            wrong(&refused.since, &refused.why, WAITS, cure)
        }
        News::Silent(since, why) => {
            let cure = format!("Look where it runs, which says what to do:\n\n  mailjob doctor {name}");
            wrong(since, why, WAITS, cure)
        }
        News::Unsent(since, why) => {
            let cure = "Mend what the reason names: a secret that is replaced counts at once. Each step is shown where it runs by\n\n  mailjob doctor";
            wrong(
                since,
                why,
                "The replies wait until then; nothing is lost.",
                cure.to_owned(),
            )
        }
        News::Broken(since, why) => {
            let cure = "Mend the file and save it: it counts at once. All problems are shown where it runs by\n\n  mailjob check";
            let waits = "What ran before goes on in its last good version; a new endpoint does not start.";
            wrong(since, why, waits, cure.to_owned())
        }
        News::JobsWait(since, why) => {
            let cure = format!(
                "Fix the cause. A changed file, secret or program has them go on by itself; else, where it runs:\n\n  mailjob jobs retry --all --endpoint {name} --state deferred"
            );
            let waits = "Their mails wait, nothing is lost, and no sender hears of it.";
            wrong(since, why, waits, cure)
        }
        News::Unwritable(since, why) => {
            let cure = "Look at its disk where it runs: is it full, read-only or broken? When that is mended, work goes on by itself. How it is now:\n\n  mailjob status";
            let waits = "No mail is taken and no job is begun until then. Nothing is lost.";
            wrong(since, why, waits, cure.to_owned())
        }
        News::Writable(at) => told(at, "it couldn't"),
        News::JobsGoOn(at) => told(at, "some did"),
        News::SecondLedger(since) => {
            let cure = "Stop one of the two, or have it watch another mailbox. A second installation is one with a ledger of its own: another \
                        machine, a pod with another volume, a copy for tests.";
            let why = "it has a ledger of its own, and knows nothing of what this one does";
            wrong(
                since,
                why,
                "Mails are done and answered twice until then.",
                cure.to_owned(),
            )
        }
        News::OneLedger(at) => told(at, "one did"),
        News::Unsettled(since, why) => {
            let cure = "Make room where they go, or give the user the right to put mails there, or change [settle] in its file. It is tried again by \
                        itself.";
            let waits = "Their work is done and is not done again as long as the ledger is kept; they stay where they are until then.";
            wrong(since, why, waits, cure.to_owned())
        }
        News::Settled(at) => told(at, "they couldn't"),
        News::WorksAgain(at) => told(at, "it didn't"),
        News::ReadsAgain(at) => told(at, "it couldn't"),
        News::SentAgain(at) => told(at, "none did"),
        News::Mended(at) => told(at, "it wasn't"),
        News::Ends(expiry, _) => {
            let ends = expiry.ends.format(TIME).to_string();
            let cure = cure(expiry, name);
            let all = format!("{headline}, on {ends}.\n\n{cure}");
            (ends, String::new(), cure, all)
        }
        // Told in a file of their own.
        News::Jobs(_) => Default::default(),
    }
}

/// What comforts whoever reads that mail isn't read.
const WAITS: &str = "Its mail waits until then; nothing is lost.";

fn cure(expiry: &Expiry, name: &str) -> String {
    match expiry.what {
        ExpiringSecret::RefreshToken => {
            let before = if expiry.days > 0 { " before that" } else { "" };
            format!("Sign in anew{before}, where it runs:\n\n  mailjob auth login {name}")
        }
        ExpiringSecret::ClientSecret => format!(
            "Make a new secret where the client is registered, put it where client_secret of [accounts.{name}] points, and write \
             its end into client_secret_expires. The old one works beside it until it ends."
        ),
        ExpiringSecret::Certificate => format!(
            "Make a new certificate, add it where the client is registered, then put it and its key where certificate and \
             certificate_key of [accounts.{name}] point."
        ),
        ExpiringSecret::FederatedToken => {
            "Nobody has renewed the file that federated_token names. In Kubernetes the kubelet does: look \
             whether the volume is projected, and not mounted by subPath."
                .to_owned()
        }
        ExpiringSecret::AccessToken => {
            "Nobody has renewed the file that token names: look after the program that should.".to_owned()
        }
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
