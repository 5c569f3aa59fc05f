//! The folder that mails are received into: a numbered folder for each, written to the disk before anything else happens.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::parcel::ATTACHMENTS;

/// The file that is locked by who takes mails away.
const LOCK: &str = ".mailjob-receive.lock";

/// A folder for mails.
#[derive(Debug, Clone)]
pub struct Shelf {
    dir: PathBuf,
}

/// While it lives, nobody else takes mails away into the same folder.
#[derive(Debug)]
pub struct ShelfLock {
    _file: File,
}

/// What is written of one mail.
#[derive(Debug, Clone, Default)]
pub(super) struct ShelvedMail {
    pub(super) raw: Bytes,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    /// By safe names.
    pub(super) attachments: Vec<(String, Bytes)>,
}

impl Shelf {
    /// The folder, which is made where it is missing.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Waits until nobody else takes mails away into this folder. Blocks.
    ///
    /// # Errors
    /// When the file system has no locks, or the file can't be made.
    pub fn lock(&self) -> io::Result<ShelfLock> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.dir.join(LOCK))?;
        file.lock()?;
        Ok(ShelfLock { _file: file })
    }

    /// Writes a mail into a folder of its own and has the disk confirm it. Blocks. What was begun and failed is removed.
    pub(super) fn store(&self, contents: &ShelvedMail) -> io::Result<PathBuf> {
        let folder = self.claim()?;
        let written = fill(&folder, contents).and_then(|()| sync(&self.dir));
        if let Err(error) = written {
            // A half of a mail would be taken for all of it; the mailbox still has the whole.
            fs::remove_dir_all(&folder).ok();
            return Err(error);
        }
        Ok(folder)
    }

    /// Makes the next numbered folder: one that nobody else has made.
    fn claim(&self) -> io::Result<PathBuf> {
        let names = fs::read_dir(&self.dir)?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let mut number: u64 = names.max().unwrap_or(0);
        loop {
            number = number.saturating_add(1);
            let folder = self.dir.join(number.to_string());
            match fs::create_dir(&folder) {
                Ok(()) => return Ok(folder),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < u64::MAX => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn fill(folder: &Path, contents: &ShelvedMail) -> io::Result<()> {
    write(&folder.join("message.eml"), &contents.raw)?;
    if let Some(text) = &contents.text {
        write(&folder.join("text.txt"), text.as_bytes())?;
    }
    if let Some(html) = &contents.html {
        write(&folder.join("html.html"), html.as_bytes())?;
    }
    if !contents.attachments.is_empty() {
        let attachments = folder.join(ATTACHMENTS);
        fs::create_dir(&attachments)?;
        for (name, data) in &contents.attachments {
            write(&attachments.join(name), data)?;
        }
        sync(&attachments)?;
    }
    sync(folder)
}

fn write(path: &Path, data: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(data)?;
    file.sync_all()
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> ShelvedMail {
        ShelvedMail {
            raw: "raw".into(),
            text: Some("text".into()),
            html: None,
            attachments: vec![("a.pdf".into(), "pdf".into())],
        }
    }

    #[test]
    fn each_mail_has_a_folder_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(&dir.path().join("new")).unwrap();
        fs::create_dir(shelf.dir().join("7")).unwrap();
        fs::write(shelf.dir().join("notes"), "").unwrap();
        let folders = [shelf.store(&contents()).unwrap(), shelf.store(&contents()).unwrap()];
        assert_eq!(folders, ["8", "9"].map(|number| shelf.dir().join(number)));
        assert_eq!(fs::read(folders[0].join("message.eml")).unwrap(), b"raw");
        assert_eq!(fs::read(folders[0].join("attachments/a.pdf")).unwrap(), b"pdf");
        assert!(!folders[0].join("html.html").exists());
    }

    #[test]
    fn what_can_t_be_written_whole_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path()).unwrap();
        let twice = ShelvedMail {
            attachments: vec![("a".into(), "1".into()), ("a".into(), "2".into())],
            ..contents()
        };
        assert!(shelf.store(&twice).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn one_takes_away_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path()).unwrap();
        let lock = shelf.lock().unwrap();
        let other = File::open(dir.path().join(LOCK)).unwrap();
        assert!(other.try_lock().is_err());
        drop(lock);
        other.lock().unwrap();
    }
}
