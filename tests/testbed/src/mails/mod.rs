//! Mails as bytes: a small builder, and what one gets with it. All lines end in CRLF.
//!
//! The functions here make mails as people, scanners, answering machines, lists and mail servers send them; [`bulk`] makes
//! many for benchmarks, [`bombs`] the hostile ones. The builder writes what it is told, also what no mail program would write.

pub mod bombs;
pub mod bulk;
mod kinds;

use std::{
    iter, process,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

pub use kinds::{
    auto_reply, bounce, html, inline_image, japanese, latin1, list, nested, no_attachment, pdf, pdf_document, scans,
};

/// A mail in the making.
#[derive(Debug, Clone)]
pub struct Mail {
    id: String,
    headers: Vec<String>,
    text: Part,
    html: Option<Html>,
    attachments: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Html {
    page: Part,
    images: Vec<Part>,
}

/// A part of a mail: its header lines, and its body as it goes over the wire.
#[derive(Debug, Clone)]
struct Part {
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Mail {
    /// A mail with these header values, which have to be encoded where they are not ASCII, and a Message-ID of its own.
    #[must_use]
    pub fn new(from: &str, to: &str, subject: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = format!(
            "{}.{}@mail.example.test",
            NEXT.fetch_add(1, Ordering::Relaxed),
            process::id()
        );
        let headers = vec![
            "Date: Sun, 22 Nov 2026 10:00:00 +0100".to_owned(),
            format!("From: {from}"),
            format!("To: {to}"),
            format!("Subject: {subject}"),
        ];
        Self {
            id,
            headers,
            text: Part::text("plain", ""),
            html: None,
            attachments: Vec::new(),
        }
    }

    /// With this Message-ID, without angle brackets.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// The Message-ID without angle brackets.
    #[must_use]
    pub fn message_id(&self) -> &str {
        &self.id
    }

    /// With a further header line, such as `Auto-Submitted: auto-replied`.
    #[must_use]
    pub fn header(mut self, line: &str) -> Self {
        self.headers.push(line.to_owned());
        self
    }

    /// With this text in UTF-8.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.text = Part::text("plain", text);
        self
    }

    /// With a text part of these header lines and bytes, as they are.
    #[must_use]
    pub fn raw_text(mut self, headers: &[&str], body: &[u8]) -> Self {
        self.text = Part::new(headers, body);
        self
    }

    /// With this page as an alternative to the text.
    #[must_use]
    pub fn html(mut self, page: &str) -> Self {
        self.html = Some(Html {
            page: Part::text("html", page),
            images: Vec::new(),
        });
        self
    }

    /// With an image for the page, which refers to it as `cid:CID`. Without a page it does nothing.
    #[must_use]
    pub fn image(mut self, cid: &str, name: &str, image: &[u8]) -> Self {
        let headers = [
            &format!("Content-Type: image/png; name=\"{name}\""),
            &format!("Content-Disposition: inline; filename=\"{name}\""),
            &format!("Content-ID: <{cid}>"),
            "Content-Transfer-Encoding: base64",
        ];
        let part = Part::new(&headers, &wrapped_base64(image));
        if let Some(html) = &mut self.html {
            html.images.push(part);
        }
        self
    }

    /// With an attachment in base64.
    #[must_use]
    pub fn attach(self, name: &str, content_type: &str, content: &[u8]) -> Self {
        let (content_type, name) = (format!("Content-Type: {content_type}"), file_name(name));
        let disposition = format!("Content-Disposition: attachment; {name}");
        self.raw_part(
            &[&content_type, &disposition, "Content-Transfer-Encoding: base64"],
            &wrapped_base64(content),
        )
    }

    /// With a further part of these header lines and bytes, as they are.
    #[must_use]
    pub fn raw_part(mut self, headers: &[&str], body: &[u8]) -> Self {
        self.attachments.push(Part::new(headers, body));
        self
    }

    /// The mail.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let alternative = match &self.html {
            None => self.text.clone(),
            Some(html) => {
                let page = match html.images.as_slice() {
                    [] => html.page.clone(),
                    images => multipart("related", &html.page, images),
                };
                multipart("alternative", &self.text, &[page])
            }
        };
        let body = match self.attachments.as_slice() {
            [] => alternative,
            attachments => multipart("mixed", &alternative, attachments),
        };
        let mut mail = self.headers.join("\r\n").into_bytes();
        mail.extend_from_slice(format!("\r\nMessage-ID: <{}>\r\nMIME-Version: 1.0\r\n", self.id).as_bytes());
        mail.extend_from_slice(&body.bytes());
        mail
    }
}

impl Part {
    fn new(headers: &[&str], body: &[u8]) -> Self {
        Self {
            headers: headers.iter().map(|line| (*line).to_owned()).collect(),
            body: body.to_vec(),
        }
    }

    fn text(kind: &str, text: &str) -> Self {
        let content_type = format!("Content-Type: text/{kind}; charset=utf-8");
        let body = text.replace('\n', "\r\n");
        Self::new(&[&content_type, "Content-Transfer-Encoding: 8bit"], body.as_bytes())
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.headers.join("\r\n").into_bytes();
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(&self.body);
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

fn multipart(kind: &str, first: &Part, others: &[Part]) -> Part {
    let boundary = format!("=_{kind}_of_{}", others.len());
    let mut body = Vec::new();
    for part in iter::once(first).chain(others) {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        body.extend_from_slice(&part.bytes());
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Part::new(
        &[&format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"")],
        &body,
    )
}

/// A `filename` parameter; RFC 2231 where the name is not ASCII.
fn file_name(name: &str) -> String {
    if name.is_ascii() {
        return format!("filename=\"{name}\"");
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let encode = |byte: u8| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    format!("filename*=utf-8''{}", name.bytes().map(encode).collect::<String>())
}

/// An encoded word in UTF-8 (RFC 2047).
#[must_use]
pub fn encoded_word(text: &str) -> String {
    format!("=?utf-8?B?{}?=", STANDARD.encode(text))
}

/// Base64 in lines of 76.
fn wrapped_base64(content: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(content);
    let lines: Vec<_> = text.as_bytes().chunks(76).collect();
    lines.join(&b"\r\n"[..])
}
