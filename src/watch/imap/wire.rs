//! Commands and their answers: a thin strict layer over async-imap.
//!
//! A connection is either a [`Wire`], on which a command can be sent, or [`Running`], with one under way. Each step takes the one
//! and gives back the other, and an error gives back neither: a connection that broke, or whose answer was not read to its end,
//! can't be used again. Every tagged status is looked at; EOF, BYE and silence are errors.
//!
//! Of async-imap only the reading of responses is used: its calls report refused commands and lost connections as empty success
//! (0.12, 2026), and it writes a command in four pieces, which under TLS are four packets.

use std::{
    fmt::{self, Write as _},
    panic::AssertUnwindSafe,
    time::Duration,
};

use async_imap::Client;
use futures_util::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout, timeout_at},
};

use super::{
    guard::Guard,
    response::{Answer, Known, Said, said},
};
use crate::{
    secret::Redaction,
    watch::error::{Error, Violation},
};

/// The longest silence while an answer is due.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);
/// The longest time from a command, or its last FETCH answer, to its end.
const ENDLESS: Duration = Duration::from_secs(600);

/// How long a server that stopped listening may go on talking.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a connection needs to be.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Io for T {}

/// A connection on which no command is under way.
#[derive(Debug)]
pub(crate) struct Wire<T: Io = Box<dyn Io>> {
    client: Client<Guard<T>>,
    tag: u32,
    responses: u64,
    exists: u32,
    /// The server spoke of mails since [`Wire::take_news`]; so many are new, as far as one can count.
    news: Option<u32>,
    /// What the server must not say again where somebody sees it.
    redaction: Box<Redaction>,
}

/// A connection with a command under way.
#[derive(Debug)]
pub(crate) struct Running<T: Io = Box<dyn Io>> {
    wire: Wire<T>,
    command: &'static str,
    until: Instant,
}

/// The next thing that happens to a command.
pub(crate) enum Step<T: Io = Box<dyn Io>> {
    /// An untagged response.
    Said(Running<T>, Said),
    /// The end.
    Done(Done<T>),
}

/// A command that ended.
pub(crate) struct Done<T: Io = Box<dyn Io>> {
    pub(crate) wire: Wire<T>,
    pub(crate) command: &'static str,
    pub(crate) answer: Answer,
}

impl<T: Io> Done<T> {
    /// The connection, when the command was answered OK; any other answer ends the session.
    pub(crate) fn ok(self) -> Result<(Wire<T>, Option<Known>), Error> {
        match self.answer {
            Answer::Ok(known) => Ok((self.wire, known)),
            Answer::Refused(answer) => Err(Error::Refused {
                command: self.command,
                answer,
            }),
        }
    }
}

impl<T: Io> Wire<T> {
    /// A connection whose greeting was not read yet.
    pub(crate) fn new(stream: T) -> Self {
        Self {
            client: Client::new(Guard::new(stream)),
            tag: 0,
            responses: 0,
            exists: 0,
            news: None,
            redaction: Box::default(),
        }
    }

    /// The bare stream, when nothing came that was not read.
    pub(super) fn into_inner(self) -> Result<T, Error> {
        let clean = self.client.get_ref().responses() == Some(self.responses);
        if !clean {
            return Err(Violation::Injected.into());
        }
        Ok(self.client.into_inner().into_inner())
    }

    /// From now on these secrets are struck out of the server's words.
    pub(super) fn redact(&mut self, redaction: Redaction) {
        *self.redaction = redaction;
    }

    /// How many mails are new since this was last asked; `None` where the server did not speak of mails at all.
    pub(crate) fn take_news(&mut self) -> Option<u32> {
        self.news.take()
    }

    /// Whether the server spoke of mails since.
    pub(crate) fn has_news(&self) -> bool {
        self.news.is_some()
    }

    /// Sends a command. `arguments` may be empty.
    pub(crate) async fn send(mut self, command: &'static str, arguments: &str) -> Result<Running<T>, Error> {
        self.tag = self.tag.wrapping_add(1);
        let mut line = String::with_capacity(arguments.len() + 32);
        let space = if arguments.is_empty() { "" } else { " " };
        write!(line, "A{} {command}{space}{arguments}", self.tag).map_err(|_| Violation::Command)?;
        self.write(line).await?;
        Ok(Running {
            wire: self,
            command,
            until: Instant::now() + ENDLESS,
        })
    }

    /// Sends a command and reads to its end; `on` gets what the server says on the way.
    pub(crate) async fn run(
        self,
        command: &'static str,
        arguments: &str,
        mut on: impl FnMut(Said),
    ) -> Result<Done<T>, Error> {
        let mut running = self.send(command, arguments).await?;
        loop {
            match running.next().await? {
                Step::Said(_, Said::Continue(_)) => return Err(Violation::Continue.into()),
                Step::Said(on_its_way, said) => {
                    on(said);
                    running = on_its_way;
                }
                Step::Done(done) => return Ok(done),
            }
        }
    }

    /// A line of our own goes out whole, or not at all: a CR in it would begin a second command.
    async fn write(&mut self, mut line: String) -> Result<(), Error> {
        if line.bytes().any(|b| b.is_ascii_control()) {
            return Err(Violation::Command.into());
        }
        line.push_str("\r\n");
        let stream = self.client.get_mut();
        let written = async {
            stream.write_all(line.as_bytes()).await?;
            stream.flush().await
        };
        match timeout(SILENCE, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.last_words().await.unwrap_or(Error::Io(error))),
            Err(_) => Err(Error::Silent(SILENCE)),
        }
    }

    /// Why the server closed the connection, when it said so before it did.
    async fn last_words(&mut self) -> Option<Error> {
        let bye = async {
            loop {
                match self.listen().await {
                    Ok(_) => {}
                    Err(error) => return matches!(error, Error::Bye(_)).then_some(error),
                }
            }
        };
        timeout(LAST_WORDS, bye).await.ok().flatten()
    }

    /// The next response, however long it takes. Dropping the future loses nothing.
    async fn listen(&mut self) -> Result<Said, Error> {
        // imap-proto panics on some input (`INTERNALDATE NIL`, a multi-byte character after a code; 0.17, 2026).
        let read = AssertUnwindSafe(self.client.read_response()).catch_unwind().await;
        let response = match read {
            Err(_) => return Err(Violation::Unreadable.into()),
            Ok(Err(error)) => return Err(failed(error)),
            Ok(Ok(None)) => return Err(Error::Closed),
            Ok(Ok(Some(response))) => response,
        };
        self.responses += 1;
        let mut said = said(response.parsed());
        match &mut said {
            Said::Bye(words) => return Err(Error::Bye(std::mem::take(words)).struck(&self.redaction)),
            Said::Done {
                answer: Answer::Refused(answer),
                ..
            } => answer.strike(&self.redaction),
            // Some servers repeat the number whenever they are asked something; that is no news.
            Said::Exists(n) if *n != self.exists => {
                let new = n.saturating_sub(self.exists);
                self.news = Some(self.news.unwrap_or(0).saturating_add(new));
                self.exists = *n;
            }
            Said::Expunged => self.exists = self.exists.saturating_sub(1),
            _ => {}
        }
        Ok(said)
    }

    /// The next response of a server that owes us one.
    pub(super) async fn read(&mut self, command: &'static str, until: Instant) -> Result<Said, Error> {
        loop {
            let received = self.client.get_ref().received();
            let silent = Instant::now() + SILENCE;
            if let Ok(said) = timeout_at(silent.min(until), self.listen()).await {
                return said;
            }
            if Instant::now() >= until {
                return Err(Error::Endless {
                    command,
                    after: ENDLESS,
                });
            }
            if self.client.get_ref().received() == received {
                return Err(Error::Silent(SILENCE));
            }
        }
    }
}

impl<T: Io> Running<T> {
    /// What the server says next.
    pub(crate) async fn next(mut self) -> Result<Step<T>, Error> {
        let said = self.wire.read(self.command, self.until).await?;
        self.step(said)
    }

    /// What the server says next, however long it takes. Dropping the future loses nothing.
    pub(crate) async fn listen(&mut self) -> Result<Said, Error> {
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
    pub(crate) fn step(mut self, said: Said) -> Result<Step<T>, Error> {
        match said {
            Said::Done { tag, answer } => {
                // Every command is read to its end before the next, so there is no other tag that could come.
                if tag.strip_prefix('A').and_then(|n| n.parse().ok()) != Some(self.wire.tag) {
                    return Err(Violation::Unreadable.into());
                }
                Ok(Step::Done(Done {
                    wire: self.wire,
                    command: self.command,
                    answer,
                }))
            }
            said => {
                if matches!(said, Said::Fetch(_)) {
                    self.until = Instant::now() + ENDLESS;
                }
                Ok(Step::Said(self, said))
            }
        }
    }

    /// Sends the bytes that the server asked for by `+`, and ends the command's line.
    pub(crate) async fn literal(mut self, bytes: &[u8]) -> Result<Self, Error> {
        let stream = self.wire.client.get_mut();
        let written = async {
            stream.write_all(bytes).await?;
            stream.write_all(b"\r\n").await?;
            stream.flush().await
        };
        match timeout(SILENCE, written).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(Error::Io(error)),
            Err(_) => return Err(Error::Silent(SILENCE)),
        }
        self.until = Instant::now() + ENDLESS;
        Ok(self)
    }

    /// Sends what the server asked for by `+`, or DONE.
    pub(crate) async fn answer(mut self, line: &str) -> Result<Self, Error> {
        self.wire.write(line.to_owned()).await?;
        self.until = Instant::now() + ENDLESS;
        Ok(self)
    }
}

/// The parser's words are left out: they hold the mail that it could not read.
fn failed(error: std::io::Error) -> Error {
    if let Some(violation) = error.get_ref().and_then(|e| e.downcast_ref::<Violation>()) {
        return Error::Protocol(*violation);
    }
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::Closed,
        std::io::ErrorKind::Other => Error::Protocol(Violation::Unreadable),
        _ => Error::Io(error),
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
