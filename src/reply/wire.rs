//! SMTP on the wire (RFC 5321): commands out, answers in, a mail's bytes with their dots stuffed.
//!
//! Every wait ends, every answer is bounded. A wire on which anything went wrong is not used again.

use std::{borrow::Cow, fmt, io, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    task::{unconstrained, yield_now},
    time::timeout,
};

use super::{
    letter::ReplyContent,
    trouble::{SmtpError, SmtpStage},
};
use crate::{message::clean::clean, secret::Redaction};

/// Postfix's patience with a server (postconf(5), `smtp_*_timeout`): each command's answer,
const COMMAND: Duration = Duration::from_secs(5 * 60);
/// the answer to DATA,
const DATA: Duration = Duration::from_secs(2 * 60);
/// a block of the mail,
const BLOCK: Duration = Duration::from_secs(3 * 60);
/// and the answer after the final dot: servers look for viruses there, and who gives up early sends twice.
const DONE: Duration = Duration::from_secs(10 * 60);

/// How long the rest of a line is waited for that nobody asked for.
const UNASKED: Duration = Duration::from_secs(5);

/// Bytes of a block.
const BLOCK_SIZE: usize = 64 * 1024;
/// Bytes of an answer's line (Postfix's `line_length_limit` is 2,048) and lines of an answer.
const MAX_LINE: usize = 4096;
const MAX_LINES: usize = 128;

/// A connection to an SMTP server.
#[derive(Debug)]
pub(super) struct SmtpConnection<S> {
    stream: BufReader<S>,
    /// What the server must not say again where somebody sees it.
    redaction: Box<Redaction>,
}

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SmtpReply {
    /// Three digits.
    pub(super) code: u16,
    /// The texts of its lines, free of control characters.
    pub(super) lines: Vec<String>,
}

impl SmtpReply {
    /// The enhanced status code at its start, e.g. `5.7.1` (RFC 2034).
    pub(super) fn enhanced(&self) -> Option<&str> {
        let word = self.lines.first()?.split(' ').next()?;
        let mut parts = word.split('.');
        let class = parts.next().is_some_and(|class| matches!(class, "2" | "4" | "5"));
        let rest: Vec<_> = parts.collect();
        let numbers = rest
            .iter()
            .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
        (class && rest.len() == 2 && numbers).then_some(word)
    }
}

impl fmt::Display for SmtpReply {
    /// At most 600 characters on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, clean(&self.lines.join(" "), 600))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> SmtpConnection<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream: BufReader::new(stream),
            redaction: Box::default(),
        }
    }

    /// From now on these secrets are struck out of the server's words.
    pub(super) fn redact(&mut self, redaction: Redaction) {
        *self.redaction = redaction;
    }

    /// The stream below.
    pub(super) fn inner(&self) -> &S {
        self.stream.get_ref()
    }

    /// The stream, where the server has sent nothing beyond its last answer. What it sends before TLS, anybody may have sent.
    pub(super) fn into_quiet_stream(self) -> Result<S, SmtpError> {
        if self.stream.buffer().is_empty() {
            Ok(self.stream.into_inner())
        } else {
            Err(SmtpError::Injected)
        }
    }

    /// Sends a line (without its end) and reads the answer.
    pub(super) async fn command(&mut self, stage: SmtpStage, line: &str) -> Result<SmtpReply, SmtpError> {
        self.nothing_unasked(stage).await?;
        let patience = if stage == SmtpStage::Data { DATA } else { COMMAND };
        let line = format!("{line}\r\n");
        within(stage, patience, async {
            self.stream.write_all(line.as_bytes()).await?;
            self.stream.flush().await
        })
        .await?;
        self.answer(stage, patience).await
    }

    /// Reads the greeting.
    pub(super) async fn greeting(&mut self) -> Result<SmtpReply, SmtpError> {
        self.answer(SmtpStage::Greeting, COMMAND).await
    }

    /// Sends a mail's bytes, as [`Self::letter`] does.
    pub(super) async fn content(&mut self, mail: &[u8]) -> Result<SmtpReply, SmtpError> {
        self.letter(&ReplyContent::here(Bytes::copy_from_slice(mail))).await
    }

    /// Sends a mail's bytes, which end every line by CRLF, with its dots stuffed (RFC 5321 section 4.5.2), the final dot, and reads
    /// the answer.
    pub(super) async fn letter(&mut self, letter: &ReplyContent) -> Result<SmtpReply, SmtpError> {
        let (mut from, mut ends_line) = (0, true);
        let stage = SmtpStage::Content;
        loop {
            let piece = letter
                .piece(from)
                .await
                .map_err(|source| SmtpError::Lost { stage, source })?;
            // A line's end is not torn apart: its CR comes again with what follows.
            let whole = piece.strip_suffix(b"\r").filter(|whole| !whole.is_empty());
            let piece = whole.unwrap_or(&piece);
            if piece.is_empty() {
                break;
            }
            for (place, piece) in dotted(piece, ends_line).enumerate() {
                if place > 0 {
                    self.block(b".").await?;
                }
                for block in piece.chunks(BLOCK_SIZE) {
                    self.block(block).await?;
                }
            }
            from += piece.len() as u64;
            ends_line = piece.ends_with(b"\r\n");
        }
        let end: &[u8] = if ends_line && from > 0 { b".\r\n" } else { b"\r\n.\r\n" };
        within(SmtpStage::Content, BLOCK, self.stream.flush()).await?;
        // What lies there before the dot is no answer to it. Let the machine tell first what has come.
        yield_now().await;
        self.nothing_unasked(SmtpStage::Content).await?;
        // From here on the server may have the whole mail.
        within(SmtpStage::End, BLOCK, async {
            self.stream.write_all(end).await?;
            self.stream.flush().await
        })
        .await?;
        self.answer(SmtpStage::End, DONE).await
    }

    /// Whether nothing has come beyond the answers that were read. A server that said more has lost the thread, or we have: what it
    /// says next answers nobody knows what.
    pub(super) fn is_quiet(&mut self) -> bool {
        unconstrained(self.stream.fill_buf()).now_or_never().is_none()
    }

    /// Before anything is said: what lies there was said unasked, and must not be taken for the answer. A server may say goodbye
    /// unasked (RFC 5321 section 3.8).
    async fn nothing_unasked(&mut self, stage: SmtpStage) -> Result<(), SmtpError> {
        match unconstrained(self.stream.fill_buf()).now_or_never() {
            None => return Ok(()),
            Some(Ok([])) => {
                let source = io::ErrorKind::UnexpectedEof.into();
                return Err(SmtpError::Lost { stage, source });
            }
            Some(Err(source)) => return Err(SmtpError::Lost { stage, source }),
            Some(Ok(_)) => {}
        }
        let reply = timeout(UNASKED, self.read()).await.ok().and_then(Result::ok);
        Err(SmtpError::Unasked { stage, reply })
    }

    async fn block(&mut self, block: &[u8]) -> Result<(), SmtpError> {
        within(SmtpStage::Content, BLOCK, self.stream.write_all(block)).await
    }

    async fn answer(&mut self, stage: SmtpStage, patience: Duration) -> Result<SmtpReply, SmtpError> {
        within(stage, patience, self.read()).await
    }

    async fn read(&mut self) -> io::Result<SmtpReply> {
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            let most = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
            (&mut self.stream).take(most).read_until(b'\n', &mut line).await?;
            if line.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (code, more, text) =
                parse(&line).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not SMTP"))?;
            lines.push(text);
            if !more {
                // Before anybody sees it, and before it is cut.
                for line in &mut lines {
                    if let Cow::Owned(struck) = self.redaction.strike(line) {
                        *line = struck;
                    }
                }
                return Ok(SmtpReply { code, lines });
            }
            if lines.len() >= MAX_LINES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer has no end"));
            }
        }
    }
}

async fn within<T>(
    stage: SmtpStage,
    patience: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, SmtpError> {
    match timeout(patience, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(source)) => Err(SmtpError::Lost { stage, source }),
        Err(_) => Err(SmtpError::Slow { stage, patience }),
    }
}

/// A line of an answer: its code, whether more lines follow, its text (RFC 5321 section 4.2).
fn parse(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (digits, rest) = line.split_at_checked(3)?;
    let code = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let more = match rest.first() {
        None | Some(b' ') => false,
        Some(b'-') => true,
        Some(_) => return None,
    };
    let text = String::from_utf8_lossy(rest.get(1..).unwrap_or_default());
    (200..600).contains(&code).then(|| (code, more, clean(&text, MAX_LINE)))
}

/// The pieces of a mail, or of a part of one that may begin a line, between which a dot is to be put: before each dot that begins a line.
fn dotted(mail: &[u8], begins_line: bool) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(mail);
    let mut first = begins_line;
    std::iter::from_fn(move || {
        let mail = rest?;
        let cut = if std::mem::take(&mut first) && mail.first() == Some(&b'.') {
            Some(0)
        } else {
            // From 1, since a piece begins with the dot before which it was cut.
            let dots = mail.windows(3).position(|window| window == b"\r\n.");
            dots.map(|place| place + 2)
        };
        let (piece, tail) = cut.map_or((mail, None), |cut| {
            let (piece, tail) = mail.split_at_checked(cut).unwrap_or((mail, &[]));
            (piece, Some(tail))
        });
        rest = tail;
        Some(piece)
    })
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "wire_cut_tests.rs"]
mod cut_tests;
