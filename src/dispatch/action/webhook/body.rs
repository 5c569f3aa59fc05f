//! The body of a webhook's request, written piece by piece: one attachment at a time is decoded, and never all of them held.

use std::io::{self, Write};

use crate::{
    config,
    dispatch::{
        payload::{AttachmentMode, Payload},
        spool::{Spool, SpooledBody},
        work::Work,
    },
};

/// Bytes that a payload has beside the mail's own, about.
const HEAD: usize = 4096;
/// What a body has room for from its beginning, at most: more is made as it grows.
const BEGINNING: usize = 64 << 10;

/// Writes a body; returns its media type with it. Blocks.
///
/// # Errors
/// When the temporary folder fails.
pub(in crate::dispatch) fn write(kind: config::BodyFormat, work: &Work<'_>) -> io::Result<(String, SpooledBody)> {
    match kind {
        config::BodyFormat::Raw => Ok(("message/rfc822".to_owned(), SpooledBody::Memory(work.raw.clone()))),
        config::BodyFormat::Json => {
            let mut spool = Spool::of_about(work.raw.len().saturating_add(HEAD).min(BEGINNING));
            serde_json::to_writer(&mut spool, &Payload::new(work, AttachmentMode::Inside))?;
            Ok(("application/json".to_owned(), spool.finish()?))
        }
        config::BodyFormat::Multipart | config::BodyFormat::Form => {
            // The job's id is random and was made after the mail, so that no mail can contain this boundary on purpose.
            let boundary = format!("mailjob-{}", work.job.id);
            let body = match kind {
                config::BodyFormat::Form => form(&boundary, work)?,
                _ => multipart(&boundary, work)?,
            };
            Ok((format!("multipart/form-data; boundary={boundary}"), body))
        }
    }
}

/// RFC 7578: the part `mail` with the payload, then a part `attachments` for each file. Safe names need no escapes.
fn multipart(boundary: &str, work: &Work<'_>) -> io::Result<SpooledBody> {
    let mut spool = Spool::default();
    write!(
        spool,
        "--{boundary}\r\nContent-Disposition: form-data; name=\"mail\"\r\nContent-Type: application/json\r\n\r\n"
    )?;
    serde_json::to_writer(&mut spool, &Payload::new(work, AttachmentMode::Beside))?;
    for file in &work.attachments {
        write!(
            spool,
            "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"attachments\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
            file.safe_name, file.media_type
        )?;
        spool.write_all(&file.data())?;
    }
    write!(spool, "\r\n--{boundary}--\r\n")?;
    spool.finish()
}

/// A form (RFC 7578): a field for each named input, a part of its own for each file among them. Names of inputs and safe names of files need
/// no escapes. What is not there has no field; a list has a field for each item.
///
/// # Errors
/// When the temporary folder fails.
fn form(boundary: &str, work: &Work<'_>) -> io::Result<SpooledBody> {
    let mut spool = Spool::default();
    for given in &work.inputs {
        let (name, Some(value)) = (&given.name, &given.value) else {
            continue;
        };
        let Some(files) = value.files() else {
            for text in value.texts(&str::to_owned) {
                write!(
                    spool,
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
                     {text}\r\n"
                )?;
            }
            continue;
        };
        let wanted = files
            .iter()
            .filter_map(|file| work.attachments.iter().find(|known| known.safe_name == *file));
        for file in wanted {
            write!(
                spool,
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
                file.safe_name, file.media_type
            )?;
            spool.write_all(&file.data())?;
            spool.write_all(b"\r\n")?;
        }
    }
    write!(spool, "--{boundary}--\r\n")?;
    spool.finish()
}
