//! Mailjob against real servers: one binary, a file for each kind of situation.

mod raw;
mod world;
