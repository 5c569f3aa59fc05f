//! What became of a reply at a server, recipient by recipient, and what that means for the ledger. Pure.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::ledger::{RecipientEnd, ReplyState, Submitted};

/// What became of a reply, or of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DeliveryOutcome {
    /// The server took it; its words.
    Sent(String),
    /// It will not take it.
    Refused(String),
    /// Not as it is: smaller, or without its files.
    Smaller(String),
    /// Not now.
    Later(Deferral),
}

/// Why something waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deferral {
    pub(super) why: String,
    /// How long at the least, where that is known.
    pub(super) waits: Option<Duration>,
    /// Whether an operator has to change something first.
    pub(super) operator: bool,
}

impl DeliveryOutcome {
    /// Tried again in a while.
    pub(super) fn later(why: impl Into<String>) -> Self {
        Self::Later(Deferral {
            why: why.into(),
            waits: None,
            operator: false,
        })
    }
}

/// Each recipient and what became of it; nothing while the server only took the name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DeliveryOutcomes(Vec<(String, Option<DeliveryOutcome>)>);

impl DeliveryOutcomes {
    /// The same for all.
    pub(super) fn all(recipients: &[String], fate: &DeliveryOutcome) -> Self {
        let each = recipients.iter().map(|address| (address.clone(), Some(fate.clone())));
        Self(each.collect())
    }

    /// What the server said to a recipient's name; nothing where it took it.
    pub(super) fn add(&mut self, address: &str, fate: Option<DeliveryOutcome>) {
        self.0.push((address.to_owned(), fate));
    }

    /// Whether the server took nobody's name.
    pub(super) fn nobody(&self) -> bool {
        self.0.iter().all(|(_, fate)| fate.is_some())
    }

    /// The end for those whose names were taken.
    pub(super) fn end(mut self, end: &DeliveryOutcome) -> Self {
        for (_, fate) in &mut self.0 {
            fate.get_or_insert_with(|| end.clone());
        }
        self
    }

    /// Who would get a smaller letter, and why not this one.
    pub(super) fn smaller(&self) -> (Vec<String>, String) {
        let mut why = String::new();
        let mut who = Vec::new();
        for (address, fate) in &self.0 {
            if let Some(DeliveryOutcome::Smaller(said)) = fate {
                who.push(address.clone());
                if why.is_empty() {
                    why.clone_from(said);
                }
            }
        }
        (who, why)
    }

    /// Whether anybody has it.
    pub(super) fn any_sent(&self) -> bool {
        self.0
            .iter()
            .any(|(_, fate)| matches!(fate, Some(DeliveryOutcome::Sent(_))))
    }

    /// The words of what an operator has to change first.
    pub(super) fn operator(&self) -> Option<&str> {
        self.0.iter().find_map(|(_, fate)| match fate {
            Some(DeliveryOutcome::Later(later)) if later.operator => Some(later.why.as_str()),
            _ => None,
        })
    }

    /// How long those who must wait are to be left alone, where that is known.
    pub(super) fn waits(&self) -> Option<Duration> {
        let waits = self.0.iter().filter_map(|(_, fate)| match fate {
            Some(DeliveryOutcome::Later(later)) => later.waits,
            _ => None,
        });
        waits.max()
    }

    /// There is no smaller letter: those who would get one get nothing.
    pub(super) fn refuse_smaller(self) -> Self {
        self.map(|fate| match fate {
            DeliveryOutcome::Smaller(said) => DeliveryOutcome::Refused(said),
            fate => fate,
        })
    }

    /// The smaller letter was not sent now.
    pub(super) fn later_smaller(self, why: &str) -> Self {
        self.map(|fate| match fate {
            DeliveryOutcome::Smaller(_) => DeliveryOutcome::later(why),
            fate => fate,
        })
    }

    /// What is said of all who got it.
    pub(super) fn with_note(self, note: &str) -> Self {
        self.map(|fate| match fate {
            DeliveryOutcome::Sent(said) => DeliveryOutcome::Sent(format!("{said} ({note})")),
            fate => fate,
        })
    }

    /// With what became of some in a second transaction.
    pub(super) fn replaced(mut self, again: Self) -> Self {
        for (address, fate) in again.0 {
            if let Some(place) = self.0.iter_mut().find(|(known, _)| *known == address) {
                place.1 = fate;
            }
        }
        self
    }

    fn map(self, change: impl Fn(DeliveryOutcome) -> DeliveryOutcome) -> Self {
        let each = self.0.into_iter();
        Self(each.map(|(address, fate)| (address, fate.map(&change))).collect())
    }

    /// What the ledger is told. `again` is when those who must wait are tried again; where there is no such time, they are given up.
    pub(super) fn submitted(self, again: Option<DateTime<Utc>>) -> Submitted {
        let given_up = |fate: DeliveryOutcome| match (fate, again) {
            (DeliveryOutcome::Later(later), None) => DeliveryOutcome::Refused(format!("given up: {}", later.why)),
            // How long each waits was asked before; what is told alike counts as one.
            (DeliveryOutcome::Later(later), Some(_)) => DeliveryOutcome::later(later.why),
            (fate, _) => fate,
        };
        let each = self.refuse_smaller().0.into_iter();
        let each = each.map(|(address, fate)| (address, given_up(fate.unwrap_or_else(no_end))));
        let each: Vec<_> = each.collect();
        match each.split_first() {
            Some(((_, first), rest)) if rest.iter().all(|(_, fate)| fate == first) => match (first.clone(), again) {
                (DeliveryOutcome::Sent(said), _) => Submitted::Sent(said),
                (DeliveryOutcome::Later(later), Some(due)) => Submitted::Later { due, detail: later.why },
                (DeliveryOutcome::Refused(said) | DeliveryOutcome::Smaller(said), _) => Submitted::Refused(said),
                (DeliveryOutcome::Later(later), None) => Submitted::Refused(later.why),
            },
            Some(_) => Submitted::Each {
                recipients: each.into_iter().map(end).collect(),
                due: again,
            },
            None => Submitted::Refused("the reply has no recipient".to_owned()),
        }
    }

    /// One fate for a mail that is not tried again for some: sent where anybody got it.
    pub(super) fn into_one(self) -> DeliveryOutcome {
        let mut words = Vec::new();
        let (mut sent, mut waits) = (false, false);
        for (address, fate) in self.0 {
            match fate.unwrap_or_else(no_end) {
                DeliveryOutcome::Sent(said) => {
                    if !std::mem::replace(&mut sent, true) {
                        words.insert(0, said);
                    }
                }
                DeliveryOutcome::Refused(said) | DeliveryOutcome::Smaller(said) => {
                    words.push(format!("refused {address} {said}"))
                }
                DeliveryOutcome::Later(later) => {
                    waits = true;
                    words.push(format!("{address} {}", later.why));
                }
            }
        }
        let words = words.join("; ");
        match (sent, waits) {
            (true, _) => DeliveryOutcome::Sent(words),
            (false, true) => DeliveryOutcome::later(words),
            (false, false) => DeliveryOutcome::Refused(words),
        }
    }
}

/// What is not known is tried again.
fn no_end() -> DeliveryOutcome {
    DeliveryOutcome::later("the server said nothing of its end")
}

fn end((address, fate): (String, DeliveryOutcome)) -> RecipientEnd {
    let (state, said) = match fate {
        DeliveryOutcome::Sent(said) => (ReplyState::Sent, said),
        DeliveryOutcome::Refused(said) | DeliveryOutcome::Smaller(said) => (ReplyState::Refused, said),
        DeliveryOutcome::Later(later) => (ReplyState::Queued, later.why),
    };
    RecipientEnd { address, state, said }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> Option<DeliveryOutcome> {
        Some(DeliveryOutcome::Sent("250 ok".into()))
    }

    fn later() -> Option<DeliveryOutcome> {
        Some(DeliveryOutcome::later("450 busy"))
    }

    fn refused() -> Option<DeliveryOutcome> {
        Some(DeliveryOutcome::Refused("550 who?".into()))
    }

    fn fates(each: &[Option<DeliveryOutcome>]) -> DeliveryOutcomes {
        let named = each.iter().enumerate();
        DeliveryOutcomes(
            named
                .map(|(n, fate)| (format!("r{n}@a.example"), fate.clone()))
                .collect(),
        )
    }

    fn told(each: &[Option<DeliveryOutcome>], due: Option<DateTime<Utc>>) -> String {
        match fates(each).submitted(due) {
            Submitted::Sent(said) => format!("sent {said}"),
            Submitted::Refused(said) => format!("refused {said}"),
            Submitted::Later { detail, .. } => format!("later {detail}"),
            Submitted::Lost { detail, .. } => format!("lost {detail}"),
            Submitted::Each { recipients, due } => {
                let each = recipients
                    .iter()
                    .map(|end| format!("{} {}", end.state.as_str(), end.said));
                format!("{} {}", each.collect::<Vec<_>>().join("; "), due.is_some())
            }
        }
    }

    #[test]
    fn the_ledger_is_told_of_all_or_of_each() {
        let due = DateTime::from_timestamp(1_800_000_000, 0);
        for (each, due, expected) in [
            (&[][..], due, "refused the reply has no recipient"),
            (&[sent(), sent()], due, "sent 250 ok"),
            (&[refused(), refused()], due, "refused 550 who?"),
            (&[later(), later()], due, "later 450 busy"),
            (&[later(), later()], None, "refused given up: 450 busy"),
            (&[sent(), refused()], due, "sent 250 ok; refused 550 who? true"),
            (
                &[sent(), later(), refused()],
                due,
                "sent 250 ok; queued 450 busy; refused 550 who? true",
            ),
            (
                &[sent(), later()],
                None,
                "sent 250 ok; refused given up: 450 busy false",
            ),
            (&[None], due, "later the server said nothing of its end"),
        ] {
            assert_eq!(told(each, due), expected);
        }
    }

    #[test]
    fn the_end_is_theirs_whose_names_were_taken() {
        let taken = fates(&[None, refused(), later()]).end(&DeliveryOutcome::Sent("250 ok".into()));
        assert_eq!(taken, fates(&[sent(), refused(), later()]));
        assert!(fates(&[refused(), later()]).nobody() && !fates(&[None, refused()]).nobody());
    }

    #[test]
    fn a_notice_is_sent_where_anybody_got_it() {
        for (each, fate) in [
            (
                &[refused(), sent(), later()][..],
                DeliveryOutcome::Sent("250 ok; refused r0@a.example 550 who?; r2@a.example 450 busy".into()),
            ),
            (
                &[refused(), later()],
                DeliveryOutcome::later("refused r0@a.example 550 who?; r1@a.example 450 busy"),
            ),
            (
                &[refused()],
                DeliveryOutcome::Refused("refused r0@a.example 550 who?".into()),
            ),
            (&[sent(), sent()], DeliveryOutcome::Sent("250 ok".into())),
        ] {
            assert_eq!(fates(each).into_one(), fate);
        }
    }
}
