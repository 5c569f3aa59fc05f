//! Standard output of `mailjob receive`: an array that grows while mails are received, and that is whole however it ends.

use std::io::{self, Write};

use super::print;
use crate::{
    message::clean::escaped,
    post::{Element, json},
};

/// What goes to standard output: an array with a mail a line, or one mail as it came.
pub(super) struct ArrayWriter {
    raw: bool,
    begun: bool,
}

impl ArrayWriter {
    /// With `raw`, one mail as it came.
    pub(super) fn new(raw: bool) -> Self {
        Self { raw, begun: false }
    }

    /// Tells of a mail.
    pub(super) fn add(&mut self, element: &Element, raw: &[u8]) -> io::Result<()> {
        let mut out = print::stdout();
        if self.raw {
            if let Some(error) = &element.error {
                eprintln!("mail {}: {}", escaped(&element.uid), escaped(error));
            }
            out.write_all(raw)?;
        } else {
            let between = if std::mem::replace(&mut self.begun, true) {
                ","
            } else {
                "["
            };
            write!(out, "{between}\n{}", json(element))?;
        }
        out.flush()?;
        // No more is received for nobody.
        match print::is_gone() {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(()),
        }
    }

    /// Ends the array: `[]` where nothing was told.
    pub(super) fn end(&self) -> io::Result<()> {
        let mut out = print::stdout();
        match (self.raw, self.begun) {
            (true, _) => {}
            (false, true) => writeln!(out, "\n]")?,
            (false, false) => writeln!(out, "[]")?,
        }
        out.flush()
    }
}
