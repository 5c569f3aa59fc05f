//! Where one response ends and the next begins, whatever stands in it.
//!
//! A response is a line; where a line of data ends in `{n}`, so many bytes follow as they are, and the line goes on behind them
//! (RFC 9051 section 4.3). That alone is strict: whoever gets it wrong takes a mail for an answer. Blanks, line ends without CR, lines
//! longer than we look at, and words that nobody knows are not a reason to end a session. Nothing grows with what a server sends:
//! a line is kept up to [`LINE`], literals up to [`LITERALS`], and a larger one is handed on in pieces.

use std::{io, mem};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::watch::error::{Violation, WatchError};

/// The bytes of one response that are looked at, outside of its literals. The longest that we need is COPYUID after a MOVE of 8,000
/// bytes.
const LINE: usize = 64 << 10;
/// The bytes of one response outside of its literals that may come at all; what is not looked at is passed over.
const PASSED: usize = 1 << 20;
/// The bytes of the literals of one response that are gathered: the largest piece of a mail that we ask for is 1 MiB.
pub(super) const LITERALS: u64 = (1 << 20) + 4096;
/// A larger one is handed on in pieces of this size.
const PIECE: usize = 256 << 10;
/// What is read at once where no literal is on its way.
const READ: usize = 4 << 10;
/// The longest announcement of a literal, with blanks behind it.
const ANNOUNCEMENT: usize = 40;

/// What stands for a literal in a frame's text.
pub(super) const LITERAL: u8 = 0;

/// One response.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its text without line ends; [`LITERAL`] where a literal stands.
    pub(super) text: Vec<u8>,
    /// Its literals, in their order.
    pub(super) literals: Vec<ImapLiteral>,
    /// It is longer than what we look at, or has a byte that no text has.
    pub(super) broken: bool,
}

/// A literal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ImapLiteral {
    Gathered(Bytes),
    /// It was handed on in pieces.
    Passed(u64),
}

/// What comes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FrameEvent {
    /// A piece of a large literal, before the response in which it stands.
    Piece(Bytes),
    /// A response.
    Frame(Frame),
}

/// A literal on its way.
#[derive(Debug)]
struct Incoming {
    size: u64,
    left: u64,
    bytes: BytesMut,
}

impl Incoming {
    fn is_large(&self) -> bool {
        self.size > LITERALS
    }

    /// How many bytes the buffer may still take.
    fn room(&self) -> usize {
        let most = if self.is_large() { PIECE } else { usize::MAX };
        let room = most.saturating_sub(self.bytes.len()) as u64;
        usize::try_from(room.min(self.left)).unwrap_or(usize::MAX)
    }

    fn take(&mut self, bytes: &mut BytesMut) {
        let here = self.room().min(bytes.len());
        self.bytes.extend_from_slice(bytes.get(..here).unwrap_or_default());
        bytes.advance(here);
        self.left -= here as u64;
    }
}

/// Responses out of a stream of bytes.
#[derive(Debug)]
pub(super) struct Frames<T> {
    inner: T,
    received: u64,
    splitter: Box<Splitter>,
}

impl<T> Frames<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            received: 0,
            splitter: Box::default(),
        }
    }

    /// From now on a literal of a FETCH answer may have so many bytes: it comes in pieces where it is larger than what is gathered.
    pub(super) fn allow(&mut self, largest: u64) {
        self.splitter.largest = largest.max(LITERALS);
    }

    /// The bare stream, when nothing came that was not read.
    pub(super) fn into_inner(self) -> Option<T> {
        self.splitter.is_at_rest().then_some(self.inner)
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// Bytes that came so far.
    pub(super) fn received(&self) -> u64 {
        self.received
    }
}

impl<T: AsyncRead + Unpin> Frames<T> {
    /// What comes next. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<FrameEvent, WatchError> {
        loop {
            if let Some(event) = self.splitter.advance()? {
                return Ok(event);
            }
            let read = match self.splitter.incoming.as_mut() {
                // What belongs to a literal goes where it stays.
                Some(incoming) => {
                    let room = incoming.room();
                    incoming.bytes.reserve(room);
                    let read = (&mut self.inner).take(room as u64).read_buf(&mut incoming.bytes).await;
                    read.inspect(|&came| incoming.left -= came as u64)
                }
                None => {
                    self.splitter.buffer.reserve(READ);
                    self.inner.read_buf(&mut self.splitter.buffer).await
                }
            };
            match read {
                Ok(0) => return Err(WatchError::Closed),
                Ok(came) => self.received += came as u64,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(WatchError::Closed),
                Err(error) => return Err(WatchError::Io(error)),
            }
        }
    }
}

/// Splits bytes into responses. No I/O.
#[derive(Debug)]
struct Splitter {
    /// What came and was not looked at.
    buffer: BytesMut,
    /// The response so far.
    frame: Frame,
    /// All of its text so far, looked at or not.
    line: usize,
    /// The end of its text: the announcement of a literal, perhaps.
    tail: Vec<u8>,
    gathered: u64,
    incoming: Option<Incoming>,
    largest: u64,
}

impl Default for Splitter {
    fn default() -> Self {
        Self {
            buffer: BytesMut::new(),
            frame: Frame::default(),
            line: 0,
            tail: Vec::new(),
            gathered: 0,
            incoming: None,
            largest: LITERALS,
        }
    }
}

impl Splitter {
    fn is_at_rest(&self) -> bool {
        self.buffer.is_empty() && self.line == 0 && self.incoming.is_none()
    }

    fn advance(&mut self) -> Result<Option<FrameEvent>, Violation> {
        loop {
            if let Some(incoming) = &mut self.incoming {
                incoming.take(&mut self.buffer);
                if incoming.is_large() && (incoming.room() == 0) && !incoming.bytes.is_empty() {
                    return Ok(Some(FrameEvent::Piece(mem::take(&mut incoming.bytes).freeze())));
                }
                if incoming.left > 0 {
                    return Ok(None);
                }
                if let Some(incoming) = self.incoming.take() {
                    self.place(incoming);
                }
            }
            let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') else {
                let all = self.buffer.split();
                self.absorb(&all)?;
                return Ok(None);
            };
            let line = self.buffer.split_to(end + 1);
            self.absorb(line.get(..end).unwrap_or_default())?;
            if self.announced()? {
                continue;
            }
            let frame = mem::take(&mut self.frame);
            (self.line, self.gathered) = (0, 0);
            self.tail.clear();
            // An empty line says nothing.
            if frame.text.iter().any(|byte| !is_blank(*byte)) {
                return Ok(Some(FrameEvent::Frame(frame)));
            }
        }
    }

    /// Takes text of a line.
    fn absorb(&mut self, text: &[u8]) -> Result<(), Violation> {
        self.line += text.len();
        if self.line > PASSED {
            return Err(Violation::Line);
        }
        let room = LINE.saturating_sub(self.frame.text.len()).min(text.len());
        self.frame.text.extend_from_slice(text.get(..room).unwrap_or_default());
        self.frame.broken |= room < text.len() || text.contains(&LITERAL);
        let last = text.len().saturating_sub(ANNOUNCEMENT);
        self.tail.extend_from_slice(text.get(last..).unwrap_or_default());
        let surplus = self.tail.len().saturating_sub(ANNOUNCEMENT);
        self.tail.drain(..surplus);
        Ok(())
    }

    /// At the end of a line: whether a literal follows.
    fn announced(&mut self) -> Result<bool, Violation> {
        let Some((size, length)) = announcement(&self.tail) else {
            while self.frame.text.last() == Some(&b'\r') {
                self.frame.text.pop();
            }
            return Ok(false);
        };
        match kind(&self.frame.text) {
            ResponseKind::Data => {}
            // A text may end as it likes. A code could hold a literal, but none that we know does.
            ResponseKind::Words { open: false } => return Ok(false),
            ResponseKind::Words { open: true } => return Err(Violation::Unasked),
        }
        let size = size.filter(|size| *size <= self.largest).ok_or(Violation::Literal)?;
        self.tail.clear();
        if !self.frame.broken {
            let kept = self.frame.text.len().saturating_sub(length);
            self.frame.text.truncate(kept);
        }
        if size <= LITERALS {
            self.gathered += size;
            if self.gathered > LITERALS {
                return Err(Violation::Literal);
            }
        }
        self.incoming = Some(Incoming {
            size,
            left: size,
            bytes: BytesMut::new(),
        });
        Ok(true)
    }

    /// Puts a literal where it stands.
    fn place(&mut self, incoming: Incoming) {
        self.line += 1;
        if self.frame.text.len() >= LINE || self.frame.broken {
            self.frame.broken = true;
            return;
        }
        self.frame.text.push(LITERAL);
        self.frame.literals.push(if incoming.is_large() {
            ImapLiteral::Passed(incoming.size)
        } else {
            ImapLiteral::Gathered(incoming.bytes.freeze())
        });
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The literal that a line's end announces, if it does: its size (`None` where no number is so large), and how long that is.
fn announcement(tail: &[u8]) -> Option<(Option<u64>, usize)> {
    let text = tail.trim_ascii_end();
    let digits = text.strip_suffix(b"}")?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    let open = digits.iter().rposition(|byte| *byte == b'{')?;
    let number = digits.get(open + 1..)?;
    if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // RFC 3516 has literals for any byte: `~{n}`.
    let begin = if open.checked_sub(1).and_then(|before| tail.get(before)) == Some(&b'~') {
        open - 1
    } else {
        open
    };
    let size = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
    Some((size, tail.len() - begin))
}

enum ResponseKind {
    /// `* …` that is no status: literals may stand in it.
    Data,
    /// Words for people, behind a code that may still be open.
    Words { open: bool },
}

fn kind(text: &[u8]) -> ResponseKind {
    let mut words = text.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty());
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_status = ["OK", "NO", "BAD", "BYE", "PREAUTH"]
        .iter()
        .any(|status| second.eq_ignore_ascii_case(status.as_bytes()));
    if first == b"*" && !is_status {
        return ResponseKind::Data;
    }
    let code = words.next().unwrap_or_default();
    ResponseKind::Words {
        open: code.starts_with(b"[") && !text.contains(&b']'),
    }
}

/// All that these bytes say.
#[cfg(test)]
pub(super) fn events(bytes: &[u8]) -> Result<Vec<FrameEvent>, Violation> {
    let mut splitter = Splitter::default();
    splitter.buffer.extend_from_slice(bytes);
    let mut events = Vec::new();
    while let Some(event) = splitter.advance()? {
        events.push(event);
    }
    Ok(events)
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
