//! Mailjob against real servers: one binary, a file for each kind of situation.

mod accounts;
mod auth;
mod bombs;
mod canary;
mod crash;
mod grants;
mod letters;
mod life;
mod outage;
mod program;
mod raw;
mod reload;
mod reply;
mod tokens;
mod trouble;
mod watch;
mod world;
