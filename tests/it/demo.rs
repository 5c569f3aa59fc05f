//! `mailjob demo` needs nothing but the program: no root, no network, no home, nothing to write but the temporary folder.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long anything may take that needs no time to pass.
const PATIENCE: Duration = Duration::from_secs(120);
/// An ordinary user, as Debian has it.
const NOBODY: &str = "65534";

/// In a network of its own, in which only loopback is, with a `/dev` as it is everywhere: as an ordinary user without variables, in a folder
/// where nothing can be written.
const ALONE: &str = "set -e
ip link set lo up
mount -t tmpfs -o mode=755 none /mnt
mknod -m 666 /mnt/null c 1 3
mount --bind /mnt/null /dev/null
cd /mnt
exec setpriv --reuid \"$0\" --regid \"$0\" --clear-groups env -i TMPDIR=\"$1\" \"$2\" demo --once";

/// A temporary folder for everybody, and the program where everybody can start it.
fn temp() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let tmp = dir.path().join("tmp");
    fs::create_dir(&tmp).unwrap();
    fs::set_permissions(tmp, fs::Permissions::from_mode(0o1777)).unwrap();
    let program = dir.path().join("mailjob");
    fs::copy(env!("CARGO_BIN_EXE_mailjob"), &program).unwrap();
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// What is left in the temporary folder.
fn left(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join("tmp")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.collect()
}

#[test]
fn an_ordinary_user_without_a_network_sees_it_through() {
    let dir = temp();
    let began = Instant::now();
    let output = Command::new("unshare")
        .args(["--net", "--mount", "sh", "-c", ALONE, NOBODY])
        .args([dir.path().join("tmp"), dir.path().join("mailjob")])
        .output()
        .unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    for (what, endpoint) in [
        ("an invoice, webhook busy at first", "invoices"),
        ("a list to be counted", "lists"),
        ("an order that needs approval", "orders"),
        ("the boss's answer: yes", "orders"),
    ] {
        let row = out.lines().find(|line| line.starts_with(what)).unwrap_or_default();
        assert!(
            row.contains(endpoint) && row.contains(" done "),
            "{what}: {row:?}\n{out}"
        );
    }
    assert!(out.contains("(2 attempts)"), "{out}");
    assert_eq!(left(dir.path()), [""; 0], "after {:?}", began.elapsed());
}

#[test]
fn where_there_is_no_shell_it_says_so_and_leaves_nothing() {
    let dir = temp();
    let without = "mount -t tmpfs none /usr/bin && exec \"$0\" demo --once";
    let output = Command::new("/usr/bin/unshare")
        .args(["--mount", "/bin/sh", "-c", without])
        .arg(dir.path().join("mailjob"))
        .env("TMPDIR", dir.path().join("tmp"))
        .output()
        .unwrap();
    let err = text(&output.stderr);
    assert!(
        output.status.code() == Some(71) && err.contains("/bin/sh is not here"),
        "{err}"
    );
    assert_eq!(left(dir.path()), [""; 0]);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A demo that runs until it is told to end.
struct LiveDemo<'a> {
    dir: &'a Path,
    process: Child,
    lines: mpsc::Receiver<String>,
    said: Vec<String>,
}

impl<'a> LiveDemo<'a> {
    fn start(dir: &'a Path) -> Self {
        let mut process = command(dir, &[])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self {
            dir,
            process,
            lines,
            said: Vec::new(),
        }
    }

    /// Waits until it says a line that has all of these words in it, after what was heard before.
    fn hears(&mut self, words: &[&str]) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                let mut err = String::new();
                self.process.kill().unwrap();
                self.process.stderr.take().unwrap().read_to_string(&mut err).unwrap();
                panic!("no {words:?} in\n{}\n{err}", self.said.join("\n"));
            };
            self.said.push(line.clone());
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
        }
    }

    fn ask(&self, words: &[&str]) -> Output {
        command(self.dir, words).output().unwrap()
    }

    fn does(&self, words: &[&str]) -> String {
        let output = self.ask(&[words, &["--demo", &self.process.id().to_string()]].concat());
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The folder of its endpoints, as it says.
    fn folder(&self) -> String {
        let line = self.said.iter().find_map(|line| line.split("MAILJOB_CONFIG=").nth(1));
        let file = line.unwrap().split(' ').next().unwrap();
        file.strip_suffix("/mailjob.toml").unwrap().to_owned()
    }

    /// Ctrl-C.
    fn end(mut self) {
        let process = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
        let status = self.process.wait().unwrap();
        let mut err = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert!(status.success(), "{status}: {err}");
    }
}

fn command(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(dir.join("mailjob"));
    command
        .arg("demo")
        .args(words)
        .env_clear()
        .env("TMPDIR", dir.join("tmp"))
        .current_dir(dir)
        .stdin(Stdio::null());
    command
}

#[test]
fn people_write_answer_break_and_mend_from_another_terminal() {
    let dir = temp();
    let none = command(dir.path(), &["mail"]).output().unwrap();
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("no demo runs"), "{}", text(&none.stderr));

    let mut demo = LiveDemo::start(dir.path());
    demo.hears(&["Ctrl-C"]);
    demo.hears(&["answer", "boss@contoso.example"]);
    // The three that come by themselves, then what another terminal has happen.
    demo.does(&["answer", "yes"]);
    demo.hears(&["answer", "boss@contoso.example", "Approved"]);
    let nothing = demo.ask(&["answer", "yes"]);
    assert!(
        text(&nothing.stderr).contains("nothing waits"),
        "{}",
        text(&nothing.stderr)
    );

    demo.does(&["break"]);
    fs::write(dir.path().join("a bill.pdf"), "%PDF-1.4\n").unwrap();
    let said = demo.does(&[
        "mail",
        "--from",
        "Bob <bob@us.example>",
        "--subject",
        "A bill",
        "--attach",
        "a bill.pdf",
    ]);
    assert!(said.contains("bob@us.example has written"), "{said}");
    demo.hears(&["mail", "bob@us.example", "A bill", "a bill.pdf"]);
    demo.hears(&["webhook", "attempt 1", "503"]);
    demo.does(&["mend"]);
    demo.hears(&["answer", "bob@us.example", "Booked: a bill.pdf"]);

    // A file that is dropped into its folder works at once.
    let folder = demo.folder();
    fs::copy(
        format!("{folder}/more/hello.toml"),
        format!("{folder}/endpoints.d/hello.toml"),
    )
    .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !fs::read_to_string(format!("{folder}/mailjob.log"))
        .unwrap()
        .contains("endpoint=hello")
    {
        assert!(Instant::now() < deadline, "hello.toml was not noticed");
        thread::sleep(Duration::from_millis(50));
    }
    demo.does(&["mail", "--to", "lists", "--subject", "hello there"]);
    demo.hears(&["answer", "hello there", "Hello from an endpoint"]);
    demo.end();
    assert_eq!(left(dir.path()), [""; 0]);
}

#[test]
fn two_demos_beside_each_other_don_t_meet() {
    let dir = temp();
    let mut first = LiveDemo::start(dir.path());
    first.hears(&["Ctrl-C"]);
    let mut second = LiveDemo::start(dir.path());
    second.hears(&["Ctrl-C"]);
    assert_ne!(first.folder(), second.folder());
    first.does(&["mail", "--subject", "for the first"]);
    first.hears(&["settled", "for the first"]);
    // Where nobody says which, the newest is meant.
    assert!(second.ask(&["mail", "--subject", "for the second"]).status.success());
    second.hears(&["settled", "for the second"]);
    second.end();
    assert!(
        !first.said.iter().any(|line| line.contains("for the second")),
        "{:#?}",
        first.said
    );
    first.does(&["mail", "--subject", "and once more"]);
    first.hears(&["settled", "and once more"]);
    first.end();
    assert_eq!(left(dir.path()), [""; 0]);
}

#[test]
fn who_reads_no_further_ends_it_and_a_kept_folder_is_looked_at() {
    let dir = temp();
    let mut process = command(dir.path(), &[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(process.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    drop(out);
    assert!(process.wait().unwrap().success());
    assert_eq!(left(dir.path()), [""; 0]);

    let kept = command(dir.path(), &["--once", "--keep"]).output().unwrap();
    let said = text(&kept.stdout);
    assert!(kept.status.success(), "{said}");
    let folder = said.lines().find_map(|line| line.strip_prefix("Kept: ")).unwrap();
    let jobs = Command::new(dir.path().join("mailjob"))
        .args(["jobs", "list", "--config"])
        .arg(Path::new(folder).join("mailjob.toml"))
        .arg("--endpoints")
        .arg(Path::new(folder).join("endpoints.d"))
        .output()
        .unwrap();
    let listed = text(&jobs.stdout);
    assert!(
        jobs.status.success() && listed.contains("Order 1003"),
        "{listed}{}",
        text(&jobs.stderr)
    );
}
