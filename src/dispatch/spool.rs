//! A body on its way to be sent: small ones in memory, large ones in an unnamed file that vanishes with its last handle.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
};

use bytes::Bytes;

/// Bytes that are kept in memory before they go to the file.
const IN_MEMORY: usize = 4 << 20;

/// A body being written.
#[derive(Debug, Default)]
pub(super) struct Spool {
    buffer: Vec<u8>,
    file: Option<File>,
    written: u64,
}

/// A body that was written.
#[derive(Debug)]
pub(super) enum SpooledBody {
    /// In memory.
    Memory(Bytes),
    /// In an unnamed file, to be read from where it stands.
    File {
        /// The file.
        file: File,
        /// Its bytes.
        len: u64,
    },
}

impl Spool {
    /// One for about so many bytes.
    pub(super) fn of_about(bytes: usize) -> Self {
        Self {
            buffer: Vec::with_capacity(bytes.min(IN_MEMORY)),
            ..Self::default()
        }
    }

    fn spill(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        file.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// The body, to be read from its start.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn finish(mut self) -> io::Result<SpooledBody> {
        if self.file.is_some() {
            self.spill()?;
        }
        Ok(match self.file {
            None => SpooledBody::Memory(self.buffer.into()),
            Some(mut file) => {
                file.rewind()?;
                SpooledBody::File {
                    file,
                    len: self.written,
                }
            }
        })
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = IN_MEMORY.saturating_sub(self.buffer.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken);
        if self.buffer.len() >= IN_MEMORY {
            self.spill()?;
        }
        Ok(taken.len())
    }

    /// JSON comes in pieces of a few bytes.
    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() < IN_MEMORY {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        while !bytes.is_empty() {
            let written = self.write(bytes)?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SpooledBody {
    /// These bytes in an unnamed file.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn filed(bytes: &[u8]) -> io::Result<Self> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        file.rewind()?;
        let len = bytes.len() as u64;
        Ok(Self::File { file, len })
    }

    /// Bytes of the body.
    #[must_use]
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { len, .. } => *len,
        }
    }

    /// Reads the body once and leaves it at its start.
    ///
    /// # Errors
    /// When `read` or the disk fails.
    pub(super) fn read<T>(&mut self, read: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> io::Result<T> {
        match self {
            Self::Memory(bytes) => read(&mut bytes.as_ref()),
            Self::File { file, .. } => {
                let result = read(file)?;
                file.rewind()?;
                Ok(result)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spooled(pieces: usize) -> SpooledBody {
        let mut spool = Spool::default();
        for _ in 0..pieces {
            spool.write_all(&[7; 1000]).unwrap();
        }
        spool.finish().unwrap()
    }

    #[test]
    fn bodies_come_out_as_they_went_in_however_large() {
        for pieces in [0, 1, 4194, 4195, 9000] {
            let mut body = spooled(pieces);
            assert_eq!(matches!(body, SpooledBody::Memory(_)), pieces < 4195, "{pieces}");
            assert_eq!(body.len(), pieces as u64 * 1000);
            for _ in 0..2 {
                let mut read = Vec::new();
                body.read(|from| from.read_to_end(&mut read)).unwrap();
                assert!(
                    read.len() == pieces * 1000 && read.iter().all(|&byte| byte == 7),
                    "{pieces}"
                );
            }
        }
    }
}
