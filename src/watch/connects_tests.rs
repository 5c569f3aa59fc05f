//! Many mailboxes at one host that come up at once, and one at another.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{io::AsyncReadExt, net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    Watch, WatchHealth,
    fakes::{endpoint, inlet},
    memory::Memory,
    run,
};
use crate::{
    auth::{Login, NullTokenStore},
    budget::Budget,
    config::{self, Auth},
    net::Connects,
    secret::SecretRef,
};

/// Mailboxes at the host that says nothing.
const MAILBOXES: usize = 200;
/// Connections that may be in the making at once.
const MOST: usize = 16;
/// Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A host that takes connections and never says a word, and who keeps one.
struct Silent {
    port: u16,
    open: Arc<Mutex<BTreeSet<u16>>>,
    most: Arc<Mutex<usize>>,
    all: Arc<Mutex<usize>>,
}

impl Silent {
    /// Each connection is kept until `go`.
    async fn at(address: &str, go: CancellationToken) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let silent = Self {
            port: listener.local_addr().unwrap().port(),
            open: Arc::default(),
            most: Arc::default(),
            all: Arc::default(),
        };
        let (open, most, all) = (silent.open.clone(), silent.most.clone(), silent.all.clone());
        tokio::spawn(async move {
            while let Ok((mut peer, from)) = listener.accept().await {
                let now = {
                    let mut open = open.lock().unwrap();
                    open.insert(from.port());
                    open.len()
                };
                let mut most = most.lock().unwrap();
                *most = now.max(*most);
                *all.lock().unwrap() += 1;
                let (open, go) = (open.clone(), go.clone());
                tokio::spawn(async move {
                    let mut heard = [0; 4096];
                    let hears = async { while peer.read(&mut heard).await.is_ok_and(|read| read > 0) {} };
                    go.run_until_cancelled(hears).await;
                    // It doesn't count any more before the other side can know of it.
                    open.lock().unwrap().remove(&from.port());
                    drop(peer);
                });
            }
        });
        silent
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < end, "{what}: {} came", self.all.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn came(&self) -> usize {
        *self.all.lock().unwrap()
    }
}

/// A watch of a mailbox at this place.
fn watch(
    nth: usize,
    host: &str,
    port: u16,
    password: &SecretRef,
    connects: &Connects,
    (http, stop): (&reqwest::Client, &CancellationToken),
) -> Watch {
    let mut endpoint = endpoint(config::WatchMode::Idle {
        look: Duration::from_secs(180),
    });
    let mut account = endpoint.mailbox.account.as_ref().clone();
    account.user = format!("user{nth}@example.test");
    account.auth = Auth::Password(password.clone());
    endpoint.mailbox.account = Arc::new(account);
    endpoint.mailbox.server.host = host.into();
    endpoint.mailbox.server.port = port;
    let account = endpoint.mailbox.account.clone();
    Watch {
        login: Arc::new(Login::new(account, &[], Arc::new(NullTokenStore), http.clone())),
        inlet: Arc::new(inlet(endpoint)),
        ledger: Arc::new(Memory::default()),
        connects: connects.clone(),
        budget: Budget::new(8 << 20),
        health: Arc::new(WatchHealth::default()),
        stop: stop.clone(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_than_a_few_connect_to_one_host_at_once_and_another_host_does_not_wait() {
    crate::net::tls::install_provider();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "password").unwrap();
    let password = SecretRef::File(secret.path().to_owned());
    let (connects, stop) = (Connects::new(MOST), CancellationToken::new());
    let (http, go) = (reqwest::Client::new(), CancellationToken::new());
    let slow = Silent::at("127.0.0.1", go.clone()).await;
    let other = Silent::at("127.0.0.2", CancellationToken::new()).await;
    let begin = |nth, host, port| run(watch(nth, host, port, &password, &connects, (&http, &stop)));
    let mut watches = JoinSet::new();
    for nth in 0..MAILBOXES {
        watches.spawn(begin(nth, "127.0.0.1", slow.port));
    }
    slow.until("as many as may", |slow| slow.came() >= MOST).await;
    watches.spawn(begin(MAILBOXES, "127.0.0.2", other.port));
    other.until("the other host", |other| other.came() == 1).await;
    assert_eq!(slow.came(), MOST, "the others wait, and hold up nobody");
    go.cancel();
    slow.until("each had its turn", |slow| slow.came() >= MAILBOXES).await;
    let most = *slow.most.lock().unwrap();
    assert!(most <= MOST, "{most} at once");
    stop.cancel();
    while watches.join_next().await.is_some() {}
}
