//! The line to a warden: what we say to it, what it says, and its end when we let go.

use std::{
    io::{self, IoSlice},
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::net,
    },
    process::Stdio,
    sync::Arc,
};

use rustix::{
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg},
    process::Pid,
};
use tokio::{
    io::AsyncWriteExt,
    net::UnixStream,
    process::{Child, Command},
};

#[cfg(not(test))]
use super::warden;
use super::{
    frame::{self, NOTE, Note},
    terms::Terms,
};

/// The program that is a warden: this one, whatever is at its path by now.
#[cfg(not(test))]
fn program() -> Command {
    let mut program = Command::new("/proc/self/exe");
    program.arg(warden::ARGUMENT);
    program
}

/// In tests of this library, a test of that name is one.
#[cfg(test)]
fn program() -> Command {
    let mut program = Command::new("/proc/self/exe");
    program.args([
        "guest::tests::warden",
        "--exact",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    program
}

/// A warden, and what it said and was not looked at yet. Dropped, it loses its life line, kills what it guards, and ends.
#[derive(Debug)]
pub(super) struct Warden {
    pub(super) terms: Arc<Terms>,
    pub(super) socket: UnixStream,
    /// Buried by the runtime when it was dropped.
    pub(super) process: Child,
    heard: Vec<u8>,
    pub(super) spared: Arc<Vec<Pid>>,
}

impl Warden {
    pub(super) fn new(terms: Arc<Terms>, lock: Option<std::fs::File>, spared: Arc<Vec<Pid>>) -> io::Result<Self> {
        let (ours, theirs) = net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let process = program()
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(lock.map_or_else(Stdio::null, Stdio::from))
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            terms,
            socket: UnixStream::from_std(ours)?,
            process,
            heard: Vec::new(),
            spared,
        })
    }

    /// Nothing is said by one that has nothing to do; one that is dead closed its end.
    pub(super) fn is_alive(&self) -> bool {
        let mut byte = [0];
        matches!(self.socket.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends a frame, with descriptors beside its length.
    pub(super) async fn send(&mut self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let [a, b, c, d] = u32::try_from(bytes.len()).map_err(io::Error::other)?.to_le_bytes();
        let length = [frame::FRAME, a, b, c, d];
        loop {
            self.socket.writable().await?;
            let sent = self.socket.try_io(tokio::io::Interest::WRITABLE, || {
                let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
                let mut control = SendAncillaryBuffer::new(&mut space);
                if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
                    return Err(io::Error::other("too many descriptors"));
                }
                let sent = sendmsg(
                    &self.socket,
                    &[IoSlice::new(&length)],
                    &mut control,
                    SendFlags::NOSIGNAL,
                )?;
                Ok(sent)
            });
            match sent {
                Ok(sent) => {
                    let rest = length.get(sent..).unwrap_or_default();
                    self.socket.write_all(rest).await?;
                    return self.socket.write_all(bytes).await;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next note of those that were heard already.
    pub(super) fn heard(&mut self) -> Option<io::Result<Note>> {
        let (note, rest) = self.heard.split_first_chunk::<NOTE>()?;
        let note = Note::of(*note).ok_or_else(|| io::Error::other("it said what nobody understands"));
        self.heard = rest.to_vec();
        Some(note)
    }

    /// The next note. May be dropped at any time: what was heard until then is kept.
    pub(super) async fn note(&mut self) -> io::Result<Note> {
        loop {
            if let Some(note) = self.heard() {
                return note;
            }
            self.socket.readable().await?;
            let mut bytes = [0; 8 * NOTE];
            match self.socket.try_read(&mut bytes) {
                Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is gone")),
                Ok(read) => self.heard.extend_from_slice(bytes.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}
