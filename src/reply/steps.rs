//! What an answer means for the session, and for the reply that is on its way. Pure.

use std::time::Duration;

use super::{
    answer::{Meaning, SmtpReply, diagnosis, meaning},
    fates::{Deferral, DeliveryOutcome},
    trouble::{SmtpError, SmtpStage},
};
use crate::refusal::MailHost;

/// How long what an operator has to change is left alone.
const AN_OPERATOR: Duration = Duration::from_secs(30 * 60);

/// A step of the session itself: anything but a yes ends it.
pub(super) fn expect(host: MailHost, stage: SmtpStage, reply: SmtpReply) -> Result<(), SmtpError> {
    match meaning(host, stage, &reply) {
        Meaning::Yes => Ok(()),
        Meaning::Unauthorized => Err(unauthorized(stage, host, reply)),
        Meaning::Later(_) | Meaning::Operator | Meaning::Smaller | Meaning::Never | Meaning::Closing => {
            Err(SmtpError::Closing { stage, host, reply })
        }
    }
}

/// A step of one reply: `None` to go on, or its fate; or the end of the session.
pub(super) fn ended(host: MailHost, stage: SmtpStage, reply: SmtpReply) -> Result<Option<DeliveryOutcome>, SmtpError> {
    match meaning(host, stage, &reply) {
        Meaning::Yes => Ok(None),
        Meaning::Later(waits) => Ok(Some(DeliveryOutcome::Later(Deferral {
            why: format!("{stage}: {reply}"),
            waits,
            operator: false,
        }))),
        Meaning::Operator => Ok(Some(DeliveryOutcome::Later(Deferral {
            why: format!("{stage}: {reply}; {}", diagnosis(host, stage, &reply).cure),
            waits: Some(AN_OPERATOR),
            operator: true,
        }))),
        Meaning::Smaller => Ok(Some(DeliveryOutcome::Smaller(format!("{stage}: {reply}")))),
        Meaning::Never => Ok(Some(DeliveryOutcome::Refused(format!("{stage}: {reply}")))),
        Meaning::Closing => Err(SmtpError::Closing { stage, host, reply }),
        Meaning::Unauthorized => Err(unauthorized(stage, host, reply)),
    }
}

fn unauthorized(stage: SmtpStage, host: MailHost, reply: SmtpReply) -> SmtpError {
    SmtpError::Unauthorized {
        stage,
        host,
        reply,
        judged: true,
    }
}
