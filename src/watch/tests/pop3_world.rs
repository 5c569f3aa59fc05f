//! Scripts of POP3 servers, and a watch over them, for the tests of the loop.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    config::{self, ReadBy, Settle, SettleAction},
    watch::{
        door::Connector,
        error::WatchError,
        fakes::{Scripts, endpoint},
        pop3::{login, watcher, wire::Pop3Connection},
        watcher::world::{Running, start_with},
    },
};

#[async_trait]
impl Connector<Pop3Connection> for Scripts {
    async fn connect(&self) -> Result<Pop3Connection, WatchError> {
        login::greeted(self.stream().await).await
    }
}

pub(super) fn every(seconds: u64) -> config::WatchMode {
    config::WatchMode::Every(Duration::from_secs(seconds))
}

pub(super) fn start(watch: config::WatchMode, scripts: &[&str]) -> Running {
    let mut endpoint = endpoint(watch);
    endpoint.mailbox.protocol = ReadBy::Pop3;
    endpoint.settle = Settle {
        done: SettleAction::Delete,
        failed: SettleAction::Keep,
        ignored: SettleAction::Keep,
        refused: SettleAction::Keep,
    };
    let scripts: Vec<String> = scripts.iter().map(|script| format!("{OPEN}{script}")).collect();
    let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
    let run = |watch, door: Scripts| tokio::spawn(watcher(watch, Box::new(door)).run());
    start_with(endpoint, &scripts, run)
}

pub(super) const OPEN: &str = "
    S: +OK ready
    L: CAPA
    S: +OK
    S: SASL XOAUTH2
    S: .
    L: AUTH XOAUTH2
    S: +
    L: *
    ";

pub(super) const IN: &str = "
    S: +OK in
    L: CAPA
    S: -ERR
    ";

pub(super) const QUIT: &str = "
    L: QUIT
    S: +OK bye
    ";

/// What the server lists: unique ids, in order, all of one size.
///
/// The ids are of those that don't come again by chance, so that mails are compared once, and when they are deleted.
pub(super) fn lists(ids: &[&str]) -> String {
    let lines = |of: &dyn Fn(&str) -> String| {
        let lines = ids.iter().zip(1..).map(|(id, n)| format!("S: {n} {}\n", of(id)));
        lines.collect::<String>()
    };
    let (uidl, list) = (lines(&|id| format!("{id}.1717171717")), lines(&|_| "30".to_owned()));
    format!("L: UIDL\nS: +OK\n{uidl}S: .\nL: LIST\nS: +OK\n{list}S: .\n{MAYBE_IN_STEP}")
}

/// A mail of 30 bytes.
fn mail(text: &str) -> String {
    format!("S: Message-ID: <{text:->12}>\nS:\n")
}

pub(super) fn delivers(number: u32, text: &str) -> String {
    format!("L: RETR {number}\nS: +OK\n{}S: .\n", mail(text))
}

/// Shows a mail's header.
pub(super) fn shows(number: u32, text: &str) -> String {
    format!("L: TOP {number} 0\nS: +OK\n{}S: .\n", mail(text))
}

/// Shows a mail's header, and deletes it.
pub(super) fn deletes(number: u32, text: &str) -> String {
    format!("{}L: DELE {number}\nS: +OK\n", shows(number, text))
}

/// What is asked behind deletions.
pub(super) const IN_STEP: &str = "L: STAT\nS: +OK 1 30\n";

/// The same behind a mail, as long as nobody knows how the server counts.
const MAYBE_IN_STEP: &str = "A: STAT => +OK 1 30\n";

/// A session that finds these mails, does that, and leaves.
pub(super) fn session(ids: &[&str], work: &str) -> String {
    let in_step = if work.contains("DELE") { IN_STEP } else { "" };
    format!("{IN}{}{work}{in_step}{QUIT}", lists(ids))
}

pub(super) fn settled(running: &Running) -> Vec<u32> {
    let mut uids = running.memory.settled_uids();
    uids.sort_unstable();
    uids
}

/// Waits until so many connections were made.
pub(super) async fn connections(running: &Running, count: usize) {
    running
        .until(&format!("{count} connections"), |this| {
            this.servers.lock().unwrap().len() >= count
        })
        .await;
}
