//! Whether a mail that came to its end by IMAP is all of the mail, by what the server says of its size. Pure.
//!
//! What a server tells of a size decides nothing while a mail is read ([`reading`](super::reading)). But a server that cuts what it
//! gives, and does so each time it's asked, shows that only here: it tells of more than it gives. So:
//!
//! 1. As many bytes as it tells, or more: it is whole (GreenMail tells of the body only).
//! 2. Fewer, from a server that estimates: Exchange, DavMail before it, Domino and GroupWise say who they are, and others are seen to,
//!    where more mails have a wrong size than a right one. It is whole.
//! 3. Fewer, from a server that gave exact sizes with other mails: it has lost something, and the mail is not taken.
//! 4. Fewer, from a server of which nothing is known: it is whole if it ends with a line, and more than half of it came, or nearly all.
//!    An estimate has nothing to do with lines; what is cut ends anywhere.
//!
//! What is left: a server that estimates, and cuts a mail at the same place each time. Nobody could tell.

use super::{
    error::Words,
    size_history::{SizeHistory, SizeTrust},
};

/// What lacks no more than this part of it is nearly all.
const NEARLY: u64 = 32;
/// Servers that say who they are, and estimate (2026-11).
const ESTIMATORS: [&str; 4] = ["exchange", "davmail", "domino", "groupwise"];

/// A mail that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Complete {
    /// Its bytes, as the server tells.
    pub(super) told: Option<u64>,
    /// The bytes that came.
    pub(super) came: u64,
    /// The last of them ends a line.
    pub(super) ends_a_line: bool,
}

/// What is known of the sizes that a server tells.
#[derive(Debug, Default)]
pub(super) struct Sizes(SizeHistory<u32>);

impl Sizes {
    /// The server greets. A greeting before TLS is not heard.
    pub(super) fn greeted(&mut self, greeting: &Words) {
        self.0.greeted(greeting, &ESTIMATORS);
    }

    /// A mail came with as many bytes as the server tells.
    pub(super) fn exact(&mut self) {
        self.0.was_right();
    }

    /// Why a mail is not believed to be whole, if it isn't.
    pub(super) fn doubt(&mut self, uid: u32, mail: Complete) -> Option<Words> {
        let told = mail.told.filter(|told| *told > 0)?;
        if mail.came == told {
            self.exact();
            return None;
        }
        let is_whole = match self.0.trust(&uid) {
            _ if mail.came > told => true,
            SizeTrust::Estimate => true,
            SizeTrust::Exact => false,
            SizeTrust::Unknown { mostly_wrong } => {
                mail.came > told / 2 && (mail.ends_a_line || mostly_wrong || told - mail.came <= told / NEARLY)
            }
        };
        // What ends in the midst of a line may be cut, and says nothing of how the server counts.
        let is_estimate = mail.came > told || mail.ends_a_line;
        if is_estimate {
            self.0.was_wrong(uid);
        }
        let why = || {
            Words::new(&format!(
                "it says that the mail has {told} bytes, and gives {} of them, however it is asked",
                mail.came
            ))
        };
        (!is_whole).then(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(told: u64, came: u64, ends_a_line: bool) -> Complete {
        Complete {
            told: Some(told),
            came,
            ends_a_line,
        }
    }

    #[test]
    fn by_what_is_known_of_the_server() {
        // The mails before: what was told and came, and whether it ended a line; then the mail that is judged.
        type Came = (u64, u64, bool);
        let exact: Came = (900, 900, true);
        let estimates: &[Came] = &[(900, 800, true), (900, 850, true), (900, 999, false)];
        for (before, mail, whole) in [
            // Nothing is known.
            (&[][..], (1000, 1000, false), true),
            (&[], (900, 1000, false), true),
            (&[], (1000, 900, true), true),
            (&[], (1000, 900, false), false),
            (&[], (1000, 970, false), true),
            (&[], (1000, 500, true), false),
            (&[], (1000, 501, true), true),
            // It counts.
            (&[exact], (1000, 998, true), false),
            (&[exact], (998, 1000, true), true),
            (
                &[exact, exact, exact, exact, (900, 800, true)],
                (1000, 998, true),
                false,
            ),
            (&[exact, exact, exact, (900, 800, true)], (1000, 998, true), true),
            (&[exact, exact, exact, (900, 800, true)], (1000, 900, false), false),
            // It estimates, for all that one knows.
            (&[(900, 999, true)], (1000, 900, false), true),
            (estimates, (1000, 100, true), true),
            (estimates, (1000, 900, false), true),
            // It cuts all mails: that is no estimate.
            (
                &[
                    (900, 450, false),
                    (800, 400, false),
                    (700, 350, false),
                    (600, 300, false),
                ],
                (1000, 500, false),
                false,
            ),
        ] {
            let mut sizes = Sizes::default();
            for (uid, (told, came, ends)) in (10..).zip(before) {
                sizes.doubt(uid, complete(*told, *came, *ends));
            }
            let (told, came, ends) = mail;
            assert_eq!(
                sizes.doubt(1, complete(told, came, ends)).is_none(),
                whole,
                "{before:?} {mail:?}"
            );
        }
        let untold = Complete {
            told: None,
            ..complete(0, 5, false)
        };
        assert!(Sizes::default().doubt(1, untold).is_none());
        assert!(Sizes::default().doubt(1, complete(0, 5, false)).is_none());
    }

    #[test]
    fn a_mail_that_comes_again_is_no_witness_for_itself() {
        let mut sizes = Sizes::default();
        for _ in 0..9 {
            assert!(sizes.doubt(1, complete(1000, 300, true)).is_some());
        }
        for uid in 2..5 {
            sizes.doubt(uid, complete(1000, 900, true));
        }
        assert!(sizes.doubt(1, complete(1000, 300, true)).is_none());
    }

    #[test]
    fn servers_that_say_who_they_are() {
        for (greeting, whole) in [
            ("The Microsoft Exchange IMAP4 service is ready. [AQ==]", true),
            ("[CAPABILITY IMAP4REV1] IMAP4rev1 DavMail 6.3.0-3627 server ready", true),
            ("Domino IMAP4 Server Release 12.0.2 ready", true),
            ("Dovecot (Debian) ready.", false),
        ] {
            let mut sizes = Sizes::default();
            sizes.greeted(&Words::new(greeting));
            assert_eq!(
                sizes.doubt(1, complete(1000, 100, false)).is_none(),
                whole,
                "{greeting}"
            );
        }
    }
}
