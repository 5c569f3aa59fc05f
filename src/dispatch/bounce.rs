//! Bounces of our own replies: they become no work, the reply is known to have come back, and the operator is told.

use super::{Dispatch, later};
use crate::{
    job::{JobScope, Outcome, Reason, token},
    ledger::{Bounced, ClaimedJob},
    message::{Head, Mail, bounce},
};

/// Said of a bounce that says nothing.
const NOTHING: &str = "it came back, and the bounce doesn't say why";

/// Ends the job of a mail that says that a reply of ours could not be delivered. A forged one comes to the same, and does no more.
///
/// # Errors
/// With what becomes of such a job, or where the ledger could not be asked.
pub(super) async fn refuse(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    raw: &[u8],
    mail: &Mail<'_>,
    head: &Head,
) -> Result<(), Outcome> {
    // A part is of a mail that was looked at before it was split.
    if matches!(job.share, JobScope::Part(_)) || !bounce::hinted(raw) {
        return Ok(());
    }
    let Some(bounce) = bounce::read(mail, head) else {
        return Ok(());
    };
    let replies = bounce.ids.into_iter();
    let replies: Vec<_> = replies.filter_map(|id| Some((token::named_by(&id)?, id))).collect();
    if replies.is_empty() {
        return Ok(());
    }
    let said = Some(bounce.said).filter(|said| !said.is_empty());
    let said = said.unwrap_or_else(|| NOTHING.to_owned());
    let known = dispatch.ledger.bounced(Bounced {
        replies,
        recipients: bounce.recipients,
        said: said.clone(),
    });
    match known.await {
        Ok(None) => Ok(()),
        Ok(Some(reply)) => {
            let endpoint = &dispatch.endpoint.name;
            tracing::warn!(%endpoint, job = %reply, said, "a reply came back");
            Err(Outcome::Ignored {
                reason: Reason::Bounced,
                detail: format!("the reply of job {reply} came back: {said}"),
            })
        }
        Err(error) => Err(later(
            Reason::Local,
            format!("the ledger could not be asked of which reply it is a bounce: {error}"),
        )),
    }
}
