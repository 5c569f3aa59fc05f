//! What a webhook's status means that says no. Pure.
//!
//! A status by which nobody has looked at the mail (401, 404, …) is the operator's: its sender can't help it, and the next mail gets the same.
//! Redirects stay final: forms answer a POST that they did with 302 or 303, and it must not be done again.

use super::{Diagnosis, Remedy, row};

/// The statuses that only the operator can end. Jobs wait for him.
pub const OPERATORS: &[u16] = &[401, 402, 403, 404, 405, 407, 421, 426];

/// What a status other than 2xx means.
#[must_use]
pub fn webhook(status: u16) -> Diagnosis {
    match status {
        401 => row(
            "it rejected our credentials",
            "check secrets and headers in [webhook], and the key at the webhook",
        ),
        402 => row("it wants to be paid", "renew its plan or raise its quota"),
        403 => row(
            "it knows us and refuses",
            "have it let us in: its access rules, a firewall before it, and the key in headers of [webhook]",
        ),
        404 => row(
            "nothing is there",
            "check the path in url of [webhook], and whether the service is deployed",
        ),
        405 => row("it takes no POST there", "check url in [webhook]"),
        407 => row(
            "a proxy before it wants a sign-in",
            "give url in [webhook] a way around the proxy",
        ),
        421 => row(
            "that server is not the one for this host",
            "check the host in url of [webhook]",
        ),
        426 => row("it wants another protocol", "check url in [webhook], https above all"),
        408 | 425 | 429 | 500..=599 => row("it can't now", "it is tried again").by(Remedy::Wait),
        // Whoever runs it said that it is no more. The endpoint is paused.
        410 => row("it is no more", "correct url in [webhook]").by(Remedy::Wait),
        413 => row(
            "the mail is larger than it takes",
            "set max_size in [when], or have it take more",
        )
        .by(Remedy::Smaller),
        300..=399 => row(
            "redirects are not followed",
            "set the final address in url of [webhook]",
        )
        .by(Remedy::Never),
        _ => row("it refuses this mail", "see what it says").by(Remedy::Never),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_must_act() {
        for status in 100..1_000 {
            let remedy = match status {
                401 | 402 | 403 | 404 | 405 | 407 | 421 | 426 => Remedy::Operator,
                408 | 410 | 425 | 429 | 500..=599 => Remedy::Wait,
                413 => Remedy::Smaller,
                _ => Remedy::Never,
            };
            assert_eq!(webhook(status).remedy, remedy, "{status}");
            assert_eq!(OPERATORS.contains(&status), remedy == Remedy::Operator, "{status}");
        }
    }
}
