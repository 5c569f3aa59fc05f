use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Instant,
};

use super::*;
use crate::{
    config::{self, Config, load::Sources},
    ledger::{self, Address, Clock, Store},
    metrics::Metrics,
    status::LedgerStatus,
};

/// How long something may take that takes milliseconds.
const LONG: Duration = Duration::from_secs(20);

/// That of the machine.
pub(super) const TOKEN: &str = "0123456789abcdef";

/// How long a probe may take, whatever else goes on.
const AT_ONCE: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Still {
    started: AtomicBool,
    /// The disk hangs for as long as this is held.
    disk: std::sync::Mutex<()>,
}

#[async_trait]
impl StatusSource for Still {
    async fn status(&self) -> Status {
        drop(self.disk.lock());
        Status {
            process: None,
            ledger: LedgerStatus {
                path: "mailjob.db".into(),
                size: None,
                free: None,
                problem: None,
            },
            endpoints: Vec::new(),
            problems: Vec::new(),
        }
    }

    async fn measure(&self) {}

    fn started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }
}

/// What nobody has configured.
fn nothing() -> Config {
    Config {
        service: config::Service::on(1),
        operator: None,
        api: config::ApiAccess::default(),
        endpoints: BTreeMap::new(),
        idle: BTreeSet::new(),
        held: BTreeMap::new(),
    }
}

pub(super) struct World {
    pub(super) store: Store,
    pub(super) runtime: tokio::runtime::Runtime,
    address: SocketAddr,
    board: Arc<Still>,
    draining: CancellationToken,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

/// A runtime with two workers, whose heart is late after 300 ms, and the pages.
pub(super) fn world() -> World {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = Address::file(folder.path().join("mailjob.db"));
    let store = runtime
        .block_on(ledger::open(&at, Clock::system(), Default::default()))
        .unwrap();
    let (draining, stop) = (CancellationToken::new(), CancellationToken::new());
    let board = Arc::new(Still::default());
    let heartbeat = Heartbeat::new(Duration::from_millis(300));
    let shown = HttpState {
        ledger: store.ledger(),
        sampler: Sampler::start(board.clone(), Metrics::new()).unwrap(),
        board: board.clone(),
        heartbeat: heartbeat.clone(),
        draining: draining.clone(),
    };
    runtime.spawn(heartbeat.beat());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (_, running) = tokio::sync::watch::channel(Arc::new(api::RunningConfig::of(&nothing(), &[])));
    let api = api::Api {
        listener: address,
        sources: Arc::new(Sources {
            endpoints: folder.path().to_owned(),
            config: None,
        }),
        running,
        replies: store.replies(),
        jobs: store.jobs(),
        letters: api::letters(),
        own: api::OwnToken {
            path: folder.path().join("mailjob.token"),
            ledger: at,
            token: Some(TOKEN.into()),
        },
    };
    drop(start(listener, routes(shown, api), stop.clone()).unwrap());
    World {
        store,
        runtime,
        address,
        board,
        draining,
        stop,
        _folder: folder,
    }
}

impl World {
    /// The status and the rest of an answer.
    pub(super) fn ask(&self, page: &str, headers: &str) -> (u16, String) {
        self.send(&format!("GET {page} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n"))
    }

    pub(super) fn post(&self, page: &str, headers: &str) -> (u16, String) {
        self.send(&format!(
            "POST {page} HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n{headers}\r\n{{}}"
        ))
    }

    fn send(&self, request: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        drop(socket.shutdown(Shutdown::Both));
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }

    fn page(&self, page: &str) -> (u16, String) {
        self.ask(page, "Host: localhost\r\n")
    }

    fn until(&self, page: &str, status: u16) -> String {
        let end = Instant::now() + LONG;
        loop {
            let (found, answer) = self.page(page);
            if found == status {
                return answer;
            }
            assert!(Instant::now() < end, "{answer}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[test]
fn a_runtime_that_is_stuck_is_not_alive() {
    let world = world();
    world.until("/livez", 200);
    // Both workers are blocked, as a bug of ours would do it.
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(std::sync::Mutex::new(released));
    for _ in 0..8 {
        let released = released.clone();
        world.runtime.spawn(async move {
            let waiting = released.lock();
            drop(waiting.map(|released| released.recv()));
        });
    }
    let answer = world.until("/livez", 503);
    assert!(answer.contains("nothing has run for"), "{answer}");
    assert_eq!(world.page("/metrics").0, 200, "the others still answer");
    drop(release);
    world.until("/livez", 200);
}

#[test]
fn ready_means_started_with_a_ledger_and_not_draining() {
    let world = world();
    assert!(world.until("/readyz", 503).contains("starting"));
    world.board.started.store(true, Ordering::Relaxed);
    world.until("/readyz", 200);
    world.draining.cancel();
    assert!(world.until("/readyz", 503).contains("draining"));
    assert_eq!(world.page("/livez").0, 200, "who drains is alive");
}

#[test]
fn status_is_for_programs_of_our_own_user() {
    let world = world();
    let with = |more: &str| world.ask("/status", &format!("Authorization: Bearer {TOKEN}\r\n{more}"));
    let (status, answer) = with("Host: localhost\r\n");
    assert_eq!(status, 200);
    assert!(
        answer.contains("application/json") && answer.contains("\"endpoints\": []"),
        "{answer}"
    );
    let (status, answer) = world.page("/status");
    assert!(status == 401 && answer.contains("mailjob.token"), "{answer}");
    // A page of somebody else's whose name leads here, two names, none, and a proxy.
    for fields in [
        "Host: evil.example\r\n",
        "Host: localhost\r\nHost: evil.example\r\n",
        "",
        "Host: localhost\r\nX-Forwarded-For: 10.0.0.1\r\n",
    ] {
        let (status, answer) = with(fields);
        assert!(matches!(status, 400 | 403), "{fields}: {answer}");
    }
}

#[test]
fn metrics_come_in_the_format_that_is_asked_for() {
    let world = world();
    let (_, classic) = world.page("/metrics");
    assert!(
        classic.contains("text/plain; version=0.0.4") && !classic.contains("# EOF"),
        "{classic}"
    );
    let (_, open) = world.ask(
        "/metrics",
        "Host: x\r\nAccept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n",
    );
    assert!(
        open.contains("application/openmetrics-text; version=1.0.0") && open.contains("# EOF"),
        "{open}"
    );
}

/// Each probe, one after another, for a while: all of them are answered at once.
fn probed(world: &World) {
    for _ in 0..3 {
        for page in ["/livez", "/readyz"] {
            // The machine itself may be slow at times; whoever is kept out is kept out for long.
            let took = (0..3).map(|_| {
                let begun = Instant::now();
                assert_eq!(world.page(page).0, 200, "{page}");
                begun.elapsed()
            });
            let took: Vec<_> = took.collect();
            assert!(took.iter().any(|took| *took < AT_ONCE), "{page} took {took:?}");
        }
    }
}

#[test]
fn no_client_delays_a_probe() {
    let world = world();
    world.board.started.store(true, Ordering::Relaxed);
    world.until("/readyz", 200);
    let connect = || TcpStream::connect(world.address).unwrap();
    let many = 300;
    // They ask and read nothing, …
    let deaf: Vec<_> = (0..many).map(|_| connect()).collect();
    for mut socket in &deaf {
        socket.set_nonblocking(true).unwrap();
        let asked = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500);
        drop(socket.write(asked.as_bytes()));
    }
    probed(&world);
    // … say nothing, …
    let silent: Vec<_> = (0..many).map(|_| connect()).collect();
    probed(&world);
    // … or say little, …
    let slow: Vec<_> = (0..many).map(|_| connect()).collect();
    for mut socket in &slow {
        drop(socket.write(b"GET /metr"));
    }
    probed(&world);
    drop((deaf, silent, slow));
    // … and all of them come again and again.
    let stop = Arc::new(AtomicBool::new(false));
    let (address, stopped) = (world.address, stop.clone());
    let again = std::thread::spawn(move || {
        let mut open = std::collections::VecDeque::new();
        while !stopped.load(Ordering::Relaxed) {
            open.extend(TcpStream::connect(address));
            if open.len() > many {
                open.pop_front();
            }
        }
    });
    probed(&world);
    stop.store(true, Ordering::Relaxed);
    again.join().unwrap();
}

#[test]
fn a_disk_that_hangs_delays_no_probe_and_the_last_numbers_stay() {
    let world = world();
    world.board.started.store(true, Ordering::Relaxed);
    world.until("/readyz", 200);
    assert_eq!(world.page("/metrics").0, 200);
    let hung = world.board.disk.lock();
    let asking = TcpStream::connect(world.address).unwrap();
    (&asking)
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    probed(&world);
    asking.set_read_timeout(Some(LONG)).unwrap();
    let mut answer = String::new();
    (&asking).read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "those of before: {answer}");
    drop(hung);
    world.until("/metrics", 200);
}
