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

fn files(stream: &[u8]) -> Option<Vec<Packed>> {
    open(stream).map(|opened| opened.files)
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
fn what_could_not_be_opened_is_said() {
    let whole = winmail(&[("a.pdf", "application/pdf", b"%PDF-1")]);
    assert!(open(&whole).unwrap().whole);
    let cut = open(&whole[..whole.len() - 1]).unwrap();
    assert!(!cut.whole && cut.files.len() == 1 && cut.text.as_deref() == Some("Body"));
    assert_eq!(open(b""), None);
    assert_eq!(open(b"%PDF-1"), None);
    let mut strange = whole;
    attribute(&mut strange, 2, 0x0006_9002, &[0; 14]);
    let opened = open(&strange).unwrap();
    assert!(
        !opened.whole && opened.files.len() == 1,
        "an OLE object has no content of its own"
    );
    let mut endless = [SIGNATURE.to_le_bytes().as_slice(), &[1, 0]].concat();
    for _ in 0..=MOST_FILES {
        attribute(&mut endless, 2, 0x0006_9002, &[]);
        attribute(&mut endless, 2, 0x0006_800f, b"x");
    }
    assert!(!open(&endless).unwrap().whole);
}

#[test]
fn one_without_files_has_its_text() {
    let opened = open(&winmail(&[])).unwrap();
    assert!(opened.whole && opened.files.is_empty());
    assert_eq!(opened.text.as_deref(), Some("Body"));
}

/// The attribute with the properties of a mail, and with those of a file.
const OF_MAIL: u32 = 0x0006_9003;
const OF_FILE: u32 = 0x0006_9005;

fn properties(all: &[(u16, u16, &[u8])]) -> Vec<u8> {
    let mut properties = u32::try_from(all.len()).unwrap().to_le_bytes().to_vec();
    for (kind, id, value) in all {
        variable(&mut properties, *kind, *id, value);
    }
    properties
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn text_and_html_of_the_properties_count() {
    let mut stream = [SIGNATURE.to_le_bytes().as_slice(), &[1, 0]].concat();
    let text = utf16("Größe: 7");
    attribute(
        &mut stream,
        1,
        OF_MAIL,
        &properties(&[(0x1f, TEXT, &text), (0x102, HTML, "<p>Größe</p>".as_bytes())]),
    );
    let opened = open(&stream).unwrap();
    assert_eq!(opened.text.as_deref(), Some("Größe: 7"));
    assert_eq!(opened.html.as_deref(), Some("<p>Größe</p>"));
    let mut stream = [SIGNATURE.to_le_bytes().as_slice(), &[1, 0]].concat();
    attribute(&mut stream, 1, 0x0006_9007, &[0xe3, 4, 0, 0, 0, 0, 0, 0]);
    attribute(&mut stream, 1, 0x0001_800c, b"\xc7\xe0\xea\xe0\xe7\0");
    assert_eq!(
        open(&stream).unwrap().text.as_deref(),
        Some("Заказ"),
        "in the stream's code page"
    );
}

#[test]
fn html_comes_out_of_compressed_rtf() {
    let rtf = b"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 {\\*\\htmltag64 <p>}Order 7{\\*\\htmltag72 </p>}}";
    let mut stored = vec![0; 4];
    stored.extend(u32::try_from(rtf.len()).unwrap().to_le_bytes());
    stored.extend(b"MELA\0\0\0\0");
    stored.extend(rtf);
    let mut stream = [SIGNATURE.to_le_bytes().as_slice(), &[1, 0]].concat();
    attribute(&mut stream, 1, OF_MAIL, &properties(&[(0x102, RTF, &stored)]));
    assert_eq!(open(&stream).unwrap().html.as_deref(), Some("<p>Order 7</p>"));
}

#[test]
fn a_mail_inside_is_a_mail() {
    let mut inner = winmail(&[("Größe.pdf", "application/pdf", b"%PDF-1")]);
    let subject = utf16("Bestellung für März");
    let address = utf16("ann@a.example");
    attribute(
        &mut inner,
        1,
        OF_MAIL,
        &properties(&[(0x1f, PROPERTY_SUBJECT, &subject), (0x1f, SENDER_SMTP, &address)]),
    );
    let object = [IS_MESSAGE.as_slice(), &inner].concat();
    let mut stream = winmail(&[]);
    attribute(&mut stream, 2, 0x0006_9002, &[0; 14]);
    attribute(&mut stream, 2, OF_FILE, &properties(&[(0x0d, CONTENT, &object)]));
    let opened = open(&stream).unwrap();
    assert!(opened.whole);
    let [letter] = opened.files.as_slice() else {
        panic!("{:?}", opened.files)
    };
    assert_eq!(letter.name.as_deref(), Some("Bestellung für März.eml"));
    let read = mail_parser::MessageParser::new().parse(&letter.data).unwrap();
    assert_eq!(read.subject(), Some("Bestellung für März"));
    assert_eq!(read.body_text(0).as_deref(), Some("Body"));
    assert_eq!(read.attachments().next().unwrap().decoded().as_ref(), b"%PDF-1");
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
