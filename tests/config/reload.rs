//! Files that change under a running program.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    time::Duration,
};

use mailjob::config::{
    Changes, Problem,
    reload::{Reload, Reloader},
    versions::Versions,
};
use rustix::process::{Signal, getpid, kill_process};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use crate::{Machine, endpoint, name};

/// Far more than any reload takes.
const DEADLINE: Duration = Duration::from_secs(50);

fn reloader(machine: &Machine) -> Reloader {
    reloader_hearing(machine, SignalKind::user_defined2())
}

fn reloader_hearing(machine: &Machine, hangup: SignalKind) -> Reloader {
    let loaded = machine.load();
    let running = loaded.start().unwrap();
    Reloader::new(
        machine.sources(),
        loaded,
        running,
        Versions::default(),
        signal(hangup).unwrap(),
    )
}

/// Every reload until one is as it should be: writing a file may be seen as several changes.
async fn until(reloader: &mut Reloader, settled: impl Fn(&Reload) -> bool) -> Reload {
    let found = timeout(DEADLINE, async {
        loop {
            let reload = reloader.next().await;
            if settled(&reload) {
                return reload;
            }
        }
    });
    found.await.expect("the change is noticed")
}

#[tokio::test]
async fn files_come_change_and_go() {
    let machine = Machine::new();
    machine.endpoint("stays", "A");
    let mut reloader = reloader(&machine);

    machine.endpoint("new", "B");
    let reload = until(&mut reloader, |reload| reload.config.endpoints.len() == 2).await;
    assert_eq!(reload.changes.added, [name("new")]);
    assert_eq!(reload.changes.changed, []);

    machine.endpoint("new", "C");
    let reload = until(&mut reloader, |reload| !reload.changes.changed.is_empty()).await;
    assert_eq!(reload.changes.changed, [name("new")]);
    assert_eq!(reload.config.endpoints[&name("new")].mailbox.name, "C");

    machine.write("endpoints.d/new.toml", "[mailbox]\naccount = \"plain\"\nname = \"D");
    let reload = until(&mut reloader, |reload| !reload.changes.kept.is_empty()).await;
    assert_eq!(reload.changes.kept, [name("new")]);
    assert_eq!(
        reload.config.endpoints[&name("new")].mailbox.name,
        "C",
        "the last good version goes on"
    );
    assert!(
        reload
            .problems
            .iter()
            .any(|Problem { file, .. }| file.ends_with("new.toml"))
    );

    machine.endpoint("new", "D");
    let reload = until(&mut reloader, |reload| reload.changes.kept.is_empty()).await;
    assert_eq!(reload.config.endpoints[&name("new")].mailbox.name, "D");

    machine.remove("endpoints.d/new.toml");
    let reload = until(&mut reloader, |reload| reload.config.endpoints.len() == 1).await;
    assert_eq!(reload.changes.away, [name("new")]);
    assert!(
        reload.config.held.contains_key(&name("new")),
        "its jobs wait for a while"
    );
    assert!(reload.config.endpoints.contains_key(&name("stays")));
}

#[tokio::test]
async fn a_changed_account_changes_its_endpoints() {
    let machine = Machine::new();
    machine.endpoint("mine", "A");
    machine.write("endpoints.d/other.toml", &endpoint("A").replace("plain", "contoso"));
    let mut reloader = reloader(&machine);
    let text = fs::read_to_string(machine.path("mailjob.toml")).unwrap();

    // As editors do: a new file takes the old one's place.
    machine.write(".mailjob.toml.new", &text.replace("\"orders\"", "\"sales\""));
    fs::rename(machine.path(".mailjob.toml.new"), machine.path("mailjob.toml")).unwrap();
    let reload = until(&mut reloader, |_| true).await;
    assert_eq!(reload.changes.changed, [name("mine")]);
    assert_eq!(reload.config.endpoints[&name("mine")].mailbox.account.user, "sales");

    machine.write("mailjob.toml", "[service");
    let reload = until(&mut reloader, |reload| reload.changes.kept.len() == 2).await;
    assert_eq!(reload.config.endpoints.len(), 2, "both go on");

    machine.write("mailjob.toml", &format!("[service]\ndrain = \"1s\"\n{text}"));
    let reload = until(&mut reloader, |reload| reload.changes.kept.is_empty()).await;
    assert!(reload.changes.restart);
    assert_eq!(
        reload.config.service.drain,
        Duration::from_secs(25),
        "that of the start"
    );
}

/// What kubelet does with a ConfigMap: names are links through `..data`, and an update swaps that one link.
#[tokio::test]
async fn a_config_map_is_swapped_at_once() {
    let machine = Machine::new();
    let folder = machine.path("endpoints.d");
    let version = |version: &str, files: &[(&str, &str)]| {
        fs::create_dir(folder.join(version)).unwrap();
        for (name, mailbox) in files {
            fs::write(folder.join(version).join(format!("{name}.toml")), endpoint(mailbox)).unwrap();
        }
        let secret = folder.join(version).join("secret.txt");
        fs::write(&secret, "s3cret").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(version, folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    };
    version("..2026_11_22_01", &[("a", "A"), ("b", "B")]);
    for name in ["a", "b"] {
        symlink(
            Path::new("..data").join(format!("{name}.toml")),
            folder.join(format!("{name}.toml")),
        )
        .unwrap();
    }
    let mut reloader = reloader(&machine);

    version("..2026_11_22_02", &[("a", "A"), ("b", "C")]);
    let reload = until(&mut reloader, |_| true).await;
    let changed = Changes {
        changed: vec![name("b")],
        ..Changes::default()
    };
    assert_eq!(reload.changes, changed);

    // kubelet removes what is stale after the swap.
    version("..2026_11_22_03", &[("a", "A")]);
    fs::remove_file(folder.join("b.toml")).unwrap();
    let reload = until(&mut reloader, |reload| reload.changes.kept.is_empty()).await;
    assert_eq!(reload.config.endpoints.keys().cloned().collect::<Vec<_>>(), [name("a")]);
}

#[tokio::test]
async fn a_mailbox_stays_watched_as_it_is_until_all_say_otherwise() {
    let machine = Machine::new();
    let every = |name: &str, seconds: u32| {
        let lines = format!("name = \"A\"\nevery = \"{seconds}s\"");
        machine.write(
            &format!("endpoints.d/{name}.toml"),
            &endpoint("A").replace("name = \"A\"", &lines),
        );
    };
    every("b", 5);
    let mut reloader = reloader(&machine);

    every("a", 6);
    let reload = until(&mut reloader, |reload| !reload.changes.refused.is_empty()).await;
    assert_eq!(reload.config.endpoints.keys().cloned().collect::<Vec<_>>(), [name("b")]);
    assert!(reload.config.idle.contains(&name("a")));

    every("b", 6);
    let reload = until(&mut reloader, |reload| reload.changes.refused.is_empty()).await;
    assert_eq!(
        (reload.changes.added, reload.changes.changed),
        (vec![name("a")], vec![name("b")])
    );
    assert_eq!(reload.config.routes().len(), 1);
}

#[tokio::test]
async fn a_folder_that_vanishes_ends_nothing() {
    let machine = Machine::new();
    machine.endpoint("a", "A");
    let mut reloader = reloader(&machine);
    fs::rename(machine.path("endpoints.d"), machine.path("elsewhere")).unwrap();
    let reload = until(&mut reloader, |reload| !reload.problems.is_empty()).await;
    assert_eq!(reload.changes, Changes::default());
    assert_eq!(reload.config.endpoints.len(), 1);
}

/// Neither a signal nor an event, as on a network file system: here a secret in a folder that isn't watched.
#[tokio::test(start_paused = true)]
async fn a_look_each_minute_finds_what_no_event_told() {
    let machine = Machine::new();
    fs::create_dir(machine.path("secrets")).unwrap();
    machine.write("endpoints.d/a.toml", &with_secret(&endpoint("A")));
    let mut reloader = reloader(&machine);
    machine.write("secrets/a", "whsec_aHVzaA==");
    let reload = until(&mut reloader, |_| true).await;
    assert_eq!(reload.changes.added, [name("a")]);
    machine.write("secrets/a", "");
    let start = tokio::time::Instant::now();
    let reload = reloader.next().await;
    assert_eq!(reload.changes.kept, [name("a")]);
    assert_eq!(start.elapsed().as_secs(), 60);
}

/// Nothing but the signal tells of the change: the secret's folder isn't watched, and the deadline is before the next look.
#[tokio::test]
async fn a_signal_has_everything_read() {
    let machine = Machine::new();
    fs::create_dir(machine.path("secrets")).unwrap();
    machine.write("endpoints.d/a.toml", &with_secret(&endpoint("A")));
    let mut reloader = reloader_hearing(&machine, SignalKind::user_defined1());
    machine.write("secrets/a", "whsec_aHVzaA==");
    let reload = until(&mut reloader, |_| true).await;
    assert_eq!(reload.changes.added, [name("a")], "the first look is over");
    machine.remove("secrets/a");
    kill_process(getpid(), Signal::USR1).unwrap();
    let reload = until(&mut reloader, |_| true).await;
    assert_eq!(reload.changes.kept, [name("a")]);
}

fn with_secret(endpoint: &str) -> String {
    format!("{endpoint}secret = {{ file = \"../secrets/a\" }}\n")
}

#[tokio::test]
async fn an_endpoint_that_is_disabled_stops_and_keeps_its_jobs() {
    let machine = Machine::new();
    let mut reloader = reloader(&machine);
    machine.endpoint("a", "A");
    let path = "endpoints.d/a.toml";
    until(&mut reloader, |reload| reload.changes.added == [name("a")]).await;

    machine.write(path, &format!("enabled = false\n{}", endpoint("A")));
    let reload = until(&mut reloader, |reload| reload.changes.removed == [name("a")]).await;
    assert_eq!(reload.config.routes().len(), 0);
    assert!(reload.config.idle.contains(&name("a")));

    machine.endpoint("a", "A");
    let reload = until(&mut reloader, |reload| reload.changes.added == [name("a")]).await;
    assert_eq!((reload.config.routes().len(), reload.config.idle.len()), (1, 0));
}
