//! Where guests live: a folder of this life for their work folders, and the mark by which a later life knows that all of this one are dead.
//!
//! The mark is a lock beside the ledger. We hold it, and each of our wardens does; a warden ends when nothing of its guests is left. So
//! whoever gets the lock runs beside no guest of an earlier life. In the file stand the folders that are still to be removed. Everything
//! here blocks.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::process::geteuid;

use super::user::User;

/// How long guests of an earlier life are waited for, in one try.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);
/// What our folders' names begin with.
const PREFIX: &str = "mailjob-";
/// The most bytes of the list of folders that are read.
const LISTED: u64 = 1 << 20;

/// Why there is no place for guests.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Guests of an earlier life are not dead yet.
    #[error(
        "commands of an earlier start still run, and none is started beside them: {0} is locked; end the processes that hold it"
    )]
    Haunted(PathBuf),
    /// The lock or the folder can't be made.
    #[error("{0}: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// Somebody else made a folder where ours was.
    #[error("{0} is somebody else's; mailjob makes its work folders there")]
    Foreign(PathBuf),
}

/// Where guests live.
#[derive(Debug)]
pub struct Home {
    folder: PathBuf,
    lock: Option<File>,
}

impl Home {
    /// Makes a home. With a ledger, what an earlier life left beside it is waited for and removed first.
    ///
    /// # Errors
    /// When guests of an earlier life don't die, or a file can't be made.
    pub fn new(ledger: Option<&Path>) -> Result<Self, HomeError> {
        let name: String = std::iter::repeat_with(fastrand::alphanumeric).take(12).collect();
        let folder = std::env::temp_dir().join(format!("{PREFIX}{name}"));
        let folder = std::path::absolute(&folder).map_err(|error| HomeError::Io(folder, error))?;
        let lock = ledger.map(|ledger| moved(ledger, &folder)).transpose()?;
        let home = Self { folder, lock };
        home.ensure()?;
        Ok(home)
    }

    /// The lock, for a warden to hold as well.
    pub(super) fn lock(&self) -> Option<io::Result<File>> {
        self.lock.as_ref().map(File::try_clone)
    }

    /// The folder of this life, made anew where something has cleaned it away.
    fn ensure(&self) -> Result<&Path, HomeError> {
        let failed = |error| HomeError::Io(self.folder.clone(), error);
        match fs::symlink_metadata(&self.folder) {
            Ok(found) if found.is_dir() && found.uid() == geteuid().as_raw() => {}
            Ok(_) => return Err(HomeError::Foreign(self.folder.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Who knows a folder's name in there may pass; what is in there nobody can list.
                DirBuilder::new().mode(0o711).create(&self.folder).map_err(failed)?;
                fs::set_permissions(&self.folder, Permissions::from_mode(0o711)).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        Ok(&self.folder)
    }

    /// A folder for one guest, readable by us alone until it is given away.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn work_folder(&self) -> Result<WorkFolder, HomeError> {
        let home = self.ensure()?;
        let made = tempfile::Builder::new()
            .prefix("job-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(home);
        made.map(|made| WorkFolder(made.keep()))
            .map_err(|error| HomeError::Io(home.to_owned(), error))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What a guest still has stays for the next life.
        let _left = fs::remove_dir(&self.folder);
    }
}

/// The folder of one guest; removed with all that is in it when it is closed or dropped.
#[derive(Debug)]
pub struct WorkFolder(PathBuf);

impl WorkFolder {
    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it, and all that is in it, to another user.
    ///
    /// # Errors
    /// When we may not.
    pub fn give(&self, user: User) -> io::Result<()> {
        give(&self.0, user)
    }

    /// Removes it, also where what is in it was made unwritable.
    ///
    /// # Errors
    /// When something of it can't be removed.
    pub fn close(self) -> io::Result<()> {
        let path = self.0.clone();
        std::mem::forget(self);
        remove(&path)
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "a command's folder could not be removed; the next start tries again");
        }
    }
}

fn give(path: &Path, user: User) -> io::Result<()> {
    std::os::unix::fs::lchown(path, Some(user.id), Some(user.group))?;
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}

/// Removes a folder. Nobody may be at work in it any more: then nothing in it can change between a look and a step.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => {
            open_up(path)?;
            fs::remove_dir_all(path)
        }
    }
}

/// Makes every folder in there one that can be emptied. Links are not followed.
fn open_up(path: &Path) -> io::Result<()> {
    let mut next = vec![path.to_owned()];
    while let Some(path) = next.pop() {
        if !fs::symlink_metadata(&path)?.is_dir() {
            continue;
        }
        fs::set_permissions(&path, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&path)? {
            next.push(entry?.path());
        }
    }
    Ok(())
}

/// Waits for the guests of an earlier life, removes their folders, and notes ours.
fn moved(ledger: &Path, folder: &Path) -> Result<File, HomeError> {
    let mut path = OsString::from(ledger);
    path.push(".guests");
    let path = PathBuf::from(path);
    let failed = |error| HomeError::Io(path.clone(), error);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    let until = Instant::now() + PATIENCE;
    let mut is_told = false;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if Instant::now() > until => return Err(HomeError::Haunted(path)),
            Err(TryLockError::WouldBlock) => {
                if !is_told {
                    tracing::info!("commands of an earlier start are still being ended; none is started before");
                    is_told = true;
                }
                thread::sleep(PAUSE);
            }
        }
    }
    let mut listed = Vec::new();
    (&mut file).take(LISTED).read_to_end(&mut listed).map_err(failed)?;
    let mut left = swept(&listed);
    left.push(folder.to_owned());
    let lines: Vec<u8> = left
        .iter()
        .flat_map(|folder| [folder.as_os_str().as_bytes(), b"\0"].concat())
        .collect();
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(&lines))
        .map_err(failed)?;
    Ok(file)
}

/// Removes the folders of a list; those that could not be removed.
fn swept(listed: &[u8]) -> Vec<PathBuf> {
    let folders = listed
        .split(|byte| *byte == 0)
        .map(|path| PathBuf::from(OsString::from_vec(path.to_vec())));
    let mut left = Vec::new();
    for folder in folders.filter(|folder| is_ours(folder)) {
        match remove(&folder) {
            Ok(()) => tracing::debug!(folder = %folder.display(), "the work folders of an earlier start are gone"),
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "work folders of an earlier start could not be removed; the next start tries again");
                left.push(folder);
            }
        }
    }
    left
}

/// Whether this is a folder of our making: the list is only ours to write, and yet nothing else is ever removed by it.
fn is_ours(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default();
    folder.is_absolute()
        && name.as_bytes().starts_with(PREFIX.as_bytes())
        && fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_life_removes_what_an_earlier_one_left_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let ledger = place.path().join("m.db");
        let bystander = place.path().join("precious");
        fs::create_dir(&bystander).unwrap();
        let earlier = Home::new(Some(&ledger)).unwrap();
        let work = earlier.work_folder().unwrap();
        fs::write(work.path().join("message.eml"), "mail").unwrap();
        fs::create_dir(work.path().join("a")).unwrap();
        fs::set_permissions(work.path(), Permissions::from_mode(0o500)).unwrap();
        let folder = earlier.folder.clone();
        // Killed: nothing is cleaned up, and the lock is gone.
        std::mem::forget(work);
        let mut listed = earlier.lock.as_ref().unwrap();
        listed.write_all(bystander.as_os_str().as_bytes()).unwrap();
        drop(earlier);
        assert!(folder.exists(), "what is in use is no living one's to remove");
        let later = Home::new(Some(&ledger)).unwrap();
        assert!(!folder.exists() && bystander.exists());
        assert!(later.folder.exists());
        let folder = later.folder.clone();
        drop(later);
        assert!(!folder.exists(), "a clean end leaves nothing");
    }

    #[test]
    fn a_folder_that_was_made_unwritable_is_removed() {
        let home = Home::new(None).unwrap();
        let work = home.work_folder().unwrap();
        let path = work.path().to_owned();
        fs::create_dir_all(path.join("a/b")).unwrap();
        fs::write(path.join("a/b/c"), "x").unwrap();
        std::os::unix::fs::symlink("/etc", path.join("a/etc")).unwrap();
        for folder in ["a/b", "a", ""] {
            fs::set_permissions(path.join(folder), Permissions::from_mode(0o500)).unwrap();
        }
        let mode = || fs::metadata("/etc").unwrap().mode();
        let before = mode();
        open_up(&path).unwrap();
        assert_eq!(mode(), before, "links are not followed");
        assert_eq!(fs::metadata(path.join("a/b")).unwrap().mode() & 0o777, 0o700);
        work.close().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_home_that_was_cleaned_away_is_made_anew_but_not_in_another_s() {
        let home = Home::new(None).unwrap();
        fs::remove_dir(&home.folder).unwrap();
        drop(home.work_folder().unwrap());
        assert!(home.folder.is_dir());
        fs::remove_dir(&home.folder).unwrap();
        std::os::unix::fs::symlink("/tmp", &home.folder).unwrap();
        assert!(matches!(home.work_folder(), Err(HomeError::Foreign(_))));
        fs::remove_file(&home.folder).unwrap();
    }
}
