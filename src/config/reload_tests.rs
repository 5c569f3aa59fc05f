use std::time::Instant;

use notify_debouncer_full::notify::{
    Event,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind},
};

use super::*;

#[test]
fn only_what_may_change_the_configuration_has_it_read() {
    let sources = Sources {
        endpoints: PathBuf::from("/etc/mailjob/endpoints.d"),
        config: Some(PathBuf::from("/etc/mailjob/shared.conf")),
    };
    let modified = EventKind::Modify(ModifyKind::Any);
    let cases = [
        ("/etc/mailjob/endpoints.d/a.toml", modified, true),
        (
            "/etc/mailjob/endpoints.d/a.toml",
            EventKind::Remove(RemoveKind::File),
            true,
        ),
        (
            "/etc/mailjob/endpoints.d/..data",
            EventKind::Create(CreateKind::Any),
            true,
        ),
        ("/etc/mailjob/endpoints.d", EventKind::Remove(RemoveKind::Folder), true),
        ("/etc/mailjob/shared.conf", modified, true),
        ("/etc/mailjob/endpoints.d/.a.toml.swp", modified, false),
        ("/etc/mailjob/mailjob.db-wal", modified, false),
        // What our own reading causes.
        (
            "/etc/mailjob/endpoints.d/a.toml",
            EventKind::Access(AccessKind::Open(AccessMode::Any)),
            false,
        ),
    ];
    for (path, kind, expected) in cases {
        let event = DebouncedEvent::new(Event::new(kind).add_path(PathBuf::from(path)), Instant::now());
        assert_eq!(concerns(&event, &sources), expected, "{path} {kind:?}");
    }
}

#[test]
fn a_file_without_a_folder_lies_in_the_working_directory() {
    let sources = Sources {
        endpoints: PathBuf::from("endpoints.d"),
        config: Some(PathBuf::from("mailjob.toml")),
    };
    assert_eq!(
        folders(&sources).collect::<Vec<_>>(),
        [Path::new("endpoints.d"), Path::new(".")]
    );
}
