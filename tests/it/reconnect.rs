//! The whole program behind a balancer that takes connections and ends them in the TLS handshake, as while a server starts anew: it is a lost
//! connection, and the server is tried again and again.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use mailjob_testbed::{Mailjob, Options, PASSWORD, World};
use tokio::{
    io::{AsyncReadExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep},
};

use crate::{
    letters::letter,
    program::{PATIENCE, REPLY, account, answered, endpoint, program, said},
};

const ADA: &str = "ada@example.test";
const BOB: &str = "bob@example.test";

/// What the balancer does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pass,
    /// Ends them with RST, once the client has begun its handshake.
    Reset,
    /// Ends them with FIN.
    Close,
}

/// A balancer before a server. Those who are connected are cut off when its mode changes.
struct Balancer {
    port: u16,
    mode: watch::Sender<Mode>,
    /// When it ended a connection.
    ended: Arc<Mutex<Vec<Instant>>>,
}

impl Balancer {
    async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mode, modes) = watch::channel(Mode::Pass);
        let ended = Arc::<Mutex<Vec<Instant>>>::default();
        let noted = ended.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, server, modes.clone(), noted.clone()));
            }
        });
        Self { port, mode, ended }
    }

    fn set(&self, mode: Mode) {
        self.ended.lock().unwrap().clear();
        self.mode.send_replace(mode);
    }

    /// Waits until it has ended so many connections; says how long nobody tried, at the most.
    async fn ends(&self, mailjob: &Mailjob, count: usize) -> Duration {
        let deadline = Instant::now() + 2 * PATIENCE;
        loop {
            let ended = self.ended.lock().unwrap().clone();
            if ended.len() >= count {
                let gaps = ended.iter().zip(ended.iter().skip(1)).map(|(one, next)| *next - *one);
                return gaps.max().unwrap_or_default();
            }
            assert!(
                Instant::now() < deadline,
                "{} tries: {ended:?}\n{}",
                ended.len(),
                mailjob.log()
            );
            sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn serve(mut client: TcpStream, server: u16, mut modes: watch::Receiver<Mode>, ended: Arc<Mutex<Vec<Instant>>>) {
    let mode = *modes.borrow_and_update();
    if mode == Mode::Pass {
        let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else {
            return;
        };
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => {}
            _ = modes.changed() => {}
        }
        return;
    }
    let mut hello = [0; 16];
    drop(client.read(&mut hello).await);
    if mode == Mode::Reset {
        // What was read of the hello is not all: closing with bytes unread is a reset.
        drop(client);
    } else {
        let mut rest = Vec::new();
        drop(tokio::time::timeout(Duration::from_millis(50), client.read_to_end(&mut rest)).await);
        drop(client);
    }
    ended.lock().unwrap().push(Instant::now());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_is_cut_off_is_a_lost_connection() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = program(&world);
    let imap = Balancer::before(world.dovecot.imaps).await;
    let pop3 = Balancer::before(world.dovecot.pop3s).await;
    let smtp = Balancer::before(world.postfix.submissions).await;
    for (name, user) in [("ada", ADA), ("bob", BOB)] {
        mailjob.secret(name, PASSWORD).unwrap();
        let sign_in = format!(
            "password = {{ file = \"secrets/{name}\" }}\npop3 = {{ host = \"localhost\", port = {} }}",
            pop3.port
        );
        let lines = account(&world, user, &sign_in)
            .replace(
                &format!("port = {}", world.dovecot.imaps),
                &format!("port = {}", imap.port),
            )
            .replace(
                &format!("port = {}", world.postfix.submissions),
                &format!("port = {}", smtp.port),
            );
        mailjob.account_as(name, &lines).unwrap();
    }
    mailjob.endpoint("ada", &endpoint("ada", REPLY)).unwrap();
    let maildrop = endpoint("bob", REPLY).replace("\"bob\"\n", "\"bob\"\nprotocol = \"pop3\"\nevery = \"1s\"\n");
    mailjob
        .endpoint("bob", &format!("{maildrop}\n[settle]\ndone = \"delete\"\n"))
        .unwrap();
    mailjob.start().unwrap();
    said(&mailjob, " connected ", 2).await;
    let balancers = [&imap, &pop3, &smtp];
    for (round, mode, tries) in [(0, Mode::Reset, 8), (1, Mode::Close, 4)] {
        smtp.set(mode);
        world.dovecot.deliver(ADA, &letter(2 * round + 1)).await.unwrap();
        smtp.ends(&mailjob, 1).await;
        imap.set(mode);
        pop3.set(mode);
        world.dovecot.deliver(ADA, &letter(2 * round + 2)).await.unwrap();
        world.dovecot.deliver(BOB, &letter(2 * round + 2)).await.unwrap();
        for balancer in balancers {
            // After so many, the waits of one who doubles them are longer than a minute.
            let gap = balancer.ends(&mailjob, tries).await;
            assert!(gap < Duration::from_secs(30), "{gap:?}\n{}", mailjob.log());
        }
        for balancer in balancers {
            balancer.set(Mode::Pass);
        }
        answered(&world, &mailjob, (round + 1) * 3).await;
    }
    let log = mailjob.log();
    assert!(!log.contains("can't be watched"), "{log}");
    assert!(!log.contains(" ERROR "), "{log}");
}
