//! What becomes of a result that is too large for a mail. Pure; packing takes its time.

use std::io::{Cursor, Write};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::ResultNaming;
use crate::{
    config::{Output, Oversize},
    job::{Answer, Reason, ResultFile},
    message::safe_name::safe_name,
};

/// How many times larger than the limit files may be that are packed or of which some are left out.
const FACTOR: u64 = 4;

/// Bytes of files that are too many whatever is done about it.
pub(super) fn most(output: &Output) -> u64 {
    output.max_size.saturating_mul(FACTOR)
}

/// Bytes of so many bytes in a mail: base64 in lines of 76 characters (RFC 2045 section 6.8).
fn mailed(size: usize) -> u64 {
    let encoded = (size as u64).div_ceil(3) * 4;
    encoded + encoded.div_ceil(76) * 2
}

/// The answer as it may go: of what is too large, what the configuration says.
pub(super) fn within(mut answer: Answer, output: &Output, facts: &ResultNaming) -> Answer {
    let size = answer.files.iter().map(|file| mailed(file.data.len())).sum();
    if size <= output.max_size {
        return answer;
    }
    match output.oversize {
        Oversize::Refuse => refused(answer, size, output),
        Oversize::Drop => dropped(answer, output.max_size),
        Oversize::Zip if size > most(output) => refused(answer, size, output),
        Oversize::Zip => match packed(&answer.files, facts) {
            Ok(file) if mailed(file.data.len()) <= output.max_size => {
                answer.files = vec![file];
                answer
            }
            Ok(file) => refused(answer, mailed(file.data.len()), output),
            Err(error) => {
                answer.mark(Reason::Oversize, &format!("the result could not be packed: {error}"));
                refused(answer, size, output)
            }
        },
    }
}

/// The answer without its files, which have so many bytes: the sender hears that the work is done, and why its result does not come.
pub(super) fn refused(mut answer: Answer, size: u64, output: &Output) -> Answer {
    let max = output.max_size;
    answer.files.clear();
    answer.mark(
        Reason::Oversize,
        &format!("the result has {size} bytes as it would be mailed, {max} at most"),
    );
    answer.note(&format!(
        "The work is done, but its result is too large for a mail. The result has {}, and {} may be mailed.",
        shown(size),
        shown(max)
    ));
    answer
}

/// Leaves out, in order, what has no room any more; the text says so.
fn dropped(mut answer: Answer, max: u64) -> Answer {
    let mut room = max;
    let mut left_out = Vec::new();
    answer
        .files
        .retain(|file| match room.checked_sub(mailed(file.data.len())) {
            Some(less) => {
                room = less;
                true
            }
            None => {
                left_out.push(format!("  {} ({})", file.name, shown(file.data.len() as u64)));
                false
            }
        });
    answer.note(&format!(
        "Left out, because it is too large for a mail:\n{}",
        left_out.join("\n")
    ));
    answer
}

/// Bytes for people.
fn shown(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 1 << 20 => format!("{}.{} MiB", bytes >> 20, ((bytes % (1 << 20)) * 10) >> 20),
        bytes if bytes >= 1 << 10 => format!("{} KiB", bytes >> 10),
        bytes => format!("{bytes} bytes"),
    }
}

/// All files as one.
fn packed(files: &[ResultFile], facts: &ResultNaming) -> zip::result::ZipResult<ResultFile> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // The archive is the same at each attempt: it has no time of its own.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for file in files {
        zip.start_file(file.name.as_str(), options)?;
        zip.write_all(&file.data)?;
    }
    Ok(ResultFile {
        name: safe_name(&format!("{}.zip", facts.source), "application/zip"),
        media_type: "application/zip".to_owned(),
        data: zip.finish()?.into_inner().into(),
    })
}
