//! The folder that a command works in, and what it finds there. Everything here blocks.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
};

use crate::{
    dispatch::{
        payload::{AttachmentMode, ConversationPayload, Payload},
        work::Work,
    },
    guest::{Home, HomeError, WorkFolder},
    message::Attachment,
};

/// Why a folder could not be made.
#[derive(Debug, thiserror::Error)]
pub(in crate::dispatch) enum FolderError {
    /// There is no place for it.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// It can't be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Makes the folder of one attempt, readable by us alone; it is removed when dropped.
///
/// # Errors
/// When the temporary folder fails.
pub(in crate::dispatch) fn make(work: &Work<'_>, home: &Home) -> Result<WorkFolder, FolderError> {
    let folder = home.work_folder()?;
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
pub(in crate::dispatch) const FOLDERS: [&str; 2] = [ATTACHMENTS, "out"];

/// The folder of the attachments in a command's folder.
pub(in crate::dispatch) const ATTACHMENTS: &str = "attachments";

/// The file with the payload.
pub(in crate::dispatch) const MESSAGE: &str = "message.json";

/// A file that a command finds in its folder.
pub(in crate::dispatch) struct FolderFile<'a> {
    /// Its path in there.
    pub(in crate::dispatch) path: String,
    content: FileContent<'a>,
}

enum FileContent<'a> {
    Bytes(&'a [u8]),
    Payload(&'a Work<'a>),
    Attachment(&'a Attachment<'a>),
    Conversation(ConversationPayload<'a>),
    Text(String),
}

/// The files that a command finds in its folder. Pure.
pub(in crate::dispatch) fn entries<'a>(work: &'a Work<'a>) -> impl Iterator<Item = FolderFile<'a>> {
    let entry = |path: &str, content| FolderFile {
        path: path.to_owned(),
        content,
    };
    let mail = [
        entry("message.eml", FileContent::Bytes(work.raw)),
        entry(MESSAGE, FileContent::Payload(work)),
    ];
    let attachments = work.attachments.iter().map(move |file| {
        entry(
            &format!("{ATTACHMENTS}/{}", file.safe_name),
            FileContent::Attachment(file),
        )
    });
    let answers = ConversationPayload::new(work)
        .into_iter()
        .flat_map(move |conversation| {
            let text = FileContent::Text(conversation.reply.clone());
            [
                entry("reply.txt", text),
                entry("conversation.json", FileContent::Conversation(conversation)),
            ]
        });
    mail.into_iter().chain(answers).chain(attachments)
}

impl FolderFile<'_> {
    /// Writes its content.
    ///
    /// # Errors
    /// When `to` fails.
    pub(in crate::dispatch) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        match &self.content {
            FileContent::Bytes(bytes) => to.write_all(bytes),
            FileContent::Payload(work) => Ok(serde_json::to_writer(to, &Payload::new(work, AttachmentMode::Beside))?),
            FileContent::Attachment(file) => to.write_all(&file.data()),
            FileContent::Conversation(conversation) => Ok(serde_json::to_writer(to, conversation)?),
            FileContent::Text(text) => to.write_all(text.as_bytes()),
        }
    }
}
