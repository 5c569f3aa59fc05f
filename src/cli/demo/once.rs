//! The demo by itself: three mails and the boss's answer, and a table of what became of each.

use std::collections::BTreeMap;

use tokio::time::{Duration, timeout};

use super::{
    cast::{self, BOSS, CastMail},
    folder::DESKS,
    play::{self, Numbers},
};
use crate::{
    job::state::State,
    ledger::{self, Address, JobFilter, JobStory},
    plural,
    sandbox::{Delivered, PostOffice, Sandbox},
};

/// Until everything has to be where it belongs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Jobs of the demo that are looked at.
const JOBS: usize = 100;
/// Where a mail may be.
const MAILBOXES: [(&str, &str); 3] = [("INBOX", "not touched"), ("Processed", "done"), ("Failed", "failed")];
const DONE: &str = "Processed";

/// A mail, and what has to become of it: its job is done, and somebody gets one reply.
pub(super) struct Role {
    what: &'static str,
    mail: CastMail,
    /// Whose mailbox the reply is in.
    replied: String,
    attempts: u32,
}

/// Plays all of it. The roles that came so far, and what went wrong.
pub(super) async fn play(sandbox: &Sandbox) -> (Vec<Role>, Option<String>) {
    let mut roles = Vec::new();
    let wrong = match timeout(PATIENCE, act(sandbox, &mut roles)).await {
        Ok(done) => done.err(),
        Err(_) => Some(format!("not everything was done within {} s", PATIENCE.as_secs())),
    };
    (roles, wrong)
}

async fn act(sandbox: &Sandbox, roles: &mut Vec<Role>) -> Result<(), String> {
    let (office, numbers) = (&sandbox.post_office, Numbers::default());
    play::watched(office).await;
    sandbox.hook.put_off(1);
    let drafts = [
        (
            "an invoice, webhook busy at first",
            cast::invoice(numbers.next()),
            None,
            2,
        ),
        ("a list to be counted", cast::list(numbers.next()), None, 1),
        (
            "an order that needs approval",
            cast::order(numbers.next()),
            Some(BOSS),
            1,
        ),
    ];
    for (what, draft, replied, attempts) in drafts {
        let mail = play::post(office, draft)?;
        roles.push(Role {
            what,
            replied: replied.unwrap_or(&mail.from).to_owned(),
            mail,
            attempts,
        });
    }
    let answer = until(office, || play::answer(office, "yes").ok()).await?;
    roles.push(Role {
        what: "the boss's answer: yes",
        mail: answer,
        replied: BOSS.to_owned(),
        attempts: 1,
    });
    until(office, || {
        let replies = replies(office);
        let is_done = |role: &Role| places(office, role) == [DONE] && !replied(&replies, role).is_empty();
        roles.iter().all(is_done).then_some(())
    })
    .await
}

/// Looks after each change of the mailboxes, until there is what is looked for.
async fn until<T>(office: &PostOffice, look: impl Fn() -> Option<T>) -> Result<T, String> {
    let mut changes = office.changes();
    loop {
        changes.mark_unchanged();
        if let Some(found) = look() {
            return Ok(found);
        }
        changes
            .changed()
            .await
            .map_err(|_| "the mailboxes are gone".to_owned())?;
    }
}

/// The mailboxes of its endpoint in which a mail is; more than one if there are copies.
fn places(office: &PostOffice, role: &Role) -> Vec<&'static str> {
    let desk = DESKS
        .iter()
        .map(|(user, _)| *user)
        .find(|user| is_at(user, &role.mail.to));
    let Some(desk) = desk else {
        return Vec::new();
    };
    let is_it = |bytes: &[u8]| Delivered::read(bytes).message_id == role.mail.message_id;
    let found = MAILBOXES.iter().flat_map(|(mailbox, _)| {
        let mails = office.mails(desk, mailbox);
        let count = mails.iter().filter(|mail| is_it(&mail.bytes)).count();
        std::iter::repeat_n(*mailbox, count)
    });
    found.collect()
}

/// Whether an address, with a detail or without, is that of a desk.
fn is_at(user: &str, address: &str) -> bool {
    let (name, domain) = user.split_once('@').unwrap_or((user, ""));
    let (local, host) = address.split_once('@').unwrap_or((address, ""));
    host == domain && local.split('+').next() == Some(name)
}

/// What lies in the mailboxes of people: whose, and the mail.
fn replies(office: &PostOffice) -> Vec<(String, Delivered)> {
    let people = office.people().into_iter();
    let people = people.filter(|person| !DESKS.iter().any(|(user, _)| user == person));
    let mails = people.flat_map(|person| {
        let mails = office.mails(&person, "INBOX").into_iter();
        let read: Vec<_> = mails
            .map(|mail| (person.clone(), Delivered::read(&mail.bytes)))
            .collect();
        read
    });
    mails.collect()
}

fn replied<'a>(replies: &'a [(String, Delivered)], role: &Role) -> Vec<&'a (String, Delivered)> {
    let its = replies
        .iter()
        .filter(|(_, mail)| mail.in_reply_to == role.mail.message_id);
    its.collect()
}

/// The stories of all jobs, by the Message-ID of their mail.
async fn stories(address: &Address) -> Result<BTreeMap<String, Vec<JobStory>>, ledger::Error> {
    let jobs = ledger::beside(address).await?.jobs();
    let all = JobFilter {
        limit: JOBS,
        ..JobFilter::default()
    };
    let mut stories = BTreeMap::<_, Vec<_>>::new();
    for row in jobs.list(all).await?.jobs {
        if let Some(story) = jobs.story(row.id).await? {
            let mail = story.mail.message_id.clone().unwrap_or_default();
            stories.entry(mail).or_default().push(story);
        }
    }
    Ok(stories)
}

/// Prints the table, once Mailjob has ended, and returns what is wrong.
pub(super) async fn judge(sandbox: &Sandbox, address: &Address, roles: &[Role]) -> Vec<String> {
    let mut wrong = Vec::new();
    let stories = stories(address).await.unwrap_or_else(|error| {
        wrong.push(format!("the ledger can't be read: {error}"));
        BTreeMap::new()
    });
    let replies = replies(&sandbox.post_office);
    println!("\n{:34} {:9} {:21} {:8} reply", "mail", "endpoint", "job", "outcome");
    for role in roles {
        let its = stories.get(&role.mail.message_id).map_or(&[][..], Vec::as_slice);
        let row = Row {
            places: places(&sandbox.post_office, role),
            replies: replied(&replies, role),
            jobs: its,
        };
        println!("{:34} {}", role.what, row.shown());
        let faults = row.faults(role).into_iter();
        wrong.extend(faults.map(|fault| format!("{}: {fault}", role.what)));
    }
    if replies.len() != roles.len() {
        let came = plural::counted(replies.len(), "reply");
        wrong.push(format!("{came} came, not {}", roles.len()));
    }
    let calls = sandbox.hook.calls();
    let statuses: Vec<_> = calls.iter().map(|call| call.status).collect();
    if statuses != [503, 200] || calls.first().map(|call| &call.job) != calls.last().map(|call| &call.job) {
        wrong.push(format!(
            "the webhook was to be asked twice for one job, and answered {statuses:?}"
        ));
    }
    wrong
}

/// What became of a mail.
struct Row<'a> {
    places: Vec<&'static str>,
    replies: Vec<&'a (String, Delivered)>,
    jobs: &'a [JobStory],
}

impl Row<'_> {
    fn shown(&self) -> String {
        let job = match self.jobs {
            [] => "none".to_owned(),
            [story, ..] if story.job.attempts == 1 => story.job.id.short(),
            [story, ..] => format!("{} ({} attempts)", story.job.id.short(), story.job.attempts),
        };
        let word = |place: &&str| {
            let known = MAILBOXES.iter().find(|(mailbox, _)| mailbox == place);
            known.map_or("?", |(_, word)| word)
        };
        let outcome: Vec<_> = self.places.iter().map(word).collect();
        let reply = |(whose, mail): &&(String, Delivered)| format!("\"{}\" to {whose}", mail.subject);
        let replies: Vec<_> = self.replies.iter().map(reply).collect();
        let endpoint = self.jobs.first().map_or("-", |story| story.job.endpoint.as_str());
        let replies = match replies.as_slice() {
            [] => "none".to_owned(),
            replies => replies.join(" | "),
        };
        format!("{endpoint:9} {job:21} {:8} {replies}", outcome.join(" and "))
    }

    /// What is not as it has to be.
    fn faults(&self, role: &Role) -> Vec<String> {
        let whose: Vec<_> = self.replies.iter().map(|(whose, _)| whose.as_str()).collect();
        let jobs: Vec<_> = self
            .jobs
            .iter()
            .map(|story| (story.job.state, story.job.attempts))
            .collect();
        faults(&role.replied, role.attempts, &self.places, &whose, &jobs)
    }
}

/// What is not as it has to be of a mail: where it is, to whom replies came, and how its jobs ended after how many attempts. Pure.
fn faults(replied: &str, attempts: u32, places: &[&str], whose: &[&str], jobs: &[(State, u32)]) -> Vec<String> {
    let checks = [
        (
            places == [DONE],
            format!("the mail is in {places:?}, not in {DONE} alone"),
        ),
        (
            whose == [replied],
            format!("replies came to {whose:?}, not one to {replied}"),
        ),
        (
            jobs == [(State::Done, attempts)],
            format!(
                "its jobs are {jobs:?}, not one that is done after {}",
                plural::counted(attempts, "attempt")
            ),
        ),
    ];
    let faults = checks.into_iter().filter(|(is_right, _)| !is_right);
    faults.map(|(_, fault)| fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_lost_doubled_or_misled_is_told() {
        let judged =
            |places: &[&str], whose: &[&str], jobs: &[(State, u32)]| faults("ann@a.example", 2, places, whose, jobs);
        let (ann, done) = (&["ann@a.example"], &[(State::Done, 2)]);
        assert_eq!(judged(&[DONE], ann, done), [""; 0]);
        for (places, word) in [
            (&[][..], "is in []"),
            (&["INBOX"], "INBOX"),
            (&["Failed"], "Failed"),
            (&[DONE, DONE], "alone"),
        ] {
            let told = judged(places, ann, done);
            assert!(told.len() == 1 && told[0].contains(word), "{told:?}");
        }
        for whose in [&[][..], &["bob@b.example"], &["ann@a.example", "ann@a.example"]] {
            assert!(judged(&[DONE], whose, done)[0].contains("replies came to"), "{whose:?}");
        }
        for jobs in [
            &[][..],
            &[(State::Done, 1)],
            &[(State::Failed, 2)],
            &[(State::Done, 2), (State::Done, 1)],
        ] {
            assert!(judged(&[DONE], ann, jobs)[0].contains("its jobs are"), "{jobs:?}");
        }
        assert_eq!(judged(&["INBOX"], &[], &[]).len(), 3);
    }

    #[test]
    fn a_detail_names_the_same_desk() {
        for (address, expected) in [
            ("orders@contoso.example", true),
            ("orders+abc@contoso.example", true),
            ("orders@other.example", false),
            ("order@contoso.example", false),
        ] {
            assert_eq!(is_at("orders@contoso.example", address), expected, "{address}");
        }
    }
}
