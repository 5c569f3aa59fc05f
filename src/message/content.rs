//! What a mail says in a form that is easy to work with: one text, one header field by its name. And what a file is. Pure.

use std::borrow::Cow;

use mail_parser::decoders::html::html_to_text;

use super::{Attachment, Mail, clean::clean, safe_name};
use crate::config::glob::Glob;

/// Characters kept of one header field's value.
const MAX_FIELD: usize = 16_000;

/// The text of a mail, or what of its HTML is text where it has none.
#[must_use]
pub fn body<'m>(mail: &'m Mail<'_>) -> Option<Cow<'m, str>> {
    mail.text().or_else(|| Some(html_to_text(&mail.html()?).into()))
}

/// The first header field of this name, decoded (RFC 2047) and on one line.
#[must_use]
pub fn header(mail: &Mail<'_>, name: &str) -> Option<String> {
    let value = mail.field(name)?;
    Some(clean(value.trim(), MAX_FIELD))
}

/// Whether one of these globs matches a text; case does not count.
#[must_use]
pub fn matches(globs: &[String], text: &str) -> bool {
    globs.iter().any(|glob| Glob::new(glob).matches(text))
}

/// The media type that an attachment is declared as; where that says nothing (`application/octet-stream`), the usual one for its
/// name.
#[must_use]
pub fn declared<'f>(file: &'f Attachment<'_>) -> &'f str {
    match file.media_type.as_str() {
        "application/octet-stream" => safe_name::media_type(&file.safe_name),
        declared => declared,
    }
}

/// Whether content is what one of these globs means, as far as content tells: one that is recognised has to match; one that is
/// not must be `declared` as a type that content can't tell, such as plain text.
#[must_use]
pub fn is_of(globs: &[String], declared: &str, content: &[u8]) -> bool {
    match infer::get(content) {
        Some(found) => {
            matches(globs, found.mime_type())
                || ALIASES.iter().any(|(one, other)| {
                    let found = found.mime_type();
                    (*one == found && matches(globs, other)) || (*other == found && matches(globs, one))
                })
        }
        None => !infer::is_mime_supported(declared),
    }
}

/// Two names of one type.
const ALIASES: [(&str, &str); 4] = [
    ("text/xml", "application/xml"),
    ("application/zip", "application/x-zip-compressed"),
    ("application/gzip", "application/x-gzip"),
    ("image/bmp", "image/x-ms-bmp"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Limits, message::read};

    async fn of<T: Send + 'static>(raw: &'static str, look: impl FnOnce(&Mail<'_>) -> T + Send + 'static) -> T {
        read(raw.into(), Limits::default(), move |mail| look(mail))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_mail_of_html_only_has_a_text() {
        let text = of("Content-Type: text/html\r\n\r\n<p>Order <b>7</b></p>", |mail| {
            body(mail).map(Cow::into_owned)
        });
        assert_eq!(text.await.unwrap().trim(), "Order 7");
        let text = of("Subject: x\r\n\r\nOrder 8", |mail| body(mail).map(Cow::into_owned));
        assert_eq!(text.await.as_deref(), Some("Order 8"));
    }

    #[tokio::test]
    async fn a_header_field_is_decoded() {
        let raw = "X-Order: =?utf-8?q?gr=C3=BCn?=\r\n 7\r\nX-order: second\r\nX-None:\r\n\r\n";
        assert_eq!(of(raw, |mail| header(mail, "x-order")).await.as_deref(), Some("grün 7"));
        assert_eq!(of(raw, |mail| header(mail, "X-None")).await.as_deref(), Some(""));
        assert_eq!(of(raw, |mail| header(mail, "X-Other")).await, None);
    }

    #[test]
    fn content_has_to_fit() {
        let pdf: &[u8] = b"%PDF-1.7\n";
        let exe: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0";
        for (globs, declared, content, fits) in [
            ("application/pdf", "application/pdf", pdf, true),
            ("application/*", "application/pdf", pdf, true),
            ("application/pdf", "application/pdf", exe, false),
            ("application/pdf", "application/pdf", b"just text", false),
            ("text/plain", "text/plain", b"just text", true),
            ("text/csv", "text/csv", b"a;b", true),
            ("text/csv", "text/csv", pdf, false),
            (
                "application/xml",
                "application/xml",
                b"<?xml version=\"1.0\"?><a/>",
                true,
            ),
            ("image/*", "image/png", b"\x89PNG\r\n\x1a\n", true),
        ] {
            assert_eq!(
                is_of(&[globs.to_owned()], declared, content),
                fits,
                "{globs} {declared} {content:?}"
            );
        }
    }
}
