//! Every mail of `tests/data/mail` beside what it must be read as. `BLESS=1` writes down what is read, for a person to look at.

use std::{fs, path::Path};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Mail, read};
use crate::config::Limits;

fn seen(mail: &Mail<'_>) -> Value {
    let head = mail.head();
    let attachment = |file: super::Attachment<'_>| {
        let data = file.data();
        assert_eq!(data.len(), file.size(), "the measured size of {}", file.safe_name);
        json!({
            "name": file.name, "safe_name": file.safe_name, "media_type": file.media_type, "charset": file.charset,
            "inline": file.inline, "content_id": file.content_id, "undecoded": file.undecoded, "starts": String::from_utf8_lossy(&data[..data.len().min(20)]),
        })
    };
    json!({
        "message_id": head.message_id, "in_reply_to": head.in_reply_to, "references": head.references,
        "from": head.from, "to": head.to, "cc": head.cc, "reply_to": head.reply_to,
        "subject": head.subject, "date": head.date, "date_note": head.date_note, "automatic": head.automatic.map(super::Automatic::code),
        "identity": mail.identity().map_err(super::identity::InvalidFrom::why), "text": mail.text(), "html": mail.html(),
        "attachments": mail.attachments().into_iter().map(attachment).collect::<Vec<_>>(),
    })
}

#[tokio::test]
async fn the_corpus_reads_as_expected() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mail");
    let mut count = 0;
    for kind in ["rfc", "legacy", "malformed", "wild"] {
        for entry in fs::read_dir(corpus.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "eml") {
                continue;
            }
            let raw = Bytes::from(fs::read(&path).unwrap());
            let found = read(raw, Limits::default(), seen).await.unwrap();
            if std::env::var_os("BLESS").is_some() {
                fs::write(path.with_extension("json"), format!("{found:#}\n")).unwrap();
            }
            let expected = fs::read(path.with_extension("json")).unwrap();
            let expected: Value = serde_json::from_slice(&expected).unwrap();
            assert_eq!(found, expected, "{}\n{found:#}", path.display());
            count += 1;
        }
    }
    assert!(count >= 25, "only {count} mails found");
}
