use notify::event::{CreateKind, DataChange, MetadataKind, RemoveKind, RenameMode};

use super::*;

#[test]
#[cfg(target_os = "linux")]
fn a_file_is_unfinished_from_a_change_to_the_close_of_its_writer() {
    let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
    let table = [
        (
            "a link is there at once",
            vec![EventKind::Create(CreateKind::File)],
            false,
        ),
        ("half written", vec![EventKind::Create(CreateKind::File), data], true),
        (
            "written",
            vec![EventKind::Create(CreateKind::File), data, data, closed],
            false,
        ),
        ("begun again", vec![data, closed, data], true),
        (
            "another may read it",
            vec![data, EventKind::Access(AccessKind::Close(AccessMode::Read))],
            true,
        ),
        (
            "rights are no content",
            vec![EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any))],
            false,
        ),
        (
            "moved into place",
            vec![data, EventKind::Modify(ModifyKind::Name(RenameMode::To))],
            false,
        ),
        ("gone", vec![data, EventKind::Remove(RemoveKind::File)], false),
    ];
    let now = Instant::now();
    for (what, events, expected) in table {
        let mut writers = Writers::default();
        for kind in events {
            writers.heard(&Event::new(kind).add_path("/a.toml".into()), now);
        }
        let (unfinished, late) = writers.look(now);
        assert_eq!((unfinished.len(), late.len()), (usize::from(expected), 0), "{what}");
        assert_eq!(writers.next(), expected.then_some(now + LONGEST), "{what}");
        let (unfinished, late) = writers.look(now + LONGEST);
        assert_eq!(
            (unfinished.len(), late.len()),
            (0, usize::from(expected)),
            "{what}, a minute later"
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn who_has_a_file_open_for_writing_is_seen_at_a_start() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let (open, read) = (folder.path().join("open.toml"), folder.path().join("read.toml"));
    fs::write(&read, "x").unwrap();
    let mut writer = fs::File::create(&open).unwrap();
    let reader = fs::File::open(&read).unwrap();
    writer.write_all(b"[mailbox]").unwrap();
    let files = [open.as_path(), read.as_path(), Path::new("/no/such/file")];
    let real = fs::canonicalize(&open).unwrap();
    assert_eq!(open_now(files.into_iter()), BTreeSet::from([real]));
    drop((writer, reader));
    assert_eq!(open_now(files.into_iter()), BTreeSet::new());
}
