//! A mail that was packed into another, as everybody can read it (RFC 5322). Pure.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::DateTime;

use super::{Message, Packed};
use crate::message::clean::clean;

/// Characters of a name.
const LONGEST: usize = 1_000;

/// The bytes of a mail that was packed.
pub(super) fn write(message: &Message) -> Vec<u8> {
    let mut letter = String::new();
    let name = message.sender_name.as_deref().map(word);
    let address = message
        .sender_address
        .as_deref()
        .map(|address| clean(address, LONGEST).replace(['<', '>'], ""));
    match (name, address) {
        (Some(name), Some(address)) => field(&mut letter, "From", &format!("{name} <{address}>")),
        (None, Some(address)) => field(&mut letter, "From", &format!("<{address}>")),
        (Some(name), None) => field(&mut letter, "From", &format!("{name} <>")),
        (None, None) => {}
    }
    if let Some(date) = message.submitted.and_then(DateTime::from_timestamp_micros) {
        field(&mut letter, "Date", &date.to_rfc2822());
    }
    if let Some(subject) = &message.subject {
        field(&mut letter, "Subject", &word(subject));
    }
    field(&mut letter, "MIME-Version", "1.0");
    // Base64 has no `=_` at the beginning of a line, so no part can hold this.
    field(&mut letter, "Content-Type", "multipart/mixed; boundary=\"=_packed\"");
    let body = &message.body;
    if body.text.is_some() && body.html.is_some() {
        letter.push_str("\r\n--=_packed\r\nContent-Type: multipart/alternative; boundary=\"=_body\"\r\n");
        texts(&mut letter, message, "=_body");
        letter.push_str("\r\n--=_body--\r\n");
    } else {
        texts(&mut letter, message, "=_packed");
    }
    for file in &message.files {
        attach(&mut letter, file);
    }
    letter.push_str("\r\n--=_packed--\r\n");
    letter.into_bytes()
}

fn texts(letter: &mut String, message: &Message, boundary: &str) {
    let body = &message.body;
    for (kind, text) in [("plain", &body.text), ("html", &body.html)] {
        if let Some(text) = text {
            letter.push_str(&format!(
                "\r\n--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
            ));
            content(letter, text.as_bytes());
        }
    }
}

fn attach(letter: &mut String, file: &Packed) {
    let media_type = file
        .media_type
        .as_deref()
        .filter(|media_type| media_type.bytes().all(|b| b.is_ascii_graphic()));
    letter.push_str("\r\n--=_packed\r\n");
    field(letter, "Content-Type", media_type.unwrap_or("application/octet-stream"));
    let name: String = file
        .name
        .as_deref()
        .unwrap_or_default()
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    field(
        letter,
        "Content-Disposition",
        &format!("attachment; filename*=utf-8''{name}"),
    );
    if file.media_type.as_deref() == Some("message/rfc822") {
        // RFC 2046 section 5.2.1: a mail is not encoded in a mail. It holds none of our boundaries outside of its own parts.
        letter.push_str("\r\n");
        letter.push_str(&String::from_utf8_lossy(&file.data).replace("=_", "=_x"));
    } else {
        content(letter, &file.data);
    }
}

fn content(letter: &mut String, bytes: &[u8]) {
    letter.push_str("Content-Transfer-Encoding: base64\r\n\r\n");
    for line in STANDARD.encode(bytes).as_bytes().chunks(76) {
        letter.push_str(&String::from_utf8_lossy(line));
        letter.push_str("\r\n");
    }
}

fn field(letter: &mut String, name: &str, value: &str) {
    letter.push_str(name);
    letter.push_str(": ");
    letter.push_str(value);
    letter.push_str("\r\n");
}

/// An encoded word for any text.
fn word(text: &str) -> String {
    format!("=?utf-8?B?{}?=", STANDARD.encode(clean(text, LONGEST)))
}
