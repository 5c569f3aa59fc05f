//! A form (RFC 7578): a field for each named input, a part of its own for each file among them. Names of inputs and safe names of
//! files need no escapes.

use std::io::{self, Write};

use super::{
    spool::{Body, Spool},
    work::Work,
};

/// Writes the form. What is not there has no field; a list has a field for each item.
///
/// # Errors
/// When the temporary folder fails.
pub(super) fn write(boundary: &str, work: &Work<'_>) -> io::Result<Body> {
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
