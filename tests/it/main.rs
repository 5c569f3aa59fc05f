//! Mailjob against real servers: one binary, a file for each kind of situation.

mod accounts;
mod auth;
mod bombs;
mod crash;
mod letters;
mod life;
mod notice;
mod raw;
mod reload;
mod reply;
mod watch;
mod world;
