//! Programs of others that we start: guests. None has our rights, and none outlives its time, its job or us.
//!
//! A guest is started by a *warden*: this program once more, single-purpose, with an empty environment and a session of its own. A warden
//! is the reaper of all that descends from its guest, so what hides behind `setsid` is found and killed with the rest. The socket to us is
//! its life line: when it closes, because we were killed as well, the warden kills what it guards and ends. Before it starts a program it
//! takes from it what it may not have ([`confine`]) and lowers its limits for good. A warden that is free again starts the next guest of
//! the same terms; a new one costs some three milliseconds.
//!
//! What is left of an earlier life is waited for and removed before the first guest of this one (`home`).

pub mod confine;
mod frame;
mod home;
mod kin;
mod line;
mod pool;
mod program;
mod running;
mod terms;
mod user;
mod warden;

pub use self::{
    home::{Home, HomeError, WorkFolder},
    pool::{Guests, StartError},
    program::{Interpreter, Unstartable, located, runs, startable},
    running::{Guest, LimitExceeded},
    terms::{Confinement, GuestLimits, Private, SpawnRequest, Terms},
    user::{User, UserError},
    warden::{ARGUMENT, serve},
};

#[cfg(test)]
mod tests;
