//! What a mail that is sent holds: texts and files, from arguments, files and standard input.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::fault::CommandError;
use crate::post::{Attached, MAX_INPUT, MailDraft};

/// Texts and files. With a text and HTML, readers show what they can.
#[derive(Debug, clap::Args)]
pub(super) struct Enclosed {
    /// The text.
    #[arg(long)]
    text: Option<String>,
    /// A file that holds the text, in UTF-8; `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    text_file: Option<PathBuf>,
    /// The HTML.
    #[arg(long)]
    html: Option<String>,
    /// A file that holds the HTML, in UTF-8; `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "html")]
    html_file: Option<PathBuf>,
    /// A file to attach, under its own name or another one. Its type follows from the name's extension.
    #[arg(long, value_name = "PATH[=NAME]")]
    attach: Vec<PathBuf>,
    /// Attach standard input under this name.
    #[arg(long, value_name = "NAME")]
    attach_stdin: Option<String>,
}

/// The same, of which no more than one is standard input.
pub(super) struct CheckedEnclosed(Enclosed);

impl CheckedEnclosed {
    /// Looks whether all can be read.
    pub(super) fn check(enclosed: Enclosed) -> Result<Self, CommandError> {
        let texts = [&enclosed.text_file, &enclosed.html_file];
        let read = texts.into_iter().flatten().filter(|file| is_input(file)).count();
        if read + usize::from(enclosed.attach_stdin.is_some()) > 1 {
            return Err(CommandError::data(
                "standard input can be one thing only: --text-file -, --html-file - or --attach-stdin",
            ));
        }
        Ok(Self(enclosed))
    }

    /// Reads all of it.
    pub(super) fn read_into(self, draft: &mut MailDraft) -> Result<(), CommandError> {
        let Enclosed {
            text,
            text_file,
            html,
            html_file,
            attach,
            attach_stdin,
        } = self.0;
        let mut room = MAX_INPUT;
        draft.text = match text_file {
            Some(file) => Some(words(&file, &mut room)?),
            None => text,
        };
        draft.html = match html_file {
            Some(file) => Some(words(&file, &mut room)?),
            None => html,
        };
        for written in &attach {
            let (path, name) = named(written);
            let data = bytes(&path, &mut room)?;
            draft.attached.push(Attached { name, data });
        }
        if let Some(name) = attach_stdin {
            let data = bytes(Path::new("-"), &mut room)?;
            draft.attached.push(Attached { name, data });
        }
        Ok(())
    }
}

fn is_input(file: &Path) -> bool {
    file == Path::new("-")
}

/// `PATH` or `PATH=NAME`. What is a file as it is written is that file, whatever characters it has.
fn named(written: &Path) -> (PathBuf, String) {
    let own = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let text = written.to_string_lossy();
    match text.rsplit_once('=') {
        Some((path, name)) if !written.exists() => (path.into(), name.to_owned()),
        _ => (written.to_owned(), own(written)),
    }
}

fn words(file: &Path, room: &mut u64) -> Result<String, CommandError> {
    String::from_utf8(bytes(file, room)?)
        .map(|text| text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
        .map_err(|_| {
            CommandError::data(format!(
                "{} is not UTF-8: save it as UTF-8, or attach it",
                file.display()
            ))
        })
}

/// Reads a file, or standard input, of which no more comes than there is room for.
fn bytes(file: &Path, room: &mut u64) -> Result<Vec<u8>, CommandError> {
    let failed = |error: io::Error| CommandError::no_input(format!("{} can't be read: {error}", file.display()));
    let mut data = Vec::new();
    let most = room.saturating_add(1);
    let read = if is_input(file) {
        io::stdin().lock().take(most).read_to_end(&mut data)
    } else {
        File::open(file).and_then(|file| file.take(most).read_to_end(&mut data))
    };
    read.map_err(failed)?;
    *room = room.checked_sub(data.len() as u64).ok_or_else(|| {
        CommandError::data(format!(
            "texts and files are over {} MiB in all: no mail server takes that; send links",
            MAX_INPUT >> 20
        ))
    })?;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_attachments() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("a=b.pdf");
        std::fs::write(&odd, "").unwrap();
        assert_eq!(named(&odd), (odd.clone(), "a=b.pdf".into()));
        let renamed = PathBuf::from(format!("{}=c.pdf", odd.display()));
        assert_eq!(named(&renamed), (odd, "c.pdf".into()));
        assert_eq!(named(Path::new("/x/a.pdf")), ("/x/a.pdf".into(), "a.pdf".into()));
    }
}
