//! MAPI properties in a winmail.dat ([MS-OXTNEF] 2.1.3.4, [MS-OXCDATA] 2.11.1). Pure; no length that is announced is believed before the
//! bytes are there.

use super::super::charset::{CharsetHints, decode};

/// Properties that are read at once.
const MOST: u32 = 2_000;
/// Bytes of a name that are read.
const LONGEST_NAME: usize = 2_000;

/// Bytes that are read from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByteReader<'a>(pub(super) &'a [u8]);

impl<'a> ByteReader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A little-endian number of at most four bytes.
    pub(super) fn number(&mut self, bytes: usize) -> Option<u32> {
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

/// A property without a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Property<'a> {
    pub(super) id: u16,
    kind: u32,
    pub(super) value: &'a [u8],
}

impl Property<'_> {
    /// A text of any length; `page` is the code page of those that are not in Unicode.
    pub(super) fn text(&self, page: Option<u32>) -> Option<String> {
        let text = match self.kind {
            0x1e => decoded(self.value, page),
            0x1f => {
                let (units, _) = self.value.as_chunks::<2>();
                String::from_utf16_lossy(&units.iter().map(|unit| u16::from_le_bytes(*unit)).collect::<Vec<_>>())
            }
            _ => return None,
        };
        let text = text.split('\0').next().unwrap_or_default();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A name: a short text.
    pub(super) fn name(&self, page: Option<u32>) -> Option<String> {
        let value = self.value.get(..LONGEST_NAME).unwrap_or(self.value);
        Property { value, ..*self }.text(page)
    }

    pub(super) fn number(&self) -> Option<u32> {
        (self.kind == 0x03).then(|| ByteReader(self.value).number(4))?
    }

    /// Bytes, also of a text: HTML stands in either.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        matches!(self.kind, 0x102 | 0x1e).then_some(self.value)
    }

    /// What an object holds, after the 16 bytes that say what it is.
    pub(super) fn object(&self) -> Option<(&[u8], &[u8])> {
        (self.kind == 0x0d).then(|| self.value.split_at_checked(16))?
    }

    /// Microseconds since 1970, of a time in units of 100 ns since 1601.
    pub(super) fn time(&self) -> Option<i64> {
        if self.kind != 0x40 {
            return None;
        }
        let units = i64::from_le_bytes(*self.value.first_chunk()?);
        Some(units / 10 - 11_644_473_600_000_000)
    }
}

/// Text in a code page of Windows.
pub(super) fn decoded(bytes: &[u8], page: Option<u32>) -> String {
    let page = page.map(|page| format!("cp{page}"));
    let clues = CharsetHints {
        declared: page.as_deref(),
        ..CharsetHints::default()
    };
    decode(bytes, clues).into_owned()
}

/// The properties up to the first that can't be read; the second value says whether that were all.
pub(super) fn read(value: &[u8]) -> (Vec<Property<'_>>, bool) {
    let mut found = Vec::new();
    let whole = each(value, &mut found).is_some();
    (found, whole)
}

fn each<'a>(value: &'a [u8], found: &mut Vec<Property<'a>>) -> Option<()> {
    let mut rest = ByteReader(value);
    let count = rest.number(4)?;
    for _ in 0..count.min(MOST) {
        let kind = rest.number(2)?;
        let id = u16::try_from(rest.number(2)?).ok()?;
        let has_name = id >= 0x8000;
        if has_name {
            named(&mut rest)?;
        }
        let many = kind & 0x1000 != 0;
        let values = if many { rest.number(4)? } else { 1 };
        for _ in 0..values {
            let kind = kind & 0x0fff;
            let value = one(&mut rest, kind)?;
            if !many && !has_name {
                found.push(Property { id, kind, value });
            }
        }
    }
    (count <= MOST).then_some(())
}

/// Skips the name of a property that has one.
fn named(rest: &mut ByteReader<'_>) -> Option<()> {
    rest.take(16)?;
    if rest.number(4)? == 0 {
        rest.take(4)?;
    } else {
        let length = rest.number(4)? as usize;
        rest.padded(length)?;
    }
    Some(())
}

/// One value of a property of this kind, filled up to a multiple of four.
fn one<'a>(rest: &mut ByteReader<'a>, kind: u32) -> Option<&'a [u8]> {
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
