use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, GB18030, GBK, ISO_2022_JP, KOI8_R, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252,
};
use proptest::prelude::*;

use super::*;

fn of(bytes: &[u8], declared: &str) -> String {
    let declared = (!declared.is_empty()).then_some(declared);
    decode(
        bytes,
        CharsetHints {
            declared,
            ..CharsetHints::default()
        },
    )
    .into_owned()
}

#[test]
fn names_that_mail_programs_use() {
    for (bytes, names, text) in [
        (
            &b"Gr\xf6\xdfe"[..],
            &[
                "iso-8859-1",
                "ISO_8859-1:1987",
                "latin1",
                "l1",
                "8859-1",
                "windows-1252",
                "windows1252",
                "win-1252",
                "cp1252",
                "CP-1252",
                "'iso-8859-1'",
                "\"iso-8859-1\"",
                "\u{201c}iso-8859-1\u{201d}",
                "iso-8859-1;",
                "iso8859_1",
                "us-ascii",
                "ANSI_X3.4-1968",
                "cp819",
                "iso-8859-1*de",
            ][..],
            "Größe",
        ),
        (
            b"Gr\x94\xe1e",
            &[
                "cp437", "ibm437", "cp850", "cp-850", "IBM850", "850", "cp858", "dos-850",
            ],
            "Größe",
        ),
        (
            b"Gr\x9a\xa7e",
            &["macintosh", "x-mac-roman", "macroman", "mac", "x-macroman"],
            "Größe",
        ),
        (
            b"\xc7\xe0\xea\xe0\xe7",
            &[
                "windows-1251",
                "windows1251",
                "win-1251",
                "cp-1251",
                "x-cp1251",
                "ms1251",
            ],
            "Заказ",
        ),
        (
            b"\xfa\xc1\xcb\xc1\xda",
            &["koi8-r", "koi8r", "KOI8", "koi8-u", "koi8_r"],
            "Заказ",
        ),
        (
            b"\x87\x40\x93\xfa\x96\x7b",
            &[
                "cp932",
                "ms932",
                "windows-31j",
                "shift_jis",
                "x-sjis",
                "sjis-win",
                "shift-jis",
                "ms_kanji",
            ],
            "①日本",
        ),
        (
            b"\xc6\xfc\xcb\xdc",
            &["euc-jp", "eucjp", "x-euc-jp", "eucJP-ms", "ujis"],
            "日本",
        ),
        (
            b"\xb0\xa1\xb0\xa2",
            &[
                "euc-kr",
                "euckr",
                "ks_c_5601-1987",
                "ksc5601",
                "cp949",
                "uhc",
                "windows-949",
            ],
            "가각",
        ),
        (
            b"\xb9\xd8\xd3\xda",
            &[
                "gbk",
                "gb2312",
                "x-gbk",
                "cp936",
                "euc-cn",
                "gb18030",
                "gb2312_charset",
                "GB_2312-80",
            ],
            "关于",
        ),
        (
            b"\xa4\xa4\xa4\xe5",
            &["big5", "cn-big5", "big5-hkscs", "cp950", "x-x-big5"],
            "中文",
        ),
        (
            b"Gr+APYA3w-e",
            &["utf-7", "unicode-1-1-utf-7", "UTF7", "x-unicode-2-0-utf-7"],
            "Größe",
        ),
        (
            b"\x1b$BF|K\\\x1b(B",
            &[
                "iso-2022-jp",
                "iso-2022-jp-ms",
                "ISO-2022-JP-2",
                "cp50220",
                "cp50221",
                "csISO2022JP",
                "iso2022jp",
                "jis",
                "us-ascii",
                "utf-8",
                "",
            ],
            "日本",
        ),
        (
            b"\x1b$)C\x0e0!0\"\x0f",
            &["iso-2022-kr", "ISO2022-KR", "csISO2022KR"],
            "가각",
        ),
        (b"~{9XSZ~}", &["hz-gb-2312", "HZ", "x-hz-gb-2312"], "关于"),
        (
            b"\xff\xfeG\0r\0\xf6\0\xdf\0e\0",
            &["utf-16", "UTF-16LE", "unicode", ""],
            "Größe",
        ),
        (b"\0G\0r\0\xf6\0\xdf\0e", &["utf-16", "utf-16be", "ucs-2"], "Größe"),
        (b"G\0\0\0r\0\0\0\xf6\0\0\0", &["utf-32", "utf-32le", "ucs-4"], "Grö"),
        (
            b"\xef\xbb\xbfGr\xc3\xb6\xc3\x9fe",
            &[
                "utf-8",
                "utf8",
                "'utf-8'",
                "utf-8;",
                "unicode-1-1-utf-8",
                "iso-8859-1",
                "gbk",
                "iso-2022-jp",
                "",
            ],
            "Größe",
        ),
    ] {
        for name in names {
            assert_eq!(of(bytes, name), text, "{name}");
        }
    }
}

#[test]
fn names_and_charsets_of_other_times() {
    let rows: &[(&[u8], &[&str], &str)] = &[
        (
            &b"\xb4e\x91w\xd0a\xadA\xb6a \xf7\xdb\xe2\xd0 \x88A\x84a\xd9\xdf"[..],
            &["johab", "x-Johab", "cp1361", "ms1361", "windows-1361"],
            "안녕하세요 韓國 ㄱㅏ㈜",
        ),
        (
            &b"\x89\xeb \xeclu\xe9ou\x8bk\xf9"[..],
            &["x-mac-ce", "x-mac-centraleurroman", "mac-centraleurope", "cp10029"],
            "ČŽ žluťoučký",
        ),
        (
            &b"\xba\xe1\xec\xe8\xed\xdb\xf2\xe1"[..],
            &["x-mac-greek", "cp10006"],
            "Καλημέρα",
        ),
        (&b"\xdei\xdfli \xdb"[..], &["x-mac-turkish", "MacTurkish"], "Şişli ğ"),
        (&b"\xde\x97r\xddur"[..], &["x-mac-icelandic"], "Þórður"),
        (
            &b"\xf9\xec\xe5\xed"[..],
            &[
                "iso-8859-8-i",
                "ISO-8859-8-E",
                "iso_8859-8:1988",
                "x-mac-hebrew",
                "ibm916",
                "iso-ir-138",
            ],
            "שלום",
        ),
        (
            &b"\x8d\xe0\xe7\xe0\x9d\xf1\xf2\xe0\xed"[..],
            &["kz-1048", "STRK1048-2002"],
            "Қазақстан",
        ),
        (
            &b"\xb7\xd0\xda\xd0\xd7"[..],
            &["iso-ir-144", "csISOLatinCyrillic", "ibm-915", "cp915"],
            "Заказ",
        ),
        (
            &b"Gr\xf6\xdfe"[..],
            &[
                "iso-ir-100",
                "ibm-819",
                "ms-ansi",
                "ibm-5348",
                "iso-ir-203",
                "x-windows-1252",
                "csISOLatin1",
            ],
            "Größe",
        ),
        (
            &b"\x93\xfa\x96{"[..],
            &["ibm-943", "x-ibm943", "x-mac-japanese", "x-windows-932"],
            "日本",
        ),
        (
            &b"\xb0\xa1\xb0\xa2"[..],
            &[
                "iso-ir-149",
                "x-windows-949",
                "ibm-970",
                "KS_C_5601-1989",
                "KSC_5601",
                "csKSC56011987",
            ],
            "가각",
        ),
        (
            &b"Ti\xaang Vi\xaet \x02\x1e"[..],
            &["viscii", "VISCII1.1-1", "csVISCII"],
            "Tiếng Việt ẲỴ",
        ),
        (&b"\x93\xaa\xe0\xa0\xf9\xad\xa0"[..], &["cp1125", "ibm1125"], "Україна"),
        (&b"Gr\xce\xdee"[..], &["hp-roman8", "ibm-1051"], "Größe"),
    ];
    for (bytes, names, text) in rows {
        for name in *names {
            assert_eq!(of(bytes, name), *text, "{name}");
        }
    }
    // Each table has its 128 characters.
    for table in [
        tables::MAC_CENTRAL,
        tables::MAC_GREEK,
        tables::MAC_TURKISH,
        tables::MAC_ICELAND,
        tables::MAC_CROATIAN,
        tables::MAC_ROMANIAN,
        tables::MAC_ARABIC,
        tables::VISCII,
        tables::TCVN,
        tables::KOI8_T,
        tables::KZ1048,
        tables::PT154,
        tables::ARMSCII,
        tables::GEORGIAN,
        tables::HP_ROMAN,
        tables::CP1125,
    ] {
        assert_eq!(table.chars().count(), 128, "{table}");
    }
}

#[test]
fn what_is_not_labelled_is_guessed() {
    for (text, encoding) in [
        ("Größe „3“ – 20 € für Änderung", WINDOWS_1252),
        ("Счёт на оплату за ноябрь, просьба проверить", WINDOWS_1251),
        ("Счёт на оплату за ноябрь, просьба проверить", KOI8_R),
        ("Faktura za listopad, proszę sprawdzić załącznik", WINDOWS_1250),
        ("請求書のご確認をお願いいたします", SHIFT_JIS),
        ("請求書のご確認をお願いいたします", EUC_JP),
        ("增值税专用发票已开具，请查收", GBK),
        ("請查收本月的發票與附件", BIG5),
        ("이번 달 세금계산서를 확인해 주세요", EUC_KR),
    ] {
        let (bytes, ..) = encoding.encode(text);
        for declared in ["", "x-unknown", "default", "ansi", "unknown-8bit", "us-ascii", "utf-8"] {
            assert_eq!(of(&bytes, declared), text, "{} {declared}", encoding.name());
        }
    }
}

#[test]
fn a_few_bytes_are_western_unless_the_country_says_otherwise() {
    let guessed = |bytes: &[u8], country| {
        decode(
            bytes,
            CharsetHints {
                country,
                ..CharsetHints::default()
            },
        )
        .into_owned()
    };
    assert_eq!(guessed(b"only \xa320", None), "only £20");
    assert_eq!(guessed(b"only \xa320", Some("uk")), "only £20");
    assert_eq!(guessed(b"caf\xe9", Some("com")), "café");
    let (order, ..) = WINDOWS_1251.encode("Заказ на поставку");
    assert_eq!(guessed(&order, Some("ru")), "Заказ на поставку");
    // What a sender's domain ends in may be anything.
    for country in ["", ".", "RU", "рф", "a.b", "xn--p1ai", "\0"] {
        drop(guessed(b"\xc7\xe0\xea\xe0\xe7 7", Some(country)));
    }
}

#[test]
fn html_names_its_charset_itself() {
    let (text, ..) = WINDOWS_1251.encode("<p>Заказ</p>");
    for meta in [
        "<meta charset=windows-1251>",
        "<META  charset = 'windows-1251' />",
        "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=windows-1251\">",
        "<meta name=x><meta charset=\"windows-1251\">",
    ] {
        let html = [meta.as_bytes(), &text].concat();
        let clues = CharsetHints {
            html: true,
            ..CharsetHints::default()
        };
        assert_eq!(decode(&html, clues), format!("{meta}<p>Заказ</p>"), "{meta}");
    }
    // UTF-16 it can't be, or nobody could have read that.
    let html = b"<meta charset=utf-16><p>Gr\xf6\xdfe";
    assert!(
        decode(
            html,
            CharsetHints {
                html: true,
                ..CharsetHints::default()
            }
        )
        .ends_with("Größe")
    );
}

#[test]
fn a_few_bad_bytes_change_no_charset() {
    let long = "Bestellung über zwölf Stück für Köln, Düsseldorf und Münster. ".repeat(4);
    let mut cut = long.clone().into_bytes();
    cut.push(0xc3);
    for declared in ["utf-8", "", "us-ascii"] {
        assert_eq!(of(&cut, declared), format!("{long}\u{fffd}"), "{declared}");
    }
    let (japanese, ..) = SHIFT_JIS.encode("請求書のご確認をお願いいたします");
    let cut = &japanese[..japanese.len() - 1];
    assert_eq!(of(cut, "cp932"), "請求書のご確認をお願いいたしま\u{fffd}");
}

#[test]
fn shifts_that_real_programs_write() {
    for (bytes, text) in [
        // Two escapes in a row, and a shift that is not closed.
        (&b"\x1b$BF|\x1b(B\x1b$BK\\\x1b(B"[..], "日本"),
        (b"\x1b$BF|K\\", "日本"),
        (b"a \x1b$B4A;z\x1b(J b", "a 漢字 b"),
        // JIS X 0201 katakana, JIS X 0212, KS X 1001, GB 2312, Latin and Greek of ISO-2022-JP-2.
        (b"\x1b(J\\7~\x1b(B\\~", "¥7‾\\~"),
        (b"\x1b(I6@6E\x1b(B", "ｶﾀｶﾅ"),
        (b"\x1b$BF|\x0e6@\x0f\x1b(B", "日ｶﾀ"),
        (b"\x1b$(D0!\x1b(B", "丂"),
        (b"\x1b$(C0!\x1b(B", "가"),
        (b"\x1b$A9X\x1b(B", "关"),
        (b"caf\x1b.A\x1bNi", "café"),
        (b"\x1b.F\x1bNa", "α"),
        (b"\x1b$)A\x0e9XSZ\x0f ok", "关于 ok"),
        (b"\x1b$BF|\nK\\\x1b(B", "日\n本"),
    ] {
        assert_eq!(of(bytes, "iso-2022-jp-2"), text, "{:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(of(b"~~ ~{9X~}~\n~{SZ~} a~b", "hz-gb-2312"), "~ 关于 a~b");
}

proptest! {
    #[test]
    fn johab_is_made_of_letters(bytes in prop::collection::vec(0x84..=0xf9_u8, 0..40)) {
        let text = of(&bytes, "johab");
        prop_assert!(text.chars().count() <= bytes.len());
    }

    #[test]
    fn what_was_encoded_comes_back(text in "[\u{3041}-\u{3093}一丁七万三上下不与且世中主久之九也了事二于云五井交人今介代以件任份企休 -\\[\\]-}]{0,40}", which in 0..6_usize) {
        let (encoding, name) = [(SHIFT_JIS, "cp932"), (EUC_JP, "eucjp"), (ISO_2022_JP, "iso-2022-jp-ms"), (GB18030, "gb18030"), (GBK, "x-gbk"), (BIG5, "big5")][which];
        let (bytes, _, unmappable) = encoding.encode(&text);
        prop_assume!(!unmappable && (bytes.is_ascii() || str::from_utf8(&bytes).is_err()));
        prop_assert_eq!(of(&bytes, name), text);
    }

    #[test]
    fn utf8_is_itself_whatever_it_is_called(text in "[^\u{0}-\u{7f}]{1,20}", name in "[a-z0-9-]{0,12}") {
        prop_assume!(!text.starts_with('\u{feff}'));
        prop_assert_eq!(of(text.as_bytes(), &name), text);
    }

    #[test]
    fn whatever_comes_is_some_text(bytes in prop::collection::vec(any::<u8>(), 0..200), name in "\\PC{0,12}", country in "\\PC{0,4}", html in any::<bool>()) {
        let clues = CharsetHints { declared: Some(&name), nearby: Some("iso-2022-kr"), html, country: Some(&country) };
        prop_assert!(decode(&bytes, clues).len() <= bytes.len() * 6 + 3);
    }
}
