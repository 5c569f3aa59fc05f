//! Where commands print. Whoever reads no further has seen enough: that ends nothing in words, and changes no exit code. Nothing that is
//! printed panics where it can't be written, and no command ends well whose words a full disk swallowed ([`ended`]).

use std::{
    fmt,
    io::{self, Stderr, Stdout, Write},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Nobody reads standard output any more.
static GONE: AtomicBool = AtomicBool::new(false);

/// Why standard output did not take something, until that is said.
static UNTOLD_WHY: Mutex<Option<String>> = Mutex::new(None);

/// Standard output; what nobody reads any more counts as read.
pub(super) struct StdoutWriter(Stdout);

/// Standard error; what nobody reads any more counts as read.
pub(super) struct StderrWriter(Stderr);

/// `EX_IOERR`: it could not be told.
const UNTOLD: u8 = 74;

/// Standard output.
pub(super) fn stdout() -> StdoutWriter {
    StdoutWriter(io::stdout())
}

/// Standard error.
pub(super) fn stderr() -> StderrWriter {
    StderrWriter(io::stderr())
}

/// Says why standard output does not take what was to be told. The exit code is 74 (`EX_IOERR`).
pub(super) fn untold(error: &io::Error) -> ExitCode {
    UNTOLD_WHY.lock().take();
    complain(format_args!("standard output can't be written: {error}\n"));
    ExitCode::from(UNTOLD)
}

/// The exit code of a command that has printed all: 74 where standard output did not take something and nobody has said so, else its own.
pub(super) fn ended(code: ExitCode) -> ExitCode {
    drop(stdout().flush());
    let why = UNTOLD_WHY.lock().take();
    why.map_or(code, |why| untold(&io::Error::other(why)))
}

/// Whether nobody reads any more: whoever would go on for ever ends, also while there is nothing to say.
pub(super) fn is_gone() -> bool {
    let stdout = io::stdout();
    let mut out = [PollFd::new(&stdout, PollFlags::empty())];
    let at_once = Timespec::default();
    let is_closed =
        poll(&mut out, Some(&at_once)).is_ok() && out.iter().any(|out| out.revents().contains(PollFlags::ERR));
    GONE.load(Ordering::Relaxed) || is_closed
}

fn heard<T>(written: io::Result<T>, all: T) -> io::Result<T> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            GONE.store(true, Ordering::Relaxed);
            Ok(all)
        }
        Err(error) => {
            UNTOLD_WHY.lock().get_or_insert(error.to_string());
            Err(error)
        }
        Ok(written) => Ok(written),
    }
}

impl Write for StdoutWriter {
    fn write(&mut self, said: &[u8]) -> io::Result<usize> {
        heard(self.0.write(said), said.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        heard(self.0.flush(), ())
    }
}

impl Write for StderrWriter {
    fn write(&mut self, said: &[u8]) -> io::Result<usize> {
        match self.0.write(said) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(said.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes to standard output, as far as that can be done.
pub(super) fn say(said: fmt::Arguments<'_>) {
    let mut out = stdout();
    drop(out.write_fmt(said).and_then(|()| out.flush()));
}

/// Writes all of it to standard output. The exit code is 0, or 74 where it can't be written.
pub(super) fn all(text: impl AsRef<[u8]>) -> ExitCode {
    let mut out = stdout();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => untold(&error),
    }
}

/// Writes to standard error, as far as that can be done.
pub(super) fn complain(said: fmt::Arguments<'_>) {
    drop(io::stderr().lock().write_fmt(said));
}
