//! IMAP servers as users met them: what is odd costs nothing but itself, what floods has an end, what echoes tells nobody.

use std::{fs, time::Duration};

use mailjob_testbed::{
    Answer, Mailjob, Options, Receiver, World,
    standin::{self, OddQuirk, Standin, odd_mail},
};
use tokio::time::{Instant, sleep};

use crate::program::PATIENCE;

/// With characters that a quoted string, a URL and base64 write otherwise.
const PASSWORD: &str = r#"canary/of "a+password>>>"#;

/// The program before such a server.
struct Odd {
    mailjob: Mailjob,
    receiver: Receiver,
    server: Standin,
    _world: World,
}

impl Odd {
    async fn install(quirk: OddQuirk) -> Self {
        let world = World::start(Options::default()).await.unwrap();
        let receiver = Receiver::start(|_| Answer::text("ok")).await.unwrap();
        let server = standin::odd(&world.tls, quirk).await.unwrap();
        let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
        mailjob.secret("word", PASSWORD).unwrap();
        let account = format!(
            "user = \"ada@example.test\"\nca_file = \"{}\"\npassword = {{ file = \"secrets/word\" }}\n\
             imap = {{ host = \"localhost\", port = {}, tls = \"implicit\" }}",
            world.tls.ca.display(),
            server.port
        );
        mailjob.account_as("ada", &account).unwrap();
        let endpoint = format!(
            "[mailbox]\naccount = \"ada\"\nbacklog = \"process\"\n[webhook]\nurl = \"{}\"\nallow_private_network = true\nbody = \"raw\"\n",
            receiver.url("/")
        );
        mailjob.endpoint("ada", &endpoint).unwrap();
        Self {
            mailjob,
            receiver,
            server,
            _world: world,
        }
    }

    fn said(&self, words: &str) -> usize {
        self.server.said().iter().filter(|line| line.contains(words)).count()
    }

    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(
                Instant::now() < deadline,
                "{:?}\n{}",
                self.server.said(),
                self.mailjob.log()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// What a command says, whatever it thinks.
    async fn run(&self, arguments: &[&str]) -> String {
        let output = self.mailjob.command(arguments).output().await.unwrap();
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_odd_server_is_read_like_any_other() {
    for quirk in [
        OddQuirk::DavMailExists,
        OddQuirk::DoubleBlank,
        OddQuirk::ZarafaNil,
        OddQuirk::GreenMailBlank,
        OddQuirk::Babbles,
        OddQuirk::LoginOnly,
        OddQuirk::LoginOnlyFailed,
        OddQuirk::LoginOnlyBad,
        OddQuirk::NoInitialResponse,
        OddQuirk::Exmail,
    ] {
        let mut odd = Odd::install(quirk).await;
        let doctor = odd.run(&["doctor", "ada"]).await;
        assert!(doctor.contains("the newest can be read"), "{quirk:?}: {doctor}");
        odd.mailjob.start().unwrap();
        odd.until(|odd| odd.said("UID MOVE 7") > 0).await;
        let status = odd.run(&["status"]).await;
        if quirk == OddQuirk::Babbles {
            for shown in [&doctor, &status, &odd.mailjob.log()] {
                assert!(shown.contains("X- [31mGARBAGE"), "{shown}");
            }
        }
        assert_eq!(odd.mailjob.term().unwrap(), 0);
        let requests = odd.receiver.requests();
        assert_eq!(requests.len(), 1, "{quirk:?}");
        assert!(requests[0].body == odd_mail(quirk).as_bytes(), "{quirk:?}");
        let log = odd.mailjob.log();
        for bad in ["panic", "the session with the mailbox ended", "can't be watched"] {
            assert!(!log.contains(bad), "{quirk:?}: {log}");
        }
    }
}

/// What is not all of the mail is not taken; doctor and status say so, and the job that is made of it in the end has no bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_gives_half_of_a_mail_gives_none() {
    let mut odd = Odd::install(OddQuirk::Halves).await;
    let size = odd_mail(OddQuirk::Halves).len();
    let words = format!("says that the mail has {size} bytes, and gives {}", size / 2);
    let doctor = odd.run(&["doctor", "ada"]).await;
    assert!(doctor.contains(&words), "{doctor}");
    odd.mailjob.start().unwrap();
    odd.mailjob.wait_log("does not give a mail", PATIENCE).await.unwrap();
    let status = odd.run(&["status"]).await;
    assert!(
        status.contains("does not give 1 mail since") && status.contains(&words),
        "{status}"
    );
    odd.mailjob
        .wait_log("can't deliver a mail; it is held", PATIENCE)
        .await
        .unwrap();
    assert_eq!(odd.mailjob.term().unwrap(), 0);
    assert!(odd.receiver.requests().is_empty());
    assert_eq!(odd.said("UID MOVE"), 0);
}

/// A mail that is still there after UID MOVE leaves by COPY.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_says_that_it_moves_is_not_believed() {
    let mut odd = Odd::install(OddQuirk::LyingMove).await;
    odd.mailjob.start().unwrap();
    odd.until(|odd| odd.said("UID STORE 7") > 0).await;
    assert_eq!((odd.said("UID MOVE 7"), odd.said("UID COPY 7")), (1, 1));
    assert_eq!(odd.mailjob.term().unwrap(), 0);
    assert_eq!(odd.receiver.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_nobody_in_is_left_alone_and_its_words_are_shown() {
    let mut odd = Odd::install(OddQuirk::IceWarp).await;
    let words = "NO LOGOUT Too many connections from your address";
    let doctor = odd.run(&["doctor", "ada"]).await;
    let line = doctor.lines().find(|line| line.contains(words));
    assert!(line.is_some_and(|line| !line.contains("TLS")), "{doctor}");
    odd.mailjob.start().unwrap();
    odd.mailjob.wait_log(words, PATIENCE).await.unwrap();
    // It is asked again after half a minute at the soonest.
    let log = odd.mailjob.log();
    let line = log.lines().find(|line| line.contains(words)).unwrap();
    assert!(line.contains("can't be watched"), "{line}");
    assert!(odd.run(&["status"]).await.contains(words));
    assert_eq!(odd.mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_echoes_tells_nobody_the_password() {
    let mut odd = Odd::install(OddQuirk::Echo).await;
    odd.mailjob.env("MAILJOB_LOG", "trace");
    odd.mailjob.start().unwrap();
    odd.mailjob.wait_log("bad: ", PATIENCE).await.unwrap();
    let mut told = odd.mailjob.log();
    for command in [
        &["doctor", "ada"][..],
        &["status"],
        &["status", "--json"],
        &["receive", "--account", "ada"],
    ] {
        told.push_str(&odd.run(command).await);
    }
    assert_eq!(odd.mailjob.term().unwrap(), 0);
    told.push_str(&odd.mailjob.log());
    for file in files(odd.mailjob.dir()) {
        if !file.ends_with("secrets/word") {
            told.push_str(&String::from_utf8_lossy(&fs::read(file).unwrap()));
        }
    }
    assert!(told.contains("bad: ") && told.contains("***"), "{told}");
    let sent = odd.server.said();
    let response = sent
        .iter()
        .find_map(|line| line.split("AUTHENTICATE PLAIN ").nth(1))
        .unwrap();
    assert!(sent.iter().any(|line| line.contains(" LOGIN ")), "{sent:?}");
    for secret in [response, &response[4..16], PASSWORD, "canary/of", r#"a+password"#] {
        assert!(!told.contains(secret), "{secret:?} is in: {told}");
    }
    assert_eq!(odd.mailjob.leaks(&told), Vec::<String>::new());
}

fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

/// The most memory that a process ever had, in KiB.
fn peak(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_talks_without_end_ends_its_session_and_costs_little() {
    for quirk in [OddQuirk::FloodsFetch, OddQuirk::FloodsIdle, OddQuirk::FloodsAll] {
        let mut odd = Odd::install(quirk).await;
        odd.mailjob.start().unwrap();
        odd.mailjob
            .wait_log("things that nobody asked for", PATIENCE)
            .await
            .unwrap_or_else(|error| panic!("{quirk:?}: {error}\n{}", odd.mailjob.log()));
        let peak = peak(odd.mailjob.pid().unwrap());
        assert!(peak <= 64 * 1024, "{quirk:?}: {peak} KiB");
        assert_eq!(odd.mailjob.term().unwrap(), 0);
        if quirk != OddQuirk::FloodsIdle {
            let receive = odd.run(&["receive", "--account", "ada", "--subject", "*"]).await;
            assert!(receive.contains("nobody asked for"), "{quirk:?}: {receive}");
            assert!(!receive.contains("check host and port"), "{receive}");
        }
    }
}
