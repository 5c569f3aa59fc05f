use proptest::prelude::*;

use super::*;

fn mended(raw: &str) -> Option<String> {
    repaired(raw.as_bytes()).map(|mended| String::from_utf8(mended).unwrap())
}

#[test]
fn what_is_right_stays_as_it_is() {
    for raw in [
        "From: a@b.example\r\nSubject: x\r\n\r\ntext\r\n",
        "From: a@b.example\n folded\n\ntext\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n",
        "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\npreamble\r\n--b\r\n\r\nx\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
        "no header at all\r\n\r\nx",
        "From a@b.example Sun Nov 29\r\nSubject: x\r\n\r\ntext",
        "Subject: x\r\na line without a colon\r\nFrom: a@b.example\r\n\r\ntext",
        "Subject: x\r\n \r\nFrom: a@b.example\r\n\r\ntext",
        "Subject: x\r\n\r\n-- \r\nAnn\r\n",
        "",
    ] {
        assert_eq!(mended(raw), None, "{raw:?}");
    }
}

#[test]
fn what_is_broken_is_read_as_it_was_meant() {
    for (raw, expected) in [
        (
            "Subject: x\r\nwords of the text\r\nmore\r\n",
            "Subject: x\r\n\r\nwords of the text\r\nmore\r\n",
        ),
        (
            "Content-Type: multipart/mixed; boundary=b\r\nThis is MIME.\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n",
            "Content-Type: multipart/mixed; boundary=b\r\n\r\nThis is MIME.\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n",
        ),
        ("Subject: x\r\n \r\nthe text\r\n", "Subject: x\r\n \r\n\r\nthe text\r\n"),
        (
            "Content-Type: text/plain\r\nX: y\r\nContent-Type: text/html\r\n\r\nx",
            "X: y\r\nContent-Type: text/html\r\nContent-Type: text/plain\r\n\r\nx",
        ),
        (
            "Content-Type: multipart/mixed; boundary=\"_a_\"\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nx\r\n--a--\r\n",
            "Content-Type: multipart/mixed; boundary=\"a\"\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nx\r\n--a--\r\n",
        ),
        (
            "Content-Type: multipart/mixed\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nx\r\n--a--\r\n",
            "Content-Type: multipart/mixed; boundary=\"a\"\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nx\r\n--a--\r\n",
        ),
        (
            "Content-Type: multipart/mixed; boundary=b\r\n\r\nonly text\r\n",
            "Content-Type: text/plain\r\n\r\nonly text\r\n",
        ),
        (
            "Content-Type: multipart/Report; report-type=x; boundary=b\r\n\r\nonly text\r\n",
            "Content-Type: text/plain; instead-of=report\r\n\r\nonly text\r\n",
        ),
        (
            "Content-Type: multipart/mixed; boundary='b'; a=c\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
            "Content-Type: multipart/mixed; boundary=\"b\"; a=c\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
        ),
        (
            "Content-Type: multipart/mixed;\r\n boundary=\"b c \"\r\n\r\n--b c\r\n\r\nx\r\n--b c--\r\n",
            "Content-Type: multipart/mixed;\r\n boundary=\"b c\"\r\n\r\n--b c\r\n\r\nx\r\n--b c--\r\n",
        ),
        ("Content-Type: text\r\n\r\nx", "Content-Type: text/plain\r\n\r\nx"),
        (
            "content-type:HTML; charset=\"utf-8\"\r\n ; a=b\r\nTo: x\r\n\r\nx",
            "content-type: text/html; charset=\"utf-8\"\r\n ; a=b\r\nTo: x\r\n\r\nx",
        ),
        (
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx\r\n--b--\r\n",
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n",
        ),
    ] {
        assert_eq!(mended(raw).as_deref(), Some(expected), "{raw:?}");
    }
}

#[test]
fn a_large_mail_takes_no_long_time() {
    for piece in [
        "\n--",
        "--a\r\n",
        "a\n",
        "Content-Type: multipart/mixed\r\n",
        ":\r\n",
        " \r\n",
    ] {
        let raw = format!(
            "Subject: x\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n{}",
            piece.repeat((1 << 18) / piece.len())
        );
        drop(repaired(raw.as_bytes()));
    }
}

/// The lines of a mail that are none of a Content-Type.
fn others(mail: &str) -> Vec<&str> {
    let mut in_type = false;
    let mut other = |line: &&str| {
        in_type = line.starts_with("Content-Type") || in_type && line.starts_with(' ');
        !in_type && !line.is_empty()
    };
    mail.split("\r\n").filter(|line| other(line)).collect()
}

fn count(lines: &[&str], line: &str) -> usize {
    lines.iter().filter(|other| **other == line).count()
}

proptest! {
    #[test]
    fn nothing_of_a_mail_is_lost(lines in prop::collection::vec("(Content-Type: text/plain|Content-Type: multipart/mixed; boundary=b|--b|--b--|Subject: x| folded|text|)", 0..20)) {
        let raw = lines.join("\r\n");
        if let Some(mended) = mended(&raw) {
            let (kept, all) = (others(&mended), others(&raw));
            prop_assert!(all.iter().all(|line| count(&kept, line) >= count(&all, line)), "{:?}\n{:?}", raw, mended);
        }
    }

    #[test]
    fn whatever_comes_is_looked_at(raw in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'-'), Just(b':'), any::<u8>()], 0..300)) {
        drop(repaired(&raw));
    }
}

#[tokio::test]
async fn a_report_without_parts_is_not_answered() {
    let raw = "From: ann@a.example\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=x\r\n\r\nread\r\n";
    let head = crate::message::read(raw.into(), crate::config::Limits::default(), |mail| mail.head());
    assert_eq!(head.await.unwrap().automatic, Some(crate::message::Automatic::Report));
}
