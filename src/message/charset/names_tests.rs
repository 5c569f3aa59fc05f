//! What charsets are called, and what their bytes say.

use super::*;

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
