use proptest::prelude::*;

use super::*;

/// A winmail.dat as Outlook would make it: for each file its short name, its content, and its long name and media type as properties.
pub(crate) fn winmail(files: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut stream = [SIGNATURE.to_le_bytes().as_slice(), &[1, 0]].concat();
    attribute(&mut stream, 1, 0x0008_9006, &[0, 0, 1, 0]);
    attribute(&mut stream, 1, 0x0001_800c, b"Body\0");
    for (name, media_type, data) in files {
        attribute(&mut stream, 2, 0x0006_9002, &[0; 14]);
        attribute(&mut stream, 2, 0x0001_8010, b"SHORT~1.PDF\0");
        attribute(&mut stream, 2, 0x0006_800f, data);
        let mut properties = 4_u32.to_le_bytes().to_vec();
        properties.extend([0x03, 0x00, 0x05, 0x37, 1, 0, 0, 0]);
        let long: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        variable(&mut properties, 0x1f, LONG_NAME, &long);
        variable(&mut properties, 0x1e, MEDIA_TYPE, format!("{media_type}\0").as_bytes());
        properties.extend([0x1e, 0x00, 0x00, 0x80]);
        properties.extend([7; 16]);
        properties.extend([
            1, 0, 0, 0, 4, 0, 0, 0, b'x', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, b'y', 0, 0, 0,
        ]);
        attribute(&mut stream, 2, 0x0006_9005, &properties);
    }
    stream
}

fn attribute(stream: &mut Vec<u8>, level: u8, tag: u32, value: &[u8]) {
    stream.push(level);
    stream.extend(tag.to_le_bytes());
    stream.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
    stream.extend(value);
    let sum = value.iter().fold(0_u16, |sum, byte| sum.wrapping_add((*byte).into()));
    stream.extend(sum.to_le_bytes());
}

fn variable(properties: &mut Vec<u8>, kind: u16, id: u16, value: &[u8]) {
    properties.extend(kind.to_le_bytes());
    properties.extend(id.to_le_bytes());
    properties.extend([1, 0, 0, 0]);
    properties.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
    properties.extend(value);
    properties.resize(properties.len().next_multiple_of(4), 0);
}

#[test]
fn files_come_out_by_their_long_names() {
    let stream = winmail(&[
        ("Rechnung Größe.pdf", "application/pdf", b"%PDF-1"),
        ("b.txt", "text/plain", b""),
    ]);
    let found = files(&stream).unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|file| (file.name.as_deref(), file.media_type.as_deref(), file.data.as_slice()))
        .collect();
    let expected = [
        (
            Some("Rechnung Größe.pdf"),
            Some("application/pdf"),
            b"%PDF-1".as_slice(),
        ),
        (Some("b.txt"), Some("text/plain"), b"".as_slice()),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn the_short_name_is_better_than_none() {
    let mut stream = [SIGNATURE.to_le_bytes().as_slice(), &[1, 0]].concat();
    attribute(&mut stream, 2, 0x0006_9002, &[0; 14]);
    attribute(&mut stream, 2, 0x0001_8010, b"INVOIC~1.PDF\0");
    attribute(&mut stream, 2, 0x0006_800f, b"x");
    assert_eq!(files(&stream).unwrap()[0].name.as_deref(), Some("INVOIC~1.PDF"));
}

#[test]
fn what_is_cut_off_or_has_no_plain_content_is_left_as_it_came() {
    let whole = winmail(&[("a.pdf", "application/pdf", b"%PDF-1")]);
    let cut = whole.len() - 1;
    assert_eq!(files(&whole[..cut]), None);
    assert_eq!(files(b""), None);
    assert_eq!(files(b"%PDF-1"), None);
    assert_eq!(files(&winmail(&[])), None);
    let mut embedded = whole;
    attribute(&mut embedded, 2, 0x0006_9002, &[0; 14]);
    assert_eq!(files(&embedded), None, "a message inside has no content of its own");
    let mut endless = [SIGNATURE.to_le_bytes().as_slice(), &[1, 0]].concat();
    for _ in 0..=MOST_FILES {
        attribute(&mut endless, 2, 0x0006_9002, &[]);
        attribute(&mut endless, 2, 0x0006_800f, b"x");
    }
    assert_eq!(files(&endless), None);
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut stream = winmail(&[("a.pdf", "application/pdf", b"%PDF-1"), ("b", "text/plain", &bytes)]);
        let place = at.index(stream.len());
        stream[place] = byte;
        let most = stream.len();
        let found = files(&stream).unwrap_or_default();
        prop_assert!(found.iter().map(|file| file.data.len()).sum::<usize>() <= most);
        drop(files(&[SIGNATURE.to_le_bytes().as_slice(), &[1, 0], &bytes].concat()));
    }
}
