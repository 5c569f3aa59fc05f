//! Whatever a server says, and wherever its words are cut: no mail is deleted that we don't hold, and nothing is held that is no mail.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex, split},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{watcher, wire::Pop3Connection};
use crate::{
    auth::{Credential, Login, NullTokenStore},
    budget::Budget,
    config::{self, ReadBy, Settle},
    ledger::{Cursor, MAILDROP, MailOutcome},
    net::{ConnectTurn, Connects},
    secret::Secret,
    watch::{
        Watch,
        door::{Connector, CredentialSource},
        error::WatchError,
        fakes::{endpoint, inlet},
        memory::Memory,
        pop3::login,
    },
};

#[path = "cuts_cases_tests.rs"]
mod cases;

/// How a server counts for LIST.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sizes {
    Exact,
    File,
    Bodies,
    Estimates,
    Wrong,
}

/// How it gives unique ids.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ids {
    Good,
    /// From 1 after each start.
    Counted,
    /// All of them the same.
    One,
}

/// What happens to the answers of one session.
#[derive(Debug, Clone, Copy)]
enum Fault {
    None,
    /// The connection ends after so many bytes.
    Cut(usize),
    /// So many answers well, and then one twice.
    Twice(usize),
    /// So many answers well, and then one with the next one's beginning.
    Early(usize),
}

#[derive(Debug, Clone)]
struct Case {
    mails: Vec<Vec<u8>>,
    /// What is there after it was started anew.
    later: Option<Vec<Vec<u8>>>,
    sizes: Sizes,
    ids: Ids,
    doubles: bool,
    faults: Vec<Fault>,
    /// Bytes that are sent at once.
    chunk: usize,
}

/// A mail as the server has it: its unique id and its bytes.
type Lying = (String, Vec<u8>);

struct Server {
    case: Case,
    memory: Arc<Memory>,
    /// Ids and mails.
    drop: Mutex<Vec<(String, Vec<u8>)>>,
    sessions: Mutex<usize>,
    wrong: Mutex<Vec<String>>,
}

impl Server {
    fn fill(&self, mails: &[Vec<u8>]) {
        let id = |n: usize| match self.case.ids {
            Ids::Good => format!("1717171717.{n}.{}", mails.len()),
            Ids::Counted => format!("{n}"),
            Ids::One => "same".to_owned(),
        };
        *self.drop.lock().unwrap() = (1..).zip(mails).map(|(n, mail)| (id(n), mail.clone())).collect();
    }

    fn size(&self, mail: &[u8]) -> usize {
        let lines = mail.iter().filter(|byte| **byte == b'\n').count();
        match self.case.sizes {
            Sizes::Exact => mail.len(),
            Sizes::File => mail.len() - lines,
            Sizes::Bodies => mail
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
                .map_or(0, |at| mail.len() - at - 4),
            Sizes::Estimates => mail.len() + mail.len() / 8 + 7,
            Sizes::Wrong => 9,
        }
    }

    /// A mail as an answer.
    fn sent(&self, mail: &[u8], header: bool) -> Vec<u8> {
        let mut sent = b"+OK\r\n".to_vec();
        for line in mail.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b".") && self.case.doubles {
                sent.push(b'.');
            }
            sent.extend_from_slice(line);
            if header && line == b"\r\n" {
                break;
            }
        }
        sent.extend_from_slice(b".\r\n");
        sent
    }

    fn answer(&self, line: &str, marked: &mut HashSet<usize>, mails: &[Lying]) -> Vec<u8> {
        let words: Vec<_> = line.split(' ').collect();
        let number = words
            .get(1)
            .and_then(|number| number.parse::<usize>().ok())
            .unwrap_or(0);
        let mail = mails.get(number.wrapping_sub(1)).filter(|_| !marked.contains(&number));
        let listed = |of: &dyn Fn(&Lying) -> String| {
            let lines = (1..).zip(mails).map(|(n, mail)| format!("{n} {}\r\n", of(mail)));
            format!("+OK\r\n{}.\r\n", lines.collect::<String>()).into_bytes()
        };
        match (words[0], mail) {
            ("CAPA", _) => b"-ERR\r\n".to_vec(),
            ("UIDL", _) => listed(&|(id, _)| id.clone()),
            ("LIST", _) => listed(&|(_, mail)| self.size(mail).to_string()),
            ("STAT", _) => format!("+OK {} 99\r\n", mails.len() - marked.len()).into_bytes(),
            ("RETR" | "TOP", Some((_, mail))) => self.sent(mail, words[0] == "TOP"),
            ("DELE", Some(_)) => {
                marked.insert(number);
                b"+OK\r\n".to_vec()
            }
            ("RETR" | "TOP" | "DELE", None) => b"-ERR no such mail\r\n".to_vec(),
            _ => b"+OK\r\n".to_vec(),
        }
    }

    /// Deletes for good. That is the moment that counts.
    fn delete(&self, marked: &HashSet<usize>, mails: &[(String, Vec<u8>)]) {
        let held = self.held();
        let mut left = Vec::new();
        for (n, mail) in (1..).zip(mails) {
            if !marked.contains(&n) {
                left.push(mail.clone());
            } else if !held.contains(&mail.1) {
                let text = String::from_utf8_lossy(&mail.1).into_owned();
                self.wrong
                    .lock()
                    .unwrap()
                    .push(format!("deleted, and not held: {text:?}"));
            }
        }
        *self.drop.lock().unwrap() = left;
    }

    /// The mails that the ledger holds whole.
    fn held(&self) -> Vec<Vec<u8>> {
        let uids = self.memory.uids();
        let whole = uids.iter().filter(|uid| self.memory.lack(**uid).is_none());
        whole.map(|uid| self.memory.bytes(*uid)).collect()
    }

    async fn serve(self: Arc<Self>, stream: DuplexStream) -> std::io::Result<()> {
        let session = {
            let mut sessions = self.sessions.lock().unwrap();
            *sessions += 1;
            *sessions - 1
        };
        let fault = self.case.faults.get(session).copied().unwrap_or(Fault::None);
        let mails = self.drop.lock().unwrap().clone();
        let (read, mut write) = split(stream);
        let mut lines = BufReader::new(read).lines();
        let greeting = match self.case.sizes {
            Sizes::Estimates => "+OK The Microsoft Exchange POP3 service is ready.\r\n",
            _ => "+OK ready\r\n",
        };
        let (mut marked, mut said, mut answers) = (HashSet::new(), 0, 0);
        let mut answer = greeting.as_bytes().to_vec();
        loop {
            match fault {
                Fault::Twice(nth) if nth == answers => answer.extend(answer.clone()),
                Fault::Early(nth) if nth == answers => answer.extend(b"+OK\r\n"),
                Fault::Cut(_) | Fault::None | Fault::Twice(_) | Fault::Early(_) => {}
            }
            answers += 1;
            for chunk in answer.chunks(self.case.chunk) {
                let left = match fault {
                    Fault::Cut(after) => after.saturating_sub(said).min(chunk.len()),
                    _ => chunk.len(),
                };
                write.write_all(&chunk[..left]).await?;
                if left < chunk.len() {
                    return Ok(());
                }
                said += left;
                tokio::task::yield_now().await;
            }
            let Some(line) = lines.next_line().await? else {
                return Ok(());
            };
            if line == "QUIT" {
                self.delete(&marked, &mails);
                return write.write_all(b"+OK bye\r\n").await;
            }
            answer = self.answer(&line, &mut marked, &mails);
        }
    }
}

struct Entrance(Arc<Server>);

#[async_trait]
impl Connector<Pop3Connection> for Entrance {
    async fn connect(&self) -> Result<Pop3Connection, WatchError> {
        let (ours, theirs) = duplex(1 << 16);
        tokio::spawn(self.0.clone().serve(theirs));
        let stream: Box<dyn crate::watch::imap::Io> = Box::new(ours);
        login::greeted(stream).await
    }
}

#[async_trait]
impl CredentialSource for Entrance {
    async fn turn(&self) -> Option<ConnectTurn> {
        None
    }

    async fn credential(&self) -> Result<Credential, WatchError> {
        Ok(Credential::Password(Secret::from("pass word")))
    }

    fn reached(&self) {}

    fn rejected(&self, _: &Credential) {}
}

/// Watches a server for an hour, and works on whatever is taken.
async fn watched(case: Case) -> (Arc<Server>, Vec<Vec<u8>>) {
    crate::net::tls::install_provider();
    let memory = Arc::new(Memory::default());
    memory.state.lock().unwrap().cursor = Some(Cursor {
        uid_validity: MAILDROP,
        uid_next: 1,
    });
    let server = Arc::new(Server {
        memory: memory.clone(),
        drop: Mutex::default(),
        sessions: Mutex::default(),
        wrong: Mutex::default(),
        case,
    });
    let (first, later) = (server.case.mails.clone(), server.case.later.clone());
    server.fill(&first);
    let mut endpoint = endpoint(config::WatchMode::Every(Duration::from_secs(60)));
    endpoint.mailbox.protocol = ReadBy::Pop3;
    endpoint.settle = Settle::usual(ReadBy::Pop3);
    let login = Login::new(
        endpoint.mailbox.account.clone(),
        &[],
        Arc::new(NullTokenStore),
        reqwest::Client::new(),
    );
    let stop = CancellationToken::new();
    let watch = Watch {
        inlet: Arc::new(inlet(endpoint)),
        ledger: memory.clone(),
        login: Arc::new(login),
        connects: Connects::new(16),
        budget: Budget::new(8 << 20),
        health: Arc::default(),
        tenancy: Default::default(),
        stop: stop.clone(),
    };
    let task = tokio::spawn(watcher(watch, Box::new(Entrance(server.clone()))).run());
    let mut done = HashSet::new();
    for minute in 0..60 {
        sleep(Duration::from_secs(61)).await;
        if minute == 5
            && let Some(later) = &later
        {
            server.fill(later);
        }
        // Some mails are worked on at once, some are left for some minutes.
        let ready = memory.uids().into_iter().filter(|uid| minute > 8 || uid % 2 == 0);
        let due: Vec<u32> = ready
            .filter(|uid| memory.lack(*uid).is_none() && done.insert(*uid))
            .collect();
        if !due.is_empty() {
            memory.due(MAILDROP, &due, MailOutcome::Done);
        }
    }
    stop.cancel();
    task.await.unwrap();
    let all = [first, later.unwrap_or_default()].concat();
    (server, all)
}
