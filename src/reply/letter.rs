//! A letter on its way out. A small one is in memory; a large one stays in the ledger, and is read from there piece by piece at the pace of
//! the server that takes it: however many servers take their time, each costs a piece.

use std::{io, sync::Arc};

use bytes::Bytes;

use super::{Outbox, inspect::CrlfWatch, plainer::plainer};
use crate::{
    budget::Budget,
    job::JobId,
    ledger::{ClaimedReply, Ledger},
};

/// What is known of a letter before a byte is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MessageFacts {
    /// Bytes.
    pub(super) size: u64,
    /// Whether no byte is above 127.
    pub(super) is_ascii: bool,
    /// Whether each CR has its LF and each LF its CR.
    pub(super) has_only_crlf: bool,
}

/// A letter's bytes, wherever they are.
pub(super) enum ReplyContent {
    /// In memory.
    Here(Bytes, MessageFacts),
    /// In the ledger, under this job.
    Stored {
        ledger: Arc<dyn Ledger>,
        work: Budget,
        job: JobId,
        facts: MessageFacts,
    },
}

impl ReplyContent {
    /// One that is in memory.
    pub(super) fn here(bytes: Bytes) -> Self {
        let mut look = MessageScanner::default();
        look.at(&bytes);
        let facts = look.facts();
        Self::Here(bytes, facts)
    }

    /// That of a claimed reply. One that is in the ledger is read through once.
    ///
    /// # Errors
    /// When the ledger fails.
    pub(super) async fn of(claimed: &ClaimedReply, outbox: &Outbox) -> io::Result<Self> {
        if claimed.stored == 0 {
            return Ok(Self::here(claimed.reply.bytes.clone()));
        }
        let (ledger, job) = (outbox.ledger.clone(), claimed.job);
        let mut look = MessageScanner::default();
        loop {
            let piece = read(ledger.as_ref(), job, look.size).await?;
            if piece.is_empty() {
                break;
            }
            look.at(&piece);
        }
        Ok(Self::Stored {
            ledger,
            work: outbox.work.clone(),
            job,
            facts: look.facts(),
        })
    }

    pub(super) fn facts(&self) -> MessageFacts {
        match self {
            Self::Here(_, facts) | Self::Stored { facts, .. } => *facts,
        }
    }

    /// What stands from here on, as much as is at hand; nothing at the end.
    ///
    /// # Errors
    /// When the ledger fails.
    pub(super) async fn piece(&self, from: u64) -> io::Result<Bytes> {
        match self {
            Self::Here(bytes, _) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(from..))
            }
            Self::Stored { ledger, job, .. } => read(ledger.as_ref(), *job, from).await,
        }
    }

    /// The letter without its files; `None` where it has none, or none can be made. It is read as a whole, once there is room.
    ///
    /// # Errors
    /// When the ledger fails.
    pub(super) async fn plainer(&self) -> io::Result<Option<Bytes>> {
        let MessageFacts { size, .. } = self.facts();
        let _room = match self {
            Self::Here(..) => None,
            Self::Stored { work, .. } => work.take(size.saturating_mul(2)).await,
        };
        let mut whole = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        loop {
            let piece = self.piece(whole.len() as u64).await?;
            if piece.is_empty() {
                break;
            }
            whole.extend_from_slice(&piece);
        }
        let plainer = tokio::task::spawn_blocking(move || plainer(&whole)).await;
        plainer.map_err(io::Error::other)
    }
}

async fn read(ledger: &dyn Ledger, job: JobId, from: u64) -> io::Result<Bytes> {
    let piece = ledger.letter(job, from).await;
    piece.map_err(|error| io::Error::other(format!("the letter can't be read from the ledger: {error}")))
}

/// A look at a letter, piece by piece.
struct MessageScanner {
    size: u64,
    is_ascii: bool,
    ends: CrlfWatch,
}

impl Default for MessageScanner {
    fn default() -> Self {
        Self {
            size: 0,
            is_ascii: true,
            ends: CrlfWatch::default(),
        }
    }
}

impl MessageScanner {
    fn at(&mut self, piece: &[u8]) {
        self.size += piece.len() as u64;
        self.is_ascii &= piece.is_ascii();
        self.ends.at(piece);
    }

    fn facts(&self) -> MessageFacts {
        MessageFacts {
            size: self.size,
            is_ascii: self.is_ascii,
            has_only_crlf: self.ends.has_only_crlf(),
        }
    }
}
