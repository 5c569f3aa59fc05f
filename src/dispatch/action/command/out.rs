//! What a command left in `out/`. Everything here blocks, and nothing here trusts what lies there: whoever wrote it may still have been at it
//! a moment ago, so a file is judged by what was opened, never by its name.

use std::{
    ffi::{CStr, CString},
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd},
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat},
    io::Errno,
};

use crate::{
    dispatch::result::{MAX_FILES, TOO_LARGE, too_many},
    job,
    message::{
        clean::clean,
        safe_name::{Names, media_type},
    },
};

/// How long reading all of it may take.
const TIME: Duration = Duration::from_secs(60);

/// The most entries that are named as left behind; more are only counted.
const NAMED: usize = 20;

/// Bytes that are read at once.
const PIECE: usize = 256 * 1024;

/// Why what a command left is not taken.
#[derive(Debug, thiserror::Error)]
pub(in crate::dispatch) enum OutputError {
    /// There are too many files.
    #[error("out/ has more than {MAX_FILES} files")]
    Many,
    /// They are too large together.
    #[error("the files in out/ have more than {0} bytes")]
    Large(u64),
    /// They can't be read.
    #[error("out/ can't be read: {0}")]
    Io(#[from] io::Error),
    /// Reading them took too long.
    #[error("the files in out/ could not be read within {} s", TIME.as_secs())]
    Slow,
}

impl From<Errno> for OutputError {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

impl OutputError {
    /// For the sender: the work is done, and its result does not come.
    pub(in crate::dispatch) fn note(&self) -> String {
        match self {
            Self::Many => too_many(),
            Self::Large(_) => TOO_LARGE.to_owned(),
            Self::Io(_) | Self::Slow => "The work is done, but its result could not be read.".to_owned(),
        }
    }
}

/// What `out/` had.
#[derive(Debug, Default)]
pub(in crate::dispatch) struct CollectedOutput {
    /// Its files, by name.
    pub(in crate::dispatch) files: Vec<job::ResultFile>,
    /// What was left behind and why, cleaned, for people.
    pub(in crate::dispatch) left: Vec<String>,
}

impl CollectedOutput {
    fn leave(&mut self, name: &CStr, why: &str) {
        let name = clean(&name.to_string_lossy(), 100);
        tracing::warn!(name, why, "what a command left in out/ is not sent");
        if self.left.len() < NAMED {
            self.left.push(format!("{name} ({why})"));
        }
    }
}

/// Bytes of the regular files in `out/`, as far as so many files may be there; nothing where they can't be looked at.
pub(in crate::dispatch) fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder.join("out")) else {
        return 0;
    };
    let files = entries
        .take(MAX_ENTRIES)
        .filter_map(|entry| std::fs::symlink_metadata(entry.ok()?.path()).ok())
        .filter(std::fs::Metadata::is_file);
    files
        .take(MAX_FILES)
        .fold(0, |size: u64, file| size.saturating_add(file.len()))
}

/// Entries of `out/` that are looked at.
const MAX_ENTRIES: usize = 10_000;

/// Takes the regular files in `out/`, by name, as far as they belong to `owner` and have no other name anywhere. Folders are not entered.
/// Anything else costs only itself: no link is followed, and nothing that could block is waited for.
///
/// # Errors
/// When there are more than [`MAX_FILES`] of them, more than `max` bytes, or when they can't be read in time.
pub(in crate::dispatch) fn take(folder: &Path, max: u64, owner: u32) -> Result<CollectedOutput, OutputError> {
    let until = Instant::now() + TIME;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let out = match openat(CWD, folder.join("out"), flags, Mode::empty()) {
        Ok(out) => out,
        // The command removed it, or put something else in its place.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(CollectedOutput::default()),
        Err(error) => return Err(error.into()),
    };
    if fstat(&out)?.st_uid != owner {
        return Ok(CollectedOutput::default());
    }
    let mut taken = CollectedOutput::default();
    let mut found: Vec<CString> = Vec::new();
    for entry in Dir::read_from(&out)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match kind(out.as_fd(), &entry) {
            FileType::RegularFile => found.push(name.to_owned()),
            FileType::Directory => {
                let name = clean(&name.to_string_lossy(), 100);
                tracing::warn!(name, "a folder that a command left in out/ is not sent");
            }
            kind => taken.leave(name, what(kind)),
        }
        if found.len() > MAX_FILES {
            return Err(OutputError::Many);
        }
    }
    found.sort();
    read_all(out.as_fd(), found, &mut taken, OutLimits { max, owner, until })?;
    Ok(taken)
}

#[derive(Clone, Copy)]
struct OutLimits {
    max: u64,
    owner: u32,
    until: Instant,
}

fn read_all(
    out: BorrowedFd<'_>,
    found: Vec<CString>,
    taken: &mut CollectedOutput,
    limits: OutLimits,
) -> Result<(), OutputError> {
    let (mut names, mut left) = (Names::default(), limits.max);
    for name in found {
        let file = match open(out, &name, limits.owner) {
            Ok(file) => file,
            Err(why) => {
                taken.leave(&name, &why);
                continue;
            }
        };
        let data = read(file, left, limits)?;
        left = left.saturating_sub(data.len() as u64);
        let written = name.to_string_lossy();
        let media_type = media_type(&written);
        taken.files.push(job::ResultFile {
            name: names.add_indexed(Some(&written), media_type),
            media_type: media_type.to_owned(),
            data: data.into(),
        });
    }
    Ok(())
}

/// What an entry is said to be; some file systems don't say it in the listing.
fn kind(out: BorrowedFd<'_>, entry: &rustix::fs::DirEntry) -> FileType {
    match entry.file_type() {
        FileType::Unknown => statat(out, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)
            .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode)),
        known => known,
    }
}

fn what(kind: FileType) -> &'static str {
    match kind {
        FileType::Symlink => "a link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Directory => "a folder",
        FileType::RegularFile | FileType::Unknown => "no regular file",
    }
}

/// Opens a file without following a link or waiting for anybody, and judges what was opened.
fn open(out: BorrowedFd<'_>, name: &CStr, owner: u32) -> Result<File, String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = openat(out, name, flags, Mode::empty());
    let file = opened.map_err(|error| match error {
        Errno::LOOP => "a link".to_owned(),
        error => io::Error::from(error).to_string(),
    })?;
    let stat = fstat(&file).map_err(|error| io::Error::from(error).to_string())?;
    if let Some(fault) = fault(&stat, owner) {
        return Err(fault.to_owned());
    }
    // A file with two names has one again when the one in here is taken away meanwhile: then its only name is elsewhere.
    let named = statat(out, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| io::Error::from(error).to_string())?;
    match is_same(&stat, &named) {
        true => Ok(file.into()),
        false => Err("it was changed while it was looked at".to_owned()),
    }
}

/// Whether both are one file on which nothing was done between the two looks. Pure.
fn is_same(one: &Stat, other: &Stat) -> bool {
    let of = |stat: &Stat| {
        (
            stat.st_dev,
            stat.st_ino,
            stat.st_nlink,
            stat.st_ctime,
            stat.st_ctime_nsec,
        )
    };
    of(one) == of(other)
}

/// Why an open file is not sent. A second name is how another's file gets in here without being copied. Pure.
fn fault(stat: &Stat, owner: u32) -> Option<&'static str> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        kind => return Some(what(kind)),
    }
    if stat.st_nlink != 1 {
        return Some("a file that has another name elsewhere");
    }
    (stat.st_uid != owner).then_some("somebody else's file")
}

fn read(mut file: File, left: u64, limits: OutLimits) -> Result<Vec<u8>, OutputError> {
    // As large as it is, so that it does not take twice as much while it grows.
    let size = fstat(&file)?.st_size;
    let size = u64::try_from(size).unwrap_or_default().min(left);
    let mut data = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    let mut piece = vec![0; PIECE];
    loop {
        if Instant::now() > limits.until {
            return Err(OutputError::Slow);
        }
        let read = match file.read(&mut piece) {
            Ok(0) => return Ok(data),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if (data.len() as u64).saturating_add(read as u64) > left {
            return Err(OutputError::Large(limits.max));
        }
        data.extend_from_slice(piece.get(..read).unwrap_or_default());
    }
}

#[cfg(test)]
#[path = "out_tests.rs"]
mod tests;
