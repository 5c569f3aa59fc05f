//! What a ledger full of jobs that have ended costs: each operation on it, beside the same on an empty one.
//!
//! ```text
//! ledger [--jobs 1000000] [--times 300]
//! ```

use std::{path::Path, sync::Arc, time::Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use chrono::Utc;
use mailjob::{
    config::{EndpointName, Retention},
    job::{Answer, NewReply, Outcome, ReplyDecision, Trace},
    ledger::{
        self, Address, ClaimedJob, Content, Cursor, Fence, Finish, Intake, Ledger as _, MailboxKey, NewMail, Place,
        Raw, ReplyFilter, ReplyState, Submitted, Upkeep as _, WatchedMailbox,
        sqlite::{self, Sqlite},
    },
};
use mailjob_bench::report::median;
use tokio::task::JoinSet;

/// Mails that are taken together while a ledger is filled.
const BATCH: u32 = 256;

/// A ledger, and the number of the next mail.
struct Bench {
    ledger: Arc<Sqlite>,
    endpoint: EndpointName,
    mailbox: MailboxKey,
    next: u32,
}

impl Bench {
    async fn open(path: &Path, next: u32) -> Result<Self> {
        Ok(Self {
            ledger: Arc::new(sqlite::open(path, Arc::new(Utc::now)).await?),
            endpoint: EndpointName::new("invoices").context("no name")?,
            mailbox: MailboxKey("imap://invoices@example.com/INBOX".into()),
            next,
        })
    }

    async fn take(&mut self, count: u32) -> Result<()> {
        let uids = self.next..self.next + count;
        self.next += count;
        let mails = uids.map(|uid| {
            let mut sha256 = [0; 32];
            // Spread over the index, as hashes are.
            let spread = u64::from(uid).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            sha256[..8].copy_from_slice(&spread.to_be_bytes());
            sha256[8..12].copy_from_slice(&uid.to_be_bytes());
            NewMail {
                place: Place { uid_validity: 1, uid },
                received: None,
                told: None,
                header_key: Some(sha256),
                content: Content::Whole {
                    raw: Raw::Inline(Bytes::from_static(
                        b"Subject: Invoice\r\n\r\nPlease find it attached.\r\n",
                    )),
                    sha256,
                },
            }
        });
        let intake = Intake {
            mailbox: WatchedMailbox::new(self.mailbox.clone(), Fence::NONE),
            endpoints: vec![self.endpoint.clone()],
            cursor: Cursor {
                uid_validity: 1,
                uid_next: self.next,
            },
            mails: mails.collect(),
        };
        self.ledger.take(intake).await?;
        Ok(())
    }

    async fn claim(&self, count: u32) -> Result<Vec<ClaimedJob>> {
        Ok(self.ledger.claim_jobs(&self.endpoint, count as usize).await?)
    }

    /// Takes so many mails, does their jobs, sends each tenth a reply, and settles them.
    async fn fill(&mut self, count: u32) -> Result<()> {
        let first = self.next;
        self.take(count).await?;
        let mut left = count as usize;
        while left > 0 {
            let jobs = self.claim(count).await?;
            left -= jobs.len();
            let mut ends = JoinSet::new();
            for (number, job) in jobs.into_iter().enumerate() {
                let ledger = self.ledger.clone();
                ends.spawn(async move { ledger.finish(done(&job, number % 10 == 0)).await });
            }
            while let Some(end) = ends.join_next().await {
                end??;
            }
        }
        let mut ends = JoinSet::new();
        for reply in self.ledger.claim_replies("office", count.div_ceil(10) as usize).await? {
            let ledger = self.ledger.clone();
            let sent = Submitted::Sent("250 ok".to_owned());
            ends.spawn(async move { ledger.submitted(reply.job, reply.lease.fence(), sent).await });
        }
        while let Some(end) = ends.join_next().await {
            end??;
        }
        let places: Vec<_> = (first..self.next).map(|uid| Place { uid_validity: 1, uid }).collect();
        let mailbox = WatchedMailbox::new(self.mailbox.clone(), Fence::NONE);
        Ok(self.ledger.settled(&mailbox, &places).await?)
    }
}

fn done(job: &ClaimedJob, reply: bool) -> Finish {
    let reply = match reply {
        true => ReplyDecision::Send(NewReply {
            conversation: None,
            account: "office".to_owned(),
            message_id: format!("{}@mailjob", job.id),
            sender: "invoices@example.com".to_owned(),
            recipients: vec!["ann@example.org".to_owned()],
            bytes: Bytes::from_static(b"Subject: Re: Invoice\r\n\r\nBooked.\r\n"),
        }),
        false => ReplyDecision::Silent("off".to_owned()),
    };
    Finish {
        job: job.id,
        fence: job.lease.fence(),
        outcome: Outcome::Done(Answer {
            text: Some("booked".to_owned()),
            ..Answer::default()
        }),
        due: None,
        reply: Some(reply),
        summary: None,
        next: Vec::new(),
        gates: Vec::new(),
        trace: Trace::default(),
        gone: None,
    }
}

/// Milliseconds of each operation, medians.
async fn measure(path: &Path, next: u32, times: usize) -> Result<Vec<(&'static str, f64)>> {
    let mut starts = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let bench = Bench::open(path, next).await?;
        starts.push(ms(begun));
        bench.ledger.close().await;
    }
    let mut bench = Bench::open(path, next).await?;
    let (mut takes, mut claims, mut finishes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..times {
        let begun = Instant::now();
        bench.take(1).await?;
        takes.push(ms(begun));
        let begun = Instant::now();
        let job = bench.claim(1).await?.pop().context("no job")?;
        claims.push(ms(begun));
        let begun = Instant::now();
        bench.ledger.finish(done(&job, false)).await?;
        finishes.push(ms(begun));
    }
    let (mut lists, mut refused, mut settling, mut handed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let outbox = ledger::beside(&Address::file(path)).await?.replies();
    for _ in 0..9 {
        let begun = Instant::now();
        bench.ledger.overview(100).await?;
        lists.push(ms(begun));
        let begun = Instant::now();
        outbox
            .replies(ReplyFilter {
                account: None,
                states: vec![ReplyState::Queued, ReplyState::Running, ReplyState::Refused],
                before: None,
                max: 100,
            })
            .await?;
        refused.push(ms(begun));
        let begun = Instant::now();
        bench.ledger.settling(&bench.mailbox, 1, 100).await?;
        settling.push(ms(begun));
        let begun = Instant::now();
        let known = [bench.endpoint.clone()];
        bench.ledger.reassign_orphans(&bench.mailbox, &known, &known).await?;
        handed.push(ms(begun));
    }
    let begun = Instant::now();
    bench.ledger.forget(Retention::default(), Utc::now()).await?;
    let round = ms(begun);
    bench.ledger.close().await;
    Ok(vec![
        ("start", median(starts)),
        ("take a mail", median(takes)),
        ("claim its job", median(claims)),
        ("finish it", median(finishes)),
        ("list 100 jobs", median(lists)),
        ("list 100 open replies", median(refused)),
        ("what is due in the mailbox", median(settling)),
        ("jobs of endpoints that are gone", median(handed)),
        ("a round of retention that drops nothing", round),
    ])
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1000.0
}

#[tokio::main]
async fn main() -> Result<()> {
    let (mut jobs, mut times) = (1_000_000_u32, 300);
    let mut words = std::env::args().skip(1);
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        match name.as_str() {
            "--jobs" => jobs = value.parse()?,
            "--times" => times = value.parse()?,
            other => bail!("{other}? --jobs or --times"),
        }
    }
    // Beside the program, since that is a real disk.
    let bin = std::env::current_exe()?.parent().context("no folder")?.to_owned();
    let dir = tempfile::Builder::new().prefix("bench-").tempdir_in(bin)?;
    let (empty, full) = (dir.path().join("empty.db"), dir.path().join("full.db"));
    let mut bench = Bench::open(&full, 1).await?;
    let begun = Instant::now();
    while bench.next <= jobs {
        bench.fill(BATCH.min(jobs + 1 - bench.next)).await?;
        if bench.next % (BATCH * 400) == 1 {
            eprintln!("{} jobs after {:.0} s", bench.next - 1, begun.elapsed().as_secs_f64());
        }
    }
    let next = bench.next;
    bench.ledger.close().await;
    let size = std::fs::metadata(&full)?.len() >> 20;
    println!(
        "{jobs} jobs that have ended, {size} MiB, filled in {:.0} s",
        begun.elapsed().as_secs_f64()
    );
    let few = measure(&empty, 1, times).await?;
    let many = measure(&full, next, times).await?;
    println!("{:42} {:>10} {:>10}", "ms, medians", "empty", "full");
    for ((what, empty), (_, full)) in few.into_iter().zip(many) {
        println!("{what:42} {empty:>10.2} {full:>10.2}");
    }
    Ok(())
}
