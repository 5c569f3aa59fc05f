//! What became of each mail, and whether that is what had to.

use std::collections::HashMap;

use anyhow::{Context, Result};
use mail_parser::MessageParser;
use mailjob_testbed::World;

use crate::{
    action::Actions,
    cast::{Fate, Role},
};

/// Where everything is in the end.
pub(crate) struct Outcome {
    /// The mailbox in which each mail is, by endpoint's address and Message-ID; more than one if there are copies.
    places: HashMap<(String, String), Vec<&'static str>>,
    /// The subjects of the replies to each mail, by sender's address and the mail's Message-ID.
    replies: HashMap<(String, String), Vec<String>>,
    /// The ids of the jobs of each mail, one for each attempt.
    jobs: HashMap<String, Vec<String>>,
}

/// Message-IDs without angle brackets, as the parser has them.
struct Read {
    id: String,
    answers: String,
    subject: String,
}

async fn read_all(world: &World, user: &str, mailbox: &str) -> Result<Vec<Read>> {
    if world.dovecot.count(user, mailbox).await? == 0 {
        return Ok(Vec::new());
    }
    let mails = world.dovecot.mailbox(user, mailbox).await?;
    let read = |mail: &Vec<u8>| {
        let mail = MessageParser::default()
            .parse(mail)
            .context("a mail without a header")?;
        Ok(Read {
            id: mail.message_id().unwrap_or_default().to_owned(),
            answers: mail
                .in_reply_to()
                .and_then(|ids| ids.first())
                .unwrap_or_default()
                .to_owned(),
            subject: mail.subject().unwrap_or_default().to_owned(),
        })
    };
    mails.iter().map(read).collect()
}

impl Outcome {
    /// Looks into every mailbox.
    pub(crate) async fn read(world: &World, actions: &Actions, roles: &[Role]) -> Result<Self> {
        let (mut places, mut replies, mut jobs) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut people: Vec<_> = roles.iter().map(|role| role.sender.as_str()).collect();
        let mut endpoints: Vec<_> = roles.iter().map(|role| role.to).collect();
        for names in [&mut people, &mut endpoints] {
            names.sort_unstable();
            names.dedup();
        }
        for endpoint in endpoints {
            for mailbox in ["INBOX", "Processed", "Failed"] {
                for mail in read_all(world, endpoint, mailbox).await? {
                    places
                        .entry((endpoint.to_owned(), mail.id))
                        .or_insert_with(Vec::new)
                        .push(mailbox);
                }
            }
        }
        for person in people {
            for mail in read_all(world, person, "INBOX").await? {
                replies
                    .entry((person.to_owned(), mail.answers))
                    .or_insert_with(Vec::new)
                    .push(mail.subject);
            }
        }
        for (mail, job) in actions.attempts()? {
            jobs.entry(mail).or_insert_with(Vec::new).push(job);
        }
        Ok(Self { places, replies, jobs })
    }

    /// The mails that are where they have to be, and the replies that have come.
    pub(crate) fn progress(&self, roles: &[Role]) -> (usize, usize) {
        let placed = roles
            .iter()
            .filter(|role| self.places(role) == [role.fate.mailbox()])
            .count();
        (placed, self.replies.values().map(Vec::len).sum())
    }

    fn places(&self, role: &Role) -> &[&'static str] {
        self.places
            .get(&(role.to.to_owned(), role.id.clone()))
            .map_or(&[], Vec::as_slice)
    }

    fn replies(&self, role: &Role) -> &[String] {
        self.replies
            .get(&(role.sender.clone(), role.id.clone()))
            .map_or(&[], Vec::as_slice)
    }

    /// Prints the table and returns what is wrong.
    pub(crate) fn print(&self, roles: &[Role]) -> Vec<String> {
        let mut wrong = Vec::new();
        println!("\n{:36} {:9} {:22} {:12} reply", "mail", "endpoint", "job", "outcome");
        for role in roles {
            let (places, replies) = (self.places(role), self.replies(role));
            let mut jobs = self.jobs.get(&role.id).cloned().unwrap_or_default();
            let attempts = jobs.len();
            jobs.dedup();
            let job = match (jobs.first(), attempts) {
                (None, _) => "none".to_owned(),
                (Some(job), 1) => short(job).to_owned(),
                (Some(job), _) => format!("{} ({attempts} attempts)", short(job)),
            };
            let outcome: Vec<_> = places.iter().map(|mailbox| word(mailbox)).collect();
            let outcome = outcome.join(" and ");
            let reply = if replies.is_empty() {
                "none".to_owned()
            } else {
                replies.join(" | ")
            };
            let endpoint = role.to.split('@').next().unwrap_or_default();
            println!("{:36} {endpoint:9} {job:22} {outcome:12} {reply}", role.what);

            let mut expect = |right: bool, what: String| {
                if !right {
                    wrong.push(format!("{} to {}: {what}", role.what, role.to));
                }
            };
            expect(
                places == [role.fate.mailbox()],
                format!("is in {places:?}, not in {}", role.fate.mailbox()),
            );
            expect(
                replies.len() == usize::from(role.fate.replied()),
                format!("{} replies", replies.len()),
            );
            expect(
                jobs.len() == usize::from(role.fate != Fate::Ignored),
                format!("{} jobs", jobs.len()),
            );
        }
        let expected = roles.iter().filter(|role| role.fate.replied()).count();
        let (_, replies) = self.progress(roles);
        if replies != expected {
            wrong.push(format!("{replies} replies in the senders' mailboxes, not {expected}"));
        }
        wrong
    }
}

/// What it means that a mail is in a mailbox.
fn word(mailbox: &str) -> &'static str {
    match mailbox {
        "Processed" => "done",
        "Failed" => "failed",
        _ => "not touched",
    }
}

/// The end of a job's id: the part that differs.
fn short(job: &str) -> &str {
    job.get(job.len().saturating_sub(8)..).unwrap_or(job)
}
