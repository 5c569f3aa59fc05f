//! The watch of real folders: what happens in them, and what it says of that. Every wait ends by an event.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use super::*;

/// Far longer than an event takes, and shorter than the look that would notice everything.
const SOON: Duration = Duration::from_secs(45);

const SHARED: &str = "[accounts.a]\nuser = \"a\"\npassword = { env = \"PATH\" }\nimap = { host = \"mail.example\" }\n";

fn endpoint(name: &str) -> String {
    format!("[mailbox]\naccount = \"a\"\nname = \"{name}\"\n[webhook]\nurl = \"https://erp.example/\"\n")
}

struct Scene {
    dir: TempDir,
    sources: Sources,
}

impl Scene {
    fn new(patience: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sources = Sources {
            endpoints: dir.path().join("endpoints.d"),
            config: Some(dir.path().join("mailjob.toml")),
        };
        fs::create_dir(&sources.endpoints).unwrap();
        let shared = format!("[service]\npatience = \"{patience}\"\n{SHARED}");
        let scene = Self { dir, sources };
        scene.write("mailjob.toml", &shared);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// As an editor does.
    fn write(&self, name: &str, text: &str) {
        let draft = self.path("draft");
        fs::write(&draft, text).unwrap();
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(draft, self.path(name)).unwrap();
    }

    fn put(&self, name: &str) {
        self.write(&format!("endpoints.d/{name}.toml"), &endpoint(name));
    }

    fn start(&self) -> Reloader {
        let mut versions = Versions::default();
        let mut loader = Loader::default();
        let loaded = loader.load_after(&self.sources, &versions);
        assert_eq!(loaded.problems, []);
        let config = loaded.start().unwrap();
        versions.take(&loaded, Utc::now());
        let hangup = signal(SignalKind::hangup()).unwrap();
        Reloader::new(self.sources.clone(), loaded, config, versions, hangup).remembering(loader)
    }
}

/// What runs after the next change, and what waits for its file.
async fn next(reloader: &mut Reloader) -> (String, String) {
    let reload = time::timeout(SOON, reloader.next()).await.expect("nothing is noticed");
    let names =
        |names: &mut dyn Iterator<Item = &EndpointName>| names.map(ToString::to_string).collect::<Vec<_>>().join(" ");
    (
        names(&mut reload.config.endpoints.keys()),
        names(&mut reload.config.held.keys()),
    )
}

fn both(runs: &str, held: &str) -> (String, String) {
    (runs.to_owned(), held.to_owned())
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_file_counts_when_its_writer_has_closed_it() {
    let scene = Scene::new("1h");
    scene.put("old");
    let mut reloader = scene.start();

    // As much as is written is right, and would run.
    let text = format!("{}[when]\nsubject = [\"order*\"]\n", endpoint("new"));
    let (first, rest) = text.split_at(text.find("[when]").unwrap());
    let mut writer = File::create(scene.path("endpoints.d/new.toml")).unwrap();
    let mut again = File::options()
        .append(true)
        .open(scene.path("endpoints.d/old.toml"))
        .unwrap();
    writer.write_all(first.as_bytes()).unwrap();
    again.write_all(b"[settle]\n").unwrap();
    scene.put("other");
    assert_eq!(
        next(&mut reloader).await,
        both("old other", "new"),
        "nobody is held up by who writes slowly"
    );
    writer.write_all(rest.as_bytes()).unwrap();
    drop(writer);
    assert_eq!(next(&mut reloader).await, both("new old other", ""));
    let name = EndpointName::new("new").unwrap();
    assert_eq!(
        reloader.running.endpoints[&name].filter.subject,
        ["order*"],
        "as a whole"
    );
    again.write_all(b"ignored = \"flag\"\n").unwrap();
    drop(again);
    assert_eq!(next(&mut reloader).await, both("new old other", ""));
}

#[tokio::test]
async fn a_file_that_is_away_for_a_moment_was_not_removed() {
    let scene = Scene::new("1h");
    scene.put("a");
    scene.put("b");
    let mut reloader = scene.start();
    fs::remove_file(scene.path("endpoints.d/a.toml")).unwrap();
    assert_eq!(
        next(&mut reloader).await,
        both("b", "a"),
        "it rests, and its mails wait"
    );
    scene.put("a");
    assert_eq!(next(&mut reloader).await, both("a b", ""));

    // The whole folder, as when it is mounted anew: while it is not there nothing is known, while it is empty all are away.
    let (folder, aside) = (scene.path("endpoints.d"), scene.path("aside"));
    fs::rename(&folder, &aside).unwrap();
    assert_eq!(next(&mut reloader).await, both("a b", ""));
    fs::create_dir(&folder).unwrap();
    assert_eq!(next(&mut reloader).await, both("", "a b"));
    fs::remove_dir(&folder).unwrap();
    fs::rename(&aside, &folder).unwrap();
    assert_eq!(next(&mut reloader).await, both("a b", ""));
}

#[tokio::test]
async fn a_file_that_stays_away_was_removed() {
    let scene = Scene::new("100ms");
    scene.put("a");
    scene.put("b");
    let mut reloader = scene.start();
    fs::remove_file(scene.path("endpoints.d/a.toml")).unwrap();
    let mut after = next(&mut reloader).await;
    if after == both("b", "a") {
        after = next(&mut reloader).await;
    }
    assert_eq!(after, both("b", ""));
    assert_eq!(
        reloader.versions.names().map(ToString::to_string).collect::<Vec<_>>(),
        ["b"],
        "its version is forgotten"
    );
    scene.put("c");
    assert_eq!(
        next(&mut reloader).await,
        both("b c", ""),
        "it is not away for a second time"
    );
}

#[tokio::test]
async fn links_are_followed_wherever_they_lead() {
    let scene = Scene::new("1h");
    for version in ["v1", "v2"] {
        fs::create_dir(scene.path(version)).unwrap();
        let name = version.replace('v', "n");
        scene.write(&format!("{version}/{name}.toml"), &endpoint(&name));
        scene.write(&format!("{version}/stays.toml"), &endpoint("stays"));
    }
    fs::create_dir(scene.path("far")).unwrap();
    scene.write("far/target.txt", &endpoint("linked"));
    symlink("../far/target.txt", scene.path("v2/linked.toml")).unwrap();
    fs::remove_dir(scene.path("endpoints.d")).unwrap();
    let swap = |to: &str| {
        symlink(to, scene.path("link")).unwrap();
        fs::rename(scene.path("link"), scene.path("endpoints.d")).unwrap();
    };
    swap("v1");
    let mut reloader = scene.start();
    // As git-sync swaps a folder.
    swap("v2");
    assert_eq!(next(&mut reloader).await, both("linked n2 stays", "n1"));
    // What a link leads to is changed in place.
    let name = EndpointName::new("linked").unwrap();
    fs::write(scene.path("far/target.txt"), endpoint("elsewhere")).unwrap();
    next(&mut reloader).await;
    assert_eq!(reloader.running.endpoints[&name].mailbox.name, "elsewhere");
    // A link of its own.
    fs::remove_file(scene.path("v2/linked.toml")).unwrap();
    assert_eq!(next(&mut reloader).await, both("n2 stays", "linked n1"));
    symlink(Path::new("../far/target.txt"), scene.path("v2/linked.toml")).unwrap();
    assert_eq!(next(&mut reloader).await, both("linked n2 stays", "n1"));
}

#[tokio::test]
async fn beside_a_ledger_that_is_written_all_the_time_everything_is_noticed() {
    let scene = Scene::new("1h");
    let shared = |user: &str| {
        let accounts = SHARED.replace("user = \"a\"", &format!("user = \"{user}\""));
        format!("[service]\nledger = \"mailjob.db\"\n{accounts}")
    };
    scene.write("mailjob.toml", &shared("a"));
    scene.put("a");
    let mut reloader = scene.start();
    let name = EndpointName::new("a").unwrap();
    let user = |reloader: &Reloader| reloader.running.endpoints[&name].mailbox.account.user.clone();
    // Twice in its place, then by one who writes into it.
    for new in ["b", "c"] {
        scene.write("mailjob.toml", &shared(new));
        assert_eq!(next(&mut reloader).await, both("a", ""));
        assert_eq!(user(&reloader), new);
    }
    fs::write(scene.path("mailjob.toml"), shared("d")).unwrap();
    assert_eq!(next(&mut reloader).await, both("a", ""));
    assert_eq!(user(&reloader), "d");
    // The whole folder is put aside, and comes back.
    let (folder, aside) = (scene.path("endpoints.d"), scene.path("aside"));
    fs::rename(&folder, &aside).unwrap();
    assert_eq!(next(&mut reloader).await, both("a", ""));
    fs::rename(&aside, &folder).unwrap();
    scene.put("b");
    while next(&mut reloader).await != both("a b", "") {}
}
