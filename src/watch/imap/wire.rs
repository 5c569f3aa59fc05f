//! Commands and their answers.
//!
//! A connection is either a [`ImapConnection`], on which a command can be sent, or [`RunningCommand`], with one under way. Each step takes the one
//! and gives back the other, and an error gives back neither: a connection that broke, or whose answer was not read to its end,
//! can't be used again. Every tagged status is looked at; EOF, BYE and silence are errors. What nobody asked for has a bound and
//! moves no deadline.
//!
//! Responses are read by our own [`super::frame`] and [`super::response`]. async-imap (0.12, 2026) ends a connection for good at the
//! first line that its parser doesn't know; imap-proto (0.17) panics at `INTERNALDATE NIL`, recurses into nested lists until
//! the stack is gone, and wants all of a literal in memory. It is the measure in our tests: what it reads, we read alike.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};

use super::{
    frame::{FrameEvent, Frames},
    heard::Expectation,
    response::{Completion, ImapResponse, ResponseCode, said},
};
use crate::{
    secret::Redaction,
    watch::error::{Violation, WatchError, Words},
};

/// The longest silence while an answer is due.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);
/// The longest time from a command, or its last answer that was asked for, to its end.
const ENDLESS: Duration = Duration::from_secs(600);
/// So many responses to a command that nobody asked for are no news any more.
const FLOOD: u32 = 100_000;

/// The command whose answers are mails.
pub(crate) const FETCH: &str = "UID FETCH";

/// How long a server that stopped listening may go on talking.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a connection needs to be.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Io for T {}

/// A connection on which no command is under way.
#[derive(Debug)]
pub(crate) struct ImapConnection<T: Io = Box<dyn Io>> {
    frames: Frames<T>,
    tag: u32,
    greeted: bool,
    exists: u32,
    /// The server spoke of mails since [`ImapConnection::take_news`]; so many are new, as far as one can count.
    news: Option<u32>,
    /// What the greeting said.
    pub(crate) greeting: Words,
    /// What the server must not say again where somebody sees it.
    redaction: Box<Redaction>,
    unread: Option<Box<Unread>>,
}

/// What a server said that can't be read, and was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) lines: u32,
    /// The beginning of the first.
    pub(crate) first: Words,
}

/// A connection with a command under way.
#[derive(Debug)]
pub(crate) struct RunningCommand<T: Io = Box<dyn Io>> {
    wire: ImapConnection<T>,
    command: &'static str,
    until: Instant,
    /// Responses that nobody asked for.
    unasked: u32,
    /// What may have been a mail, and can't be read: then nobody may think that the mail is gone.
    lost: Option<Words>,
}

/// The next thing that happens to a command.
pub(crate) enum Step<T: Io = Box<dyn Io>> {
    /// An untagged response.
    Said(RunningCommand<T>, ImapResponse),
    /// The end.
    Done(CompletedCommand<T>),
}

/// A command that ended.
pub(crate) struct CompletedCommand<T: Io = Box<dyn Io>> {
    pub(crate) wire: ImapConnection<T>,
    pub(crate) command: &'static str,
    pub(crate) answer: Completion,
}

impl<T: Io> CompletedCommand<T> {
    /// The connection, when the command was answered OK; any other answer ends the session.
    pub(crate) fn ok(self) -> Result<(ImapConnection<T>, Option<ResponseCode>), WatchError> {
        match self.answer {
            Completion::Ok(known) => Ok((self.wire, known)),
            Completion::Refused(answer) => Err(WatchError::Refused {
                command: self.command,
                answer,
            }),
        }
    }
}

impl<T: Io> ImapConnection<T> {
    /// A connection whose greeting was not read yet.
    pub(crate) fn new(stream: T) -> Self {
        Self {
            frames: Frames::new(stream),
            tag: 0,
            greeted: false,
            exists: 0,
            news: None,
            greeting: Words::default(),
            redaction: Box::default(),
            unread: None,
        }
    }

    /// A connection whose greeting was read before TLS.
    pub(crate) fn after_greeting(stream: T, greeting: Words) -> Self {
        Self {
            greeted: true,
            greeting,
            ..Self::new(stream)
        }
    }

    /// The bare stream, when nothing came that was not read.
    pub(super) fn into_inner(self) -> Result<T, WatchError> {
        self.frames
            .into_inner()
            .ok_or(WatchError::Protocol(Violation::Injected))
    }

    /// From now on these secrets are struck out of the server's words.
    pub(super) fn redact(&mut self, redaction: Redaction) {
        *self.redaction = redaction;
    }

    /// From now on a body may have so many bytes: one that is larger than what is gathered comes in pieces ([`ImapResponse::Piece`]).
    pub(crate) fn allow(&mut self, most: u64) {
        self.frames.allow(most);
    }

    /// How many mails are new since this was last asked; `None` where the server did not speak of mails at all.
    pub(crate) fn take_news(&mut self) -> Option<u32> {
        self.news.take()
    }

    /// The mails that are there, as the server said last.
    pub(crate) fn exists(&self) -> u32 {
        self.exists
    }

    /// What could not be read since this was last asked.
    pub(crate) fn take_unread(&mut self) -> Option<Unread> {
        self.unread.take().map(|unread| *unread)
    }

    /// Whether the server spoke of mails since.
    pub(crate) fn has_news(&self) -> bool {
        self.news.is_some()
    }

    /// Sends a command. `arguments` may be empty.
    pub(crate) async fn send(
        mut self,
        command: &'static str,
        arguments: &str,
    ) -> Result<RunningCommand<T>, WatchError> {
        self.tag = self.tag.wrapping_add(1);
        let mut line = String::with_capacity(arguments.len() + 32);
        let space = if arguments.is_empty() { "" } else { " " };
        write!(line, "A{} {command}{space}{arguments}", self.tag).map_err(|_| Violation::Command)?;
        self.write(line).await?;
        Ok(RunningCommand {
            wire: self,
            command,
            until: Instant::now() + ENDLESS,
            unasked: 0,
            lost: None,
        })
    }

    /// Sends a command and reads to its end; `on` gets what the server says on the way, and may say what it was to it.
    pub(crate) async fn run<H: Into<Expectation>>(
        self,
        command: &'static str,
        arguments: &str,
        mut on: impl FnMut(ImapResponse) -> H,
    ) -> Result<CompletedCommand<T>, WatchError> {
        let mut running = self.send(command, arguments).await?;
        loop {
            match running.next().await? {
                Step::Said(_, ImapResponse::Continue(_)) => return Err(Violation::Continue.into()),
                Step::Said(on_its_way, said) => {
                    running = on_its_way;
                    running.heard(on(said));
                }
                Step::Done(done) => return Ok(done),
            }
        }
    }

    /// A line of our own goes out whole, or not at all: a CR in it would begin a second command.
    async fn write(&mut self, mut line: String) -> Result<(), WatchError> {
        if line.bytes().any(|b| b.is_ascii_control()) {
            return Err(Violation::Command.into());
        }
        line.push_str("\r\n");
        let stream = self.frames.get_mut();
        let written = async {
            stream.write_all(line.as_bytes()).await?;
            stream.flush().await
        };
        match timeout(SILENCE, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.last_words().await.unwrap_or(WatchError::Io(error))),
            Err(_) => Err(WatchError::Silent(SILENCE)),
        }
    }

    /// Why the server closed the connection, when it said so before it did.
    async fn last_words(&mut self) -> Option<WatchError> {
        let bye = async {
            loop {
                match self.listen().await {
                    Ok(_) => {}
                    Err(error) => return matches!(error, WatchError::Bye(_)).then_some(error),
                }
            }
        };
        timeout(LAST_WORDS, bye).await.ok().flatten()
    }

    /// The next response, however long it takes. Dropping the future loses nothing.
    async fn listen(&mut self) -> Result<ImapResponse, WatchError> {
        let event = self.frames.next().await?;
        if let FrameEvent::Frame(frame) = &event
            && !self.greeted
        {
            self.greeting = Words::new(&String::from_utf8_lossy(&frame.text));
        }
        let mut said = said(event);
        match &mut said {
            ImapResponse::Torn => return Err(Violation::Grammar.into()),
            ImapResponse::Stray(words) if self.greeted => {
                words.strike(&self.redaction);
                return Err(WatchError::Unreadable(std::mem::take(words)));
            }
            ImapResponse::Unread { words, .. } if self.greeted => self.pass_over(words),
            ImapResponse::Bye(words) => return Err(WatchError::Bye(std::mem::take(words)).struck(&self.redaction)),
            ImapResponse::Done {
                answer: Completion::Refused(answer),
                ..
            } => answer.strike(&self.redaction),
            // Some servers repeat the number whenever they are asked something; that is no news.
            ImapResponse::Exists(n) if *n != self.exists => {
                let new = n.saturating_sub(self.exists);
                self.news = Some(self.news.unwrap_or(0).saturating_add(new));
                self.exists = *n;
            }
            ImapResponse::Expunged => self.exists = self.exists.saturating_sub(1),
            _ => {}
        }
        self.greeted = true;
        Ok(said)
    }

    fn pass_over(&mut self, words: &Words) {
        let unread = self.unread.get_or_insert_with(|| {
            let first = words.clone().struck(&self.redaction);
            Box::new(Unread { lines: 0, first })
        });
        unread.lines = unread.lines.saturating_add(1);
    }

    /// The greeting, which must be there soon.
    pub(super) async fn greeting(&mut self) -> Result<ImapResponse, WatchError> {
        self.read("the greeting", Instant::now() + SILENCE, SILENCE).await
    }

    /// The next response of a server that owes us one: until then, which is `after` its last sign of life.
    async fn read(
        &mut self,
        command: &'static str,
        until: Instant,
        after: Duration,
    ) -> Result<ImapResponse, WatchError> {
        loop {
            let received = self.frames.received();
            let silent = Instant::now() + SILENCE;
            if let Ok(said) = timeout_at(silent.min(until), self.listen()).await {
                return said;
            }
            if Instant::now() >= silent && self.frames.received() == received {
                return Err(WatchError::Silent(SILENCE));
            }
            if Instant::now() >= until {
                return Err(WatchError::Endless { command, after });
            }
        }
    }
}

impl<T: Io> RunningCommand<T> {
    /// What the server says next.
    pub(crate) async fn next(mut self) -> Result<Step<T>, WatchError> {
        let said = self.wire.read(self.command, self.until, ENDLESS).await?;
        self.step(said)
    }

    /// What the server says next, however long it takes. Dropping the future loses nothing.
    pub(crate) async fn listen(&mut self) -> Result<ImapResponse, WatchError> {
        self.wire.listen().await
    }

    /// Whether the server spoke of mails.
    pub(crate) fn has_news(&self) -> bool {
        self.wire.has_news()
    }

    /// What a server said beside its answer, without the secrets that it was told.
    pub(super) fn struck(&self, text: &str) -> String {
        self.wire.redaction.strike(text).into_owned()
    }

    /// The state after a response.
    pub(crate) fn step(mut self, said: ImapResponse) -> Result<Step<T>, WatchError> {
        match said {
            ImapResponse::Done { tag, answer } => {
                // Every command is read to its end before the next, so there is no other tag that could come.
                if tag != format!("A{}", self.wire.tag) {
                    return Err(Violation::Tag.into());
                }
                if let Some(lost) = self.lost.filter(|_| self.command == FETCH) {
                    return Err(WatchError::Unreadable(lost));
                }
                Ok(Step::Done(CompletedCommand {
                    wire: self.wire,
                    command: self.command,
                    answer,
                }))
            }
            said => {
                if let ImapResponse::Unread { words, fetch: true } = &said {
                    self.lost
                        .get_or_insert_with(|| words.clone().struck(&self.wire.redaction));
                }
                self.unasked = self.unasked.saturating_add(1);
                if self.unasked > FLOOD {
                    return Err(WatchError::Flood {
                        command: self.command,
                        most: FLOOD,
                    });
                }
                Ok(Step::Said(self, said))
            }
        }
    }

    /// Sends the bytes that the server asked for by `+`, and ends the command's line.
    pub(crate) async fn literal(mut self, bytes: &[u8]) -> Result<Self, WatchError> {
        let stream = self.wire.frames.get_mut();
        let written = async {
            stream.write_all(bytes).await?;
            stream.write_all(b"\r\n").await?;
            stream.flush().await
        };
        match timeout(SILENCE, written).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(WatchError::Io(error)),
            Err(_) => return Err(WatchError::Silent(SILENCE)),
        }
        self.until = Instant::now() + ENDLESS;
        Ok(self)
    }

    /// What the last response was.
    pub(crate) fn heard(&mut self, heard: impl Into<Expectation>) {
        let heard = heard.into();
        if heard != Expectation::Unasked {
            self.unasked = self.unasked.saturating_sub(1);
        }
        if heard == Expectation::Progress {
            self.until = Instant::now() + ENDLESS;
        }
    }

    /// Sends what the server asked for by `+`, or DONE.
    pub(crate) async fn answer(mut self, line: &str) -> Result<Self, WatchError> {
        self.wire.write(line.to_owned()).await?;
        self.until = Instant::now() + ENDLESS;
        Ok(self)
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
