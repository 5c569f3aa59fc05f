//! A person signs in, once: `mailjob auth login`, by each way, and what runs on it then.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Stdio,
    time::Duration,
};

use mailjob_testbed::{Answer, CLIENT_SECRET, Mailjob, Options, Receiver, World};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{sleep, timeout},
};

use crate::letters::letter;

const USER: &str = "ada@example.test";
const PATIENCE: Duration = Duration::from_secs(120);

/// An installation whose account nobody signed in to yet.
async fn installation(world: &World, client: &str, more: &str) -> Mailjob {
    let mut mailjob = Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    let lines = format!(
        "user = \"{USER}\"\nca_file = \"{ca}\"\nclient_id = \"{client}\"\n{more}\n\
         imap = {{ host = \"localhost\", port = {imap} }}\nsmtp = {{ host = \"localhost\", port = {smtp}, tls = \"implicit\" }}\n\
         oauth = {{ issuer = \"{issuer}\", scopes = [\"mail\", \"offline_access\"] }}\n",
        ca = world.tls.ca.display(),
        imap = world.dovecot.imaps,
        smtp = world.postfix.submissions,
        issuer = world.oauth.issuer(),
    );
    mailjob.account_as("ada", &lines).unwrap();
    // The ledger, where sign-ins are kept, is made by `run` alone.
    mailjob.make_ledger().await.unwrap();
    mailjob
}

/// `mailjob auth login ada` while a person is waited for.
struct Asking {
    child: Child,
    keyboard: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    all: String,
}

impl Asking {
    fn start(mailjob: &Mailjob, options: &[&str]) -> Self {
        let arguments = [&["auth", "login", "ada"], options].concat();
        let mut command = mailjob.command(&arguments);
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        Self::of(command)
    }

    /// The same on a machine with a screen, whose programs are those of this folder.
    fn before_a_screen(mailjob: &Mailjob, options: &[&str], programs: &Path) -> Self {
        let mut command = mailjob.command(&[&["auth", "login", "ada"], options].concat());
        command.env("DISPLAY", ":99").env("PATH", programs);
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        Self {
            keyboard: child.stdin.take().unwrap(),
            said: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            all: String::new(),
        }
    }

    /// The next line that stands alone and indented: an address or a code.
    async fn shown(&mut self) -> String {
        let shown = async {
            loop {
                let line = self.said.next_line().await.unwrap().expect("it ended");
                self.all += &format!("{line}\n");
                if let Some(shown) = line.strip_prefix("  ") {
                    return shown.trim().to_owned();
                }
            }
        };
        timeout(PATIENCE, shown).await.unwrap()
    }

    async fn paste(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Whether it ended well, and all that it said.
    async fn end(mut self) -> (bool, String) {
        let ended = async {
            while let Some(line) = self.said.next_line().await.unwrap() {
                self.all += &format!("{line}\n");
            }
            let mut errors = String::new();
            let stderr = self.child.stderr.as_mut().unwrap();
            stderr.read_to_string(&mut errors).await.unwrap();
            (self.child.wait().await.unwrap().success(), self.all + &errors)
        };
        timeout(PATIENCE, ended).await.unwrap()
    }
}

async fn visit(address: &str) -> (u16, String) {
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    let answer = http.get(address).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// A mail comes in and is answered.
async fn works(world: &World, mut mailjob: Mailjob) {
    let receiver = Receiver::start(|_| Answer::text("Thank you.")).await.unwrap();
    let webhook = format!(
        "[webhook]\nurl = \"{}\"\nallow_private_network = true",
        receiver.url("/")
    );
    let endpoint = format!("[mailbox]\naccount = \"ada\"\n{webhook}\n[reply]\nto = \"sender\"\n");
    mailjob.endpoint("ada", &endpoint).unwrap();
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_comes_back_to_a_port_of_this_machine() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installation(&world, "mailjob-public", "").await;
    let mut asking = Asking::start(&mailjob, &["--no-browser"]);
    let address = asking.shown().await;
    let back = world.oauth.sign_in(&address, USER).await.unwrap();
    assert!(back.starts_with("http://localhost:"), "{back}");

    // Others who knock there end nothing, and are shown nothing of what they said.
    let (base, query) = back.split_once('?').unwrap();
    for (strange, status) in [
        (format!("{base}/favicon.ico"), 400),
        (format!("{base}/?code=evil&state=<script>"), 400),
        (format!("{base}/?error=access_denied&state=guessed"), 400),
    ] {
        let (answered, page) = visit(&strange).await;
        assert_eq!(answered, status, "{strange}");
        assert!(!page.contains("script") && !page.contains("evil"), "{page}");
    }
    let (status, page) = visit(&format!("{base}/?{query}")).await;
    assert!(status == 200 && page.contains("You are signed in"), "{page}");

    let (well, said) = asking.end().await;
    assert!(well && said.contains("Signed in"), "{said}");
    assert_eq!(mailjob.leaks(&said), [] as [String; 0]);
    works(&world, mailjob).await;
}

/// A browser that writes down where it is sent, and opens nothing.
fn browser(folder: &Path) {
    let script = "#!/bin/sh\nprintf %s \"$1\" >\"$0.draft\"\n/bin/mv \"$0.draft\" \"$0.opened\"\n";
    let program = folder.join("xdg-open");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_opened_where_there_is_a_screen_and_the_address_is_shown_too() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installation(&world, "mailjob-public", "").await;
    let programs = tempfile::tempdir().unwrap();
    browser(programs.path());
    let opened = programs.path().join("xdg-open.opened");
    let mut asking = Asking::before_a_screen(&mailjob, &[], programs.path());
    let shown = asking.shown().await;
    let there = async {
        while !opened.exists() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, there).await.unwrap();
    let address = fs::read_to_string(&opened).unwrap();
    assert_eq!(address, shown);
    let back = world.oauth.sign_in(&address, USER).await.unwrap();
    assert_eq!(visit(&back).await.0, 200);
    let (well, said) = asking.end().await;
    assert!(well && said.contains("A browser was opened."), "{said}");

    fs::remove_file(&opened).unwrap();
    let empty = tempfile::tempdir().unwrap();
    for (options, folder) in [(&["--no-browser"][..], &programs), (&[], &empty)] {
        let mut asking = Asking::before_a_screen(&mailjob, options, folder.path());
        let address = asking.shown().await;
        assert!(
            asking.all.starts_with("Open this address in a browser"),
            "{}",
            asking.all
        );
        let back = world.oauth.refuse_sign_in(&address).await.unwrap();
        assert_eq!(visit(&back).await.0, 200);
        assert!(!asking.end().await.0);
    }
    assert!(!opened.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_the_last_page_is_pasted() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installation(
        &world,
        "mailjob",
        "client_secret = { file = \"secrets/client\" }\ngrant = \"refresh_token\"",
    )
    .await;
    mailjob.secret("client", CLIENT_SECRET).unwrap();
    let mut asking = Asking::start(&mailjob, &["--paste"]);
    let address = asking.shown().await;
    let back = world.oauth.sign_in(&address, USER).await.unwrap();
    asking.paste("http://localhost/?code=of-another&state=attempt").await;
    asking.paste(&back).await;
    let (well, said) = asking.end().await;
    assert!(well && said.contains("Signed in"), "{said}");
    assert!(said.contains("belongs to another sign-in"), "{said}");
    works(&world, mailjob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_typed_in_on_another_device() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installation(&world, "mailjob-public", "").await;
    let mut asking = Asking::start(&mailjob, &["--device"]);
    assert!(asking.shown().await.starts_with("http://127.0.0.1:"));
    let code = asking.shown().await;
    world.oauth.approve_device(USER, &code).await.unwrap();
    let (well, said) = asking.end().await;
    assert!(well && said.contains("Signed in"), "{said}");
    works(&world, mailjob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_no_is_told_so() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installation(&world, "mailjob-public", "").await;
    let mut asking = Asking::start(&mailjob, &["--no-browser"]);
    let address = asking.shown().await;
    let back = world.oauth.refuse_sign_in(&address).await.unwrap();
    let (base, query) = back.split_once('?').unwrap();
    assert_eq!(visit(&format!("{base}/?{query}")).await.0, 200);
    let (well, said) = asking.end().await;
    assert!(!well && said.contains("access_denied"), "{said}");

    let mut asking = Asking::start(&mailjob, &["--device"]);
    asking.shown().await;
    let code = asking.shown().await;
    world.oauth.deny_device(&code).await.unwrap();
    let (well, said) = asking.end().await;
    assert!(!well && said.contains("refused at the other device"), "{said}");

    let mut asking = Asking::start(&mailjob, &["--device"]);
    asking.shown().await;
    let code = asking.shown().await;
    world.oauth.expire_device(&code).await.unwrap();
    let (well, said) = asking.end().await;
    assert!(!well && said.contains("expired"), "{said}");
}

/// A program that runs without a sign-in says what to do, and goes on as soon as somebody did it.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_beside_a_running_program_is_used_at_once() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = installation(&world, "mailjob-public", "").await;
    mailjob
        .endpoint(
            "ada",
            "[mailbox]\naccount = \"ada\"\n[command]\nargv = [\"/bin/true\"]\n",
        )
        .unwrap();
    mailjob.start().unwrap();
    mailjob.wait_log("run: mailjob auth login ada", PATIENCE).await.unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();

    let mut asking = Asking::start(&mailjob, &["--device"]);
    asking.shown().await;
    let code = asking.shown().await;
    world.oauth.approve_device(USER, &code).await.unwrap();
    let (well, said) = asking.end().await;
    assert!(well, "{said}");
    world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await.unwrap();
    assert_eq!(mailjob.term().unwrap(), 0);
}

/// Signs in by a code, as this user.
async fn by_code(world: &World, mailjob: &Mailjob, user: &str) -> (bool, String) {
    let mut asking = Asking::start(mailjob, &["--device"]);
    asking.shown().await;
    let code = asking.shown().await;
    world.oauth.approve_device(user, &code).await.unwrap();
    asking.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_persons_sign_in_does_not_replace_a_good_one_and_a_logout_forgets_it() {
    let world = World::start(Options::default()).await.unwrap();
    let mailjob = installation(&world, "mailjob-public", "").await;
    mailjob
        .endpoint(
            "ada",
            "[mailbox]\naccount = \"ada\"\n[command]\nargv = [\"/bin/true\"]\n",
        )
        .unwrap();
    let (well, said) = by_code(&world, &mailjob, USER).await;
    assert!(well, "{said}");
    let (well, said) = by_code(&world, &mailjob, "bob@example.test").await;
    assert!(!well && said.contains("This sign-in is not kept"), "{said}");
    assert!(
        said.contains(USER) && said.contains("mailjob auth logout ada"),
        "{said}"
    );

    // The one before still opens the mailbox.
    let doctor = mailjob.command(&["doctor", "ada"]).output().await.unwrap();
    let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(told.contains("✓ sign-in"), "{told}");

    for (name, code, words) in [
        ("ada", 0, "is forgotten here"),
        ("ada", 0, "Nobody is signed in"),
        ("nobody", 78, "there is no account \"nobody\""),
    ] {
        let logout = mailjob.command(&["auth", "logout", name]).output().await.unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&logout.stdout),
            String::from_utf8_lossy(&logout.stderr)
        );
        assert_eq!(logout.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "{said}");
    }
    // Without a good one before it, whoever signs in is kept: servers may be mended later.
    let (well, said) = by_code(&world, &mailjob, "bob@example.test").await;
    assert!(!well && !said.contains("not kept"), "{said}");
}
