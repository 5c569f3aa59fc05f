//! Mails whose structure is broken in a way that every mail program reads past. Pure, and of linear cost.
//!
//! What is mended is mended in a copy, before the parser sees it: a header that ends without an empty line; fields of which only one may
//! be there, where the first counts; a boundary that is not the one announced; a multipart without any boundary, which is text.

use std::ops::Range;

/// Fields of MIME of which the first counts. The parser takes the last.
const SINGLE: [&str; 3] = ["content-type", "content-transfer-encoding", "content-disposition"];
/// Fields that tell a header that goes on from text that follows it.
const TELLING: [&str; 16] = [
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "received",
    "mime-version",
    "reply-to",
    "sender",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "return-path",
    "references",
    "in-reply-to",
];
/// What a `multipart/report` without parts is marked by, once it is text.
pub(super) const INSTEAD_OF_REPORT: &str = "instead-of=report";
/// Headers of parts that are looked at, and lines of a header.
const MOST_HEADERS: usize = 2_000;
const MOST_LINES: usize = 20_000;
/// Bytes of a boundary (RFC 2046 section 5.1.1 has 70).
const LONGEST_BOUNDARY: usize = 200;

/// The mail as it was meant; nothing where nothing is broken.
pub(super) fn repaired(raw: &[u8]) -> Option<Vec<u8>> {
    let mut edits = Vec::new();
    let mut at = 0;
    for count in 0..MOST_HEADERS {
        let header = Header::read(raw, at, count == 0);
        header.edits(raw, &mut edits);
        let Some(next) = next_delimiter(raw, header.end.max(at)) else {
            break;
        };
        at = next;
    }
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|edit| edit.at.start);
    let mut mended = Vec::with_capacity(raw.len() + 256);
    let mut done = 0;
    for Edit { at, by } in edits {
        mended.extend_from_slice(raw.get(done..at.start.max(done))?);
        mended.extend_from_slice(&by);
        done = at.end.max(done);
    }
    mended.extend_from_slice(raw.get(done..)?);
    Some(mended)
}

/// Bytes that others stand for.
struct Edit {
    at: Range<usize>,
    by: Vec<u8>,
}

/// Where the next line begins after one that looks like a delimiter.
fn next_delimiter(raw: &[u8], from: usize) -> Option<usize> {
    let found = memchr::memmem::find(raw.get(from.saturating_sub(1)..)?, b"\n--")? + from.saturating_sub(1);
    let line = raw.get(found + 1..)?;
    let end = memchr::memchr(b'\n', line)?;
    Some(found + 1 + end + 1)
}

/// A header, and where its fields are.
struct Header {
    /// Name in lower case, and all of the field with its line break.
    fields: Vec<(String, Range<usize>)>,
    /// Where the body begins.
    end: usize,
    /// Where an empty line is missing.
    unended: Option<usize>,
}

impl Header {
    fn read(raw: &[u8], from: usize, top: bool) -> Self {
        let mut header = Self {
            fields: Vec::new(),
            end: from,
            unended: None,
        };
        for _ in 0..MOST_LINES {
            let Some(line) = line(raw, header.end) else { break };
            let text = raw.get(line.clone()).unwrap_or_default();
            if text.trim_ascii_end().is_empty() {
                let is_empty = matches!(text, b"\n" | b"\r\n" | b"");
                if is_empty || ends_here(raw, line.end) {
                    header.unended = (!is_empty).then_some(line.end);
                    header.end = line.end;
                    return header;
                }
            }
            let continues = text.starts_with(b" ") || text.starts_with(b"\t");
            let last = header.fields.last_mut().filter(|(_, field)| field.end == line.start);
            if continues && let Some((_, field)) = last {
                field.end = line.end;
            } else if let Some(name) = field_name(text) {
                header.fields.push((name, line.clone()));
            } else if header.fields.is_empty() {
                // A mailbox file's first line, or no header at all.
                if !(top && (text.starts_with(b"From ") || text.starts_with(b">From "))) {
                    return header;
                }
            } else if ends_here(raw, line.start) {
                header.unended = Some(line.start);
                return header;
            }
            header.end = line.end;
        }
        header
    }

    fn edits(&self, raw: &[u8], edits: &mut Vec<Edit>) {
        if let Some(at) = self.unended {
            edits.push(Edit {
                at: at..at,
                by: b"\r\n".to_vec(),
            });
        }
        for single in SINGLE {
            let mut found = self
                .fields
                .iter()
                .filter(|(name, _)| name == single)
                .map(|(_, field)| field);
            if let (Some(first), Some(last)) = (found.next(), found.next_back()) {
                let by = raw.get(first.clone()).unwrap_or_default().to_vec();
                edits.push(Edit {
                    at: first.clone(),
                    by: Vec::new(),
                });
                edits.push(Edit {
                    at: last.end..last.end,
                    by,
                });
                return;
            }
        }
        let declared = self.fields.iter().find(|(name, _)| name == "content-type");
        if let Some((_, field)) = declared {
            boundary(raw, field, self.end, edits);
        }
    }
}

/// Whether what begins here, and is no field, is the body: a delimiter comes before the next empty line, or no field does that
/// would tell a header.
fn ends_here(raw: &[u8], from: usize) -> bool {
    let mut at = from;
    for _ in 0..100 {
        let Some(line) = line(raw, at) else { break };
        let text = raw.get(line.clone()).unwrap_or_default();
        if text.trim_ascii().is_empty() {
            break;
        }
        if text.starts_with(b"--") {
            return true;
        }
        if field_name(text).is_some_and(|name| TELLING.contains(&name.as_str())) {
            return false;
        }
        at = line.end;
    }
    true
}

/// The boundary of a multipart whose own never comes.
fn boundary(raw: &[u8], field: &Range<usize>, body: usize, edits: &mut Vec<Edit>) {
    let Some(value) = raw.get(field.clone()) else { return };
    let Some(colon) = value.iter().position(|byte| *byte == b':') else {
        return;
    };
    let (name, value) = value.split_at_checked(colon + 1).unwrap_or((value, &[]));
    let value_at = name.len() + value.len() - value.trim_ascii_start().len();
    let value = value.trim_ascii();
    let is_multipart = value
        .get(..10)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/"));
    if !is_multipart {
        half_a_type(field, name.len(), value, edits);
        return;
    }
    let rest = raw.get(body..).unwrap_or_default();
    let announced = super::parameters::boundary(value);
    let comes = |boundary: &[u8]| {
        let line = [b"--", boundary].concat();
        rest.starts_with(&line) || memchr::memmem::find(rest, &line).is_some()
    };
    if let Some(announced) = announced.as_deref().filter(|announced| comes(announced)) {
        edits.extend(spelt(field, value_at, value, announced));
        return;
    }
    let kind = value
        .split(|byte| matches!(byte, b';' | b'\r' | b'\n'))
        .next()
        .unwrap_or_default();
    let replaced = match used(rest) {
        Some(used) => [name, b" ", kind.trim_ascii(), b"; boundary=\"", used, b"\"\r\n"].concat(),
        // Cut off before its first part, perhaps: there is nothing to read.
        None if rest.trim_ascii().is_empty() => return,
        // What it was said to be still tells who wrote it.
        None if kind.trim_ascii().eq_ignore_ascii_case(b"multipart/report") => {
            [name, b" text/plain; ", INSTEAD_OF_REPORT.as_bytes(), b"\r\n"].concat()
        }
        None => [name, b" text/plain\r\n"].concat(),
    };
    edits.push(Edit {
        at: field.clone(),
        by: replaced,
    });
}

/// A boundary that stands between single quotes, or has a blank at its end: without them, as the parser reads it.
fn spelt(field: &Range<usize>, value_at: usize, value: &[u8], boundary: &[u8]) -> Option<Edit> {
    const NAME: &[u8] = b"boundary=";
    let at = memchr::memmem::find(&value.to_ascii_lowercase(), NAME)? + NAME.len();
    let rest = value.get(at..)?;
    let end = match rest.first()? {
        b'"' => rest.iter().skip(1).position(|byte| *byte == b'"')? + 2,
        _ => rest
            .iter()
            .position(|byte| matches!(byte, b';' | b'\r' | b'\n'))
            .unwrap_or(rest.len()),
    };
    let written = rest.get(..end)?.trim_ascii();
    let inside = written
        .strip_prefix(b"\"")
        .and_then(|inside| inside.strip_suffix(b"\""))
        .unwrap_or(written);
    let is_odd = inside == [b"'", boundary, b"'"].concat() || inside != boundary && inside.trim_ascii_end() == boundary;
    let start = field.start + value_at + at;
    is_odd.then(|| Edit {
        at: start..start + end,
        by: [b"\"", boundary, b"\""].concat(),
    })
}

/// A type of text without its second half (RFC 2045 section 5.2), such as `text`, `plain` and `html`: the parser takes it for a file.
fn half_a_type(field: &Range<usize>, name: usize, value: &[u8], edits: &mut Vec<Edit>) {
    let end = value
        .iter()
        .position(|byte| matches!(byte, b';' | b'\r' | b'\n' | b' ' | b'\t'));
    let (kind, rest) = value
        .split_at_checked(end.unwrap_or(value.len()))
        .unwrap_or((value, &[]));
    let whole: &[u8] = match kind.to_ascii_lowercase().as_slice() {
        b"text" | b"text/" | b"plain" | b"/plain" | b"txt" => b" text/plain",
        b"html" | b"/html" => b" text/html",
        _ => return,
    };
    edits.push(Edit {
        at: field.start + name..field.end,
        by: [whole, rest, b"\r\n"].concat(),
    });
}

/// The boundary that is used here: of the first line `--x` that a field follows, or that has an end `--x--`.
fn used(body: &[u8]) -> Option<&[u8]> {
    let mut at = if body.starts_with(b"--") {
        0
    } else {
        memchr::memmem::find(body, b"\n--")? + 1
    };
    for _ in 0..20 {
        let line = line(body, at)?;
        let text = body.get(line.clone())?.trim_ascii_end();
        let name = text
            .strip_prefix(b"--")
            .filter(|name| !name.is_empty() && name.len() <= LONGEST_BOUNDARY)?;
        let quotable = name
            .iter()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\') || *byte == b' ');
        let end = [b"\n--", name, b"--"].concat();
        let has_field = || {
            let next = body.get(line.end..).unwrap_or_default();
            field_name(next.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default())
                .is_some_and(|name| name.starts_with("content-"))
        };
        if quotable && (has_field() || memchr::memmem::find(body, &end).is_some()) {
            return Some(name);
        }
        at = memchr::memmem::find(body.get(line.end.saturating_sub(1)..)?, b"\n--")? + line.end.saturating_sub(1) + 1;
    }
    None
}

/// The line that begins here, with its end.
fn line(raw: &[u8], from: usize) -> Option<Range<usize>> {
    let rest = raw.get(from..).filter(|rest| !rest.is_empty())?;
    let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
    Some(from..from + end)
}

/// The name of the field that begins here, in lower case.
fn field_name(line: &[u8]) -> Option<String> {
    let colon = line.iter().take(200).position(|byte| *byte == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic());
    is_name.then(|| String::from_utf8_lossy(name).to_ascii_lowercase())
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
