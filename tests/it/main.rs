//! Mailjob against real servers: one binary, a file for each kind of situation.

mod accounts;
mod auth;
mod bombs;
mod canary;
mod crash;
mod doctor;
mod grants;
mod letters;
mod life;
mod notice;
mod outage;
mod pop3;
mod program;
mod raw;
mod rehearse;
mod reload;
mod reply;
mod sign_in;
mod sign_ins;
mod talk;
mod tokens;
mod trouble;
mod watch;
mod world;
