//! Names of charsets, as mail programs write them. Pure.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6,
    ISO_8859_7, ISO_8859_8, ISO_8859_10, ISO_8859_13, ISO_8859_14, ISO_8859_15, ISO_8859_16, KOI8_R, KOI8_U, MACINTOSH,
    SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253,
    WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258, X_MAC_CYRILLIC, X_USER_DEFINED,
};

use super::tables;

/// The longest name that is looked at, in bytes.
const LONGEST: usize = 60;

/// A charset that we can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    /// Of seven bits; bytes above 127 refute it.
    Ascii,
    /// One that browsers know.
    Known(&'static Encoding),
    /// A code page of DOS.
    Page(u16),
    /// Another one of one byte: the 128 characters above ASCII.
    Table(&'static str),
    /// That of Vietnam which has six capitals among the controls.
    Viscii,
    /// Korean by letters.
    Johab,
    /// ISO-2022-JP and its kin, -KR and -CN.
    Shifted,
    /// HZ-GB-2312.
    Hz,
    Utf7,
    /// UTF-16 that does not say in which order.
    Utf16,
    Utf32,
}

impl Charset {
    /// Whether ASCII characters take more than one byte in it.
    pub(super) fn is_wide(self) -> bool {
        match self {
            Self::Utf16 | Self::Utf32 => true,
            Self::Known(known) => known == UTF_16LE || known == UTF_16BE,
            Self::Ascii
            | Self::Page(_)
            | Self::Table(_)
            | Self::Viscii
            | Self::Johab
            | Self::Shifted
            | Self::Hz
            | Self::Utf7 => false,
        }
    }
}

/// The charset of this name; nothing for one that says nothing (`x-unknown`, `default`, `ansi`, `8bit`).
pub(super) fn charset(name: &str) -> Option<Charset> {
    let name = name.get(..LONGEST).unwrap_or(name);
    // Quotes of any kind, a `;` that was taken for a part of it, and a language (RFC 2231 section 5).
    let name = name
        .trim_matches(|c: char| !c.is_ascii_alphanumeric())
        .to_ascii_lowercase();
    let name = name.split(['*', ';', ' ']).next().unwrap_or_default();
    let known = || Encoding::for_label_no_replacement(name.as_bytes()).filter(|known| *known != X_USER_DEFINED);
    by_letters(name).or_else(|| known().map(Charset::Known))
}

/// By its letters and digits alone: `windows1251`, `cp-850`, `ISO_8859-1:1987`, `x-mac-roman`.
fn by_letters(name: &str) -> Option<Charset> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.strip_suffix("charset").unwrap_or(&plain);
    let plain = plain.strip_prefix("cs").unwrap_or(plain);
    Some(match plain {
        "ascii" | "usascii" | "ascii7bit" | "ansix341968" | "ansix341986" | "iso646us" | "646" | "us"
        | "iso646irv1991" => Charset::Ascii,
        "utf7" | "unicode11utf7" | "unicode20utf7" | "xunicode11utf7" | "xunicode20utf7" | "unicode7" | "cp65000" => {
            Charset::Utf7
        }
        "utf16" | "ucs2" | "unicode" | "iso10646ucs2" => Charset::Utf16,
        "utf16le" | "ucs2le" | "unicodelittle" => Charset::Known(UTF_16LE),
        "utf16be" | "ucs2be" | "unicodebig" | "unicodefffe" => Charset::Known(UTF_16BE),
        "utf32" | "utf32le" | "utf32be" | "ucs4" | "iso10646ucs4" => Charset::Utf32,
        "utf" | "utf8" | "utf8n" | "utf8mb4" | "utf8mb3" | "utf8bom" | "utf8sig" | "utf8mac" | "xutf8"
        | "unicode11utf8" | "unicode20utf8" | "xunicode20utf8" | "cp65001" | "iso10646" | "iso10646utf8"
        | "iso106461" => Charset::Known(UTF_8),
        "hz" | "hzgb2312" | "xhzgb2312" => Charset::Hz,
        _ if plain.starts_with("iso2022") || plain.starts_with("xiso2022") => Charset::Shifted,
        "jis" | "jis7" | "xjis" | "xms50220" | "xms50221" | "xms50222" | "xwindowsiso2022jp" | "junet" | "jiscode" => {
            Charset::Shifted
        }
        "sjis" | "xsjis" | "mskanji" | "shiftjis" | "xshiftjis" | "shiftjis2004" | "shiftjisx0213" | "sjiswin"
        | "xmsshiftjis" | "xmscp932" | "windows31j" | "ibm943" | "cp943" | "cp943c" | "pck" => {
            Charset::Known(SHIFT_JIS)
        }
        "eucjp" | "xeucjp" | "ujis" | "eucjpms" | "eucjpwin" | "eucjisx0213" | "eucjis2004" | "xeuc"
        | "eucjapanese" | "cp51932" | "eucpkdfmtjapanese" => Charset::Known(EUC_JP),
        "euckr" | "xeuckr" | "uhc" | "xuhc" | "ksc56011987" | "ksc56011992" | "ksc5601" | "ksc5601987" | "ksx1001"
        | "wansung" | "korean" | "cp51949" | "xwindows949" | "ks5601" => Charset::Known(EUC_KR),
        "gb2312" | "xgb2312" | "gb231280" | "gb" | "euccn" | "xeuccn" | "gbk" | "xgbk" | "chinese" | "hp15cn"
        | "cngb" | "xxgbk" | "simplifiedchinese" | "gb2312gbk" | "cp51936" => Charset::Known(GBK),
        "gb18030" | "gb180302000" | "gb180302005" | "gb180302022" | "cp54936" => Charset::Known(GB18030),
        "big5" | "xbig5" | "xxbig5" | "cnbig5" | "big5hkscs" | "big5hkscs2004" | "big5eten" | "eten" | "big5tw"
        | "bigfive" | "big5uao" | "big5hk" | "traditionalchinese" | "cp951" | "cp1370" => Charset::Known(BIG5),
        "koi8" | "koi8r" | "koi" | "koi8rfc1489" | "xkoi8r" | "cp878" => Charset::Known(KOI8_R),
        "koi8u" | "koi8ru" | "xkoi8u" | "cp1168" => Charset::Known(KOI8_U),
        "mac" | "macroman" | "macintosh" | "xmacroman" | "xmac" | "applemacroman" | "macwestern" => {
            Charset::Known(MACINTOSH)
        }
        "maccyrillic" | "xmaccyrillic" | "xmacukrainian" | "macukrainian" => Charset::Known(X_MAC_CYRILLIC),
        "tis620" | "tis6200" | "tis62025291" | "tis62025330" | "tis6202533" | "iso885911" | "xtis620" | "thai"
        | "dos874" => Charset::Known(WINDOWS_874),
        "johab" | "xjohab" | "ksc56011992johab" | "ms1361" | "ibm1363johab" => Charset::Johab,
        "viscii" | "xviscii" | "viscii111" | "xviscii11" => Charset::Viscii,
        "tcvn" | "xtcvn" | "tcvn5712" | "xviettcvn5712" | "tcvn57121" | "tcvn57121993" | "xviettcvn" | "tcvn3"
        | "abc" => Charset::Table(tables::TCVN),
        "koi8t" => Charset::Table(tables::KOI8_T),
        "kz1048" | "strk10482002" | "rk1048" => Charset::Table(tables::KZ1048),
        "pt154" | "ptcp154" | "cp154" | "cyrillicasian" => Charset::Table(tables::PT154),
        "armscii8" | "armscii" => Charset::Table(tables::ARMSCII),
        "georgianps" | "georgian" | "xgeorgianps" => Charset::Table(tables::GEORGIAN),
        "hproman8" | "roman8" | "r8" | "xhproman8" => Charset::Table(tables::HP_ROMAN),
        "msansi" => Charset::Known(WINDOWS_1252),
        "msee" => Charset::Known(WINDOWS_1250),
        "mscyrl" => Charset::Known(WINDOWS_1251),
        "msgreek" => Charset::Known(WINDOWS_1253),
        "msturk" => Charset::Known(WINDOWS_1254),
        "mshebr" => Charset::Known(WINDOWS_1255),
        "msarab" => Charset::Known(WINDOWS_1256),
        "winbaltrim" => Charset::Known(WINDOWS_1257),
        _ => return of_mac(plain).or_else(|| numbered(plain)),
    })
}

/// Of the old Macintosh, by language: `x-mac-ce`, `mac-centraleurope`, `x-mac-greek`.
fn of_mac(plain: &str) -> Option<Charset> {
    let plain = plain.strip_prefix('x').unwrap_or(plain);
    let language = plain.strip_prefix("mac").or_else(|| plain.strip_prefix("applemac"))?;
    Some(match language {
        "ce" | "centraleurope" | "centraleuro" | "centraleurroman" | "eastern" | "easteurope" | "latin2" => {
            Charset::Table(tables::MAC_CENTRAL)
        }
        "greek" => Charset::Table(tables::MAC_GREEK),
        "turkish" => Charset::Table(tables::MAC_TURKISH),
        "iceland" | "icelandic" | "is" => Charset::Table(tables::MAC_ICELAND),
        "croatian" | "croatia" => Charset::Table(tables::MAC_CROATIAN),
        "romanian" | "romania" => Charset::Table(tables::MAC_ROMANIAN),
        "arabic" | "farsi" => Charset::Table(tables::MAC_ARABIC),
        "hebrew" => Charset::Known(WINDOWS_1255),
        "thai" => Charset::Known(WINDOWS_874),
        "japanese" => Charset::Known(SHIFT_JIS),
        "korean" => Charset::Known(EUC_KR),
        "chinesesimp" | "chinesesimplified" => Charset::Known(GBK),
        "chinesetrad" | "chinesetraditional" => Charset::Known(BIG5),
        "uk" => Charset::Known(X_MAC_CYRILLIC),
        _ => return None,
    })
}

/// By the number under which ISO registered it (ISO 2375).
fn registered(number: u16) -> Option<Charset> {
    Some(Charset::Known(match number {
        6 => return Some(Charset::Ascii),
        13 => SHIFT_JIS,
        58 => GBK,
        87 | 159 | 168 => return Some(Charset::Shifted),
        100 => WINDOWS_1252,
        101 => ISO_8859_2,
        109 => ISO_8859_3,
        110 => ISO_8859_4,
        111 | 144 => ISO_8859_5,
        126 => ISO_8859_7,
        127 => ISO_8859_6,
        138 => ISO_8859_8,
        148 => WINDOWS_1254,
        149 => EUC_KR,
        157 => ISO_8859_10,
        166 => WINDOWS_874,
        179 => ISO_8859_13,
        199 => ISO_8859_14,
        203 => ISO_8859_15,
        226 => ISO_8859_16,
        _ => return None,
    }))
}

/// By the number in it: a code page (`cp1252`, `windows-1251`, `ibm437`, `win_1250`), or a part of ISO 8859.
fn numbered(plain: &str) -> Option<Charset> {
    if let Some((_, part)) = plain.split_once("8859")
        && let digits = part.trim_end_matches(['i', 'e'])
        // `ISO_8859-1:1987` has its year behind it.
        && let number = digits.get(..digits.len().saturating_sub(if digits.len() > 4 { 4 } else { 0 })).unwrap_or(digits)
        && let Ok(part) = number.parse()
    {
        return iso_8859(part);
    }
    if let Some(number) = plain
        .strip_prefix("isolatin")
        .or_else(|| plain.strip_prefix("latin"))
        .or_else(|| plain.strip_prefix('l'))
    {
        return iso_8859(match number.parse().ok()? {
            number @ 1..=4 => number,
            5 => 9,
            6 => 10,
            7 => 13,
            8 => 14,
            9 => 15,
            10 => 16,
            _ => return None,
        });
    }
    let digits = plain.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let (word, digits) = plain.split_at_checked(plain.len() - digits.len())?;
    if word == "isoir" {
        return registered(digits.parse().ok()?);
    }
    let is_page = matches!(
        word,
        "" | "x"
            | "cp"
            | "xcp"
            | "ibm"
            | "xibm"
            | "windows"
            | "xwindows"
            | "win"
            | "xwin"
            | "ms"
            | "xms"
            | "microsoftcp"
            | "codepage"
            | "dos"
            | "oem"
            | "pc"
    );
    code_page(digits.parse().ok().filter(|_| is_page)?)
}

fn iso_8859(part: u8) -> Option<Charset> {
    Some(Charset::Known(match part {
        1 => WINDOWS_1252,
        2 => ISO_8859_2,
        3 => ISO_8859_3,
        4 => ISO_8859_4,
        5 => ISO_8859_5,
        6 => ISO_8859_6,
        7 => ISO_8859_7,
        8 => ISO_8859_8,
        9 => WINDOWS_1254,
        10 => ISO_8859_10,
        11 => WINDOWS_874,
        13 => ISO_8859_13,
        14 => ISO_8859_14,
        15 => ISO_8859_15,
        16 => ISO_8859_16,
        _ => return None,
    }))
}

/// A code page of Windows or DOS.
fn code_page(number: u16) -> Option<Charset> {
    Some(Charset::Known(match number {
        367 => return Some(Charset::Ascii),
        819 => WINDOWS_1252,
        866 => IBM866,
        874 => WINDOWS_874,
        813 => ISO_8859_7,
        912 => ISO_8859_2,
        913 => ISO_8859_3,
        914 => ISO_8859_4,
        915 => ISO_8859_5,
        916 => ISO_8859_8,
        919 => ISO_8859_10,
        920 => WINDOWS_1254,
        921 => ISO_8859_13,
        923 => ISO_8859_15,
        1089 => ISO_8859_6,
        932 => SHIFT_JIS,
        943 | 10001 => SHIFT_JIS,
        936 | 1386 | 10008 | 20936 => GBK,
        1388 | 1392 => GB18030,
        949 | 970 | 1363 | 10003 | 20949 => EUC_KR,
        950 | 1375 | 1380 | 10002 => BIG5,
        954 | 33722 => EUC_JP,
        1200 | 1202 => UTF_16LE,
        1201 => UTF_16BE,
        1208 => UTF_8,
        12000 | 12001 => return Some(Charset::Utf32),
        1361 => return Some(Charset::Johab),
        1048 => return Some(Charset::Table(tables::KZ1048)),
        1051 => return Some(Charset::Table(tables::HP_ROMAN)),
        1125 => return Some(Charset::Table(tables::CP1125)),
        1129 | 1163 => WINDOWS_1258,
        1161 | 1162 => WINDOWS_874,
        5346 => WINDOWS_1250,
        5347 => WINDOWS_1251,
        5348 => WINDOWS_1252,
        5349 => WINDOWS_1253,
        5350 => WINDOWS_1254,
        5351 => WINDOWS_1255,
        5352 => WINDOWS_1256,
        5353 => WINDOWS_1257,
        5354 => WINDOWS_1258,
        1250 => WINDOWS_1250,
        1251 => WINDOWS_1251,
        1252 => WINDOWS_1252,
        1253 => WINDOWS_1253,
        1254 => WINDOWS_1254,
        1255 => WINDOWS_1255,
        1256 => WINDOWS_1256,
        1257 => WINDOWS_1257,
        1258 => WINDOWS_1258,
        10000 => MACINTOSH,
        10004 => return Some(Charset::Table(tables::MAC_ARABIC)),
        10006 => return Some(Charset::Table(tables::MAC_GREEK)),
        10007 | 10017 => X_MAC_CYRILLIC,
        10010 => return Some(Charset::Table(tables::MAC_ROMANIAN)),
        10029 => return Some(Charset::Table(tables::MAC_CENTRAL)),
        10079 => return Some(Charset::Table(tables::MAC_ICELAND)),
        10081 => return Some(Charset::Table(tables::MAC_TURKISH)),
        10082 => return Some(Charset::Table(tables::MAC_CROATIAN)),
        20127 => return Some(Charset::Ascii),
        20866 => KOI8_R,
        21866 => KOI8_U,
        20932 => EUC_JP,
        38598 => ISO_8859_8,
        28591..=28606 => return iso_8859(u8::try_from(number - 28590).ok()?),
        50220..=50229 => return Some(Charset::Shifted),
        52936 => return Some(Charset::Hz),
        _ => {
            let page = oem_cp::code_table::DECODING_TABLE_CP_MAP.get(&number);
            return page.map(|_| Charset::Page(number));
        }
    }))
}
