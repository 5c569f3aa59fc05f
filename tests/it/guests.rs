//! Commands as guests of the real program: what the kernel refuses them, and that none outlives its job, the drain, its warden or us.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use mailjob_testbed::{Mailjob, Options, SignIn, Start, World};
use tokio::time::{Instant, sleep};

use crate::letters::letter;

const USER: &str = "ada@example.test";
const PATIENCE: Duration = Duration::from_secs(120);

/// An endpoint whose command is this script, and the folder that it may write: `$1` in the script.
async fn scripted(world: &World, script: &str, more: &str) -> (Mailjob, PathBuf) {
    let mut mailjob = Mailjob::new(world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    mailjob
        .account(world, "ada", USER, SignIn::Password, Start::Implicit)
        .await
        .unwrap();
    let shared = world.dir().join("shared");
    fs::create_dir(&shared).unwrap();
    let text = format!(
        "[mailbox]\naccount = \"ada\"\n[command]\nargv = [\"/bin/bash\", \"-c\", {script:?}, \"sh\", {shared:?}]\nwrite = [{shared:?}]\n{more}\n"
    );
    mailjob.endpoint("ada", &text).unwrap();
    (mailjob, shared)
}

/// The text of a file, once it has so many lines.
async fn lines(file: &Path, count: usize, mailjob: &Mailjob) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        if lines.len() >= count {
            return lines;
        }
        assert!(
            Instant::now() < deadline,
            "{}: {text}\n{}",
            file.display(),
            mailjob.log()
        );
        sleep(Duration::from_millis(10)).await;
    }
}

async fn vanished(pid: &str) {
    let stat = PathBuf::from("/proc").join(pid).join("stat");
    let deadline = Instant::now() + PATIENCE;
    // A zombie that nobody reaps is dead too.
    while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(Instant::now() < deadline, "process {pid} still lives");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_has_its_folder_and_nothing_of_ours() {
    let world = World::start(Options::default()).await.unwrap();
    // Each path of a list is read, written and listed; what succeeded is told.
    let script = r#"while read -r path; do
        cat "$path" >/dev/null 2>&1 && echo "read $path" >>"$1/said"
        ls "$path"/ >/dev/null 2>&1 && echo "listed $path" >>"$1/said"
        : 2>/dev/null >>"$path" && echo "wrote $path" >>"$1/said"
        ln "$path" link 2>/dev/null && echo "linked $path" >>"$1/said"
    done <"$1/paths"
    pwd -P >>"$1/where"; echo x >"$TMPDIR/x" && echo x >"$HOME/y" && cat message.eml >/dev/null && echo worked >>"$1/said""#;
    let (mut mailjob, shared) = scripted(&world, script, "").await;
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    let dir = mailjob.dir().to_owned();
    let mut ours: Vec<_> = [
        "mailjob.db",
        "mailjob.db-wal",
        "mailjob.key",
        "mailjob.toml",
        "endpoints.d",
        "endpoints.d/ada.toml",
    ]
    .map(|name| dir.join(name))
    .to_vec();
    let secrets = fs::read_dir(dir.join("secrets")).unwrap();
    ours.extend(secrets.map(|secret| secret.unwrap().path()));
    ours.extend([
        world.dir().to_owned(),
        std::env::temp_dir(),
        "/root".into(),
        "/var/lib".into(),
        "/dev/shm".into(),
    ]);
    for path in ours.iter().take(6) {
        assert!(path.exists(), "{}", path.display());
    }
    let paths: String = ours.iter().map(|path| format!("{}\n", path.display())).collect();
    fs::write(shared.join("paths"), paths).unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await.unwrap();
    assert_eq!(
        lines(&shared.join("said"), 1, &mailjob).await,
        ["worked"],
        "{}",
        mailjob.log()
    );
    let work = PathBuf::from(lines(&shared.join("where"), 1, &mailjob).await.remove(0));
    let file_name = work.file_name().unwrap().to_str().unwrap();
    assert!(file_name.starts_with("job-") && !work.exists(), "{}", work.display());
    let home = work.parent().unwrap();
    assert!(home.is_dir());
    mailjob.term().unwrap();
    assert!(!home.exists(), "a clean end leaves no folder");
}

/// The lock is inherited by all that the command starts: it is free when the last of them is dead.
const WORKER: &str = r#"exec 9>>"$1/lock"; flock -n 9 || echo beside >>"$1/beside"
    echo $$ >>"$1/started"; [ -e "$1/quick" ] && exit 0
    setsid sh -c 'trap "" TERM HUP; echo $$ >>"$0/children"; while :; do sleep 1; done' "$1" >/dev/null 2>&1 </dev/null &
    trap "" TERM; chmod 500 .; while :; do sleep 1; done"#;

#[tokio::test(flavor = "multi_thread")]
async fn our_death_is_the_command_s_and_the_next_life_runs_the_job_beside_nobody() {
    let world = World::start(Options::default()).await.unwrap();
    let temp = world.dir().join("temp");
    fs::create_dir(&temp).unwrap();
    let (mut mailjob, shared) = scripted(&world, WORKER, "").await;
    mailjob.env("TMPDIR", &temp.display().to_string());
    mailjob.start().unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    let children = lines(&shared.join("children"), 1, &mailjob).await;
    mailjob.kill9().unwrap();
    fs::write(shared.join("quick"), "").unwrap();
    let left: Vec<_> = fs::read_dir(&temp)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    mailjob.start().unwrap();
    let settled = world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await;
    settled.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    assert!(!shared.join("beside").exists(), "it ran beside one of the earlier life");
    assert!(
        !left[0].exists(),
        "its folder was swept, although it was made unwritable"
    );
    let started = lines(&shared.join("started"), 2, &mailjob).await;
    for pid in started.iter().chain(&children) {
        vanished(pid).await;
    }
    mailjob.term().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_runs_out_leaves_nothing_behind() {
    let world = World::start(Options::default()).await.unwrap();
    let (mut mailjob, shared) = scripted(&world, WORKER, "").await;
    mailjob.service("drain = \"1s\"").unwrap();
    mailjob.start().unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    let children = lines(&shared.join("children"), 1, &mailjob).await;
    let started = lines(&shared.join("started"), 1, &mailjob).await;
    assert_eq!(mailjob.term().unwrap(), 0);
    for pid in started.iter().chain(&children) {
        vanished(pid).await;
    }
    assert_eq!(started.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_time_ends_with_all_that_left_its_session() {
    let world = World::start(Options::default()).await.unwrap();
    let (mut mailjob, shared) = scripted(&world, WORKER, "timeout = \"2s\"\ngrace = \"100ms\"").await;
    mailjob.start().unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    let settled = world.dovecot.wait_for(USER, "Failed", 1, PATIENCE).await;
    settled.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    let children = lines(&shared.join("children"), 1, &mailjob).await;
    vanished(&children[0]).await;
    mailjob.term().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_kills_its_warden_is_ended_by_us() {
    let world = World::start(Options::default()).await.unwrap();
    // Confined, the kernel refuses the signal.
    let script = r#"[ -e "$1/quick" ] && exit 0; touch "$1/quick"
        setsid sh -c 'echo $$ >>"$0/children"; exec sleep 1000' "$1" >/dev/null 2>&1 </dev/null &
        while ! [ -s "$1/children" ]; do sleep 0.01; done; kill -9 $PPID; exec sleep 1000"#;
    let (mut mailjob, shared) = scripted(&world, script, "confine = false\n[retry]\nwaits = [\"1s\"]").await;
    mailjob.start().unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    let children = lines(&shared.join("children"), 1, &mailjob).await;
    vanished(&children[0]).await;
    // The attempt is lost, and the job is tried again.
    let settled = world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await;
    settled.unwrap_or_else(|error| panic!("{error}\n{}", mailjob.log()));
    mailjob.term().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_that_can_t_confine_is_told_at_the_start_and_by_the_doctor() {
    let world = World::start(Options::default()).await.unwrap();
    let shim = world.dir().join("no_landlock.so");
    let code = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testbed/conf/no_landlock.c");
    let compiled = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&shim, &code])
        .status();
    assert!(compiled.unwrap().success());
    let (mut mailjob, _) = scripted(&world, "cat /dev/null", "").await;
    let words = "this kernel can't limit what commands read and write";
    let examined = mailjob.command(&["doctor", "ada"]).output().await.unwrap();
    assert!(
        !String::from_utf8_lossy(&examined.stdout).contains(words),
        "this one can"
    );
    mailjob.env("LD_PRELOAD", shim.to_str().unwrap());
    mailjob.start().unwrap();
    mailjob.ready().await.unwrap();
    world.dovecot.deliver(USER, &letter(1)).await.unwrap();
    world.dovecot.wait_for(USER, "Processed", 1, PATIENCE).await.unwrap();
    assert!(mailjob.log().contains(words), "{}", mailjob.log());
    let examined = mailjob.command(&["doctor", "ada"]).output().await.unwrap();
    let told = String::from_utf8_lossy(&examined.stdout);
    assert!(told.contains(words), "{told}");
}
