//! Whether a sender may. Pure.

use super::trust::Sender;
use crate::config::{Proof, Senders};

/// Why a mail is refused, with a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The sender is not among those who may.
    Sender(String),
    /// That the mail is its sender's is not shown.
    Untrusted(String),
}

/// Judges a sender; where nothing is asked of senders, anybody may.
///
/// # Errors
/// Why the mail is refused.
pub fn judge(senders: &Senders, sender: &Sender) -> Result<(), Rejection> {
    if !senders.are_judged() {
        return Ok(());
    }
    if let Err(odd) = sender.address {
        return Err(Rejection::Untrusted(odd.why().to_owned()));
    }
    let Some(address) = sender.normal() else {
        return Err(Rejection::Untrusted("From's domain is none".to_owned()));
    };
    if senders.deny.iter().any(|who| who.has(&address)) {
        return Err(Rejection::Sender(format!("deny has {address:?}")));
    }
    if !senders.allow.is_empty() && !senders.allow.iter().any(|who| who.has(&address)) {
        return Err(Rejection::Sender(format!("allow does not have {address:?}")));
    }
    match senders.require {
        Some(proof) if !sender.evidence.proofs.contains(&proof) => Err(Rejection::Untrusted(unproven(proof, sender))),
        _ => Ok(()),
    }
}

fn unproven(proof: Proof, sender: &Sender) -> String {
    let evidence = &sender.evidence;
    let result = match proof {
        Proof::Dmarc => &evidence.dmarc,
        Proof::Dkim => &evidence.dkim,
        Proof::Spf => &evidence.spf,
    };
    let name = proof.name();
    match result.as_deref() {
        None => format!("{name} is asked for, and no believed server says anything of it"),
        Some("pass") => format!("{name} is asked for, and it passed for another domain than From's"),
        Some(result) => format!("{name} is asked for, and it is {result:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::SenderList,
        message::{identity::InvalidFrom, trust::Evidence},
    };

    fn sender(address: &str, proofs: &[Proof]) -> Sender {
        Sender {
            address: Ok(address.to_owned()),
            evidence: Evidence {
                proofs: proofs.to_vec(),
                ..Evidence::default()
            },
        }
    }

    #[test]
    fn deny_wins_and_nobody_is_nobody() {
        let senders = Senders {
            allow: vec![
                SenderList::Domain("a.example".into()),
                SenderList::Below("a.example".into()),
            ],
            deny: vec![SenderList::Address("bob@a.example".into())],
            ..Senders::default()
        };
        for (address, may) in [
            ("ann@a.example", true),
            ("Ann@A.Example", true),
            ("ann@b.a.example", true),
            ("Bob@a.example", false),
            ("ann@b.example", false),
            ("ann@aa.example", false),
        ] {
            assert_eq!(judge(&senders, &sender(address, &[])).is_ok(), may, "{address}");
        }
        let nobody = Sender {
            address: Err(InvalidFrom::Fields),
            ..sender("", &[Proof::Dmarc])
        };
        assert!(matches!(judge(&senders, &nobody), Err(Rejection::Untrusted(_))));
        assert_eq!(judge(&Senders::default(), &nobody), Ok(()));
    }

    #[test]
    fn what_is_asked_for_must_be_shown() {
        for asked in [Proof::Dmarc, Proof::Dkim, Proof::Spf] {
            let senders = Senders {
                require: Some(asked),
                ..Senders::default()
            };
            for shown in [Proof::Dmarc, Proof::Dkim, Proof::Spf] {
                let judged = judge(&senders, &sender("ann@a.example", &[shown]));
                assert_eq!(judged.is_ok(), asked == shown, "{asked:?} {shown:?}");
            }
        }
    }
}
