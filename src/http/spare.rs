//! Descriptors that are kept for whoever asks when no more can be had: a probe that gets no answer would have us killed, and that mends
//! nothing.

use std::{fs::File, io};

use rustix::io::Errno;

/// Descriptors that are kept: a probe needs one.
const KEPT: usize = 4;

/// Descriptors that can be given up.
pub(super) struct Spare(Vec<File>);

impl Spare {
    /// As many as can be had.
    pub(super) fn new() -> Self {
        let mut spare = Self(Vec::new());
        spare.fill();
        spare
    }

    /// Takes those back that were given up, as far as there are some again.
    pub(super) fn fill(&mut self) {
        while self.0.len() < KEPT
            && let Ok(file) = File::open("/dev/null")
        {
            self.0.push(file);
        }
    }

    /// Gives one up; whether there was one.
    pub(super) fn give(&mut self) -> bool {
        self.0.pop().is_some()
    }

    /// Whether something failed because all descriptors are taken.
    pub(super) fn is_needed(error: &io::Error) -> bool {
        let code = error.raw_os_error();
        [Errno::MFILE, Errno::NFILE]
            .iter()
            .any(|errno| code == Some(errno.raw_os_error()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_given_up_and_taken_back() {
        let mut spare = Spare::new();
        assert_eq!((0..5).filter(|_| spare.give()).count(), KEPT);
        spare.fill();
        assert!(spare.give());
        assert!(Spare::is_needed(&io::Error::from_raw_os_error(24)));
        assert!(!Spare::is_needed(&io::ErrorKind::ConnectionAborted.into()));
    }
}
