//! Runs mail-parser where a hostile mail can do little harm: on a thread for reading, within limits, for a limited time.
//!
//! What costs more than it may is noticed before it is parsed where a linear look at the bytes can tell, else by mail-parser's
//! own limits, else by the clock, which runs from when the thread begins: a queue is no mail's fault. A thread that overran its time can't
//! be stopped: it is given up, and the number of threads that read at once is bounded, so that even a mail that never ends costs one thread
//! and not the process.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use mail_parser::{Message, MessageParser, MessagePart, PartFlags};

use super::{Mail, repair::repaired, sealed::signed_content};
use crate::{
    config::Limits,
    threads::{NoThread, Threads, Unfinished},
};

/// Why a mail can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is over a limit.
    #[error("the mail has more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// It is no mail: neither a header nor text.
    #[error("the mail has neither a header nor text")]
    Malformed,
    /// Reading took too long; the thread was given up.
    #[error("reading the mail took longer than {0:?}")]
    Slow(Duration),
    /// Reading panicked.
    #[error("reading the mail panicked")]
    Panicked,
    /// No thread read it in time: all are at work, or stuck, with other mails. This one is not to blame.
    #[error("all {READERS} threads that read mails are at work with others; where that lasts, restart the process")]
    Busy,
    /// There is no thread for it.
    #[error(transparent)]
    NoThread(#[from] NoThread),
}

/// Mails read at once in the process, with those whose thread was given up.
const READERS: usize = 64;

/// Bytes of a mail's header, ten times what Postfix lets through (`header_size_limit`): each may cost ten times itself when parsed.
const MAX_HEADER: usize = 1 << 20;

/// Reads mails, and hashes them where senders are verified.
pub static READING: Threads = Threads::new("reading", READERS);

/// Reads a mail and returns what `f` makes of it. `f` runs on the same thread and within the same time.
///
/// # Errors
/// When the mail is over a limit, is no mail, or when reading it or `f` overruns its time or panics.
pub async fn read<T, F>(raw: Bytes, limits: Limits, f: F) -> Result<T, Unreadable>
where
    T: Send + 'static,
    F: FnOnce(&Mail<'_>) -> T + Send + 'static,
{
    let reader = Arc::<Reader>::default();
    reader.visit(raw, limits, |mail| ready(f(mail)).boxed()).await
}

/// Reads mails, and counts what that costs.
#[derive(Debug, Default)]
pub struct Reader {
    parsed: AtomicU64,
    turns: AtomicU64,
}

impl Reader {
    /// How many mails were parsed so far.
    #[must_use]
    pub fn parsed(&self) -> u64 {
        self.parsed.load(Ordering::Relaxed)
    }

    /// How often a thread that reads was taken so far.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// Reads a mail once for all that `f` does with it. `f` runs on threads that read, and holds none while it waits for something else; a
    /// turn may take as long as a mail may be read.
    ///
    /// # Errors
    /// When the mail is over a limit, is no mail, or when reading it or a turn of `f` overruns its time or panics.
    pub async fn visit<T, F>(self: &Arc<Self>, raw: Bytes, limits: Limits, f: F) -> Result<T, Unreadable>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a Mail<'a>) -> BoxFuture<'a, T> + Send + 'static,
    {
        let reader = self.clone();
        let visit = async move { reader.within(&raw, &limits, f).await };
        let turn = || {
            self.turns.fetch_add(1, Ordering::Relaxed);
        };
        match READING.poll(limits.time, turn, visit).await {
            Ok(read) => read,
            Err(Unfinished::Busy) => Err(Unreadable::Busy),
            Err(Unfinished::Panicked) => Err(Unreadable::Panicked),
            Err(Unfinished::NoThread(error)) => Err(error.into()),
            Err(Unfinished::Slow) => {
                let busy = READERS - READING.free();
                tracing::error!(busy, readers = READERS, "a thread that reads a mail was given up");
                Err(Unreadable::Slow(limits.time))
            }
        }
    }

    async fn within<T>(
        &self,
        raw: &[u8],
        limits: &Limits,
        f: impl for<'a> FnOnce(&'a Mail<'a>) -> BoxFuture<'a, T>,
    ) -> Result<T, Unreadable> {
        look(raw, limits)?;
        self.parsed.fetch_add(1, Ordering::Relaxed);
        let mended = repaired(raw);
        let outer = parse_looked_at(mended.as_deref().unwrap_or(raw), limits)?;
        let content = outer.as_ref().map(|outer| opened(outer, limits)).transpose()?.flatten();
        let inner = content
            .as_deref()
            .map(|content| parse(content, limits))
            .transpose()?
            .flatten();
        let mail = Mail::new(raw, outer, inner).ok_or(Unreadable::Malformed)?;
        at_most(mail.attachment_count(), limits.attachments, "attachments")?;
        let made = f(&mail).await;
        Ok(made)
    }
}

/// Signatures around signatures that are opened.
const LAYERS: usize = 3;

/// The mail that a mail's signature is wrapped around, within the same limits; `None` when it isn't.
fn opened(outer: &Message<'_>, limits: &Limits) -> Result<Option<Vec<u8>>, Unreadable> {
    let mut content = signed_content(outer);
    for _ in 1..LAYERS {
        let Some(bytes) = &content else { break };
        match parse(bytes, limits)?.as_ref().and_then(signed_content) {
            Some(inner) => content = Some(inner),
            None => break,
        }
    }
    Ok(content)
}

/// What a linear look at the bytes can tell.
fn look(raw: &[u8], limits: &Limits) -> Result<(), Unreadable> {
    let size = usize::try_from(limits.size).unwrap_or(usize::MAX);
    at_most(raw.len(), size, "bytes")?;
    let (mut bytes, mut fields) = (0, 0);
    for line in raw.split(|&byte| byte == b'\n') {
        if matches!(line, [] | [b'\r']) {
            break;
        }
        bytes += line.len();
        fields += usize::from(!matches!(line, [b' ' | b'\t', ..]));
        at_most(bytes, MAX_HEADER, "bytes of header")?;
        at_most(fields, limits.headers, "header fields")?;
    }
    Ok(())
}

/// What is inside of a signature, as far in as it may be: each is looked at before it is parsed.
fn parse<'a>(raw: &'a [u8], limits: &Limits) -> Result<Option<Message<'a>>, Unreadable> {
    look(raw, limits)?;
    parse_looked_at(raw, limits)
}

/// `None` for bytes with neither header nor blank line.
fn parse_looked_at<'a>(raw: &'a [u8], limits: &Limits) -> Result<Option<Message<'a>>, Unreadable> {
    let parser = MessageParser::new()
        .max_depth(limits.depth)
        .max_parts(limits.parts.saturating_add(1));
    let Some(message) = parser.parse(raw) else {
        return Ok(None);
    };
    at_most(message.parts().len(), limits.parts, "parts")?;
    let cut = |part: MessagePart<'_>| part.flags().contains(PartFlags::LIMIT_REACHED);
    if message.parts().any(cut) {
        return Err(too_large("levels of nesting", limits.depth));
    }
    Ok(Some(message))
}

fn at_most(count: usize, limit: usize, what: &'static str) -> Result<(), Unreadable> {
    if count > limit {
        return Err(too_large(what, limit));
    }
    Ok(())
}

fn too_large(what: &'static str, limit: usize) -> Unreadable {
    let limit = limit as u64;
    Unreadable::TooLarge { what, limit }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
