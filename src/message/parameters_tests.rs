use proptest::prelude::*;

use super::*;

fn name(value: &str) -> Option<String> {
    Parameters::read(value.as_bytes()).get("filename", CharsetHints::default())
}

#[test]
fn names_of_files_as_programs_write_them() {
    for (value, expected) in [
        ("attachment; filename=a.pdf", Some("a.pdf")),
        ("attachment; filename=\"a.pdf\"", Some("a.pdf")),
        ("attachment; FileName = \"x y.pdf\" ; size=3", Some("x y.pdf")),
        (
            "attachment; filename=Aviso de cargo 03.02.2026.pdf",
            Some("Aviso de cargo 03.02.2026.pdf"),
        ),
        (
            "attachment; filename=Rechnung (Kopie) 7.pdf; size=70",
            Some("Rechnung (Kopie) 7.pdf"),
        ),
        ("attachment; filename=a;b.pdf; size=70", Some("a;b.pdf")),
        ("attachment; filename=\"a;b.pdf\"", Some("a;b.pdf")),
        ("attachment; filename=\"a \\\"b\\\".pdf\"", Some("a \"b\".pdf")),
        ("attachment; filename=\"a \"b\" c.pdf\"; size=1", Some("a \"b\" c.pdf")),
        (
            "attachment; filename=\"C:\\Scans\\doc 1.pdf\"",
            Some("C:\\Scans\\doc 1.pdf"),
        ),
        ("attachment; filename='single.pdf'", Some("single.pdf")),
        ("attachment; filename=\"no end.pdf", Some("no end.pdf")),
        (
            "attachment; filename=\"R?ck.pdf\"; filename*=UTF-8''R%C3%BCck.pdf",
            Some("Rück.pdf"),
        ),
        (
            "attachment; filename*=UTF-8''R%C3%BCck.pdf; filename=\"R?ck.pdf\"",
            Some("Rück.pdf"),
        ),
        (
            "attachment; filename=\"R.pdf\"; filename*0*=UTF-8''R%C3; filename*1*=%BCck; filename*2=\".pdf\"",
            Some("Rück.pdf"),
        ),
        ("attachment; filename*1=\"b.pdf\"; filename*0=\"a\"", Some("ab.pdf")),
        (
            "attachment; filename*=UTF-8''Rechnung Nr. 5.pdf",
            Some("Rechnung Nr. 5.pdf"),
        ),
        ("attachment; filename*=\"UTF-8''R%C3%BCck.pdf\"", Some("Rück.pdf")),
        ("attachment; filename*=iso-8859-1'de'R%FCck.pdf", Some("Rück.pdf")),
        ("attachment; filename*=R%C3%BCck.pdf", Some("Rück.pdf")),
        ("attachment; filename*=''it's.pdf", Some("it's.pdf")),
        ("attachment; filename==?UTF-8?Q?gr=C3=BCn.pdf?=", Some("grün.pdf")),
        (
            "attachment; filename=\"=?utf-8?Q?Rechnung M=C3=A4rz.pdf?=\"",
            Some("Rechnung März.pdf"),
        ),
        (
            "attachment; filename=\"=?utf-8?B?Z3LD?=\r\n        =?utf-8?B?vG4ucGRm?=\"",
            Some("grün.pdf"),
        ),
        ("attachment; filename=\"long\r\n\t name.pdf\"", Some("long name.pdf")),
        ("attachment;filename=\"\"", None),
        ("attachment", None),
        ("attachment; size=3", None),
        ("attachment; filename=\"a.pdf\" (a comment); size=3", Some("a.pdf")),
    ] {
        assert_eq!(name(value).as_deref(), expected, "{value}");
    }
}

#[test]
fn names_in_eight_bits() {
    let read = |value: &[u8]| Parameters::read(value).get("filename", CharsetHints::default());
    assert_eq!(
        read(b"attachment; filename=\"Gr\xf6\xdfe.pdf\"").as_deref(),
        Some("Größe.pdf")
    );
    assert_eq!(
        read("attachment; filename=\"Größe.pdf\"".as_bytes()).as_deref(),
        Some("Größe.pdf")
    );
}

proptest! {
    #[test]
    fn an_extended_name_comes_back_wherever_it_is_cut(text in "[a-z äöü日本 ;\"'%\\\\.-]{1,20}[a-z]", at in any::<prop::sample::Index>()) {
        let bytes = text.as_bytes();
        let escaped = |bytes: &[u8]| bytes.iter().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let at = at.index(bytes.len() + 1);
        let value = format!("attachment; filename*1*={}; filename=\"x\"; filename*0*=utf-8''{}", escaped(&bytes[at..]), escaped(&bytes[..at]));
        prop_assert_eq!(name(&value), Some(text.clone()));
        let value = format!("attachment; filename*=utf-8''{}", escaped(bytes));
        prop_assert_eq!(name(&value), Some(text));
    }

    #[test]
    fn a_quoted_name_comes_back(text in "[a-zA-Z0-9 ;,()'.!-]{0,20}[a-z]") {
        prop_assert_eq!(name(&format!("attachment; filename=\"{text}\"; size=1")), Some(text));
    }

    #[test]
    fn whatever_comes_is_read(value in prop::collection::vec(prop_oneof![Just(b'"'), Just(b';'), Just(b'='), Just(b'*'), Just(b'\\'), any::<u8>()], 0..120)) {
        drop(Parameters::read(&value).get("filename", CharsetHints::default()));
        drop(boundary(&value));
    }
}

#[test]
fn a_long_field_takes_no_long_time() {
    for piece in ["\"", "; a=\"", "; a", ";", "; filename*0*=%41", "a=\\\"", "; a=b c"] {
        let value = format!("x; {}", piece.repeat((1 << 16) / piece.len()));
        drop(name(&value));
    }
}
