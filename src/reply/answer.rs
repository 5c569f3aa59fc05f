//! What an SMTP server's answer means for a reply, and when a reply is tried again. Pure.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{trouble::SmtpStage, wire::SmtpReply};
use crate::refusal::{self, Diagnosis, MailHost, Remedy};

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Go on.
    Yes,
    /// Not now: try this again, after so long at the least where that is known.
    Later(Option<Duration>),
    /// Not now: an operator has to change something first.
    Operator,
    /// Not in this form.
    Smaller,
    /// Never.
    Never,
    /// Not now, and the server ends the session (RFC 5321 section 3.8).
    Closing,
    /// Nothing is wrong with the reply: we are not signed in as we should be.
    Unauthorized,
}

/// Judges an answer: a yes by its code, a no by what [`refusal`] makes of it.
pub(super) fn meaning(host: MailHost, stage: SmtpStage, reply: &SmtpReply) -> Meaning {
    match (reply.code, reply.enhanced()) {
        (421, _) => Meaning::Closing,
        (354, _) if stage == SmtpStage::Data => Meaning::Yes,
        // RFC 4954 section 6: sign in, use a stronger way, the credential is wrong, sign in under TLS.
        (530 | 534 | 535 | 538, _) | (550, Some("5.7.30")) => Meaning::Unauthorized,
        (200..300, _) if stage != SmtpStage::Data => Meaning::Yes,
        (400..600, _) => refused(host, stage, reply),
        // An answer to another question: we no longer understand each other.
        _ => Meaning::Closing,
    }
}

fn refused(host: MailHost, stage: SmtpStage, reply: &SmtpReply) -> Meaning {
    let diagnosis = diagnosis(host, stage, reply);
    match diagnosis.remedy {
        Remedy::Wait => Meaning::Later(diagnosis.waits),
        _ if stage == SmtpStage::SignIn => Meaning::Unauthorized,
        Remedy::Operator if is_of_a_mail(stage) => Meaning::Operator,
        Remedy::Smaller => Meaning::Smaller,
        Remedy::Operator | Remedy::Never => Meaning::Never,
    }
}

fn is_of_a_mail(stage: SmtpStage) -> bool {
    matches!(
        stage,
        SmtpStage::Mail | SmtpStage::Recipient | SmtpStage::Data | SmtpStage::Content | SmtpStage::End
    )
}

/// What a refusal means, and what an operator can do about it.
pub(super) fn diagnosis(host: MailHost, stage: SmtpStage, reply: &SmtpReply) -> Diagnosis {
    refusal::smtp(host, stage, reply.code, reply.enhanced(), &reply.lines.join(" "))
}

/// Waits between the first attempts; the last one repeats.
const WAITS: [u64; 6] = [60, 5 * 60, 15 * 60, 30 * 60, 60 * 60, 2 * 60 * 60];
/// How long a reply is tried: as long as Postfix keeps a mail (`maximal_queue_lifetime`).
const LIFE: TimeDelta = TimeDelta::days(5);

/// When a reply is tried again after its `attempt`-th attempt (from 1); `None` when it is given up.
///
/// `waits` is how long the server is to be left alone at the least. `jitter` of 0 to 1 makes a wait up to a tenth longer, so that replies
/// that failed together don't come back together.
pub(super) fn next(
    attempt: u32,
    waits: Option<Duration>,
    made: DateTime<Utc>,
    now: DateTime<Utc>,
    jitter: f64,
) -> Option<DateTime<Utc>> {
    let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let seconds = WAITS.get(place).or(WAITS.last()).copied().unwrap_or(60);
    let wait = Duration::from_secs(seconds).max(waits.unwrap_or_default());
    let wait = wait.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0);
    let due = now + TimeDelta::from_std(wait).unwrap_or(LIFE);
    (due <= made + LIFE).then_some(due)
}

/// Whether a reply has been tried for as long as any is.
pub(super) fn is_over(made: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - made >= LIFE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reply(text: &str) -> SmtpReply {
        let (code, text) = text.split_once(' ').unwrap();
        SmtpReply {
            code: code.parse().unwrap(),
            lines: vec![text.to_owned()],
        }
    }

    #[test]
    fn meanings() {
        use Meaning::{Closing, Never, Operator, Smaller, Unauthorized, Yes};
        const LATER: Meaning = Meaning::Later(None);
        for (stage, text, expected) in [
            (SmtpStage::Mail, "250 2.1.0 Ok", Yes),
            (SmtpStage::Recipient, "251 forwarded", Yes),
            (SmtpStage::Data, "354 go", Yes),
            (SmtpStage::Data, "250 what?", Closing),
            (SmtpStage::End, "250 2.0.0 Ok: queued as 4F2", Yes),
            (SmtpStage::End, "354 what?", Closing),
            (SmtpStage::SignIn, "235 2.7.0 Authentication successful", Yes),
            (SmtpStage::SignIn, "535 5.7.3 Authentication unsuccessful", Unauthorized),
            (
                SmtpStage::SignIn,
                "535 5.7.139 SmtpClientAuthentication is disabled for the Tenant",
                Unauthorized,
            ),
            (SmtpStage::SignIn, "501 5.5.2 Cannot decode", Unauthorized),
            (SmtpStage::SignIn, "454 4.7.0 Temporary authentication failure", LATER),
            (
                SmtpStage::Mail,
                "530 5.7.57 Client not authenticated to send mail",
                Unauthorized,
            ),
            (
                SmtpStage::Mail,
                "550 5.7.30 Basic authentication is not supported for Client Submission",
                Unauthorized,
            ),
            (SmtpStage::Mail, "550 5.5.0 throttled", LATER),
            (SmtpStage::End, "550 5.5.0 throttled", LATER),
            (SmtpStage::Recipient, "550 5.5.0 mailbox unavailable", Never),
            (SmtpStage::Recipient, "550 5.1.1 no such user", Never),
            (SmtpStage::Recipient, "450 4.2.1 busy", LATER),
            (SmtpStage::Recipient, "452 4.5.3 too many", LATER),
            (SmtpStage::Mail, "421 4.3.2 closing", Closing),
            (
                SmtpStage::End,
                "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
                LATER,
            ),
            (SmtpStage::End, "451 4.7.1 later", LATER),
            (SmtpStage::End, "552 5.3.4 too large", Smaller),
            (SmtpStage::End, "554 5.7.1 spam", Never),
            (SmtpStage::Recipient, "554 5.7.1 Relay access denied", Operator),
            (SmtpStage::Greeting, "554 5.7.1 Relay access denied", Never),
            (SmtpStage::Mail, "300 what?", Closing),
        ] {
            let found = match meaning(MailHost::Exchange, stage, &reply(text)) {
                Meaning::Later(_) => LATER,
                other => other,
            };
            assert_eq!(found, expected, "{stage} {text}");
        }
    }

    #[test]
    fn the_schedule() {
        let made = DateTime::parse_from_rfc3339("2026-11-22T10:00:00Z").unwrap().to_utc();
        let mut now = made;
        let mut waits = Vec::new();
        let mut attempt = 1;
        while let Some(due) = next(attempt, None, made, now, 0.0) {
            waits.push((due - now).num_minutes());
            now = due;
            attempt += 1;
        }
        assert_eq!(waits.get(..7), Some(&[1, 5, 15, 30, 60, 120, 120][..]));
        assert!(waits.iter().skip(5).all(|&wait| wait == 120));
        assert!(
            now - made > TimeDelta::hours(117) && now - made <= LIFE,
            "{}",
            now - made
        );
    }

    proptest! {
        #[test]
        fn a_wait_is_never_short_and_never_beyond_the_end(attempt in any::<u32>(), waits in any::<bool>(), age in 0i64..1_000_000, jitter in any::<f64>()) {
            let made = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
            let now = made + TimeDelta::seconds(age);
            if let Some(due) = next(attempt, waits.then_some(Duration::from_secs(7200)), made, now, jitter) {
                prop_assert!(due >= now + TimeDelta::seconds(60) && due <= made + LIFE);
            }
        }
    }
}
