//! Where lines of the log go. One that can't be written is lost and counted; the process goes on, and as soon as writing works again, the
//! log says how many are missing.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::metrics::counter::Counter;

/// Tells in the log's own form that lines are missing.
type LossMessage = fn(lost: u64, why: &str) -> String;

/// Where the lines go; clones share it.
pub(super) struct LogSink<W> {
    shared: Arc<Mutex<LogSinkState<W>>>,
    lost: Counter,
    word: LossMessage,
}

struct LogSinkState<W> {
    to: W,
    /// Lines that were lost since the last one that was written, and why the latest was.
    lost: u64,
    why: String,
    /// A line was written in part.
    is_torn: bool,
}

impl<W: Write> LogSink<W> {
    /// Lines go there, and those that are lost are counted here too.
    pub(super) fn new(to: W, lost: Counter, word: LossMessage) -> Self {
        let state = LogSinkState {
            to,
            lost: 0,
            why: String::new(),
            is_torn: false,
        };
        Self {
            shared: Arc::new(Mutex::new(state)),
            lost,
            word,
        }
    }

    /// Writes a line, or loses it.
    pub(super) fn line(&self, line: &[u8]) {
        let mut state = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = state.line(line, self.word) {
            state.lost += 1;
            state.why = error.to_string();
            self.lost.inc();
        }
    }
}

impl<W: Write> LogSinkState<W> {
    fn line(&mut self, line: &[u8], word: LossMessage) -> io::Result<()> {
        if self.lost > 0 {
            let missing = word(self.lost, &self.why);
            self.whole(missing.as_bytes())?;
            self.lost = 0;
        }
        self.whole(line)
    }

    /// Writes all of a line, on a line of its own.
    fn whole(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.to.write_all(b"\n")?;
            self.is_torn = false;
        }
        let mut rest = line;
        while !rest.is_empty() {
            match self.to.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    self.is_torn = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<W> Clone for LogSink<W> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            lost: self.lost.clone(),
            word: self.word,
        }
    }
}

/// Each write is a line. None fails: what was lost is told later, and nobody who logs can do anything about it.
impl<W: Write> Write for LogSink<W> {
    fn write(&mut self, said: &[u8]) -> io::Result<usize> {
        self.line(said);
        Ok(said.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A disk that takes so many bytes at each write, or none.
    struct Disk {
        takes: Vec<Option<usize>>,
        bytes: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Disk {
        fn write(&mut self, said: &[u8]) -> io::Result<usize> {
            let takes = if self.takes.is_empty() {
                Some(usize::MAX)
            } else {
                self.takes.remove(0)
            };
            let Some(takes) = takes else {
                return Err(io::ErrorKind::StorageFull.into());
            };
            let now = takes.clamp(1, said.len());
            self.bytes.lock().unwrap().extend_from_slice(&said[..now]);
            Ok(now)
        }

        fn flush(&mut self) -> io::Result<()> {
            panic!("a line is written at once")
        }
    }

    fn word(lost: u64, _: &str) -> String {
        format!("lost {lost}\n")
    }

    proptest! {
        /// Whatever is refused: every line is there whole or counted as lost, in its place.
        #[test]
        fn every_line_is_written_whole_or_counted(takes in proptest::collection::vec(proptest::option::of(1usize..9), 0..40)) {
            let (bytes, counter) = (Arc::<Mutex<Vec<u8>>>::default(), Counter::default());
            let sink = LogSink::new(Disk { takes, bytes: bytes.clone() }, counter.clone(), word);
            let all = 60_u64;
            for number in 0..all {
                sink.line(format!("line {number}.\n").as_bytes());
            }
            let text = String::from_utf8(bytes.lock().unwrap().clone()).unwrap();
            // A piece of a line stands alone and has no end.
            let whole = |line: &str| line.strip_prefix("line ")?.strip_suffix('.')?.parse::<u64>().ok();
            let there: Vec<_> = text.lines().filter_map(whole).collect();
            prop_assert!(there.is_sorted() && there.len() as u64 + counter.get() >= all, "{}", text);
            prop_assert!(text.ends_with("line 59.\n"), "{}", text);
            prop_assert!(text.contains("lost ") || counter.get() == 0, "{}", text);
        }
    }

    #[test]
    fn how_many_are_missing_is_said_where_they_are() {
        let (bytes, counter) = (Arc::<Mutex<Vec<u8>>>::default(), Counter::default());
        let takes = vec![None, None, Some(3), None, Some(usize::MAX)];
        let sink = LogSink::new(
            Disk {
                takes,
                bytes: bytes.clone(),
            },
            counter.clone(),
            word,
        );
        for line in ["a", "b", "c", "d", "e"] {
            sink.line(format!("{line}\n").as_bytes());
        }
        // Two are lost at once; of the word about them, three bytes are written; that costs the third.
        let text = String::from_utf8(bytes.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "los\nlost 3\nd\ne\n");
        assert_eq!(counter.get(), 3);
    }
}
