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

pub(super) use capabilities::Capabilities;
pub(super) use habit::Habit;
pub(super) use heard::Heard;
pub(super) use login::Selected;
pub(super) use response::{Answer, Fetch, Said};
pub(super) use wire::{FETCH, Io, Running, Step, Wire};
