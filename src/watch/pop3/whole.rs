//! Whether a mail that came to an end is all of the mail. Pure.
//!
//! A mail by POP3 ends at a line that is a dot. A server that does not double the dots that begin lines (GreenMail before 2.0.1, Mailpit
//! before 1.18: greenmail 475, mailpit 299) ends it at the first line of the mail that is one, and the rest follows, unasked. So:
//!
//! 1. Bytes that came before anything was asked: the mail is not taken. This is looked at behind each mail and before each command.
//! 2. LIST gave its size, to the byte, in the way in which this server counts ([`SizeCounting`], known since the first such mail): it is whole. A
//!    mail that was cut has fewer bytes.
//! 3. In all other cases the bytes behind it may still be on their way, so the server is asked something whose answer is known
//!    (STAT). An answer that is none: the mail is not taken. This costs a round trip, where a server does not count what it sends.
//! 4. Then a mail of more bytes than LIST said is whole (GreenMail 2.1 counts bodies only), and one of fewer if the difference is one of
//!    counting ([`SizeCheck::Counted`]): a server that counts CRLF and sends LF, or counts the end.
//! 5. One that lacks the dots that were taken off ([`SizeCheck::Dotted`]) came from a server that doubles none: they were the mail's. (One
//!    that counts what it doubled would look the same; none is known, 2026-11.)
//! 6. One that lacks more is judged by what the server did with other mails ([`SizeRecord`]): one that gives exact sizes has lost something;
//!    one that estimates (Exchange, DavMail, and whoever is seen to) has not. Of one that is not known yet, half of the mail may lack.
//!
//! What is left: a server that estimates, and ends a mail early with nothing behind it, or takes its dots; and one that counts bodies
//! only and takes dots. Nobody could tell.

use crate::{
    ledger::MaildropName,
    watch::{
        error::Words,
        size_history::{SizeHistory, SizeTrust},
    },
};

/// The end of a mail, and what servers count beside it: CRLF that was added, a dot and CRLF.
const END: u64 = 5;
/// What was read of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ByteCounts {
    /// Bytes, without doubled dots and the end.
    pub(super) bytes: u64,
    /// Lines that end by CRLF, and by LF alone.
    crlf: u64,
    lf: u64,
    /// Dots that were taken off.
    dots: u64,
    /// The last byte was CR.
    cr: bool,
}

impl ByteCounts {
    /// Counts a piece; `dots` were taken off so far.
    pub(super) fn add(&mut self, piece: &[u8], dots: u64) {
        for byte in piece {
            if *byte == b'\n' {
                self.crlf += u64::from(self.cr);
                self.lf += u64::from(!self.cr);
            }
            self.cr = *byte == b'\r';
        }
        self.bytes += piece.len() as u64;
        self.dots = dots;
    }
}

/// How a server counts, to the byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SizeCounting {
    /// What it sends, but for a line end that it adds to the last line.
    Sent,
    /// The size of a file, with LF for CRLF (qmail-pop3d).
    File,
}

/// What came, beside what LIST said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SizeCheck {
    /// The same.
    Agrees(SizeCounting),
    /// More came, or LIST said nothing that can be read.
    More,
    /// Fewer, by what another way of counting may explain.
    Counted,
    /// Fewer, by what the dots explain that were taken off.
    Dotted,
    /// Fewer, by so many bytes beside that.
    Lacks(u64),
}

/// Compares what came with what LIST said; 0 where it said nothing.
pub(super) fn count(came: &ByteCounts, listed: u64) -> SizeCheck {
    let file = came.bytes - came.crlf.min(came.bytes);
    let explained = came.bytes + came.lf + END;
    match () {
        () if listed == 0 => SizeCheck::More,
        () if [came.bytes, came.bytes.saturating_sub(2)].contains(&listed) => SizeCheck::Agrees(SizeCounting::Sent),
        () if [file, file.saturating_sub(1)].contains(&listed) => SizeCheck::Agrees(SizeCounting::File),
        () if listed < came.bytes => SizeCheck::More,
        () if listed <= explained && (came.dots == 0 || came.dots > listed - came.bytes) => SizeCheck::Counted,
        () if listed <= explained + came.dots => SizeCheck::Dotted,
        () => SizeCheck::Lacks(listed - came.bytes),
    }
}

/// What is known of the sizes that a server gives.
#[derive(Debug, Default)]
pub(super) struct SizeRecord {
    history: SizeHistory<MaildropName>,
    /// How it counts, as the first mail said whose size was right.
    way: Option<SizeCounting>,
}

impl SizeRecord {
    /// The server greets. Exchange does not count mails that it has in a form of its own (`EnableExactRFC822Size` is off unless
    /// somebody turned it on), nor does DavMail before it (2026-11). A greeting before TLS is anybody's; believing it costs no more than
    /// an estimate does.
    pub(super) fn greeted(&mut self, greeting: &Words) {
        self.history.greeted(greeting, &["exchange", "davmail"]);
    }

    /// Whether the size alone says that a mail is whole. A cut one may have the size of a whole one where this server counts otherwise,
    /// so how it counts has to be known.
    pub(super) fn is_sure_of(&self, count: SizeCheck) -> bool {
        matches!(count, SizeCheck::Agrees(way) if self.way == Some(way))
    }

    /// A mail came with this size. Says whether it is believed to be whole, if nothing lay behind it.
    pub(super) fn believes(&mut self, name: &MaildropName, count: SizeCheck) -> bool {
        let believed = match (count, self.history.trust(name)) {
            (SizeCheck::Agrees(_) | SizeCheck::More | SizeCheck::Counted, _) => true,
            (SizeCheck::Dotted | SizeCheck::Lacks(_), SizeTrust::Estimate) => true,
            (SizeCheck::Dotted, _) | (SizeCheck::Lacks(_), SizeTrust::Exact) => false,
            (SizeCheck::Lacks(bytes), SizeTrust::Unknown { .. }) => bytes <= name.size / 2,
        };
        match count {
            SizeCheck::Agrees(way) => {
                self.way.get_or_insert(way);
                self.history.was_right();
            }
            // Dots that lack say nothing of sizes.
            SizeCheck::More | SizeCheck::Lacks(_) => self.history.was_wrong(name.clone()),
            SizeCheck::Dotted | SizeCheck::Counted => {}
        }
        believed
    }
}

#[cfg(test)]
#[path = "whole_tests.rs"]
mod tests;
