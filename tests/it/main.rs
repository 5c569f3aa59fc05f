//! Mailjob against real servers: one binary, a file for each kind of situation.

mod accounts;
mod auth;
mod bombs;
mod crash;
mod doctor;
mod letters;
mod life;
mod notice;
mod pop3;
mod raw;
mod reload;
mod reply;
mod sign_in;
mod sign_ins;
mod watch;
mod world;
