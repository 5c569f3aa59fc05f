//! Charsets of seven bits that shift between several sets of characters: all of ISO 2022 that occurs in mails, and HZ. Pure.
//!
//! Each run of characters of one set is moved to where an encoding of eight bits has that set, and decoded there. So escapes may follow
//! one another, a run may be cut anywhere between its characters, and what is shifted at the end needs no shift back: real mail
//! programs do all of that (RFC 1468, RFC 1554, RFC 1557, RFC 1843, RFC 1922).

use encoding_rs::{EUC_JP, EUC_KR, Encoding, GBK, ISO_8859_7, WINDOWS_1252};

/// What begins a shift.
pub(super) const ESCAPE: u8 = 0x1b;
/// To the second set (G1), and back.
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;

/// A set of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CharacterSet {
    Ascii,
    /// JIS X 0201, Latin: ASCII but for two characters.
    Roman,
    /// JIS X 0201, katakana of half width.
    Katakana,
    /// JIS X 0208.
    Japanese,
    /// JIS X 0212.
    MoreJapanese,
    /// KS X 1001.
    Korean,
    /// GB 2312.
    Chinese,
    /// The upper half of ISO 8859-1 or -7.
    Latin,
    Greek,
    /// One that we can't read.
    Unknown,
}

impl CharacterSet {
    /// Bytes of a character.
    fn width(self) -> usize {
        match self {
            Self::Japanese | Self::MoreJapanese | Self::Korean | Self::Chinese => 2,
            Self::Ascii | Self::Roman | Self::Katakana | Self::Latin | Self::Greek | Self::Unknown => 1,
        }
    }

    /// The encoding that has this set above 127, and what it wants before each character.
    fn home(self) -> Option<(&'static Encoding, Option<u8>)> {
        match self {
            Self::Ascii | Self::Roman | Self::Unknown => None,
            Self::Katakana => Some((EUC_JP, Some(0x8e))),
            Self::Japanese => Some((EUC_JP, None)),
            Self::MoreJapanese => Some((EUC_JP, Some(0x8f))),
            Self::Korean => Some((EUC_KR, None)),
            Self::Chinese => Some((GBK, None)),
            Self::Latin => Some((WINDOWS_1252, None)),
            Self::Greek => Some((ISO_8859_7, None)),
        }
    }
}

/// What an escape selects.
enum Escape {
    /// The set that counts at once.
    First(CharacterSet),
    /// The set that counts after SHIFT OUT.
    Second(CharacterSet),
    /// The set of the one character that follows `ESC N`.
    Third(CharacterSet),
}

/// The escapes of ISO-2022-JP, -JP-1, -JP-2, -JP-MS, -KR and -CN, without their first byte.
fn escape(rest: &[u8]) -> Option<(Escape, usize)> {
    use Escape::{First, Second, Third};
    Some(match rest {
        [b'$', b'(', b'C', ..] => (First(CharacterSet::Korean), 3),
        [b'$', b')', b'C', ..] => (Second(CharacterSet::Korean), 3),
        [b'$', b')', b'A', ..] => (Second(CharacterSet::Chinese), 3),
        [b'$', b'(', b'D', ..] => (First(CharacterSet::MoreJapanese), 3),
        [b'$', b'(', b'@' | b'B' | b'O' | b'Q', ..] => (First(CharacterSet::Japanese), 3),
        [b'$', b'(', b'A', ..] => (First(CharacterSet::Chinese), 3),
        [b'$', b'A', ..] => (First(CharacterSet::Chinese), 2),
        [b'$', b'@' | b'B', ..] => (First(CharacterSet::Japanese), 2),
        [b'$', b'*' | b')' | b'+' | b'(', _, ..] => (Second(CharacterSet::Unknown), 3),
        [b'(', b'I', ..] => (First(CharacterSet::Katakana), 2),
        [b'(', b'B' | b'H', ..] => (First(CharacterSet::Ascii), 2),
        [b'(', b'J', ..] => (First(CharacterSet::Roman), 2),
        [b')', b'I', ..] => (Second(CharacterSet::Katakana), 2),
        [b'.', b'A', ..] => (Third(CharacterSet::Latin), 2),
        [b'.', b'F', ..] => (Third(CharacterSet::Greek), 2),
        // A revision of JIS X 0208: another escape follows.
        [b'&', b'@', ..] => (First(CharacterSet::Ascii), 2),
        _ => return None,
    })
}

/// A text in one of the charsets of ISO 2022.
pub(super) fn iso_2022(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    // CP50222 shifts to katakana without having said so.
    let is_japanese = bytes.windows(2).any(|two| two == [ESCAPE, b'$'])
        && !bytes.windows(3).any(|three| three == [ESCAPE, b'$', b')']);
    let (mut first, mut third) = (CharacterSet::Ascii, CharacterSet::Latin);
    let mut second = if is_japanese {
        CharacterSet::Katakana
    } else {
        CharacterSet::Korean
    };
    let mut out = false;
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            ESCAPE => {
                rest = after;
                if let [b'N', single, after @ ..] = rest {
                    run(&mut text, third, &[*single]);
                    rest = after;
                } else if let Some((escape, length)) = escape(rest) {
                    match escape {
                        Escape::First(set) => first = set,
                        Escape::Second(set) => second = set,
                        Escape::Third(set) => third = set,
                    }
                    rest = rest.get(length..).unwrap_or_default();
                } else {
                    text.push(char::REPLACEMENT_CHARACTER);
                }
            }
            SHIFT_OUT => (out, rest) = (true, after),
            SHIFT_IN => (out, rest) = (false, after),
            _ => {
                let end = rest
                    .iter()
                    .position(|byte| matches!(*byte, ESCAPE | SHIFT_OUT | SHIFT_IN));
                let (piece, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
                run(&mut text, if out { second } else { first }, piece);
                rest = after;
                // A line begins as ASCII (RFC 1468, RFC 1557), but programs that fold a line carry the set over: what is ASCII says
                // so itself.
            }
        }
    }
    text
}

/// A text in HZ (RFC 1843).
pub(super) fn hz(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut set = CharacterSet::Ascii;
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'~') {
        let (piece, mark) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        run(&mut text, set, piece);
        let known = match mark.get(1) {
            Some(b'{') => Some(CharacterSet::Chinese),
            Some(b'}') => Some(CharacterSet::Ascii),
            Some(b'~') => {
                text.push('~');
                Some(set)
            }
            // A line that goes on.
            Some(b'\n') => Some(set),
            _ => None,
        };
        let length = if known.is_some() { 2 } else { 1 };
        if known.is_none() {
            text.push('~');
        }
        set = known.unwrap_or(set);
        rest = mark.get(length..).unwrap_or_default();
    }
    run(&mut text, set, rest);
    text
}

/// Characters of one set. Controls and blanks are ASCII in each; a byte above 127 is what it would be without a shift.
fn run(text: &mut String, set: CharacterSet, bytes: &[u8]) {
    let Some((home, before)) = set.home() else {
        let unknown = set == CharacterSet::Unknown;
        text.extend(bytes.iter().map(|&byte| match byte {
            b'!'..=b'~' if unknown => char::REPLACEMENT_CHARACTER,
            b'\\' if set == CharacterSet::Roman => '¥',
            b'~' if set == CharacterSet::Roman => '‾',
            0..=0x7f => char::from(byte),
            _ => char::REPLACEMENT_CHARACTER,
        }));
        return;
    };
    let mut moved = Vec::with_capacity(bytes.len() * 3 / 2);
    let mut rest = bytes;
    while let Some(&byte) = rest.first() {
        if !matches!(byte & 0x7f, 0x21..=0x7e) {
            moved.push(byte & 0x7f);
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let character = rest.get(..set.width().min(rest.len())).unwrap_or_default();
        moved.extend(before);
        moved.extend(character.iter().map(|byte| byte | 0x80));
        rest = rest.get(character.len()..).unwrap_or_default();
    }
    text.push_str(&home.decode_without_bom_handling(&moved).0);
}
