use notify::event::{AccessMode, CreateKind, DataChange, ModifyKind, RemoveKind};
use std::os::unix::fs::symlink;

use super::*;

#[test]
fn only_what_may_change_the_configuration_has_it_read() {
    let mut memory = FolderEvents {
        names: ["shared.conf", "endpoints.d", "target"].map(OsString::from).into(),
        ..FolderEvents::default()
    };
    let modified = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    let cases = [
        ("/etc/mailjob/endpoints.d/a.toml", modified, true),
        (
            "/etc/mailjob/endpoints.d/a.toml",
            EventKind::Remove(RemoveKind::File),
            true,
        ),
        (
            "/etc/mailjob/endpoints.d/a.toml",
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            true,
        ),
        (
            "/etc/mailjob/endpoints.d/..data",
            EventKind::Create(CreateKind::Any),
            true,
        ),
        ("/etc/mailjob/endpoints.d", EventKind::Remove(RemoveKind::Folder), true),
        ("/etc/mailjob/shared.conf", modified, true),
        ("/elsewhere/target", modified, true),
        ("/etc/mailjob/endpoints.d/.a.toml.swp", modified, false),
        ("/etc/mailjob/endpoints.d/.a.toml", modified, false),
        ("/etc/mailjob/endpoints.d/A.TOML", modified, true),
        ("/etc/mailjob/endpoints.d/a.toml.txt", modified, true),
        ("/etc/mailjob/mailjob.db-wal", modified, false),
        // What our own reading causes.
        (
            "/etc/mailjob/endpoints.d/a.toml",
            EventKind::Access(AccessKind::Open(AccessMode::Any)),
            false,
        ),
        (
            "/etc/mailjob/endpoints.d/a.toml",
            EventKind::Access(AccessKind::Close(AccessMode::Read)),
            false,
        ),
    ];
    for (path, kind, expected) in cases {
        let event = Event::new(kind).add_path(PathBuf::from(path));
        assert_eq!(memory.hear(Ok(event), Instant::now()), expected, "{path} {kind:?}");
    }
    assert!(memory.hear(Err(notify::Error::generic("overflow")), Instant::now()));
    assert!(memory.lost);
}

#[test]
fn every_folder_matters_that_a_link_leads_through() {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    for made in ["v1", "v2", "etc", "elsewhere"] {
        fs::create_dir(root.join(made)).unwrap();
    }
    fs::write(root.join("elsewhere/real.txt"), "").unwrap();
    symlink("../elsewhere/real.txt", root.join("v1/a.toml")).unwrap();
    fs::write(root.join("v1/b.toml"), "").unwrap();
    symlink("../v1", root.join("etc/endpoints.d")).unwrap();
    let sources = Sources {
        endpoints: root.join("etc/endpoints.d"),
        config: None,
    };
    let (folders, names) = places(&sources);
    let shown: BTreeSet<_> = folders
        .iter()
        .map(|path| path.strip_prefix(&root).unwrap().to_owned())
        .collect();
    for wanted in ["etc", "etc/endpoints.d", "elsewhere", ""] {
        assert!(shown.contains(Path::new(wanted)), "{wanted}: {shown:?}");
    }
    for wanted in ["endpoints.d", "a.toml", "real.txt", "v1"] {
        assert!(names.contains(std::ffi::OsStr::new(wanted)), "{wanted}: {names:?}");
    }
}

#[test]
fn a_file_without_a_folder_lies_in_the_working_directory() {
    let sources = Sources {
        endpoints: PathBuf::from("endpoints.d"),
        config: Some(PathBuf::from("mailjob.toml")),
    };
    let here = std::env::current_dir().unwrap();
    let (folders, _) = places(&sources);
    assert!(
        folders.contains(&here) && folders.contains(&here.join("endpoints.d")),
        "{folders:?}"
    );
}
