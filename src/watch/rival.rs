//! Another Mailjob at this mailbox, with a ledger of its own: all work would be done twice. How it is noticed. Pure.
//!
//! Suspicion: mails whose last touch was due were gone already, several of them. People and other programs move mails too, so that alone
//! raises no alarm. Certainty: then a probe, a small mail of ours, is put into the mailbox. Whoever watches it for another ledger sees
//! that and answers with a probe of its own; each deletes its own one after a minute. The ledger knows where they are: what a process that ended left
//! behind, the next one deletes. Nobody else knows them, and without a suspicion there
//! is none: where one Mailjob works, nothing is written and nothing is asked.

use std::time::Duration;

use tokio::time::Instant;

/// So many mails that were gone already …
const SUSPICIOUS: u32 = 3;
/// … within this time are a suspicion.
const WITHIN: Duration = Duration::from_secs(600);
/// A suspicion that came to nothing is not looked into again before.
const AGAIN: Duration = Duration::from_secs(3600);
/// A probe that was heard is answered, but not twice in this time: two would answer each other for ever.
const ANSWERED: Duration = Duration::from_secs(120);
/// How often it is looked whether the other one is still there: the alarm ends within this and [`PATIENCE`] after its end.
const STILL: Duration = Duration::from_secs(600);
/// How long a probe stays: the other one may look seldom.
const STAYS: Duration = Duration::from_secs(60);
/// After so long without an answer the other one is gone.
const PATIENCE: Duration = Duration::from_secs(600);

/// The first field of a probe. A mail that came by SMTP begins with a field of its last server.
const FIELD: &str = "X-Mailjob-Probe: ";
/// The longest probe.
const LONGEST: usize = 2048;

/// Who put a probe into a mailbox: a ledger.
pub(crate) type Installation = [u8; 16];

/// Whose probe a mail is, if it is one.
pub(crate) fn probe(mail: &[u8]) -> Option<Installation> {
    let rest = mail.strip_prefix(FIELD.as_bytes()).filter(|_| mail.len() <= LONGEST)?;
    let (id, after) = rest.split_at_checked(32)?;
    after.strip_prefix(b"\r\n").or_else(|| after.strip_prefix(b"\n"))?;
    let digits = std::str::from_utf8(id).ok()?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
    Some(number.to_be_bytes())
}

/// A probe of this ledger, written at a time (RFC 5322).
pub(super) fn write(installation: Installation, date: &str) -> String {
    let id = u128::from_be_bytes(installation);
    format!(
        "{FIELD}{id:032x}\r\nFrom: Mailjob <mailjob@localhost>\r\nTo: Mailjob <mailjob@localhost>\r\n\
         Subject: Mailjob looks for a second Mailjob at this mailbox\r\nDate: {date}\r\nAuto-Submitted: auto-generated\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         Mails of this mailbox were moved or deleted by somebody else while Mailjob worked on them.\r\n\
         If that is another Mailjob with a ledger of its own, it sees this mail and answers it.\r\n\
         This mail is deleted within some minutes, or when that Mailjob is started again.\r\n"
    )
}

/// What is known of others at a mailbox.
#[derive(Debug, Default)]
pub(super) struct Rivals {
    /// Mails that were gone already, and since when they are counted.
    gone: Option<(u32, Instant)>,
    /// Whether this server says how many it moved or deleted: only then fewer are a sign.
    pub(super) told: bool,
    /// The last probe of ours.
    probed: Option<Instant>,
    /// The last probe of another ledger.
    heard: Option<Instant>,
    /// Whether it waits for an answer: it was not one itself.
    owed: bool,
    /// The first probe of ours that was no answer and that nobody has answered yet.
    asked: Option<Instant>,
    /// Probes of ours that are in the mailbox: UIDVALIDITY, UID, since when.
    ours: Vec<(u32, u32, Instant)>,
    /// Whether the ledger was asked for those of a process before this one.
    pub(super) recalled: bool,
}

impl Rivals {
    /// Of so many mails the server touched so many.
    pub(super) fn touched(&mut self, asked: usize, touched: Option<usize>, now: Instant) {
        let count = touched.unwrap_or(0);
        self.told |= count > 0;
        let missing = u32::try_from(asked.saturating_sub(count)).unwrap_or(u32::MAX);
        if missing == 0 || !self.told {
            return;
        }
        let (before, since) = self.gone.filter(|(_, since)| now - *since < WITHIN).unwrap_or((0, now));
        self.gone = Some((before.saturating_add(missing), since));
    }

    /// Probes of ours that a process before this one left behind: they stay a little longer.
    pub(super) fn recall(&mut self, places: impl IntoIterator<Item = (u32, u32)>, now: Instant) {
        for (validity, uid) in places {
            if !self.places().contains(&(validity, uid)) {
                self.ours.push((validity, uid, now));
            }
        }
    }

    /// Where all of them are.
    pub(super) fn places(&self) -> Vec<(u32, u32)> {
        self.ours.iter().map(|(validity, uid, _)| (*validity, *uid)).collect()
    }

    /// A probe was found in the mailbox. Says whether it is another ledger's.
    pub(super) fn found(&mut self, whose: Installation, own: Installation, place: (u32, u32), now: Instant) -> bool {
        if whose == own {
            self.ours.push((place.0, place.1, now));
            return false;
        }
        self.heard = Some(now);
        self.asked = None;
        self.owed |= !self.rests(ANSWERED, now);
        true
    }

    /// Whether a probe is due.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        match self.heard {
            Some(_) => self.owed || !self.rests(STILL, now),
            None => {
                let suspicious = |(count, since): (u32, Instant)| count >= SUSPICIOUS && now - since < WITHIN;
                self.gone.is_some_and(suspicious) && !self.rests(AGAIN, now)
            }
        }
    }

    fn rests(&self, pause: Duration, now: Instant) -> bool {
        self.probed.is_some_and(|probed| now - probed < pause)
    }

    /// A probe was put into the mailbox.
    pub(super) fn probed(&mut self, now: Instant) {
        self.probed = Some(now);
        if !self.owed {
            self.asked.get_or_insert(now);
        }
        self.owed = false;
        self.gone = None;
    }

    /// Whether the other one that was heard is gone: it did not answer.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        let silent = self.asked.is_some_and(|asked| now - asked > PATIENCE);
        let over = self.heard.is_some() && silent;
        if over {
            (self.heard, self.asked) = (None, None);
        }
        over
    }

    /// Probes of ours that have been there for long enough, of this UIDVALIDITY.
    pub(super) fn old(&mut self, uid_validity: u32, now: Instant) -> Vec<u32> {
        let is_old = |(validity, _, since): &(u32, u32, Instant)| *validity != uid_validity || now - *since >= STAYS;
        let old: Vec<_> = self.ours.extract_if(.., |probe| is_old(probe)).collect();
        let here = old.into_iter().filter(|(validity, ..)| *validity == uid_validity);
        here.map(|(_, uid, _)| uid).collect()
    }

    /// When the next of them is old.
    pub(super) fn next(&self) -> Option<Instant> {
        self.ours.iter().map(|(_, _, since)| *since + STAYS).min()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: Installation = [0xab; 16];
    const B: Installation = [2; 16];

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_probe_is_known_and_nothing_else_is() {
        let mail = write(A, "Mon, 2 Nov 2026 10:00:00 +0000");
        assert_eq!(probe(mail.as_bytes()), Some(A));
        assert_eq!(probe(mail.replace("\r\n", "\n").as_bytes()), Some(A));
        let received = format!("Received: from a by b; today\r\n{mail}");
        let long = format!("{mail}{}", "x".repeat(LONGEST));
        for no in [
            "",
            "X-Mailjob-Probe: ",
            "X-Mailjob-Probe: +bababababababababababababababab\r\n",
            "X-Mailjob-Probe: abababababababababababababababab more\r\n",
            &received,
            &long,
        ] {
            assert_eq!(probe(no.as_bytes()), None, "{no:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(mail in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(probe(&mail), None);
        }

        #[test]
        fn every_ledger_has_a_probe_of_its_own(id in any::<[u8; 16]>()) {
            prop_assert_eq!(probe(write(id, "now").as_bytes()), Some(id));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn several_mails_that_are_gone_are_a_suspicion_and_no_alarm() {
        let start = Instant::now();
        let mut rivals = Rivals::default();
        rivals.touched(9, None, start);
        assert!(!rivals.is_due(start), "a server that never tells is no sign");
        rivals.touched(2, Some(2), start);
        rivals.touched(2, Some(0), start);
        assert!(!rivals.is_due(start), "people move mails too");
        rivals.touched(2, Some(1), at(start, 601));
        assert!(!rivals.is_due(at(start, 601)), "the others were long ago");
        rivals.touched(5, Some(3), at(start, 700));
        assert!(rivals.is_due(at(start, 700)));
        rivals.probed(at(start, 700));
        assert!(!rivals.found(A, A, (7, 9), at(start, 701)), "our own");
        rivals.touched(9, Some(0), at(start, 800));
        assert!(!rivals.is_due(at(start, 800)), "it came to nothing just now");
        rivals.touched(9, Some(0), at(start, 4300));
        assert!(rivals.is_due(at(start, 4300)));
    }

    #[tokio::test(start_paused = true)]
    async fn two_answer_each_other_once_and_look_again_until_one_is_gone() {
        let start = Instant::now();
        let (mut one, mut other) = (Rivals::default(), Rivals::default());
        one.probed(start);
        assert!(other.found(A, B, (7, 1), at(start, 1)) && other.is_due(at(start, 1)));
        other.probed(at(start, 2));
        assert!(one.found(B, A, (7, 2), at(start, 3)));
        assert!(!one.is_due(at(start, 3)), "that was the answer");
        for second in [4, 60, 119, 121, 599] {
            assert!(
                !one.is_due(at(start, second)) && !other.is_due(at(start, second)),
                "{second}"
            );
        }
        assert!(!one.is_over(at(start, 599)));
        assert!(one.is_due(at(start, 601)));
        one.probed(at(start, 601));
        assert!(!one.is_over(at(start, 1200)));
        assert!(one.is_over(at(start, 1202)) && !one.is_over(at(start, 1203)));
        assert!(!one.is_due(at(start, 1203)));
    }

    proptest! {
        /// Whenever the last sign came, the alarm ends by itself, and not while the other one answers each probe.
        #[test]
        fn an_alarm_ends_when_the_other_one_is_gone(answers in 0_u64..6, delay in 1_u64..300, step in 1_u64..90) {
            let clock = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            clock.unwrap().block_on(async {
                let start = Instant::now();
                let mut rivals = Rivals::default();
                rivals.found(B, A, (7, 1), start);
                let (mut answered, mut last, mut expected) = (0, 0, None);
                let mut second = 0;
                let ended = loop {
                    second += step;
                    if expected.is_some_and(|at| at <= second) {
                        rivals.found(B, A, (7, 1), at(start, second));
                        (expected, last) = (None, second);
                    }
                    if rivals.is_due(at(start, second)) {
                        rivals.probed(at(start, second));
                        if answered < answers {
                            answered += 1;
                            expected = Some(second + delay);
                        }
                    } else if rivals.is_over(at(start, second)) {
                        break second;
                    }
                    assert!(second < 20_000, "it never ends");
                };
                assert_eq!(answered, answers, "not before");
                assert!(ended - last <= 1200 + 300 + 4 * 90 + 120, "{last} {ended}");
            });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_is_deleted_after_a_minute() {
        let start = Instant::now();
        let mut rivals = Rivals::default();
        rivals.found(A, A, (7, 9), start);
        rivals.found(A, A, (6, 5), start);
        assert!(rivals.old(7, at(start, 59)).is_empty());
        assert_eq!(rivals.next(), Some(at(start, 60)));
        assert_eq!(rivals.old(7, at(start, 60)), [9]);
        assert_eq!((rivals.next(), rivals.old(7, at(start, 600)).len()), (None, 0));
    }
}
