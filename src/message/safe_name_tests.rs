use proptest::prelude::*;

use super::*;

#[test]
fn hostile_names_become_harmless() {
    for (wanted, safe) in [
        ("report.pdf", "report.pdf"),
        ("Angebot für März.pdf", "Angebot für März.pdf"),
        ("請求書.pdf", "請求書.pdf"),
        ("../../etc/passwd", "passwd"),
        ("../..\\\0/x", "x"),
        ("/etc/x", "x"),
        ("C:\\temp\\y.doc", "y.doc"),
        ("C:/temp/y.doc", "y.doc"),
        ("~/y.doc", "y.doc"),
        ("./y.doc", "y.doc"),
        ("temp\\y.doc", "y.doc"),
        ("Bestellung 31/4711/2026.pdf", "Bestellung 31_4711_2026.pdf"),
        ("AC/DC.pdf", "AC_DC.pdf"),
        ("temp/y.doc", "temp_y.doc"),
        ("a/../y.doc", "y.doc"),
        ("a//y.doc", "y.doc"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("LPT¹.log", "_LPT¹.log"),
        ("COM10.txt", "COM10.txt"),
        (".htaccess", "htaccess"),
        ("...", "attachment.bin"),
        ("", "attachment.bin"),
        ("folder/", "attachment.bin"),
        ("..", "attachment.bin"),
        ("-rf", "_-rf"),
        ("abc\u{202e}fdp.exe", "abcfdp.exe"),
        ("in\u{200b}voice.pdf", "invoice.pdf"),
        ("line\r\nbreak.txt", "linebreak.txt"),
        ("what?.pdf", "what_.pdf"),
        ("trailing. . ", "trailing"),
        ("a:b|c.txt", "a_b_c.txt"),
        ("no\u{a0}break.txt", "no break.txt"),
    ] {
        assert_eq!(safe_name(wanted, "x/y"), safe, "{wanted:?}");
    }
    assert_eq!(safe_name("", "image/png"), "attachment.png");
    assert_eq!(safe_name("", "Text/HTML; charset=x"), "attachment.html");
}

#[test]
fn long_names_keep_their_extension() {
    let safe = safe_name(&format!("{}.pdf", "ä".repeat(300)), "");
    assert!(
        safe.ends_with("ä.pdf") && safe.len() <= MAX_BYTES && safe.len() > MAX_BYTES - 3,
        "{safe}"
    );
    let safe = safe_name(&format!("a.{}", "b".repeat(300)), "");
    assert_eq!(safe.len(), MAX_BYTES);
}

#[test]
fn equal_names_are_numbered() {
    let mut names = Names::default();
    let mut add = |wanted: &str| names.add(Some(wanted), "");
    assert_eq!(add("a.pdf"), "a.pdf");
    assert_eq!(add("A.PDF"), "A-2.PDF");
    assert_eq!(add("/x/a.pdf"), "a-3.pdf");
    assert_eq!(add("a-2.pdf"), "a-2-2.pdf");
    assert_eq!(add("plain"), "plain");
    assert_eq!(add("plain"), "plain-2");
    assert_eq!(names.add(None, "image/png"), "attachment.png");
    assert_eq!(names.add(None, "image/png"), "attachment-2.png");
}

#[test]
fn media_types_and_extensions_go_together() {
    assert_eq!(media_type("a.PDF"), "application/pdf");
    assert_eq!(media_type("pdf"), "application/octet-stream");
    assert_eq!(media_type("a.b"), "application/octet-stream");
    assert_eq!(extension("text/rfc822-headers"), "txt");
    for (media_type, extension) in EXTENSIONS {
        assert_eq!(super::extension(media_type), extension);
    }
}

fn name() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-zA-Z0-9./\\\\: -]{0,8}",
        Just("CON".to_owned()),
        Just("..".to_owned()),
        Just("ä".repeat(200)),
        Just(".pdf".to_owned()),
        Just("\u{202e}".to_owned()),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn names_obey_their_rules(wanted in prop::collection::vec(name(), 1..12)) {
        let mut names = Names::default();
        let mut seen = HashSet::new();
        for wanted in wanted {
            let name = names.add(Some(&wanted), "application/pdf");
            prop_assert!(!name.is_empty() && name.len() <= MAX_BYTES, "{:?}", name);
            prop_assert!(!name.starts_with(['.', '-', ' ']) && !name.ends_with(['.', ' ']), "{:?}", name);
            prop_assert!(!name.contains(['/', '\\', '<', '>', ':', '"', '|', '?', '*']), "{:?}", name);
            prop_assert!(!name.chars().any(is_hidden), "{:?}", name);
            prop_assert!(!is_reserved(&name), "{:?}", name);
            prop_assert!(seen.insert(name.to_lowercase()), "{:?} twice", name);
        }
    }
}
