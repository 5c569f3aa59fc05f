//! The files in a winmail.dat, as Outlook and Exchange pack them (Microsoft, [MS-OXTNEF]). Pure, and of linear cost: nothing is copied
//! but the files themselves, and no length that is announced is believed before the bytes are there.

/// The stream's first four bytes.
const SIGNATURE: u32 = 0x223e_9f78;
/// A file begins; what follows belongs to it ([MS-OXTNEF] 2.1.3.2).
const BEGIN: u16 = 0x9002;
/// The file's short name.
const TITLE: u16 = 0x8010;
/// The file's content.
const DATA: u16 = 0x800f;
/// The file's properties.
const PROPERTIES: u16 = 0x9005;
/// The property with the long name ([MS-OXPROPS] 2.586).
const LONG_NAME: u16 = 0x3707;
/// The property with the media type.
const MEDIA_TYPE: u16 = 0x370e;
/// Files that are read.
const MOST_FILES: usize = 1_000;
/// Properties of one file that are read.
const MOST_PROPERTIES: u32 = 1_000;
/// Bytes of a name that are read.
const LONGEST_NAME: usize = 2_000;

/// A file that was in there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Packed {
    /// The long name, else the short one.
    pub(super) name: Option<String>,
    /// The media type, where it says so.
    pub(super) media_type: Option<String>,
    /// The content.
    pub(super) data: Vec<u8>,
}

/// The files in a winmail.dat; `None` when it is none, is cut off, or has no file that we can read.
pub(super) fn files(stream: &[u8]) -> Option<Vec<Packed>> {
    let mut rest = Bytes(stream);
    if rest.number(4)? != SIGNATURE {
        return None;
    }
    rest.take(2)?;
    let mut files: Vec<(Packed, bool)> = Vec::new();
    while !rest.0.is_empty() {
        rest.take(1)?;
        let tag = rest.number(4)? & 0xffff;
        let length = rest.number(4)? as usize;
        let value = rest.take(length)?;
        rest.take(2)?;
        if files.len() > MOST_FILES {
            return None;
        }
        match (u16::try_from(tag).ok()?, files.last_mut()) {
            (BEGIN, _) => files.push((Packed::default(), false)),
            (TITLE, Some((file, _))) => file.name = file.name.take().or_else(|| text(value)),
            (DATA, Some((file, found))) => (file.data, *found) = (value.to_vec(), true),
            (PROPERTIES, Some((file, _))) => {
                properties(value, file);
            }
            _ => {}
        }
    }
    // An embedded message or OLE object has no plain content: then all is kept as it came, so that nothing is lost.
    let whole = !files.is_empty() && files.iter().all(|(_, found)| *found);
    whole.then(|| files.into_iter().map(|(file, _)| file).collect())
}

/// Bytes that are read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A little-endian number of at most four bytes.
    fn number(&mut self, bytes: usize) -> Option<u32> {
        let bytes = self.take(bytes)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |number, byte| number << 8 | u32::from(*byte)),
        )
    }

    /// Bytes with what fills them up to a multiple of four; missing filling at the end is no fault.
    fn padded(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.take(count)?;
        let filling = count.next_multiple_of(4) - count;
        self.0 = self.0.get(filling.min(self.0.len())..)?;
        Some(taken)
    }
}

/// Reads a file's properties up to the first that can't be ([MS-OXTNEF] 2.1.3.4).
fn properties(value: &[u8], file: &mut Packed) -> Option<()> {
    let mut rest = Bytes(value);
    let count = rest.number(4)?.min(MOST_PROPERTIES);
    for _ in 0..count {
        let kind = rest.number(2)?;
        let id = u16::try_from(rest.number(2)?).ok()?;
        if id >= 0x8000 {
            named(&mut rest)?;
        }
        let many = kind & 0x1000 != 0;
        let values = if many { rest.number(4)? } else { 1 };
        for _ in 0..values {
            let value = one(&mut rest, kind & 0x0fff)?;
            match (id, string(kind & 0x0fff, value)) {
                (LONG_NAME, Some(name)) => file.name = Some(name),
                (MEDIA_TYPE, Some(media_type)) => file.media_type = Some(media_type),
                _ => {}
            }
        }
    }
    Some(())
}

/// Skips the name of a property that has one.
fn named(rest: &mut Bytes<'_>) -> Option<()> {
    rest.take(16)?;
    if rest.number(4)? == 0 {
        rest.take(4)?;
    } else {
        let length = rest.number(4)? as usize;
        rest.padded(length)?;
    }
    Some(())
}

/// One value of a property of this kind ([MS-OXCDATA] 2.11.1), filled up to a multiple of four.
fn one<'a>(rest: &mut Bytes<'a>, kind: u32) -> Option<&'a [u8]> {
    match kind {
        0x02 | 0x03 | 0x04 | 0x0a | 0x0b => rest.take(4),
        0x05 | 0x06 | 0x07 | 0x14 | 0x40 => rest.take(8),
        0x48 => rest.take(16),
        0x0d | 0x1e | 0x1f | 0x102 => {
            // These say how many there are even where there can only be one.
            let count = rest.number(4)?;
            let mut last = rest.take(0)?;
            for _ in 0..count {
                let length = rest.number(4)? as usize;
                last = rest.padded(length)?;
            }
            Some(last)
        }
        _ => None,
    }
}

fn string(kind: u32, value: &[u8]) -> Option<String> {
    match kind {
        0x1e => text(value),
        0x1f => {
            let units = value.chunks_exact(2).take(LONGEST_NAME);
            let units: Vec<_> = units
                .map(|unit| unit.iter().rev().fold(0, |all, byte| all << 8 | u16::from(*byte)))
                .collect();
            named_so(&String::from_utf16_lossy(&units))
        }
        _ => None,
    }
}

/// Text of a Windows code page that the stream names only in part: what is no UTF-8 is read as Windows-1252 without its odd signs.
fn text(value: &[u8]) -> Option<String> {
    let value = value.get(..value.len().min(LONGEST_NAME))?;
    match str::from_utf8(value) {
        Ok(text) => named_so(text),
        Err(_) => named_so(&value.iter().map(|byte| char::from(*byte)).collect::<String>()),
    }
}

fn named_so(text: &str) -> Option<String> {
    let text = text.split('\0').next().unwrap_or_default();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
#[path = "tnef_tests.rs"]
pub(super) mod tests;
