//! Which last touches are due, in as few commands as can be. Pure.

use super::uids;
use crate::{
    config::{SettleAction, WatchPlan},
    ledger::{MailOutcome, Settling},
};

/// One touch for many mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TouchBatch<'a> {
    pub(crate) fate: &'a SettleAction,
    /// The mails, as a command names them.
    pub(crate) set: String,
    /// The same mails.
    pub(crate) uids: Vec<u32>,
}

/// What becomes of a mail that ended so: as the endpoint says that decided. One that has no file any more can't say, so its mail stays.
/// What somebody ignored because of its sender was refused.
pub(crate) fn fate<'a>(inlet: &'a WatchPlan, mail: &Settling) -> &'a SettleAction {
    let Some(endpoint) = &mail.endpoint else {
        return match mail.verdict {
            MailOutcome::Ignored => &inlet.ignored,
            MailOutcome::Done | MailOutcome::Failed => &SettleAction::Keep,
        };
    };
    match (mail.verdict, inlet.settle.get(endpoint)) {
        (MailOutcome::Done, Some(settle)) => &settle.done,
        (MailOutcome::Failed, Some(settle)) => &settle.failed,
        (MailOutcome::Ignored, Some(settle)) => &settle.refused,
        (_, None) => &SettleAction::Keep,
    }
}

/// The touches for these mails: those that cost nothing first, each mail in exactly one.
pub(crate) fn plan<'a>(due: &[Settling], inlet: &'a WatchPlan) -> Vec<TouchBatch<'a>> {
    let mut fates: Vec<(&SettleAction, Vec<u32>)> = Vec::new();
    for mail in due {
        let fate = fate(inlet, mail);
        match fates.iter_mut().find(|(other, _)| *other == fate) {
            Some((_, uids)) => uids.push(mail.place.uid),
            None => fates.push((fate, vec![mail.place.uid])),
        }
    }
    fates.sort_by_key(|(fate, _)| **fate != SettleAction::Keep);
    let touches = fates.into_iter().flat_map(|(fate, mut uids)| {
        uids.sort_unstable();
        uids.dedup();
        uids::sets(&uids)
            .into_iter()
            .map(move |(set, uids)| TouchBatch { fate, set, uids })
    });
    touches.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        config::{EndpointName, Settle, WatchMode},
        ledger::Place,
        watch::fakes,
    };

    fn name(name: &str) -> EndpointName {
        EndpointName::new(name).unwrap()
    }

    fn due(list: &[(u32, MailOutcome)]) -> Vec<Settling> {
        let settling = |&(uid, verdict)| Settling {
            place: Place { uid_validity: 1, uid },
            verdict,
            endpoint: Some(name("test")).filter(|_| verdict != MailOutcome::Ignored),
        };
        list.iter().map(settling).collect()
    }

    fn inlet(settle: Settle) -> WatchPlan {
        let endpoint = fakes::endpoint(WatchMode::Every(std::time::Duration::from_secs(1)));
        fakes::inlet(crate::config::Endpoint { settle, ..endpoint })
    }

    fn settle() -> Settle {
        Settle {
            done: SettleAction::Move("Processed".into()),
            failed: SettleAction::Move("Failed".into()),
            ignored: SettleAction::Keep,
            refused: SettleAction::Flag,
        }
    }

    #[test]
    fn mails_with_one_fate_go_together() {
        let due = due(&[
            (5, MailOutcome::Done),
            (3, MailOutcome::Failed),
            (4, MailOutcome::Done),
            (9, MailOutcome::Ignored),
            (1, MailOutcome::Done),
        ]);
        let touches: Vec<_> = plan(&due, &inlet(settle()))
            .into_iter()
            .map(|t| (t.fate.clone(), t.set))
            .collect();
        let expected = [
            (SettleAction::Keep, "9"),
            (SettleAction::Move("Processed".into()), "1,4:5"),
            (SettleAction::Move("Failed".into()), "3"),
        ];
        assert_eq!(touches, expected.map(|(fate, set)| (fate, set.to_owned())));
        let same = Settle {
            done: SettleAction::Delete,
            failed: SettleAction::Delete,
            ignored: SettleAction::Delete,
            refused: SettleAction::Delete,
        };
        assert_eq!(plan(&due, &inlet(same)).len(), 1);
        assert!(plan(&[], &inlet(settle())).is_empty());
    }

    #[test]
    fn who_decided_says_what_becomes_of_a_mail() {
        let mut inlet = inlet(settle());
        let second = Settle {
            done: SettleAction::Flag,
            failed: SettleAction::Delete,
            ignored: SettleAction::Mark,
            refused: SettleAction::Move("Refused".into()),
        };
        inlet.settle.insert(name("second"), second);
        inlet.ignored = SettleAction::Flag;
        for (verdict, endpoint, fate) in [
            (MailOutcome::Done, Some("test"), SettleAction::Move("Processed".into())),
            (MailOutcome::Done, Some("second"), SettleAction::Flag),
            (MailOutcome::Failed, Some("second"), SettleAction::Delete),
            (MailOutcome::Ignored, None, SettleAction::Flag),
            (
                MailOutcome::Ignored,
                Some("second"),
                SettleAction::Move("Refused".into()),
            ),
            (MailOutcome::Ignored, Some("gone"), SettleAction::Keep),
            (MailOutcome::Done, Some("gone"), SettleAction::Keep),
            (MailOutcome::Failed, Some("gone"), SettleAction::Keep),
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
            let list: Vec<_> = list.into_iter().map(|(uid, v)| (uid, [MailOutcome::Done, MailOutcome::Failed, MailOutcome::Ignored][v as usize])).collect();
            let inlet = inlet(settle());
            let touches = plan(&due(&list), &inlet);
            let mut touched: Vec<u32> = touches.iter().flat_map(|touch| touch.uids.clone()).collect();
            touched.sort_unstable();
            prop_assert_eq!(touched, list.iter().map(|(uid, _)| *uid).collect::<Vec<_>>());
        }
    }
}
