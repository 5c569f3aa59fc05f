//! Guests for real: what they can't do, and that none is left.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::io::AsyncReadExt;

use super::*;

mod confined;

/// Not a test: what the guests of tests have as their warden.
#[test]
#[ignore = "started by the other tests as the warden of their guests"]
fn warden() {
    // By hand, standard input is no socket, and nothing happens.
    let _code = serve();
}

pub(crate) async fn told(guests: &Guests, terms: &Arc<Terms>, script: &str, folder: Option<&Path>) -> String {
    let order = shell(script, folder);
    let mut guest = guests.start(terms, &order).await.unwrap();
    let mut text = String::new();
    let mut stdout = guest.stdout.take().unwrap();
    stdout.read_to_string(&mut text).await.unwrap();
    let _end = guest.wait().await.unwrap();
    guest.kill().await;
    guest.gone().await.unwrap();
    guests.ended(guest);
    text.trim().to_owned()
}

fn shell(script: &str, folder: Option<&Path>) -> SpawnRequest {
    SpawnRequest {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
        folder: folder.map(Path::to_owned),
    }
}

fn is_alive(pid: &str) -> bool {
    // A zombie that nobody reaps is dead too.
    fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Waits until a process is gone, as long as it takes a machine under load.
async fn vanished(pid: &str) {
    let end = Instant::now() + Duration::from_secs(60);
    while is_alive(pid) {
        assert!(Instant::now() < end, "process {pid} still lives");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A script that prints the pid of a child which left its group, its session and its parent, and lives on.
const RUNAWAY: &str = "setsid sh -c 'echo $$; exec sleep 1000' </dev/null 2>&1 & sleep 0.2; wait $!";

#[tokio::test]
async fn a_child_that_left_group_and_session_ends_with_the_guest() {
    let (guests, terms) = (Guests::default(), Arc::default());
    let script = "(setsid sh -c 'echo $$ >&3; exec sleep 1000 >/dev/null 3>&-' 3>&1 >/dev/null 2>&1 &)";
    let pid = told(&guests, &terms, script, None).await;
    assert!(!pid.is_empty());
    assert!(!is_alive(&pid), "it is dead before the guest counts as gone");
}

#[tokio::test]
async fn a_guest_that_is_dropped_ends_with_all_that_descends_from_it() {
    let (guests, terms) = (Guests::default(), Arc::default());
    let mut guest = guests.start(&terms, &shell(RUNAWAY, None)).await.unwrap();
    let mut pid = [0; 16];
    let read = guest.stdout.as_mut().unwrap().read(&mut pid).await.unwrap();
    drop(guest);
    vanished(std::str::from_utf8(&pid[..read]).unwrap()).await;
}

#[tokio::test]
async fn a_warden_has_one_guest_after_the_other() {
    let (guests, terms) = (Guests::default(), Arc::default());
    let first = told(&guests, &terms, "echo $PPID", None).await;
    assert_eq!(told(&guests, &terms, "echo $PPID", None).await, first);
    let others = Arc::new(Terms {
        limits: GuestLimits {
            open_files: Some(100),
            ..GuestLimits::default()
        },
        ..Terms::default()
    });
    assert_ne!(told(&guests, &others, "echo $PPID", None).await, first);
    assert_eq!(
        told(&guests, &others, "ulimit -Hn; ulimit -n 200 || echo held", None).await,
        "100\nheld"
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_costs_no_warden() {
    let (guests, terms) = (Guests::default(), Arc::default());
    let first = told(&guests, &terms, "echo $PPID", None).await;
    let order = SpawnRequest {
        program: "/no/such/program".into(),
        ..SpawnRequest::default()
    };
    let error = guests.start(&terms, &order).await.unwrap_err();
    assert!(
        matches!(error, StartError::Program(ref error) if error.kind() == std::io::ErrorKind::NotFound),
        "{error}"
    );
    assert_eq!(told(&guests, &terms, "echo $PPID", None).await, first);
}

#[tokio::test]
async fn more_than_a_process_can_be_given_is_said_so() {
    let (guests, terms) = (Guests::default(), Arc::default());
    let mut order = shell("true", None);
    order.environment.push(("LARGE".into(), "x".repeat(3 << 20).into()));
    assert!(matches!(guests.start(&terms, &order).await, Err(StartError::TooMuch)));
}

#[tokio::test]
async fn a_guest_that_forks_without_end_is_ended() {
    let limits = GuestLimits {
        processes: Some(50),
        ..GuestLimits::default()
    };
    let guests = Guests::default();
    // Of root the kernel counts nothing: many, and not without end, so that nobody beside this test suffers.
    let terms = Arc::new(Terms {
        limits,
        ..Terms::default()
    });
    let many = "for n in $(seq 300); do sleep 1000 & done; wait";
    let mut guest = guests.start(&terms, &shell(many, None)).await.unwrap();
    assert_eq!(guest.wait().await.unwrap(), Err(LimitExceeded::Processes));
    guest.gone().await.unwrap();
    let user = rustix::process::geteuid().is_root().then_some(User {
        id: 47_110,
        group: 47_110,
    });
    let terms = Arc::new(Terms {
        limits,
        user,
        ..Terms::default()
    });
    let bomb = "f() { f | f & }; f; while :; do sleep 1; done";
    let order = SpawnRequest {
        program: "/bin/bash".into(),
        ..shell(bomb, None)
    };
    let mut guest = guests.start(&terms, &order).await.unwrap();
    assert_eq!(guest.wait().await.unwrap(), Err(LimitExceeded::Processes));
    guest.gone().await.unwrap();
}

#[tokio::test]
async fn a_guest_that_eats_memory_is_ended() {
    let limits = GuestLimits {
        memory: Some(256 << 20),
        ..GuestLimits::default()
    };
    let terms = Arc::new(Terms {
        limits,
        ..Terms::default()
    });
    let guests = Guests::default();
    // One alone is refused by the kernel, many together by the look at all of them.
    let one = "perl -e '$x = \"x\" x (600 << 20); print \"had it\"' 2>/dev/null";
    assert_eq!(told(&guests, &terms, one, None).await, "");
    let many = "for n in 1 2 3 4; do perl -e '$x = \"x\" x (100 << 20); sleep 1000' & done; wait";
    let mut guest = guests.start(&terms, &shell(many, None)).await.unwrap();
    assert_eq!(guest.wait().await.unwrap(), Err(LimitExceeded::Memory));
    guest.gone().await.unwrap();
}

#[tokio::test]
async fn a_guest_can_be_another_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let guests = Guests::default();
    let home = guests.home().await.unwrap();
    let work = home.work_folder().unwrap();
    fs::write(work.path().join("message.eml"), "mail").unwrap();
    let user = User {
        id: 65_534,
        group: 65_534,
    };
    work.give(user).unwrap();
    let terms = Arc::new(Terms {
        user: Some(user),
        confinement: Some(Confinement::default()),
        ..Terms::default()
    });
    let script = "id -u; id -G; cat message.eml; echo x >y";
    assert_eq!(
        told(&guests, &terms, script, Some(work.path())).await,
        "65534\n65534\nmail"
    );
    let path = work.path().to_owned();
    work.close().unwrap();
    assert!(!path.exists());
}
