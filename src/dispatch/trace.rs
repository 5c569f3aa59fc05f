//! What is remembered of a mail that is meant, for the operator. Pure; nothing secret is among it.

use super::work::Work;
use crate::job::{Accepted, Decision};

/// What is remembered of a mail that is meant.
pub(super) fn decision(work: &Work<'_>, answers: Option<&Accepted>) -> Decision {
    let sender = match &work.sender.address {
        Ok(address) => address.clone(),
        Err(odd) => odd.why().to_owned(),
    };
    let names = work.attachments.iter().map(|file| file.safe_name.clone());
    Decision {
        sender,
        proofs: work
            .sender
            .evidence
            .proofs
            .iter()
            .map(|proof| proof.name().to_owned())
            .collect(),
        attachments: names.take(Decision::NAMES).collect(),
        attachment_count: work.attachments.len(),
        answers: answers.map(|answers| answers.job),
    }
}
