//! Mailjob's webhook payload, nearly field for field, written straight into the buffer that goes out.

use anyhow::{Context, Result};
use base64::{Engine, encoded_len, engine::general_purpose::STANDARD};
use mail_parser::{AddressList, Message, MessageParser, MessagePart, PartKind, TextList};
use serde_json::{Value, json};

/// Replaces what is in `out` with the JSON of a mail.
///
/// # Errors
/// When it is no mail.
pub(super) fn write(uid: usize, raw: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mail = MessageParser::new().parse(raw).context("no mail")?;
    let root = mail.root();
    out.clear();
    out.extend_from_slice(b"{\"id\":");
    text(out, &uid.to_string())?;
    for (name, value) in [
        ("message_id", json!(mail.message_id())),
        ("from", addresses(mail.all_from())),
        ("to", addresses(mail.all_to())),
        ("cc", addresses(mail.all_cc())),
        ("reply_to", addresses(mail.reply_to().into_iter())),
        ("subject", json!(mail.subject())),
        ("date", json!(mail.date().map(|date| date.to_rfc3339()))),
        ("in_reply_to", ids(mail.in_reply_to())),
        ("references", ids(mail.references())),
        ("headers", headers(&mail)),
        ("size", json!(raw.len())),
    ] {
        field(out, name)?;
        serde_json::to_writer(&mut *out, &value)?;
    }
    if root.text_body().any(|part| matches!(part.kind(), PartKind::Text)) {
        field(out, "text")?;
        text(out, &root.text_bodies().collect::<Vec<_>>().join("\n"))?;
    }
    if root.html_body().any(|part| matches!(part.kind(), PartKind::Html)) {
        field(out, "html")?;
        text(out, &root.html_bodies().collect::<Vec<_>>().join("\n"))?;
    }
    field(out, "attachments")?;
    let mut separator = b'[';
    for part in mail.attachments() {
        out.push(separator);
        attachment(out, &part)?;
        separator = b',';
    }
    out.extend_from_slice(if separator == b'[' { b"[]}" } else { b"]}" });
    Ok(())
}

fn attachment(out: &mut Vec<u8>, part: &MessagePart<'_>) -> Result<()> {
    let declared = part
        .content_type()
        .map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("")));
    let data = part.decoded();
    out.extend_from_slice(b"{\"name\":");
    serde_json::to_writer(&mut *out, &part.attachment_name())?;
    for (name, value) in [
        ("content_type", json!(declared)),
        ("size", json!(data.len())),
        ("inline", json!(part.is_inline())),
        ("content_id", json!(part.content_id())),
    ] {
        field(out, name)?;
        serde_json::to_writer(&mut *out, &value)?;
    }
    field(out, "content")?;
    out.push(b'"');
    let start = out.len();
    out.resize(start + encoded_len(data.len(), true).context("too large")?, 0);
    STANDARD.encode_slice(&data, &mut out[start..])?;
    out.extend_from_slice(b"\"}");
    Ok(())
}

fn field(out: &mut Vec<u8>, name: &str) -> Result<()> {
    out.push(b',');
    text(out, name)?;
    out.push(b':');
    Ok(())
}

fn text(out: &mut Vec<u8>, text: &str) -> Result<()> {
    Ok(serde_json::to_writer(out, text)?)
}

fn addresses<'m>(lists: impl Iterator<Item = AddressList<'m>>) -> Value {
    let mailboxes = lists.flat_map(|list| list.mailboxes());
    mailboxes
        .map(|mailbox| json!({ "name": mailbox.name(), "address": mailbox.address() }))
        .collect()
}

fn ids(list: Option<TextList<'_>>) -> Value {
    list.iter().flat_map(|list| list.iter()).collect()
}

fn headers(mail: &Message<'_>) -> Value {
    let value = |raw| String::from_utf8_lossy(raw).trim().replace("\r\n", "");
    mail.headers()
        .into_iter()
        .map(|field| json!([field.raw_name(), value(field.raw_value())]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mails;

    #[test]
    fn a_mail_comes_out_whole() {
        let raw = mails::mail(7, 200_000);
        let mut out = b"what was there before".to_vec();
        write(7, &raw, &mut out).unwrap();
        let json: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["id"], "7");
        assert_eq!(json["from"][0]["address"], "orders@supplier.example");
        assert_eq!(json["headers"][0][0], "Received");
        assert!(json["text"].as_str().unwrap().contains("Lieferung"));
        assert!(json["html"].as_str().unwrap().starts_with("<html>"));
        assert_eq!(json["attachments"][0]["name"], "invoice-7.pdf");
        let content = STANDARD
            .decode(json["attachments"][0]["content"].as_str().unwrap())
            .unwrap();
        assert_eq!(content.len(), 200_000);
    }
}
