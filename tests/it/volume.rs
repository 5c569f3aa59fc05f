//! A disk of a test's own, to be filled.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::geteuid;

/// A file system in memory; it goes away with this.
pub(crate) struct Disk(pub(crate) PathBuf);

impl Disk {
    /// Nothing where this user may not mount one.
    pub(crate) fn mount(at: &Path, size: &str) -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        fs::create_dir_all(at).unwrap();
        let options = format!("size={size},mode=0755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "none"])
            .arg(at)
            .status()
            .unwrap();
        mounted.success().then(|| Self(at.to_owned()))
    }

    /// Takes all that is free, but so many bytes.
    pub(crate) fn fill(&self, but: u64) {
        let mut filler = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.0.join("filler"))
            .unwrap();
        while filler.write_all(&[1; 4096]).is_ok() {}
        let length = filler.metadata().unwrap().len();
        filler.set_len(length - but).unwrap();
    }

    pub(crate) fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}
