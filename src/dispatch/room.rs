//! How much room each step of a job needs, and how it gets it: one claim for all that the step can need, made when nothing is held.

use super::result::MAX_DATA;
use crate::{
    budget::{Budget, Holding, Memory},
    config::{OriginalAs, Reply},
};

/// What a job takes while its mail is read: the mail, and beside it the attachment that is being decoded or the body made of it.
pub(super) fn reading(mail: u64) -> u64 {
    mail.saturating_mul(5) / 2
}

/// What a result of so many bytes takes until it is committed: itself, what is made of it (an archive, a text), the letter in base64,
/// and that once more while it is read back. Values of its data take up to twenty times their bytes, and there are few of them.
pub(super) fn result(bytes: u64) -> u64 {
    let data = bytes.min(MAX_DATA as u64);
    bytes.saturating_mul(4).saturating_add(data.saturating_mul(20))
}

/// What a mail takes that goes back with a reply: itself, and what is quoted or attached of it, as it is and in the letter. It counts as if it
/// were read once more, which is done where its text could not be kept.
pub(super) fn original(reply: &Reply, mail: u64) -> u64 {
    if !reply.needs_original() {
        return 0;
    }
    let most = reply.original_limit.min(mail);
    let kept = match reply.original {
        OriginalAs::Nothing | OriginalAs::Quote | OriginalAs::Text => most.saturating_mul(10),
        OriginalAs::Rfc822 => most.saturating_mul(4),
    };
    mail.saturating_mul(7).div_euclid(2).saturating_add(kept)
}

/// What a job may take while its action runs and what comes of that is looked at.
#[derive(Debug)]
pub(super) struct AttemptResources<'a> {
    /// For what comes in.
    pub(super) parked: &'a Budget,
    holding: &'a mut Holding,
    /// What its reply takes beside the result.
    beside: u64,
}

impl<'a> AttemptResources<'a> {
    pub(super) fn new(memory: &'a Memory, holding: &'a mut Holding, beside: u64) -> Self {
        Self {
            parked: &memory.parked,
            holding,
            beside,
        }
    }

    /// Waits for room for a result of so many bytes, and for the reply that it becomes. It is held until the job is committed.
    pub(super) async fn for_result(&mut self, bytes: u64) {
        self.holding.exchange(result(bytes).saturating_add(self.beside)).await;
    }
}
