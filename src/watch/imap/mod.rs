//! IMAP as a wire: bounded, strict where it counts, and impossible to use after it broke.

mod capabilities;
mod frame;
mod grammar;
mod habit;
mod heard;
pub(super) mod login;
pub(super) mod mutf7;
pub(super) mod response;
pub(super) mod wire;

pub(super) use capabilities::ImapCapabilities;
pub(super) use habit::Habit;
pub(super) use heard::Expectation;
pub(super) use login::Selected;
pub(super) use response::{Completion, Fetch, ImapResponse};
pub(super) use wire::{FETCH, ImapConnection, Io, RunningCommand, Step};
