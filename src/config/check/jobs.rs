//! How one mail becomes jobs.

use crate::config::{Jobs, PartReply, Partial, Per, table::Table, value::choice};

/// Reads `[jobs]`.
pub(super) fn jobs(table: &mut Table<'_>) -> Option<Jobs> {
    let usual = Jobs::default();
    let per = [("mail", Per::Mail), ("attachment", Per::Attachment)];
    let reply = [("each", PartReply::Each), ("combined", PartReply::Combined)];
    let partial = [("failed", Partial::Failed), ("done", Partial::Done)];
    Some(Jobs {
        per: table.or("per", usual.per, choice(&per)),
        reply: table.or("reply", usual.reply, choice(&reply)),
        partial: table.or("partial", usual.partial, choice(&partial)),
    })
}
