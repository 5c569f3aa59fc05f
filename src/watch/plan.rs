//! Which last touches are due, in as few commands as can be. Pure.

use super::uids;
use crate::{
    config::{Fate, Inlet},
    ledger::{Settling, Verdict},
};

/// One touch for many mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Touch<'a> {
    pub(crate) fate: &'a Fate,
    /// The mails, as a command names them.
    pub(crate) set: String,
    /// The same mails.
    pub(crate) uids: Vec<u32>,
}

/// What becomes of a mail that ended so: as the endpoint says that decided. One that has no file any more can't say, so its mail stays.
/// What somebody ignored because of its sender was refused.
pub(crate) fn fate<'a>(inlet: &'a Inlet, mail: &Settling) -> &'a Fate {
    let Some(endpoint) = &mail.endpoint else {
        return match mail.verdict {
            Verdict::Ignored => &inlet.ignored,
            Verdict::Done | Verdict::Failed => &Fate::Keep,
        };
    };
    match (mail.verdict, inlet.settle.get(endpoint)) {
        (Verdict::Done, Some(settle)) => &settle.done,
        (Verdict::Failed, Some(settle)) => &settle.failed,
        (Verdict::Ignored, Some(settle)) => &settle.refused,
        (_, None) => &Fate::Keep,
    }
}

/// The touches for these mails: those that cost nothing first, each mail in exactly one.
pub(crate) fn plan<'a>(due: &[Settling], inlet: &'a Inlet) -> Vec<Touch<'a>> {
    let mut fates: Vec<(&Fate, Vec<u32>)> = Vec::new();
    for mail in due {
        let fate = fate(inlet, mail);
        match fates.iter_mut().find(|(other, _)| *other == fate) {
            Some((_, uids)) => uids.push(mail.place.uid),
            None => fates.push((fate, vec![mail.place.uid])),
        }
    }
    fates.sort_by_key(|(fate, _)| **fate != Fate::Keep);
    let touches = fates.into_iter().flat_map(|(fate, mut uids)| {
        uids.sort_unstable();
        uids.dedup();
        uids::sets(&uids)
            .into_iter()
            .map(move |(set, uids)| Touch { fate, set, uids })
    });
    touches.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        config::{EndpointName, Settle, Watch},
        ledger::Place,
        watch::fakes,
    };

    fn name(name: &str) -> EndpointName {
        EndpointName::new(name).unwrap()
    }

    fn due(list: &[(u32, Verdict)]) -> Vec<Settling> {
        let settling = |&(uid, verdict)| Settling {
            place: Place { uid_validity: 1, uid },
            verdict,
            endpoint: Some(name("test")).filter(|_| verdict != Verdict::Ignored),
        };
        list.iter().map(settling).collect()
    }

    fn inlet(settle: Settle) -> Inlet {
        let endpoint = fakes::endpoint(Watch::Every(std::time::Duration::from_secs(1)));
        fakes::inlet(crate::config::Endpoint { settle, ..endpoint })
    }

    fn settle() -> Settle {
        Settle {
            done: Fate::Move("Processed".into()),
            failed: Fate::Move("Failed".into()),
            ignored: Fate::Keep,
            refused: Fate::Flag,
        }
    }

    #[test]
    fn mails_with_one_fate_go_together() {
        let due = due(&[
            (5, Verdict::Done),
            (3, Verdict::Failed),
            (4, Verdict::Done),
            (9, Verdict::Ignored),
            (1, Verdict::Done),
        ]);
        let touches: Vec<_> = plan(&due, &inlet(settle()))
            .into_iter()
            .map(|t| (t.fate.clone(), t.set))
            .collect();
        let expected = [
            (Fate::Keep, "9"),
            (Fate::Move("Processed".into()), "1,4:5"),
            (Fate::Move("Failed".into()), "3"),
        ];
        assert_eq!(touches, expected.map(|(fate, set)| (fate, set.to_owned())));
        let same = Settle {
            done: Fate::Delete,
            failed: Fate::Delete,
            ignored: Fate::Delete,
            refused: Fate::Delete,
        };
        assert_eq!(plan(&due, &inlet(same)).len(), 1);
        assert!(plan(&[], &inlet(settle())).is_empty());
    }

    #[test]
    fn who_decided_says_what_becomes_of_a_mail() {
        let mut inlet = inlet(settle());
        let second = Settle {
            done: Fate::Flag,
            failed: Fate::Delete,
            ignored: Fate::Mark,
            refused: Fate::Move("Refused".into()),
        };
        inlet.settle.insert(name("second"), second.into());
        inlet.ignored = Fate::Flag;
        for (verdict, endpoint, fate) in [
            (Verdict::Done, Some("test"), Fate::Move("Processed".into())),
            (Verdict::Done, Some("second"), Fate::Flag),
            (Verdict::Failed, Some("second"), Fate::Delete),
            (Verdict::Ignored, None, Fate::Flag),
            (Verdict::Ignored, Some("second"), Fate::Move("Refused".into())),
            (Verdict::Ignored, Some("gone"), Fate::Keep),
            (Verdict::Done, Some("gone"), Fate::Keep),
            (Verdict::Failed, Some("gone"), Fate::Keep),
        ] {
            let mail = Settling {
                place: Place {
                    uid_validity: 1,
                    uid: 1,
                },
                verdict,
                endpoint: endpoint.map(name),
            };
            assert_eq!(*super::fate(&inlet, &mail), fate, "{mail:?}");
        }
    }

    proptest! {
        #[test]
        fn every_mail_is_touched_once(list in prop::collection::btree_map(1u32..100_000, 0u8..3, 0..3_000)) {
            let list: Vec<_> = list.into_iter().map(|(uid, v)| (uid, [Verdict::Done, Verdict::Failed, Verdict::Ignored][v as usize])).collect();
            let inlet = inlet(settle());
            let touches = plan(&due(&list), &inlet);
            let mut touched: Vec<u32> = touches.iter().flat_map(|touch| touch.uids.clone()).collect();
            touched.sort_unstable();
            prop_assert_eq!(touched, list.iter().map(|(uid, _)| *uid).collect::<Vec<_>>());
        }
    }
}
