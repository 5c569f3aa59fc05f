use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustix::{fs::mknodat, process::geteuid};
use tempfile::TempDir;

use super::*;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    (folder, out)
}

fn taken(folder: &TempDir) -> CollectedOutput {
    take(folder.path(), 1 << 20, geteuid().as_raw()).unwrap()
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[test]
fn whatever_is_no_file_of_its_own_costs_itself_and_is_named() {
    let (folder, out) = folder();
    let secret = folder.path().join("secret");
    fs::write(&secret, "canary").unwrap();
    fs::write(out.join("a.txt"), "good").unwrap();
    fs::hard_link(&secret, out.join("hard.txt")).unwrap();
    symlink(&secret, out.join("link.txt")).unwrap();
    fifo(&out.join("pipe.txt"));
    fs::create_dir(out.join("folder")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(out.join("socket")).unwrap();
    let mut taken = taken(&folder);
    taken.left.sort();
    assert_eq!(
        taken.left,
        [
            "hard.txt (a file that has another name elsewhere)",
            "link.txt (a link)",
            "pipe.txt (a FIFO)",
            "socket (a socket)"
        ]
    );
    let names: Vec<_> = taken.files.iter().map(|file| (&*file.name, &file.data[..])).collect();
    assert_eq!(names, [("a.txt", &b"good"[..])]);
}

#[test]
fn somebody_else_s_files_and_folder_are_left() {
    if !geteuid().is_root() {
        return;
    }
    let (folder, out) = folder();
    fs::write(out.join("theirs.txt"), "canary").unwrap();
    std::os::unix::fs::chown(out.join("theirs.txt"), Some(65_534), None).unwrap();
    let found = taken(&folder);
    assert!(found.files.is_empty(), "{found:?}");
    assert_eq!(found.left, ["theirs.txt (somebody else's file)"]);
    std::os::unix::fs::chown(&out, Some(65_534), None).unwrap();
    assert!(taken(&folder).files.is_empty());
}

#[test]
fn an_out_that_is_no_folder_has_nothing() {
    let (folder, out) = folder();
    fs::remove_dir(&out).unwrap();
    assert!(taken(&folder).files.is_empty());
    symlink("/etc", &out).unwrap();
    assert!(taken(&folder).files.is_empty());
    fs::remove_file(&out).unwrap();
    fifo(&out);
    assert!(taken(&folder).files.is_empty());
}

/// What is opened by name after a look may be another thing: the race is run for real, against FIFO, link and hard link in turn.
#[test]
fn a_swap_between_look_and_open_costs_the_file_and_never_a_thread() {
    let (folder, out) = folder();
    let secret = folder.path().join("secret");
    fs::write(&secret, "canary").unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let swapping = {
        let (stop, out, aside) = (stop.clone(), out.clone(), folder.path().to_owned());
        thread::spawn(move || {
            let name = out.join("a.txt");
            for turn in 0_u32.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let other = aside.join(format!("other{turn}"));
                match turn % 6 {
                    1 => fifo(&other),
                    3 => symlink(&secret, &other).unwrap(),
                    5 => fs::hard_link(&secret, &other).unwrap(),
                    _ => fs::write(&other, "good").unwrap(),
                }
                fs::rename(&other, &name).unwrap();
            }
        })
    };
    for _ in 0..2_000 {
        let found = taken(&folder);
        assert!(found.files.iter().all(|file| &file.data[..] != b"canary"), "{found:?}");
    }
    stop.store(true, Ordering::Relaxed);
    swapping.join().unwrap();
}

#[test]
fn too_much_is_refused_as_a_whole() {
    let (folder, out) = folder();
    fs::write(out.join("a"), "12345").unwrap();
    fs::write(out.join("b"), "12345").unwrap();
    let owner = geteuid().as_raw();
    assert_eq!(take(folder.path(), 10, owner).unwrap().files.len(), 2);
    assert!(matches!(take(folder.path(), 9, owner), Err(OutputError::Large(9))));
    let sparse = File::create(out.join("c")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    assert!(matches!(
        take(folder.path(), 1 << 20, owner),
        Err(OutputError::Large(_))
    ));
}
