//! A letter without its files, for a server that does not take it with them. Pure.
//!
//! It is made of the stored letter, always the same: the same header and so the same Message-ID, the same text, and above it that and
//! which files are missing.

use bytes::Bytes;
use mail_builder::mime::{BodyPart, MimePart};
use mail_parser::MessageParser;

use super::inspect::is_sound;
use crate::message::clean::clean;

/// Files that are named.
const MOST: usize = 20;
/// Characters of a name.
const NAME: usize = 80;

/// The letter without its files; `None` where it has none, or none can be made.
pub(super) fn plainer(letter: &[u8]) -> Option<Bytes> {
    let read = MessageParser::default().parse(letter)?;
    let root = read.root();
    let files: Vec<String> = root
        .attachments()
        .map(|part| {
            let name = part.attachment_name().map(|name| clean(name, NAME));
            let name = name
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "a file".to_owned());
            format!("- {name} ({})", size(part.decoded().len()))
        })
        .collect();
    if files.is_empty() {
        return None;
    }
    let text = root.text_body().next().and_then(|part| part.text())?;
    let more = files.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("\r\n- and {more} more"));
    let named: Vec<_> = files.into_iter().take(MOST).collect();
    let text = format!(
        "The mail server did not take this letter with its files, so it comes without them:\r\n{}{}\r\n\r\n{}",
        named.join("\r\n"),
        more.unwrap_or_default(),
        crlf(&text),
    );
    let mut mail = kept(letter)?;
    mail.extend_from_slice(b"MIME-Version: 1.0\r\n");
    MimePart::new("text/plain", BodyPart::Text(text.into())).write_part(&mut mail);
    if !mail.ends_with(b"\r\n") {
        mail.extend_from_slice(b"\r\n");
    }
    is_sound(&mail).then(|| mail.into())
}

/// The header but for what describes the body.
fn kept(letter: &[u8]) -> Option<Vec<u8>> {
    const OF_THE_BODY: [&[u8]; 3] = [b"mime-version", b"content-type", b"content-transfer-encoding"];
    let mut kept = Vec::new();
    let mut keeps = true;
    for line in letter.split_inclusive(|&b| b == b'\n') {
        if line == b"\r\n" {
            return Some(kept);
        }
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            let name = line.split(|&b| b == b':').next().unwrap_or_default();
            keeps = !OF_THE_BODY.iter().any(|field| name.eq_ignore_ascii_case(field));
        }
        if keeps {
            kept.extend_from_slice(line);
        }
    }
    None
}

fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

fn size(bytes: usize) -> String {
    const KIB: usize = 1 << 10;
    const MIB: usize = 1 << 20;
    match bytes {
        MIB.. => format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB),
        KIB.. => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} bytes"),
    }
}
