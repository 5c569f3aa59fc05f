//! Files in uuencode (POSIX `uuencode`), as a transfer encoding or in the midst of a text. Pure, and of linear cost.

/// Files in one text that are read.
const MOST: usize = 100;
/// Bytes of a file's name.
const LONGEST_NAME: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UuFile {
    /// As it was written.
    pub(super) name: Vec<u8>,
    /// Its content.
    pub(super) data: Vec<u8>,
}

/// The content of a body that is one file in uuencode; nothing where it is none.
pub(super) fn decode(body: &[u8]) -> Option<UuFile> {
    let mut lines = body.split_inclusive(|byte| *byte == b'\n');
    loop {
        if let Some(name) = begin(lines.next()?) {
            return file(name, &mut lines).map(|(file, _)| file);
        }
    }
}

/// The files in a text, and the text without them; nothing where there is none.
pub(super) fn in_text(text: &[u8]) -> Option<(Vec<u8>, Vec<UuFile>)> {
    text.windows(6).any(|six| six == b"begin ").then_some(())?;
    let (mut rest, mut left, mut files) = (text, Vec::new(), Vec::new());
    while let Some((line, after)) = first_line(rest) {
        let found = begin(line).filter(|_| files.len() < MOST).and_then(|name| {
            let mut lines = after.split_inclusive(|byte| *byte == b'\n');
            let (file, length) = file(name, &mut lines)?;
            (!file.data.is_empty()).then_some((file, length))
        });
        match found {
            Some((file, length)) => {
                files.push(file);
                rest = after.get(length..).unwrap_or_default();
            }
            None => {
                left.extend_from_slice(line);
                rest = after;
            }
        }
    }
    (!files.is_empty()).then_some((left, files))
}

fn first_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(text.len(), |at| at + 1);
    text.split_at_checked(end).filter(|(line, _)| !line.is_empty())
}

/// The name in a line `begin 644 name`.
fn begin(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"begin ")?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let name = rest.get(digits..)?.strip_prefix(b" ")?.trim_ascii();
    ((3..=4).contains(&digits) && !name.is_empty() && name.len() <= LONGEST_NAME).then_some(name)
}

/// A file up to its `end`, and the bytes that it took. A line that can't be one of uuencode says that it is none.
fn file<'t>(name: &[u8], lines: &mut impl Iterator<Item = &'t [u8]>) -> Option<(UuFile, usize)> {
    let (mut data, mut length, mut over) = (Vec::new(), 0, false);
    for line in lines {
        length += line.len();
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
        if bare.trim_ascii() == b"end" {
            let name = name.to_vec();
            return Some((UuFile { name, data }, length));
        }
        if bare.trim_ascii().is_empty() || over {
            continue;
        }
        let (first, rest) = bare.split_first()?;
        let count = usize::from(value(*first)?);
        over = count == 0;
        one_line(&mut data, count, rest)?;
    }
    None
}

fn one_line(data: &mut Vec<u8>, count: usize, digits: &[u8]) -> Option<()> {
    // Blanks at a line's end may have been cut off: a blank is 0. One digit more may be a check sum.
    let wanted = count.div_ceil(3) * 4;
    if digits.len() > wanted + 2 {
        return None;
    }
    let before = data.len();
    let mut filled = digits.iter().copied().chain(std::iter::repeat(b' ')).take(wanted);
    while let Some(first) = filled.next() {
        let four = [first, filled.next()?, filled.next()?, filled.next()?];
        let mut group = 0_u32;
        for digit in four {
            group = group << 6 | u32::from(value(digit)?);
        }
        data.extend(group.to_be_bytes().get(1..)?);
    }
    data.truncate(before + count);
    Some(())
}

fn value(digit: u8) -> Option<u8> {
    matches!(digit, b' '..=b'`').then(|| (digit - b' ') & 0x3f)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(name: &str, data: &[u8]) -> Vec<u8> {
        let digit = |value: u8| if value == 0 { b'`' } else { value + b' ' };
        let mut text = format!("begin 644 {name}\r\n").into_bytes();
        for line in data.chunks(45) {
            text.push(digit(u8::try_from(line.len()).unwrap()));
            for three in line.chunks(3) {
                let mut group = [0; 3];
                group[..three.len()].copy_from_slice(three);
                let number = u32::from_be_bytes([0, group[0], group[1], group[2]]);
                text.extend([18, 12, 6, 0].map(|shift| digit(u8::try_from(number >> shift & 0x3f).unwrap())));
            }
            text.extend(b"\r\n");
        }
        text.extend(b"`\r\nend\r\n");
        text
    }

    #[test]
    fn what_only_looks_like_it_stays_text() {
        for text in [
            "begin 644 a\nno file at all, as one sees\nend\n",
            "begin now\nend\n",
            "begin 644 a.txt\n#0V%T\n",
            "we begin 644 steps\n",
            "begin 644 \n#0V%T\n`\nend\n",
        ] {
            assert_eq!(in_text(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn files_come_out_of_a_text_as_they_went_in(data in prop::collection::vec(any::<u8>(), 1..300), more in prop::collection::vec(any::<u8>(), 1..60)) {
            let text = [b"before\n".to_vec(), encoded("a b.bin", &data), b"between\n".to_vec(), encoded("c", &more), b"after".to_vec()].concat();
            let (left, files) = in_text(&text).unwrap();
            prop_assert_eq!(left, b"before\nbetween\nafter");
            prop_assert_eq!(&files[0], &UuFile { name: b"a b.bin".to_vec(), data: data.clone() });
            prop_assert_eq!(&files[1].data, &more);
            prop_assert_eq!(decode(&encoded("x", &data)).unwrap().data, data);
        }

        #[test]
        fn nothing_panics(text in prop::collection::vec(any::<u8>(), 0..400)) {
            let text = [b"begin 644 x\n".to_vec(), text].concat();
            drop(in_text(&text));
            drop(decode(&text));
        }
    }
}
