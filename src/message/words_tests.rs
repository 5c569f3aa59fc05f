use base64::{Engine, engine::general_purpose::STANDARD};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, ISO_2022_JP, KOI8_R, SHIFT_JIS, UTF_8, WINDOWS_1252};
use proptest::prelude::*;

use super::*;

fn read(value: &str) -> String {
    text(value.as_bytes(), CharsetHints::default())
}

#[test]
fn words_as_programs_write_them() {
    for (value, expected) in [
        ("plain", "plain"),
        ("=?utf-8?q?gr=C3=BCn?=", "grün"),
        ("=?UTF-8?B?Z3LDvG4=?=", "grün"),
        ("=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
        ("=?utf-8?Q?a?=\r\n =?utf-8?B?Yg==?=", "ab"),
        ("=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c"),
        ("=?utf-8?Q?a?= =?iso-8859-1?Q?=FC?=", "aü"),
        ("x=?utf-8?Q?=C3=BC?=y", "xüy"),
        ("(=?utf-8?Q?a?=)", "(a)"),
        // A character cut in two, in either encoding and from one to the other.
        ("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "ü"),
        ("=?utf-8?B?ww==?= =?utf-8?B?vA==?=", "ü"),
        ("=?utf-8?Q?=C3?= =?UTF-8?B?vA==?=", "ü"),
        // Base64 cut between two words.
        ("=?utf-8?B?Z3LDv?= =?utf-8?B?G4=?=", "grün"),
        // Without its end, and in the digits of URLs.
        ("=?utf-8?B?Z3LDvG4?=", "grün"),
        ("=?utf-8?B?w7_Dvw?=", "ÿÿ"),
        ("=?utf-8?Q?with blanks?=", "with blanks"),
        ("=?utf-8?Q?under_line=5F?=", "under line_"),
        ("=?utf-8?Q?=zz=?=", "=zz="),
        ("=?utf-8?Q?what??=", "what?"),
        ("=?utf-8*en?Q?a?=", "a"),
        ("=?utf-8?Q??=", ""),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?Q?no end", "=?utf-8?Q?no end"),
        ("=?utf-8?Q?no end =?utf-8?Q?a?=", "=?utf-8?Q?no end a"),
        ("=? =?utf-8?Q?a?= ?=", "=? a ?="),
        ("=?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3F=3D?=", "=?utf-8?Q?a?="),
        ("folded\r\n text", "folded text"),
        ("=?iso-2022-jp?B?GyRCRnwbKEI=?= =?iso-2022-jp?B?GyRCS1wbKEI=?=", "日本"),
        ("=?iso-2022-jp?B?GyRCRnw=?= =?iso-2022-jp?B?S1wbKEI=?=", "日本"),
        ("=?x-unknown?Q?gr=C3=BCn?=", "grün"),
        ("=?x-unknown?Q?gr=FCn?=", "grün"),
    ] {
        assert_eq!(read(value), expected, "{value}");
    }
}

#[test]
fn bytes_that_are_not_encoded_are_those_of_the_text() {
    let clues = CharsetHints {
        nearby: Some("windows-1251"),
        ..CharsetHints::default()
    };
    assert_eq!(text(b"\xc7\xe0\xea\xe0\xe7 =?utf-8?q?7?=", clues), "Заказ 7");
    assert_eq!(text("grün".as_bytes(), clues), "grün");
}

#[test]
fn a_long_header_takes_no_long_time() {
    for piece in ["=?", "=?a?q?", "=?a?b?=?", "=?utf-8?q?a?= ", "?=", "=?a?q?b"] {
        let value = piece.repeat((1 << 16) / piece.len());
        assert!(read(&value).len() <= value.len());
    }
}

const CHARSETS: [(&Encoding, &str); 9] = [
    (UTF_8, "utf-8"),
    (WINDOWS_1252, "iso-8859-1"),
    (KOI8_R, "koi8-r"),
    (SHIFT_JIS, "cp932"),
    (EUC_JP, "euc-jp"),
    (ISO_2022_JP, "iso-2022-jp"),
    (GB18030, "gb18030"),
    (BIG5, "big5"),
    (EUC_KR, "euc-kr"),
];

fn word(bytes: &[u8], charset: &str, base64: bool) -> String {
    let content = if base64 {
        STANDARD.encode(bytes)
    } else {
        bytes.iter().map(|byte| format!("={byte:02X}")).collect()
    };
    format!("=?{charset}?{}?{content}?=", if base64 { 'B' } else { 'Q' })
}

proptest! {
    #[test]
    fn what_was_encoded_comes_back_wherever_it_is_cut(
        text in "[ -~äöüß\u{410}-\u{44f}\u{3041}-\u{3093}一二三日本中文請求書가각간]{1,30}",
        which in 0..CHARSETS.len(),
        first in any::<bool>(),
        second in any::<bool>(),
        at in any::<prop::sample::Index>(),
    ) {
        let (encoding, charset) = CHARSETS[which];
        let (bytes, _, unmappable) = encoding.encode(&text);
        // Bytes that are UTF-8 by chance are read as that.
        prop_assume!(!unmappable && (encoding == UTF_8 || bytes.is_ascii() || str::from_utf8(&bytes).is_err()));
        prop_assume!(encoding != SHIFT_JIS || !text.contains(['\\', '~']));
        let at = at.index(bytes.len() + 1);
        let value = format!("{}\r\n {}", word(&bytes[..at], charset, first), word(&bytes[at..], charset, second));
        prop_assert_eq!(read(&value), text);
    }

    #[test]
    fn whatever_comes_is_some_text(value in prop::collection::vec(prop_oneof![Just(b'='), Just(b'?'), Just(b'q'), Just(b'B'), any::<u8>()], 0..200)) {
        let read = text(&value, CharsetHints::default());
        prop_assert!(!read.contains(['\r', '\n']) || value.contains(&b'='));
    }
}
