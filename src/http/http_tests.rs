use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Instant,
};

use super::*;
use crate::{ledger::sqlite, status::Ledger as File};

/// How long something may take that takes milliseconds.
const LONG: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Still {
    started: AtomicBool,
}

#[async_trait]
impl Board for Still {
    async fn status(&self) -> Status {
        Status {
            process: None,
            ledger: File {
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

struct World {
    runtime: tokio::runtime::Runtime,
    address: SocketAddr,
    board: Arc<Still>,
    draining: CancellationToken,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

/// A runtime with two workers, whose heart is late after 300 ms, and the pages.
fn world() -> World {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailjob.db");
    let opening = sqlite::open(&file, Arc::new(chrono::Utc::now));
    let (draining, stop) = (CancellationToken::new(), CancellationToken::new());
    let board = Arc::new(Still::default());
    let heartbeat = Heartbeat::new(Duration::from_millis(300));
    let shown = Pages {
        ledger: Arc::new(runtime.block_on(opening).unwrap()),
        metrics: Metrics::new(),
        board: board.clone(),
        heartbeat: heartbeat.clone(),
        draining: draining.clone(),
    };
    runtime.spawn(heartbeat.beat());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(start(listener, pages(shown), stop.clone()).unwrap());
    World {
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
    fn ask(&self, page: &str, headers: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        let request = format!("GET {page} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
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
fn status_is_for_this_machine() {
    let world = world();
    let (status, answer) = world.page("/status");
    assert_eq!(status, 200);
    assert!(
        answer.contains("application/json") && answer.contains("\"endpoints\": []"),
        "{answer}"
    );
    // A page of somebody else's whose name leads here.
    assert_eq!(world.ask("/status", "Host: evil.example\r\n").0, 403);
    for (host, ours) in [
        ("127.0.0.1:8025", true),
        ("[::1]:8025", true),
        ("::1", true),
        ("localhost", true),
        ("localhost:8025", true),
        ("localhost.evil.example", false),
        ("localhost:x", false),
        ("evil.example:8025", false),
        ("", false),
    ] {
        assert_eq!(is_address(host), ours, "{host}");
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
