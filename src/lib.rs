#![doc = include_str!("README.md")]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

pub mod addr_spec;
pub mod address;
pub mod app;
pub mod auth;
pub mod backoff;
pub mod budget;
pub mod causes;
pub mod clean;
pub mod cli;
pub mod config;
pub mod deadline;
pub mod dispatch;
pub mod doctor;
pub mod guest;
pub mod http;
pub mod job;
pub mod ledger;
pub mod message;
pub mod metrics;
pub mod net;
pub mod plural;
pub mod post;
pub mod prints;
pub mod refusal;
pub mod rehearse;
pub mod reply;
pub mod retry_after;
pub mod sandbox;
pub mod secret;
pub mod slots;
pub mod status;
pub mod threads;
pub mod watch;
