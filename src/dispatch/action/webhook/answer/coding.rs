//! Content codings and character sets of an answer: undone within limits, whether they were asked for or not. Pure.

use std::io::Read;

use bytes::Bytes;
use encoding_rs::{Encoding, REPLACEMENT};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::{message::clean::clean, plural};

/// Codings of one answer at most.
const MAX_CODINGS: usize = 3;

/// A body without the codings that were put on it (RFC 9110 section 8.4). We ask for none; a proxy in between may put one on anyway.
///
/// # Errors
/// In words, when there is one that we don't know, it can't be undone, or what comes out has more than `most` bytes.
pub(super) fn decoded(body: Bytes, codings: &str, most: u64) -> Result<Bytes, String> {
    let names = codings.split(',').map(|name| name.trim().to_ascii_lowercase());
    let names: Vec<_> = names.filter(|name| !name.is_empty() && name != "identity").collect();
    if names.len() > MAX_CODINGS {
        return Err(format!(
            "the answer is encoded {}",
            plural::counted(names.len(), "time")
        ));
    }
    // The last one was put on last.
    names
        .iter()
        .rev()
        .try_fold(body, |body, name| undone(&body, name, most))
}

fn undone(body: &Bytes, coding: &str, most: u64) -> Result<Bytes, String> {
    if body.is_empty() {
        return Ok(Bytes::new());
    }
    match coding {
        "gzip" | "x-gzip" => all(MultiGzDecoder::new(&body[..]), coding, most),
        // RFC 9110 says zlib, and many send what is inside of it.
        "deflate" => all(ZlibDecoder::new(&body[..]), coding, most)
            .or_else(|error| all(DeflateDecoder::new(&body[..]), coding, most).map_err(|_| error)),
        coding => Err(format!(
            "the answer is encoded as {}, which was not asked for",
            clean(coding, 40)
        )),
    }
}

fn all(from: impl Read, coding: &str, most: u64) -> Result<Bytes, String> {
    let mut out = Vec::new();
    let read = from.take(most.saturating_add(1)).read_to_end(&mut out);
    if out.len() as u64 > most {
        return Err(format!("the answer is larger than {most} bytes"));
    }
    read.map_err(|error| format!("the answer's {coding} can't be undone: {error}"))?;
    Ok(out.into())
}

/// What became of bytes that are text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DecodedText {
    /// The text.
    pub(super) text: String,
    /// What of it could not be read, in words.
    pub(super) flaw: Option<String>,
}

/// Text by its byte-order mark, else by the character set that it says, else UTF-8 or, where it isn't, Windows-1252.
///
/// # Errors
/// In words, when its character set is none that we know and it isn't UTF-8.
pub(super) fn text(bytes: &[u8], charset: Option<&str>) -> Result<DecodedText, String> {
    let whole = |text: &str| DecodedText {
        text: text.to_owned(),
        flaw: None,
    };
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Ok(read(encoding, bytes.get(mark..).unwrap_or_default()));
    }
    let labelled = charset.and_then(|label| Encoding::for_label(label.trim_matches('\'').as_bytes()));
    match (
        labelled.filter(|encoding| *encoding != REPLACEMENT),
        str::from_utf8(bytes),
        charset,
    ) {
        (Some(encoding), ..) => Ok(read(encoding, bytes)),
        (None, Ok(text), _) => Ok(whole(text)),
        (None, Err(_), None) => Ok(read(encoding_rs::WINDOWS_1252, bytes)),
        (None, Err(_), Some(label)) => Err(format!("the answer's character set {} is not known", clean(label, 40))),
    }
}

fn read(encoding: &'static Encoding, bytes: &[u8]) -> DecodedText {
    let (text, malformed) = encoding.decode_without_bom_handling(bytes);
    DecodedText {
        text: text.into_owned(),
        flaw: malformed.then(|| format!("the answer is not {} all through", encoding.name())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn undo(codings: &str, body: &[u8]) -> Result<Bytes, String> {
        decoded(Bytes::copy_from_slice(body), codings, 1_000_000)
    }

    #[test]
    fn the_usual_codings_are_undone() {
        let text = b"It is done.".repeat(100);
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(&text).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(&text).unwrap();
        for (codings, body) in [
            ("", text.clone()),
            ("identity", text.clone()),
            ("gzip", gzip(&text)),
            ("X-GZIP", gzip(&text)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("gzip, gzip", gzip(&gzip(&text))),
            ("gzip", [gzip(&text[..50]), gzip(&text[50..])].concat()),
        ] {
            assert!(undo(codings, &body).unwrap() == text, "{codings}");
        }
        assert_eq!(undo("gzip", b"").unwrap(), Bytes::new());
    }

    #[test]
    fn what_can_t_be_undone_is_said() {
        let packed = gzip(b"It is done.");
        for (codings, body, words) in [
            ("br", &b"x"[..], "encoded as br"),
            ("zstd", b"x", "encoded as zstd"),
            ("gzip", b"plain", "can't be undone"),
            ("deflate", b"plain", "can't be undone"),
            ("gzip,gzip,gzip,gzip", b"x", "4 times"),
        ] {
            assert!(undo(codings, body).unwrap_err().contains(words), "{codings}");
        }
        for cut in 1..packed.len() {
            assert!(undo("gzip", &packed[..cut]).is_err(), "cut after {cut}");
        }
    }

    #[test]
    fn a_bomb_has_a_bound() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(undo("gzip", &bomb).unwrap_err().contains("larger"));
        assert!(undo("gzip, gzip", &gzip(&bomb)).unwrap_err().contains("larger"));
    }

    #[test]
    fn character_sets() {
        for (bytes, charset, expected) in [
            (&b"Gr\xfc\xdfe"[..], Some("iso-8859-1"), "Gr\u{fc}\u{df}e"),
            (b"Gr\xfc\xdfe", Some("ISO-8859-15"), "Gr\u{fc}\u{df}e"),
            (b"\x80", Some("windows-1252"), "\u{20ac}"),
            ("Gr\u{fc}\u{df}e".as_bytes(), Some("utf8"), "Gr\u{fc}\u{df}e"),
            ("Gr\u{fc}\u{df}e".as_bytes(), None, "Gr\u{fc}\u{df}e"),
            (b"Gr\xfc\xdfe", None, "Gr\u{fc}\u{df}e"),
            (b"\xef\xbb\xbfGr\xc3\xbc", Some("iso-8859-1"), "Gr\u{fc}"),
            (b"\xff\xfeO\0K\0", None, "OK"),
            (b"\xfe\xff\0O\0K", Some("utf-16"), "OK"),
            (b"\x93\xfa\x96\x7b", Some("Shift_JIS"), "\u{65e5}\u{672c}"),
            (b"plain", Some("no-such-charset"), "plain"),
            (b"plain", Some("'utf-8'"), "plain"),
        ] {
            let text = text(bytes, charset).unwrap();
            assert_eq!((text.text.as_str(), text.flaw), (expected, None), "{charset:?}");
        }
        assert!(
            text(b"\xff", Some("no-such-charset"))
                .unwrap_err()
                .contains("no-such-charset")
        );
        assert!(text(b"\xff!", Some("utf-8")).unwrap().flaw.unwrap().contains("UTF-8"));
    }
}
