//! Commands and their answers (RFC 1939): strict, bounded, and impossible to use after it broke.
//!
//! A client of our own: async-pop reads a whole mail into one buffer, has no limits, and brings a runtime of its own (1.1.3, 2026-11).
//! Each step takes the connection and gives it back, and an error does not: after one nothing on it can be trusted.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    time::{Instant, timeout, timeout_at},
};

use crate::{
    secret::Redaction,
    watch::{
        error::{Negative, Refusal, Violation, WatchError, Words},
        imap::Io,
    },
};

/// The longest silence while an answer is due.
const SILENCE: Duration = Duration::from_secs(60);
/// The same for QUIT: servers delete what they were told to before they answer.
const UPDATE: Duration = Duration::from_secs(300);
/// The longest time for an answer of many lines.
pub(super) const ENDLESS: Duration = Duration::from_secs(600);
/// The longest line of an answer in bytes, beside those of mails. RFC 2449 section 4 allows 512; challenges of sign-ins are longer.
const MAX_LINE: u64 = 8 * 1024;
/// The longest line of a list that is read past.
const LONG_LINE: u64 = 1 << 20;
/// Bytes that are shown of what nobody asked for.
const SHOWN: usize = 100;
/// Bytes that are read from the connection at once.
const BUFFER: usize = 32 * 1024;

/// A connection on which no command is under way.
#[derive(Debug)]
pub(crate) struct Pop3Connection<T: Io = Box<dyn Io>> {
    pub(super) stream: BufReader<T>,
    /// Whether the last line that was read ended by LF alone: then those of a mail behind it do, too.
    pub(super) bare: bool,
    /// The server is known to end mails by a dot and LF alone, whatever ends its other lines.
    pub(super) bare_ends: bool,
    /// What the greeting said.
    pub(super) greeting: Words,
    /// What the server must not say again where somebody sees it.
    pub(super) redaction: Box<Redaction>,
}

/// The first line of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pop3Reply {
    Ok,
    Refused(Refusal),
    /// The server waits for more (RFC 5034 section 4); what it told.
    More(String),
    /// Something else, which no server may say.
    Odd(Words),
}

impl Pop3Reply {
    /// Without what was said in secret before.
    fn struck(mut self, redaction: &Redaction) -> Self {
        match &mut self {
            Self::Refused(answer) => answer.strike(redaction),
            Self::Odd(words) => words.strike(redaction),
            Self::Ok | Self::More(_) => {}
        }
        self
    }

    /// What is to be done about an answer that can't stand where it stands.
    pub(super) fn out_of_place(self, command: &'static str) -> WatchError {
        match self {
            Self::Ok | Self::More(_) => Violation::Continue.into(),
            Self::Refused(answer) => WatchError::Refused { command, answer },
            Self::Odd(words) => WatchError::Odd { command, words },
        }
    }
}

impl<T: Io> Pop3Connection<T> {
    /// A connection whose greeting was not read yet, if there is one.
    pub(super) fn new(stream: T) -> Self {
        Self {
            stream: BufReader::with_capacity(BUFFER, stream),
            bare: false,
            bare_ends: false,
            greeting: Words::default(),
            redaction: Box::default(),
        }
    }

    /// The bare stream, when nothing came that was not read: whatever comes before TLS, anybody may have sent.
    pub(super) fn into_inner(self) -> Result<(T, Words), WatchError> {
        if self.stream.buffer().is_empty() {
            Ok((self.stream.into_inner(), self.greeting))
        } else {
            Err(Violation::Injected.into())
        }
    }

    /// Reads the greeting.
    pub(super) async fn greeted(mut self) -> Result<Self, WatchError> {
        let line = self.line(SILENCE).await?;
        match reply(&line) {
            Pop3Reply::Ok => {
                self.greeting = Words::new(&line);
                Ok(self)
            }
            Pop3Reply::Refused(answer) => Err(WatchError::Refused {
                command: "the connection",
                answer: about_us(answer)?,
            }),
            Pop3Reply::More(_) => Err(Violation::Greeting.into()),
            reply @ Pop3Reply::Odd(_) => Err(reply.out_of_place("the connection")),
        }
    }

    /// Reads an answer without a command.
    pub(super) async fn listen(mut self) -> Result<(Self, Pop3Reply), WatchError> {
        let reply = self.reply(SILENCE).await?;
        Ok((self, reply))
    }

    /// Sends a line and reads the first line of the answer. The line is shown nowhere; `command` is.
    pub(super) async fn ask(mut self, command: &'static str, line: &str) -> Result<(Self, Pop3Reply), WatchError> {
        self.send(command, line).await?;
        self.listen().await
    }

    /// Sends a command of one line. Its refusal comes back with the connection.
    pub(super) async fn try_run(
        self,
        command: &'static str,
        argument: &str,
    ) -> Result<(Self, Result<(), Refusal>), WatchError> {
        let (wire, reply) = self.ask(command, &line(command, argument)).await?;
        match reply {
            Pop3Reply::Ok => Ok((wire, Ok(()))),
            Pop3Reply::Refused(refusal) => Ok((wire, Err(about_us(refusal)?))),
            reply @ (Pop3Reply::More(_) | Pop3Reply::Odd(_)) => Err(reply.out_of_place(command)),
        }
    }

    /// Sends a command whose answer has several lines, and hands each on; there may be `most` of them.
    pub(super) async fn list(
        self,
        command: &'static str,
        most: usize,
        each: impl FnMut(&str),
    ) -> Result<(Self, Result<(), Refusal>), WatchError> {
        let (mut wire, answer) = self.try_run(command, "").await?;
        if answer.is_ok() {
            wire.lines(command, most, each).await?;
        }
        Ok((wire, answer))
    }

    /// The lines of an answer, up to the one that is a dot.
    pub(super) async fn lines(
        &mut self,
        command: &'static str,
        most: usize,
        mut each: impl FnMut(&str),
    ) -> Result<(), WatchError> {
        let lines = async {
            for _ in 0..=most {
                let line = self.listed().await?;
                match line.strip_prefix('.') {
                    Some(rest) if rest.trim_ascii().is_empty() => return Ok(()),
                    Some(rest) => each(rest),
                    None => each(&line),
                }
            }
            Err(Violation::Lines.into())
        };
        let after = ENDLESS;
        let read = timeout(after, lines).await;
        read.unwrap_or(Err(WatchError::Endless { command, after }))
    }

    /// How many mails there are.
    pub(super) async fn stat(mut self) -> Result<(Self, u64), WatchError> {
        let line = self.counted().await?;
        match reply(&line) {
            Pop3Reply::Ok => Ok((self, count(&line).ok_or(Violation::Unreadable)?)),
            reply => Err(reply.struck(&self.redaction).out_of_place("STAT")),
        }
    }

    /// Makes sure that the answer before this was read to its end and no further: STAT is answered as STAT is, or refused in words.
    ///
    /// It is the command whose answer a line of a mail is least taken for. A bare `-ERR` may be such a line.
    pub(super) async fn in_step(mut self) -> Result<Self, WatchError> {
        let line = self.counted().await?;
        match reply(&line) {
            Pop3Reply::Ok if count(&line).is_some() => Ok(self),
            Pop3Reply::Refused(_) if line.trim_ascii().len() > "-ERR".len() => Ok(self),
            Pop3Reply::Ok | Pop3Reply::Refused(_) | Pop3Reply::More(_) | Pop3Reply::Odd(_) => {
                let words = Words::new(&line);
                Err(Pop3Reply::Odd(words).struck(&self.redaction).out_of_place("STAT"))
            }
        }
    }

    async fn counted(&mut self) -> Result<String, WatchError> {
        self.send("STAT", "STAT").await?;
        self.line(SILENCE).await
    }

    /// Ends the session, so that what was marked for it is deleted. Only an OK says that it was.
    pub(super) async fn quit(mut self) -> Result<(), WatchError> {
        self.send("QUIT", "QUIT").await?;
        match self.reply(UPDATE).await? {
            Pop3Reply::Ok => Ok(()),
            reply => Err(reply.out_of_place("QUIT")),
        }
    }

    async fn send(&mut self, command: &'static str, line: &str) -> Result<(), WatchError> {
        if line.chars().any(char::is_control) {
            return Err(Violation::Command.into());
        }
        self.quiet(command).await?;
        let line = format!("{line}\r\n");
        let written = async {
            self.stream.write_all(line.as_bytes()).await?;
            self.stream.flush().await
        };
        let written = timeout(SILENCE, written).await;
        written
            .map_err(|_| WatchError::Silent(SILENCE))?
            .map_err(WatchError::Io)
    }

    /// Makes sure that nothing came where nothing was asked. What lies there is the rest of something that was taken for whole, and
    /// would be taken for the next answer. `before` names what is not sent then. A refusal alone is a server's goodbye.
    pub(super) async fn quiet(&mut self, before: &'static str) -> Result<(), WatchError> {
        let early = poll_fn(|cx| {
            Poll::Ready(match Pin::new(&mut self.stream).poll_fill_buf(cx) {
                Poll::Ready(Ok(bytes)) if !bytes.is_empty() => {
                    let shown = bytes.get(..SHOWN).unwrap_or(bytes);
                    let words = Words::new(&String::from_utf8_lossy(shown));
                    Some(if is_goodbye(bytes) {
                        WatchError::Bye(words)
                    } else {
                        WatchError::Early { before, words }
                    })
                }
                // A connection that ended is noticed by whoever needs it.
                Poll::Ready(_) | Poll::Pending => None,
            })
        });
        match early.await {
            Some(error) => Err(error.struck(&self.redaction)),
            None => Ok(()),
        }
    }

    async fn reply(&mut self, patience: Duration) -> Result<Pop3Reply, WatchError> {
        Ok(reply(&self.line(patience).await?).struck(&self.redaction))
    }

    /// Reads a line, which comes back without its end.
    async fn line(&mut self, patience: Duration) -> Result<String, WatchError> {
        match self.piece_of_line(patience).await? {
            (text, true) => Ok(text),
            (_, false) => Err(Violation::Line.into()),
        }
    }

    /// Reads a line of a list. One that is longer than any may be costs itself: what is over it is dropped.
    async fn listed(&mut self) -> Result<String, WatchError> {
        let (text, mut ended) = self.piece_of_line(SILENCE).await?;
        for _ in 0..LONG_LINE / MAX_LINE {
            if ended {
                break;
            }
            (_, ended) = self.piece_of_line(SILENCE).await?;
        }
        if ended { Ok(text) } else { Err(Violation::Line.into()) }
    }

    /// Reads a line as far as it may go, and says whether it ended there.
    async fn piece_of_line(&mut self, patience: Duration) -> Result<(String, bool), WatchError> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(MAX_LINE);
        let read = timeout(patience, limited.read_until(b'\n', &mut line)).await;
        read.map_err(|_| WatchError::Silent(patience))?
            .map_err(WatchError::Io)?;
        match line.strip_suffix(b"\n") {
            Some(text) => {
                self.bare = !text.ends_with(b"\r");
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                Ok((String::from_utf8_lossy(text).into_owned(), true))
            }
            None if line.len() as u64 >= MAX_LINE => Ok((String::from_utf8_lossy(&line).into_owned(), false)),
            None => Err(WatchError::Closed),
        }
    }

    /// Reads some bytes, hands them on, and forgets as many of them as `used` says. `until` is when all of `limit` has passed.
    pub(super) async fn bytes(
        &mut self,
        until: Instant,
        limit: Duration,
        used: impl FnOnce(&[u8]) -> usize,
    ) -> Result<(), WatchError> {
        let reading = timeout(SILENCE, self.stream.fill_buf());
        let read = timeout_at(until, reading).await.map_err(|_| WatchError::Endless {
            command: "RETR",
            after: limit,
        })?;
        let bytes = read.map_err(|_| WatchError::Silent(SILENCE))?.map_err(WatchError::Io)?;
        if bytes.is_empty() {
            return Err(WatchError::Closed);
        }
        let used = used(bytes);
        self.stream.consume(used);
        Ok(())
    }
}

/// Whether this is one refusal that has a response code (RFC 2449 section 8), and nothing else: servers that stop say so unasked, and
/// close (Dovecot 2.3: `-ERR [SYS/TEMP] Server shutting down.`, 2026-11). A refusal without a code could be a mail's last line.
fn is_goodbye(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let refused = bytes.get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"-ERR ["));
    refused && end.is_some_and(|end| end + 1 == bytes.len())
}

/// A refusal that is about what was asked. `SYS/TEMP` is about the server (RFC 3206): Dovecot 2.3 says `[SYS/TEMP] Server shutting
/// down.` to whatever it is asked, and closes (2026-11).
pub(super) fn about_us(refusal: Refusal) -> Result<Refusal, WatchError> {
    if refusal.is("SYS/TEMP") {
        Err(WatchError::Bye(Words::new(&format!("[SYS/TEMP] {}", refusal.text))))
    } else {
        Ok(refusal)
    }
}

fn line(command: &str, argument: &str) -> String {
    if argument.is_empty() {
        command.to_owned()
    } else {
        format!("{command} {argument}")
    }
}

/// Reads the first line of an answer. Blanks more or less say nothing.
fn reply(line: &str) -> Pop3Reply {
    let line = line.trim_ascii();
    let (word, text) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    match word {
        "+" => Pop3Reply::More(text.trim_ascii().to_owned()),
        _ if word.eq_ignore_ascii_case("+OK") => Pop3Reply::Ok,
        _ if word.eq_ignore_ascii_case("-ERR") => Pop3Reply::Refused(refusal(text)),
        _ => Pop3Reply::Odd(Words::new(line)),
    }
}

/// The count in an answer to STAT: `+OK 3 1200`.
fn count(line: &str) -> Option<u64> {
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// A response code stands first, in brackets (RFC 2449 section 8). Servers that don't announce RESP-CODES have them too.
fn refusal(text: &str) -> Refusal {
    let coded = text.trim().strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let coded = coded.filter(|(code, _)| code.bytes().all(|b| b.is_ascii_graphic()) && !code.is_empty());
    let (code, text) = coded.map_or((None, text), |(code, text)| (Some(code.to_ascii_uppercase()), text));
    Refusal {
        status: Negative::Err,
        code: code.as_deref().map(Words::new),
        text: Words::new(text),
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
