//! A guess of the charset of bytes of which nobody says it. Pure.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, WINDOWS_1252};

/// The bytes that are looked at.
const LOOKED_AT: usize = 64 * 1024;
/// Bytes above 127 from which on a guess is certain: with fewer, one accented letter or a lone `£` decides.
const ENOUGH: usize = 4;

/// The likeliest charset of these bytes, which are no UTF-8; `windows-1252` unless another is certain, or usual in the sender's
/// country: the last label of the domain.
pub(super) fn guess(bytes: &[u8], country: Option<&str>) -> &'static Encoding {
    let looked_at = bytes.get(..LOOKED_AT).unwrap_or(bytes);
    let country = country.map(str::to_ascii_lowercase).filter(|label| is_label(label));
    let label = country.as_deref().map(str::as_bytes);
    let many = looked_at.iter().filter(|byte| !byte.is_ascii()).count() >= ENOUGH;
    // What is guessed of nothing is what is usual there.
    let usual = new().guess(label, Utf8Detection::Deny);
    if !many && usual == WINDOWS_1252 {
        return WINDOWS_1252;
    }
    let mut detector = new();
    detector.feed(looked_at, true);
    detector.guess(label, Utf8Detection::Deny)
}

fn new() -> EncodingDetector {
    EncodingDetector::new(Iso2022JpDetection::Deny)
}

/// The detector panics on anything else.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
