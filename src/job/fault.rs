//! Whose mistake it is that an attempt came to nothing, and what follows from that: one rule for every [`Reason`]. Pure.

use super::Reason;
use crate::refusal;

/// Whose mistake it is, or who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The mail's, or its sender's: another attempt changes nothing.
    Mail,
    /// The webhook's or the command's: it may work later.
    Action,
    /// The operator's: a setting, a secret, a program, a certificate. He is told, and no sender hears of it.
    Operator,
    /// This machine's, which has no more room, open files or memory for us.
    Machine,
    /// Nobody's: it is not the job's turn.
    Turn,
    /// Somebody decided so, or a bug of ours: a person looks.
    Person,
}

impl Blame {
    /// Whether a job that comes back for it has had one of its attempts. Nobody tried who waited for his turn, for the operator, or for room on
    /// our own disk.
    #[must_use]
    pub const fn is_attempt(self) -> bool {
        match self {
            Self::Operator | Self::Machine | Self::Turn => false,
            Self::Mail | Self::Action | Self::Person => true,
        }
    }

    /// Whether it ends by a person's hand on this machine or at the webhook, and a job that waits for it is to go on as soon as that is seen.
    #[must_use]
    pub const fn is_mended(self) -> bool {
        matches!(self, Self::Operator | Self::Machine)
    }
}

impl Reason {
    /// Those that only the operator can end. Jobs wait for him, however long, and no sender hears of it.
    pub fn operators() -> impl Iterator<Item = Self> {
        let statuses = refusal::OPERATORS.iter().map(|status| Self::Status(*status));
        let others = [Self::Tls, Self::Proxy, Self::PrivateNetwork, Self::Spawn, Self::Secret];
        statuses.chain(others)
    }

    /// Those that a person or more room ends: [`Blame::is_mended`].
    pub fn mended() -> impl Iterator<Item = Self> {
        Self::operators().chain([Self::Local])
    }

    /// Whose mistake it is.
    #[must_use]
    pub fn fault(self) -> Blame {
        match self {
            Self::Status(status) if refusal::OPERATORS.contains(&status) => Blame::Operator,
            Self::Tls | Self::Proxy | Self::PrivateNetwork | Self::Spawn | Self::Secret => Blame::Operator,
            Self::Local => Blame::Machine,
            Self::Rate | Self::Down => Blame::Turn,
            Self::Status(_)
            | Self::Network
            | Self::Timeout
            | Self::BadAnswer
            | Self::Exit(_)
            | Self::Signal(_)
            | Self::Oversize
            | Self::Exhausted => Blame::Action,
            Self::From
            | Self::To
            | Self::Subject
            | Self::Attachments
            | Self::Size
            | Self::Automatic
            | Self::TooLarge
            | Self::Unreadable
            | Self::Slow
            | Self::Encrypted
            | Self::Sender
            | Self::Untrusted
            | Self::Input
            | Self::Part
            | Self::Conversation
            | Self::Bounced => Blame::Mail,
            Self::Panicked | Self::Gone | Self::Discarded | Self::Poison => Blame::Person,
        }
    }

    /// Whether a job that comes back for it has had one of its attempts.
    #[must_use]
    pub fn is_attempt(self) -> bool {
        self.fault().is_attempt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_mistake_whether_it_counts_and_whether_it_waits_for_a_person() {
        use Blame::{Action, Machine, Mail, Operator, Person, Turn};
        for (reasons, fault, counts, is_mended) in [
            (
                // A wrong or ended key, a wrong address, a proxy that wants a sign-in, the wrong host, the wrong protocol.
                &[401, 402, 403, 404, 405, 407, 421, 426].map(Reason::Status)[..],
                Operator,
                false,
                true,
            ),
            (
                &[Reason::Spawn, Reason::Secret, Reason::Tls, Reason::PrivateNetwork],
                Operator,
                false,
                true,
            ),
            (&[Reason::Local], Machine, false, true),
            (&[Reason::Rate, Reason::Down], Turn, false, false),
            (
                &[400, 408, 409, 410, 413, 422, 425, 429, 500, 502, 503].map(Reason::Status),
                Action,
                true,
                false,
            ),
            (
                &[Reason::Network, Reason::Timeout, Reason::Exit(75), Reason::Signal(9)],
                Action,
                true,
                false,
            ),
            (&[Reason::Unreadable, Reason::Input, Reason::Sender], Mail, true, false),
            (&[Reason::Panicked, Reason::Poison], Person, true, false),
        ] {
            for reason in reasons {
                assert_eq!(reason.fault(), fault, "{reason:?}");
                assert_eq!(
                    (reason.is_attempt(), reason.fault().is_mended()),
                    (counts, is_mended),
                    "{reason:?}"
                );
            }
        }
    }

    #[test]
    fn the_lists_of_reasons_say_what_the_rule_says() {
        let is = |fault: Blame| move |reason: Reason| reason.fault() == fault;
        assert!(Reason::operators().all(is(Blame::Operator)));
        assert!(Reason::mended().all(|reason| reason.fault().is_mended()));
        let statuses = (100..1_000).map(Reason::Status);
        let operators: Vec<_> = Reason::operators().collect();
        for reason in statuses.filter(|reason| reason.fault() == Blame::Operator) {
            assert!(operators.contains(&reason), "{reason:?}");
        }
    }
}
