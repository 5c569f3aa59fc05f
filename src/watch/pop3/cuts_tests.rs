//! Whatever a server says, and wherever its words are cut: no mail is deleted that we don't hold, and nothing is held that is no mail.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use proptest::prelude::*;
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

fn mails(dots: bool) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let lines: Vec<&str> = if dots {
        vec!["a", "", ".", "..", ".a", "+OK", "-ERR", "a line that is longer", "..."]
    } else {
        vec!["a", "", ".", ".a", "+OK", "-ERR", "a line that is longer"]
    };
    let body = prop::collection::vec(prop::sample::select(lines), 1..8);
    let mail = (body, any::<bool>(), 0u8..4).prop_map(|(body, id, n)| {
        let id = if id {
            format!("Message-ID: <{n}>\r\n")
        } else {
            "X: y\r\n".to_owned()
        };
        format!("{id}\r\n{}\r\n", body.join("\r\n")).into_bytes()
    });
    prop::collection::vec(mail, 1..5).prop_map(|mut mails| {
        // One Message-ID is one mail, as everybody but the server has it.
        let mut ids = HashSet::new();
        mails.retain(|mail| mail.starts_with(b"X") || ids.insert(mail[..16].to_vec()));
        mails
    })
}

/// The same for two fillings of one maildrop: what has the Message-ID of an earlier mail is that mail, or gets one of its own.
fn filled_anew(before: &[Vec<u8>], mut later: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let is_other = |mail: &&mut Vec<u8>| mail.starts_with(b"Message-ID") && !before.contains(&**mail);
    let others = later.iter_mut().filter(is_other);
    others.for_each(|mail| mail[b"Message-ID: <".len()] += 4);
    later
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::None),
        (0usize..600).prop_map(Fault::Cut),
        (0usize..20).prop_map(Fault::Twice),
        (0usize..20).prop_map(Fault::Early),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let honest = prop::sample::select(vec![
        Sizes::Exact,
        Sizes::File,
        Sizes::Bodies,
        Sizes::Estimates,
        Sizes::Wrong,
    ]);
    // What no client can see: a server that takes dots and does not say how much there was.
    let sizes = prop_oneof![
        honest.prop_map(|sizes| (sizes, true)),
        Just((Sizes::Exact, false)),
        Just((Sizes::Bodies, false)),
    ];
    let ids = prop::sample::select(vec![Ids::Good, Ids::Counted, Ids::One]);
    let what = (sizes, ids).prop_flat_map(|((sizes, doubles), ids)| {
        let all = doubles || sizes == Sizes::Exact;
        (mails(all), prop::option::of(mails(all)), Just((sizes, doubles, ids)))
    });
    let faults = prop::collection::vec(fault(), 0..8);
    (what, faults, 1usize..200).prop_map(|((mails, later, (sizes, doubles, ids)), faults, chunk)| Case {
        later: later.map(|later| filled_anew(&mails, later)),
        mails,
        sizes,
        ids,
        doubles,
        faults,
        chunk,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_deleted_that_is_not_held_and_nothing_is_held_that_is_no_mail(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (server, all) = watched(case.clone()).await;
            assert_eq!(*server.wrong.lock().unwrap(), [""; 0]);
            for held in server.held() {
                assert!(all.contains(&held), "no mail: {:?}", String::from_utf8_lossy(&held));
            }
            // A good server is emptied.
            if case.doubles && case.faults.is_empty() {
                let left = server.drop.lock().unwrap().clone();
                assert!(left.is_empty(), "left: {left:?}");
            }
        });
    }
}
