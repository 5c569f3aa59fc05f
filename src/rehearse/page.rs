//! A page for people. Whatever is added to it is escaped: it can't disturb the terminal.

use crate::message::clean::{escaped, escaped_lines};

/// Lines below headings. A line of its own is escaped when it is added.
#[derive(Default)]
pub(super) struct RehearsalPage(String);

impl RehearsalPage {
    pub(super) fn heading(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(&escaped(text));
        self.0.push('\n');
    }

    pub(super) fn line(&mut self, text: &str) {
        self.0.push_str("  ");
        self.0.push_str(&escaped(text));
        self.0.push('\n');
    }

    pub(super) fn pair(&mut self, name: &str, value: &str) {
        self.line(&format!("{name:<12}  {value}"));
    }

    /// Text of several lines.
    pub(super) fn block(&mut self, text: &str) {
        for line in escaped_lines(text).lines() {
            self.0.push_str("    ");
            self.0.push_str(line);
            self.0.push('\n');
        }
    }

    pub(super) fn text(self) -> String {
        self.0
    }
}
