//! The folder that a command works in: what it gets, and what it leaves in `out/`. Everything here blocks.

use std::{
    fs::{self, File, Permissions},
    io::{self, BufWriter, Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use tempfile::TempDir;

use super::{
    answer::{MAX_FILES, TOO_LARGE, too_many},
    payload::{Contents, ConversationPayload, Payload},
    work::Work,
};
use crate::{
    job,
    message::{
        Attachment,
        clean::clean,
        safe_name::{Names, media_type},
    },
};

/// Makes the folder of one attempt, readable by us alone; it is removed when dropped.
///
/// # Errors
/// When the temporary folder fails.
pub(super) fn make(work: &Work<'_>) -> io::Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("mailjob-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()?;
    let path = folder.path();
    for name in FOLDERS {
        fs::create_dir(path.join(name))?;
    }
    for entry in entries(work) {
        let file = File::create_new(path.join(&entry.path))?;
        let mut file = BufWriter::with_capacity(32 * 1024, file);
        entry.write(&mut file)?;
        file.flush()?;
    }
    Ok(folder)
}

/// The folders in a command's folder.
pub(super) const FOLDERS: [&str; 2] = [ATTACHMENTS, "out"];

/// The folder of the attachments in a command's folder.
pub(super) const ATTACHMENTS: &str = "attachments";

/// The file with the payload.
pub(super) const MESSAGE: &str = "message.json";

/// A file that a command finds in its folder.
pub(super) struct Entry<'a> {
    /// Its path in there.
    pub(super) path: String,
    content: Content<'a>,
}

enum Content<'a> {
    Bytes(&'a [u8]),
    Payload(&'a Work<'a>),
    Attachment(&'a Attachment<'a>),
    Conversation(ConversationPayload<'a>),
    Text(String),
}

/// The files that a command finds in its folder. Pure.
pub(super) fn entries<'a>(work: &'a Work<'a>) -> impl Iterator<Item = Entry<'a>> {
    let entry = |path: &str, content| Entry {
        path: path.to_owned(),
        content,
    };
    let mail = [
        entry("message.eml", Content::Bytes(work.raw)),
        entry(MESSAGE, Content::Payload(work)),
    ];
    let attachments = work
        .attachments
        .iter()
        .map(move |file| entry(&format!("{ATTACHMENTS}/{}", file.safe_name), Content::Attachment(file)));
    let answers = ConversationPayload::new(work)
        .into_iter()
        .flat_map(move |conversation| {
            let text = Content::Text(conversation.reply.clone());
            [
                entry("reply.txt", text),
                entry("conversation.json", Content::Conversation(conversation)),
            ]
        });
    mail.into_iter().chain(answers).chain(attachments)
}

impl Entry<'_> {
    /// Writes its content.
    ///
    /// # Errors
    /// When `to` fails.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        match &self.content {
            Content::Bytes(bytes) => to.write_all(bytes),
            Content::Payload(work) => Ok(serde_json::to_writer(to, &Payload::new(work, Contents::Beside))?),
            Content::Attachment(file) => to.write_all(&file.data()),
            Content::Conversation(conversation) => Ok(serde_json::to_writer(to, conversation)?),
            Content::Text(text) => to.write_all(text.as_bytes()),
        }
    }
}

/// Why what a command left is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Untaken {
    /// There are too many files.
    #[error("out/ has more than {MAX_FILES} files")]
    Many,
    /// They are too large together.
    #[error("the files in out/ have more than {0} bytes")]
    Large(u64),
    /// They can't be read.
    #[error("out/ can't be read: {0}")]
    Io(#[from] io::Error),
}

impl Untaken {
    /// For the sender: the work is done, and its result does not come.
    pub(super) fn note(&self) -> String {
        match self {
            Self::Many => too_many(),
            Self::Large(_) => TOO_LARGE.to_owned(),
            Self::Io(_) => "The work is done, but its result could not be read.".to_owned(),
        }
    }
}

/// Bytes of the regular files in `out/`, as far as so many files may be there; nothing where they can't be looked at.
pub(super) fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder.join("out")) else {
        return 0;
    };
    let files = entries
        .take(MAX_ENTRIES)
        .filter_map(|entry| fs::symlink_metadata(entry.ok()?.path()).ok())
        .filter(fs::Metadata::is_file);
    files
        .take(MAX_FILES)
        .fold(0, |size: u64, file| size.saturating_add(file.len()))
}

/// Entries of `out/` that are looked at.
const MAX_ENTRIES: usize = 10_000;

/// Takes the regular files in `out/`, by name. Whatever else is there is left: links are not followed, folders not entered.
///
/// # Errors
/// When there are more than [`MAX_FILES`] of them, more than `max` bytes, or when they can't be read.
pub(super) fn take(folder: &Path, max: u64) -> Result<Vec<job::File>, Untaken> {
    let out = folder.join("out");
    if !fs::symlink_metadata(&out)?.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&out)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            found.push(entry.path());
        } else {
            let name = clean(&entry.file_name().to_string_lossy(), 100);
            tracing::warn!(name, "what a command left in out/ is no regular file and is not sent");
        }
        if found.len() > MAX_FILES {
            return Err(Untaken::Many);
        }
    }
    found.sort();
    let (mut names, mut left) = (Names::default(), max);
    let mut files = Vec::with_capacity(found.len());
    for path in found {
        // As large as it is, so that it does not take twice as much while it grows.
        let size = fs::symlink_metadata(&path)?.len().min(left);
        let mut data = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        File::open(&path)?.take(left.saturating_add(1)).read_to_end(&mut data)?;
        left = left.checked_sub(data.len() as u64).ok_or(Untaken::Large(max))?;
        let written = path.file_name().unwrap_or_default().to_string_lossy();
        let media_type = media_type(&written);
        files.push(job::File {
            name: names.add_indexed(Some(&written), media_type),
            media_type: media_type.to_owned(),
            data: data.into(),
        });
    }
    Ok(files)
}
