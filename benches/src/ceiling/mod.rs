//! What this machine can do when nothing has to survive: mail in over TLS, JSON out over HTTP, no ledger, no second try.
//!
//! One thread reads the server's stream and does nothing else; the others parse, encode and post beside it.

mod imap;
mod payload;
mod post;

use std::{
    process::{Command, Stdio},
    sync::{Mutex, mpsc},
    thread,
};

use anyhow::{Context, Result, anyhow, ensure};

pub use imap::{Imap, Login};
use post::Post;

/// Threads that parse and post. More than these gained nothing on two cores.
const POSTERS: usize = 3;
/// Bytes of mail that are handed over at once, so that a small mail does not cost a wake-up.
const BATCH: usize = 128 << 10;
/// Batches that may wait: what bounds memory.
const WAITING: usize = 2;

/// Mails with their UIDs.
type Batch = Vec<(usize, Vec<u8>)>;

/// Posts all mails of INBOX by one FETCH, then marks them seen by one STORE. Returns how many.
///
/// # Errors
/// When anything fails: nothing is tried twice.
pub fn backlog(login: &Login, url: &str) -> Result<usize> {
    let (sender, receiver) = mpsc::sync_channel::<Batch>(WAITING);
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        let posters: Vec<_> = (0..POSTERS).map(|_| scope.spawn(|| post_all(&receiver, url))).collect();
        let mut imap = Imap::connect(login)?;
        imap.command("SELECT INBOX")?;
        read(&mut imap, sender)?;
        let mut mails = 0;
        for poster in posters {
            mails += poster.join().map_err(|_| anyhow!("a poster panicked"))??;
        }
        imap.command("UID STORE 1:* +FLAGS.SILENT (\\Seen)")?;
        Ok(mails)
    })
}

fn read(imap: &mut Imap, sender: mpsc::SyncSender<Batch>) -> Result<()> {
    let (mut batch, mut bytes) = (Batch::new(), 0);
    let lost = "the posters ended";
    imap.fetch("1:*", |uid, raw| {
        bytes += raw.len();
        batch.push((uid, raw));
        if bytes >= BATCH {
            bytes = 0;
            sender.send(std::mem::take(&mut batch)).context(lost)?;
        }
        Ok(())
    })?;
    sender.send(batch).context(lost)
}

fn post_all(receiver: &Mutex<mpsc::Receiver<Batch>>, url: &str) -> Result<usize> {
    let mut post = Post::connect(url)?;
    let (mut mails, mut body) = (0, Vec::new());
    loop {
        let received = receiver.lock().map_err(|_| anyhow!("a poster panicked"))?.recv();
        let Ok(batch) = received else { return Ok(mails) };
        for (uid, raw) in batch {
            payload::write(uid, &raw, &mut body)?;
            drop(raw);
            post.send(uid, &body)?;
            mails += 1;
        }
    }
}

/// Waits in IDLE for `count` mails, one at a time, and posts each.
///
/// # Errors
/// When anything fails.
pub fn push(login: &Login, url: &str, count: usize) -> Result<usize> {
    let mut imap = Imap::connect(login)?;
    imap.command("SELECT INBOX")?;
    let mut post = Post::connect(url)?;
    let (mut mails, mut next, mut body) = (0, 1, Vec::new());
    while mails < count {
        imap.await_mail(next, |uid, raw| {
            // `n:*` is never empty (RFC 9051 section 6.4.9): it may bring the last mail again.
            if uid >= next {
                payload::write(uid, &raw, &mut body)?;
                post.send(uid, &body)?;
                next = uid + 1;
                mails += 1;
            }
            Ok(())
        })?;
    }
    Ok(mails)
}

/// Starts `/bin/true` `count` times, as many at once as there are cores, and waits for each: no mail at all.
///
/// # Errors
/// When it can't be started or fails.
pub fn spawn(count: usize) -> Result<usize> {
    let threads = thread::available_parallelism()?.get();
    thread::scope(|scope| {
        let starters: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || (thread..count).step_by(threads).try_for_each(|_| start_true())))
            .collect();
        for starter in starters {
            starter.join().map_err(|_| anyhow!("a starter panicked"))??;
        }
        Ok(count)
    })
}

fn start_true() -> Result<()> {
    let status = Command::new("/bin/true")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "/bin/true: {status}");
    Ok(())
}
