//! What is in a winmail.dat, as Outlook and Exchange pack mails (Microsoft, [MS-OXTNEF]): text, HTML, files, and mails. Pure, and of
//! linear cost: nothing is copied but what comes out, and no length that is announced is believed before the bytes are there.

mod letter;
mod properties;
mod rtf;

use self::properties::{ByteReader, Property, decoded, read};

/// The stream's first four bytes.
const SIGNATURE: u32 = 0x223e_9f78;
/// Attributes ([MS-OXTNEF] 2.1.3.2), without what says of which type they are: the code page, the text, the properties of the mail;
/// the beginning of a file, its short name, its content, its properties.
const PAGE: u16 = 0x9007;
const BODY: u16 = 0x800c;
const MESSAGE: u16 = 0x9003;
const SUBJECT: u16 = 0x8004;
const BEGIN: u16 = 0x9002;
const TITLE: u16 = 0x8010;
const DATA: u16 = 0x800f;
const PROPERTIES: u16 = 0x9005;

/// Properties ([MS-OXPROPS]).
const LONG_NAME: u16 = 0x3707;
const SHORT_NAME: u16 = 0x3704;
const DISPLAY_NAME: u16 = 0x3001;
const MEDIA_TYPE: u16 = 0x370e;
const CONTENT: u16 = 0x3701;
const TEXT: u16 = 0x1000;
const HTML: u16 = 0x1013;
const RTF: u16 = 0x1009;
const INTERNET_PAGE: u16 = 0x3fde;
const PROPERTY_SUBJECT: u16 = 0x0037;
const SENDER_NAME: u16 = 0x0c1a;
const SENDER_ADDRESS: u16 = 0x0c1f;
const SENDER_SMTP: u16 = 0x5d01;
const SUBMITTED: u16 = 0x0039;

/// What says that an object is a mail ([MS-OXTNEF] 2.1.3.3.15).
const IS_MESSAGE: [u8; 16] = [7, 3, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46];

/// Files that are read, and mails in mails.
const MOST_FILES: usize = 1_000;
const DEEPEST: usize = 3;

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

/// Text and HTML.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TnefText {
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
}

/// What came out of a winmail.dat.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnpackedTnef {
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) files: Vec<Packed>,
    /// Whether that is all that was in it.
    pub(super) whole: bool,
}

/// Opens a winmail.dat; nothing where it is none.
pub(super) fn open(stream: &[u8]) -> Option<UnpackedTnef> {
    let message = Message::read(stream, 0)?;
    Some(UnpackedTnef {
        text: message.body.text,
        html: message.body.html,
        files: message.files,
        whole: message.whole,
    })
}

/// A mail as it is packed.
#[derive(Debug, Default)]
struct Message {
    subject: Option<String>,
    sender_name: Option<String>,
    sender_address: Option<String>,
    /// Microseconds since 1970.
    submitted: Option<i64>,
    body: TnefText,
    files: Vec<Packed>,
    whole: bool,
}

/// A file of which the content was found or not.
#[derive(Default)]
struct OpenAttachment {
    packed: Packed,
    found: bool,
}

impl Message {
    /// Reads a stream; what is cut off is read as far as it goes.
    fn read(stream: &[u8], depth: usize) -> Option<Self> {
        let mut rest = ByteReader(stream);
        if rest.number(4)? != SIGNATURE {
            return None;
        }
        rest.take(2)?;
        let mut message = Self::default();
        let mut files: Vec<OpenAttachment> = Vec::new();
        message.whole = message.attributes(&mut rest, &mut files, depth).is_some();
        // An OLE object has no content that anybody else could use.
        message.whole &= files.iter().all(|file| file.found);
        let found = files.into_iter().filter(|file| file.found);
        message.files = found.map(|file| file.packed).collect();
        Some(message)
    }

    fn attributes(&mut self, rest: &mut ByteReader<'_>, files: &mut Vec<OpenAttachment>, depth: usize) -> Option<()> {
        let (mut page, mut whole) = (None, Some(()));
        while !rest.0.is_empty() {
            rest.take(1)?;
            let tag = rest.number(4)? & 0xffff;
            let length = rest.number(4)? as usize;
            let value = rest.take(length)?;
            rest.take(2)?;
            if files.len() > MOST_FILES {
                files.clear();
                return None;
            }
            match (u16::try_from(tag).ok()?, files.last_mut()) {
                (PAGE, _) => page = ByteReader(value).number(4).filter(|page| *page != 0),
                (BODY, _) => self.body.text = text(value, page).or(self.body.text.take()),
                (SUBJECT, _) => self.subject = text(value, page).or(self.subject.take()),
                (MESSAGE, _) => {
                    let (properties, all) = read(value);
                    self.of_properties(&properties, page);
                    whole = whole.filter(|()| all);
                }
                (BEGIN, _) => files.push(OpenAttachment::default()),
                (TITLE, Some(file)) => file.packed.name = file.packed.name.take().or_else(|| text(value, page)),
                (DATA, Some(file)) if !file.found => (file.packed.data, file.found) = (value.to_vec(), true),
                (PROPERTIES, Some(file)) => file.of_properties(&read(value).0, page, depth),
                _ => {}
            }
        }
        whole
    }

    fn of_properties(&mut self, properties: &[Property<'_>], page: Option<u32>) {
        let internet = properties
            .iter()
            .find(|property| property.id == INTERNET_PAGE)
            .and_then(Property::number);
        for property in properties {
            match property.id {
                TEXT => self.body.text = property.text(internet.or(page)).or(self.body.text.take()),
                HTML => {
                    self.body.html = property
                        .bytes()
                        .map(|html| decoded(html, internet.or(page)))
                        .or(self.body.html.take())
                }
                PROPERTY_SUBJECT => self.subject = property.name(page).or(self.subject.take()),
                SENDER_NAME => self.sender_name = property.name(page),
                SENDER_SMTP => self.sender_address = property.name(page),
                SENDER_ADDRESS if self.sender_address.is_none() => {
                    self.sender_address = property.name(page).filter(|address| address.contains('@'));
                }
                SUBMITTED => self.submitted = property.time(),
                _ => {}
            }
        }
        let compressed = properties
            .iter()
            .find(|property| property.id == RTF)
            .and_then(Property::bytes);
        if self.body.html.is_some() && self.body.text.is_some() {
            return;
        }
        let Some(rtf) = compressed.and_then(rtf::decompressed) else {
            return;
        };
        match rtf::unwrapped(&rtf) {
            rtf::Unwrapped::Html(html) => self.body.html = self.body.html.take().or(Some(html)),
            rtf::Unwrapped::Text(text) => {
                self.body.text = self
                    .body
                    .text
                    .take()
                    .or(Some(text).filter(|text| !text.trim().is_empty()))
            }
        }
    }
}

impl OpenAttachment {
    fn of_properties(&mut self, properties: &[Property<'_>], page: Option<u32>, depth: usize) {
        let name = |id: u16| {
            properties
                .iter()
                .find(|property| property.id == id)
                .and_then(|property| property.name(page))
        };
        let long = name(LONG_NAME);
        let display = name(DISPLAY_NAME);
        self.packed.name = long
            .or(self.packed.name.take())
            .or_else(|| name(SHORT_NAME))
            .or(display.clone());
        self.packed.media_type = name(MEDIA_TYPE).or(self.packed.media_type.take());
        let Some(content) = properties.iter().find(|property| property.id == CONTENT) else {
            return;
        };
        if let Some((what, inside)) = content.object() {
            let message = (*what == IS_MESSAGE && depth < DEEPEST)
                .then(|| Message::read(inside, depth + 1))
                .flatten();
            if let Some(message) = message.filter(|message| message.whole) {
                let subject = message.subject.clone().or(display).unwrap_or_default();
                self.packed = Packed {
                    name: Some(format!("{}.eml", if subject.is_empty() { "message" } else { &subject })),
                    media_type: Some("message/rfc822".to_owned()),
                    data: letter::write(&message),
                };
                self.found = true;
            } else {
                self.found = false;
            }
        } else if let Some(bytes) = content.bytes().filter(|_| !self.found) {
            (self.packed.data, self.found) = (bytes.to_vec(), true);
        }
    }
}

/// Text in the stream's code page; nothing where it is empty.
fn text(value: &[u8], page: Option<u32>) -> Option<String> {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    let text = decoded(value.get(..end)?, page);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
#[path = "tnef_tests.rs"]
pub(super) mod tests;
