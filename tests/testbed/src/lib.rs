//! A mail world on loopback: real Dovecot, Postfix and OAuth server for Mailjob's tests, demo and benchmarks.
//!
//! [`World::start`] brings up all of it in one temporary folder and on ports of its own; dropping the world stops every server
//! and removes every file, also when a test panics or is killed. Many worlds may run side by side. The system's own
//! mail is never touched. [`Cyrus`], [`Courier`] and [`Exim`] are started beside it where a test asks for them.
//!
//! It needs Debian 12 with root, `dovecot-imapd dovecot-pop3d dovecot-lmtpd postfix dnsmasq-base openssl`, and node; `tests/setup` installs them.

mod canary;
mod dns;
mod dovecot;
mod imap;
mod lmtp;
mod mailbox;
mod mailjob;
pub mod mails;
mod oauth;
mod others;
mod ports;
mod postfix;
mod process;
mod proxy;
mod receiver;
pub mod standin;
mod system;
mod tls;
mod world;

pub use dns::Dns;
pub use dovecot::{Dovecot, PASSWORD, Store};
pub use mailjob::{Mailjob, SignIn, Start};
pub use oauth::{
    APP_SECRET, CLIENT_SECRET, Certificate, Federation, NATIVE_REDIRECT, OAuth, ServiceAccount, TokenAnswer,
};
pub use others::{Courier, Cyrus, Doors, Exim, MailServer, tools};
pub use postfix::Postfix;
pub use proxy::{OutProxy, PROXY_PASSWORD, PROXY_USER, TlsFront};
pub use receiver::{Answer, Receiver, Request};
pub use tls::{FAR, Pair, Tls};
pub use world::{Options, World};
