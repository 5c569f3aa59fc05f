//! IMAP as a wire: strict, bounded, and impossible to use after it broke.

pub(super) mod guard;
pub(super) mod login;
pub(super) mod mutf7;
pub(super) mod response;
pub(super) mod wire;

pub(super) use login::Selected;
pub(super) use response::{Answer, Capabilities, Fetch, Said};
pub(super) use wire::{Io, Running, Step, Wire};
