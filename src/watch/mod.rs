//! The watch room.

pub mod error;
#[cfg_attr(not(test), expect(dead_code, reason = "the loop that calls it comes next"))]
mod imap;
#[cfg(test)]
mod script;
