//! What somebody sends at his own pace: a webhook's answer, a command's output. In memory as long as there is room that nobody waits for,
//! else in an unnamed file.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
};

use bytes::Bytes;

use crate::budget::{Budget, Room};

/// Bytes that are kept without asking for room: most answers.
const FREE: usize = 16 << 10;
/// Bytes for which room is asked at once, and bytes that go to the file at once.
const PIECE: usize = 64 << 10;

/// Bytes that came.
#[derive(Debug)]
pub(super) struct CappedBuffer {
    parked: Budget,
    room: Option<Room>,
    /// Bytes that may be in the buffer.
    allowed: usize,
    buffer: Vec<u8>,
    file: Option<File>,
    len: u64,
}

impl CappedBuffer {
    /// Nothing yet.
    pub(super) fn new(parked: &Budget) -> Self {
        Self {
            parked: parked.clone(),
            room: None,
            allowed: FREE,
            buffer: Vec::new(),
            file: None,
            len: 0,
        }
    }

    /// How many bytes came.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Keeps these too. A file is written to at once: it is the system's memory that takes so little, not the disk.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.len += bytes.len() as u64;
        if self.file.is_none() && self.buffer.len() + bytes.len() > self.allowed && !self.grow(bytes.len()) {
            self.spill();
        }
        self.buffer.extend_from_slice(bytes);
        if self.file.is_some() && self.buffer.len() >= PIECE {
            self.spill();
        }
    }

    /// Whether there was room for so many more bytes.
    fn grow(&mut self, more: usize) -> bool {
        let more = more.next_multiple_of(PIECE);
        let Some(room) = self.parked.try_take(more as u64 - 1) else {
            return false;
        };
        match &mut self.room {
            Some(held) => held.merge(room),
            None => self.room = Some(room),
        }
        self.allowed += more;
        true
    }

    /// Moves what is in memory to the file. Where that fails, it stays: what was done for us is not lost for want of a disk.
    fn spill(&mut self) {
        let written = match &mut self.file {
            Some(file) => file.write_all(&self.buffer),
            None => tempfile::tempfile().and_then(|file| self.file.insert(file).write_all(&self.buffer)),
        };
        match written {
            Ok(()) => {
                self.buffer.clear();
                self.buffer.shrink_to(PIECE);
                self.room = None;
            }
            Err(error) => {
                tracing::warn!(%error, "what comes in can't be written to the temporary folder and stays in memory");
                self.kept_after_all();
            }
        }
    }

    /// All that came is in memory again, and stays there.
    fn kept_after_all(&mut self) {
        let earlier = self.len.saturating_sub(self.buffer.len() as u64);
        if let Some(mut file) = self.file.take() {
            let mut all = Vec::new();
            let read = file
                .rewind()
                .and_then(|()| (&mut file).take(earlier).read_to_end(&mut all));
            if let Err(error) = read {
                tracing::warn!(%error, "what came in can't be read from the temporary folder");
            }
            all.append(&mut self.buffer);
            self.buffer = all;
        }
        self.allowed = usize::MAX;
    }

    /// All that came. Whoever asks has room for it.
    ///
    /// # Errors
    /// When the temporary folder fails.
    pub(super) fn bytes(mut self) -> io::Result<Bytes> {
        let Some(mut file) = self.file else {
            return Ok(self.buffer.into());
        };
        let mut all = Vec::with_capacity(usize::try_from(self.len).unwrap_or_default());
        file.rewind()?;
        file.read_to_end(&mut all)?;
        all.append(&mut self.buffer);
        Ok(all.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_that_came_is_there_with_room_or_without(
            pieces in prop::collection::vec((any::<u8>(), 0..200_000_usize), 0..30), taken in 0..=2_u64
        ) {
            let parked = Budget::new(2 << 20);
            let _others = parked.try_take((taken << 20) - taken.min(1));
            let mut catch = CappedBuffer::new(&parked);
            let mut all = Vec::new();
            for (byte, size) in pieces {
                let piece = vec![byte; size];
                catch.push(&piece);
                all.extend(piece);
                let counted = catch.room.as_ref().map_or(0, |room| room.num_permits() * 1024);
                prop_assert!(catch.buffer.len() <= FREE.max(counted + FREE).max(PIECE + 200_000));
            }
            prop_assert_eq!(catch.len(), all.len() as u64);
            prop_assert!(catch.bytes().unwrap() == all);
        }
    }
}
