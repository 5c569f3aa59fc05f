//! How one mail is read to its end, whatever the server answers: what is asked next, and when all of it is there. Pure.
//!
//! A mail is asked for in parts. A part that is shorter than what was asked for may be the last, or cut; and what the server tells of
//! the size decides nothing, unless it is met exactly: Exchange estimates it, GreenMail counts the body only (2026-11). So each part but
//! the first begins with the last bytes of the one before: those alone, and nothing behind them, are the end. Nobody is asked for what
//! begins behind the end, of which servers say nothing, NO, or NIL.
//!
//! A server that gives all of a mail for a part of it (Tencent Exmail, sometimes Exchange, 2026-11), that gives another part than was
//! asked for, or refuses parts, is asked for all at once.

use super::{error::Words, sizes::Complete};

/// The largest part of a mail in bytes, beside what it repeats.
pub(super) const PART: u64 = 1 << 20;
/// Bytes that a part repeats; and where the server tells that there is more, but gives no more than those, when it is asked once again.
const REPEATED: usize = 16;
const FEWER: usize = 11;
/// Parts that may be shorter than what was asked for before the mail is asked for as a whole; and after that.
const SHORT: [u32; 2] = [32, 4096];
/// How often all of it is asked for at once.
const ALL: u32 = 2;
/// So much more than it may have is listened to of a mail that comes all at once, so that the session can go on.
const BEYOND: u64 = 256 << 20;
/// By so many of its first bytes a mail is known that comes where the rest of it should.
const HEAD: usize = 64;

/// What to ask next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextRequest {
    /// So many bytes from an offset on.
    Part {
        /// Where they begin.
        offset: u64,
        /// How many.
        most: u64,
    },
    /// All of it.
    All,
}

/// Bytes that came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ReceivedBytes {
    /// Where they begin, as the server says (RFC 9051 section 7.5.2).
    origin: Option<u64>,
    /// The first of them.
    head: Vec<u8>,
    /// The last of them.
    tail: Vec<u8>,
    len: u64,
    /// Some are more than blanks and line ends.
    is_text: bool,
}

impl ReceivedBytes {
    pub(super) fn new(origin: Option<u64>, bytes: &[u8]) -> Self {
        let mut bit = Self {
            origin,
            ..Self::default()
        };
        bit.extend(bytes);
        bit
    }

    /// More of them.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let missing = HEAD.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(missing));
        let last = bytes.len().saturating_sub(REPEATED);
        self.tail.extend_from_slice(bytes.get(last..).unwrap_or_default());
        let surplus = self.tail.len().saturating_sub(REPEATED);
        self.tail.drain(..surplus);
        self.len += bytes.len() as u64;
        self.is_text |= !bytes.iter().all(u8::is_ascii_whitespace);
    }

    /// The same, beginning there.
    pub(super) fn at(self, origin: Option<u64>) -> Self {
        Self { origin, ..self }
    }

    /// Whether these may be the same bytes as those, or one of them are none.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        let same = self.len == other.len && self.head == other.head && self.tail == other.tail;
        self.len == 0 || other.len == 0 || same
    }

    /// Where they begin, as the server says.
    pub(super) fn origin(&self) -> Option<u64> {
        self.origin
    }
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FetchResult {
    /// An answer without the mail, which is there.
    Nothing,
    /// NO or BAD.
    Refused(Words),
    /// Bytes.
    Bytes(ReceivedBytes),
}

/// What to do with what came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadingStep {
    /// It is kept without so many first bytes, which are repeated, and more is asked for.
    Keep(usize),
    /// It is kept in the same way, and that is all.
    KeepLast(usize),
    /// It is not kept, and all is there without it.
    End,
    /// Neither this nor what was kept is of use: it is asked for anew.
    Anew,
    /// It is larger than it may be.
    TooLarge,
    /// The server does not give the mail now.
    Not(Words),
}

/// A mail that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    /// Its size, as the server tells it.
    told: Option<u64>,
    limit: u64,
    /// What is kept, one after the other.
    got: ReceivedBytes,
    /// Parts that were shorter than what was asked for.
    short: u32,
    /// What looks like the end is looked at once more.
    doubts: bool,
    /// All is asked for at once.
    all: bool,
    /// How often it was, or came.
    alls: u32,
    /// How much it was when it was read before.
    seen: Option<u64>,
}

impl Reading {
    /// A mail of which nothing came yet.
    pub(super) fn new(told: Option<u64>, limit: u64) -> Self {
        Self {
            told,
            limit,
            got: ReceivedBytes::default(),
            short: 0,
            doubts: false,
            all: false,
            alls: 0,
            seen: None,
        }
    }

    /// A mail whose beginning came when so many bytes of it were asked for, and what to do with that.
    pub(super) fn begun(told: Option<u64>, limit: u64, most: u64, first: ReceivedBytes) -> (Self, ReadingStep) {
        let mut reading = Self::new(told, limit);
        let then = reading.first_came(first, most);
        (reading, then)
    }

    /// The size that the server tells, where it was not known before.
    pub(super) fn told(&mut self, told: Option<u64>) {
        self.told = self.told.or(told);
    }

    /// What was kept, beside what the server tells.
    pub(super) fn complete(&self) -> Complete {
        Complete {
            told: self.told,
            came: self.got.len,
            ends_a_line: self.got.tail.ends_with(b"\n"),
        }
    }

    /// Whether nothing of it is kept.
    pub(super) fn is_at_its_beginning(&self) -> bool {
        self.got.len == 0
    }

    /// Whether bytes are kept as they come, of which so many came.
    pub(super) fn takes(&self, so_far: &ReceivedBytes) -> bool {
        self.is_at_its_beginning() && so_far.len <= self.limit
    }

    /// The bytes that a mail may have for all of it to be listened to. One that is larger than allowed is told from one without an end.
    pub(super) fn most(&self) -> u64 {
        self.limit.saturating_add(BEYOND)
    }

    /// What is asked next.
    pub(super) fn ask(&self) -> NextRequest {
        if self.all {
            return NextRequest::All;
        }
        let left = self.limit.saturating_add(1).saturating_sub(self.got.len);
        let repeated = self.got.tail.len() as u64;
        NextRequest::Part {
            offset: self.got.len - repeated,
            most: PART.min(left).max(1) + repeated,
        }
    }

    /// Whether bytes that begin there are what is asked for. The whole has no origin, nor, with some servers, its beginning.
    pub(super) fn fits(&self, origin: Option<u64>) -> bool {
        match self.ask() {
            NextRequest::All | NextRequest::Part { offset: 0, .. } if self.got.len == 0 => origin.unwrap_or(0) == 0,
            NextRequest::All => false,
            NextRequest::Part { offset, .. } => origin == Some(offset),
        }
    }

    /// What becomes of what came of [`Reading::ask`].
    pub(super) fn came(&mut self, came: FetchResult) -> ReadingStep {
        let bit = match came {
            FetchResult::Bytes(bit) if bit.len > 0 => bit,
            FetchResult::Bytes(_) | FetchResult::Nothing => return self.in_vain(no_bytes()),
            FetchResult::Refused(said) => return self.in_vain(said),
        };
        match self.ask() {
            NextRequest::All => self.all_came(bit),
            NextRequest::Part { most, .. } if self.got.len == 0 => self.first_came(bit, most),
            NextRequest::Part { most, .. } => self.next_came(bit, most),
        }
    }

    fn in_vain(&mut self, why: Words) -> ReadingStep {
        match self.all {
            true => ReadingStep::Not(why),
            false => self.as_a_whole(why),
        }
    }

    fn first_came(&mut self, bit: ReceivedBytes, most: u64) -> ReadingStep {
        if !self.fits(bit.origin) {
            return self.as_a_whole(another());
        }
        // More than was asked for is all that there is.
        self.alls += u32::from(bit.len > most);
        self.keep(bit, 0, most)
    }

    fn next_came(&mut self, bit: ReceivedBytes, most: u64) -> ReadingStep {
        let repeated = self.got.tail.len();
        let goes_on = self.fits(bit.origin) && bit.len <= most && bit.head.get(..repeated) == Some(&*self.got.tail);
        if !goes_on {
            // All of it once more, and it is as long as before.
            let same = bit.len == self.got.len && bit.head == self.got.head && bit.tail == self.got.tail;
            return match same {
                true => self.end(ReadingStep::End),
                false => self.as_a_whole(another()),
            };
        }
        if bit.len > repeated as u64 {
            return self.keep(bit, repeated, most);
        }
        let there_is_more = self.told.is_none_or(|told| told > self.got.len);
        if !there_is_more || std::mem::replace(&mut self.doubts, true) {
            return self.end(ReadingStep::End);
        }
        // A server that cuts what it gives may have cut it just there.
        let surplus = repeated.saturating_sub(FEWER);
        if surplus == 0 {
            return self.as_a_whole(no_bytes());
        }
        self.got.tail.drain(..surplus);
        ReadingStep::Keep(repeated)
    }

    fn all_came(&mut self, bit: ReceivedBytes) -> ReadingStep {
        if !self.fits(bit.origin) {
            return ReadingStep::Not(another());
        }
        self.all = false;
        let same = self.seen == Some(bit.len);
        match self.keep(bit, 0, u64::MAX) {
            ReadingStep::Keep(skip) if same => self.end(ReadingStep::KeepLast(skip)),
            then => then,
        }
    }

    fn keep(&mut self, bit: ReceivedBytes, skip: usize, most: u64) -> ReadingStep {
        let is_full = bit.len == most;
        let len = self.got.len + bit.len - skip as u64;
        let new = bit.head.get(skip..).unwrap_or_default();
        let missing = HEAD.saturating_sub(self.got.head.len());
        self.got.head.extend(new.iter().take(missing));
        self.doubts = false;
        // It begins with the end of what was kept, so that its own end is that of both.
        self.got.tail = bit.tail;
        self.got.is_text |= bit.is_text;
        self.got.len = len;
        if len > self.limit {
            return ReadingStep::TooLarge;
        }
        // Where all came that was asked for, there may be more, whatever the server tells.
        if self.told == Some(len) && !is_full {
            return self.end(ReadingStep::KeepLast(skip));
        }
        self.short += u32::from(!is_full);
        let [few, many] = SHORT;
        let most_short = if self.alls == 0 { few } else { many };
        if self.short > most_short {
            return self.as_a_whole(Words::new("it gives the mail in bits that come to no end"));
        }
        ReadingStep::Keep(skip)
    }

    /// That is all; but blanks for a mail that has more are no mail.
    fn end(&self, then: ReadingStep) -> ReadingStep {
        match self.got.is_text || self.told == Some(self.got.len) {
            true => then,
            false => ReadingStep::Not(no_bytes()),
        }
    }

    /// Asks for all of it at once, from its beginning; or says why it can't be had, where that was done before.
    pub(super) fn as_a_whole(&mut self, why: Words) -> ReadingStep {
        if self.alls >= ALL {
            return ReadingStep::Not(why);
        }
        if self.told.is_some_and(|told| told > self.limit) {
            return ReadingStep::TooLarge;
        }
        self.seen = Some(self.got.len).filter(|len| *len > 0);
        self.got = ReceivedBytes::default();
        (self.all, self.doubts) = (true, false);
        self.alls += 1;
        ReadingStep::Anew
    }
}

fn no_bytes() -> Words {
    Words::new("it answers without the mail's bytes")
}

fn another() -> Words {
    Words::new("it gives another part of the mail than was asked for")
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
