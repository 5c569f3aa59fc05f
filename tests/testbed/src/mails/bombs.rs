//! Mails that are made to break whoever reads them. Each is a mail that servers deliver; From and Message-ID are in order unless they
//! are the weapon.

use super::{Mail, encoded_word, wrapped_base64};

/// The header fields that every bomb begins with.
fn head(from: &str) -> String {
    format!("From: {from}\r\nTo: invoices@example.test\r\nSubject: bomb\r\nMIME-Version: 1.0\r\n")
}

fn bomb(rest: String) -> Vec<u8> {
    (head("Eve <eve@example.test>") + &rest).into_bytes()
}

/// All of them by name, at the sizes that real parsers fell over.
#[must_use]
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("nested messages", nested_messages(300_000)),
        ("unclosed multiparts", unclosed_multiparts(100_000)),
        ("empty parts", empty_parts(100_000)),
        ("attachments", attachments(10_000)),
        ("header fields", header_fields(1_000_000)),
        ("recipients", recipients(500_000)),
        ("parameters", parameters(1_000_000)),
        ("comments", comments(1_000_000)),
        ("date", date(1_000_000)),
        ("one line", one_line(20_000_000)),
        ("control characters", control_characters()),
        ("file names", file_names()),
        ("broken encodings", broken_encodings()),
        ("nothing", Vec::from(b"\r\n")),
        ("no header", Vec::from(b"\r\nnothing but a body\r\n")),
    ]
}

/// A message in a message in a message: deep recursion, at the latest when the result is dropped.
#[must_use]
pub fn nested_messages(depth: usize) -> Vec<u8> {
    bomb("Content-Type: message/rfc822\r\n\r\n".repeat(depth) + "the end\r\n")
}

/// Multiparts that are opened and never closed: quadratic time in search of boundaries.
#[must_use]
pub fn unclosed_multiparts(depth: usize) -> Vec<u8> {
    let level = |level| format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n");
    bomb((0..depth).map(level).collect::<String>() + "\r\nthe end\r\n")
}

/// A multipart of parts with nothing in them.
#[must_use]
pub fn empty_parts(count: usize) -> Vec<u8> {
    bomb(format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n",
        "--b\r\n\r\n".repeat(count)
    ))
}

/// Attachments beyond number, each of one byte.
#[must_use]
pub fn attachments(count: usize) -> Vec<u8> {
    let part = |number| format!("--b\r\nContent-Disposition: attachment; filename=\"{number}.pdf\"\r\n\r\nx\r\n");
    let parts: String = (0..count).map(part).collect();
    bomb(format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n"
    ))
}

/// Header fields beyond number.
#[must_use]
pub fn header_fields(count: usize) -> Vec<u8> {
    let field = |number| format!("X-{number}: y\r\n");
    bomb((0..count).map(field).collect::<String>() + "\r\nthe end\r\n")
}

/// A To field for every recipient.
#[must_use]
pub fn recipients(count: usize) -> Vec<u8> {
    let field = |number| format!("To: r{number}@example.test\r\n");
    bomb((0..count).map(field).collect::<String>() + "\r\nthe end\r\n")
}

/// An attachment's name in pieces (RFC 2231 section 3): quadratic time in putting them together.
#[must_use]
pub fn parameters(count: usize) -> Vec<u8> {
    let piece = |number| format!(";\r\n filename*{number}=x");
    let pieces: String = (0..count).map(piece).collect();
    bomb(format!("Content-Disposition: attachment{pieces}\r\n\r\nthe end\r\n"))
}

/// Comments in comments in the sender's name: recursion in parsers of addresses.
#[must_use]
pub fn comments(depth: usize) -> Vec<u8> {
    (head(&format!("{}Eve <eve@example.test>", "(".repeat(depth))) + "\r\nthe end\r\n").into_bytes()
}

/// Comments in comments in the date.
#[must_use]
pub fn date(depth: usize) -> Vec<u8> {
    bomb(format!(
        "Date: {}Sun, 22 Nov 2026 10:00:00 +0100\r\n\r\nthe end\r\n",
        "(".repeat(depth)
    ))
}

/// A body of one line.
#[must_use]
pub fn one_line(length: usize) -> Vec<u8> {
    bomb(format!("\r\n{}\r\n", "x".repeat(length)))
}

/// Line ends, terminal sequences and direction marks in every place that a reply, a log or a page may show.
#[must_use]
pub fn control_characters() -> Vec<u8> {
    let inject = |word: &str| format!("=?utf-8?q?{word}=0D=0ABcc:_eve@example.test=0D=0A=1B]0;owned=07?=");
    let reversed = encoded_word("invoice\u{202e}fdp.exe");
    Mail::new(
        &format!("{} <eve@example.test>", inject("Eve")),
        "invoices@example.test",
        &inject("hello"),
    )
    .id("folded\r\n id\r\n with-tail@mail.example.test")
    .header(&format!("Reply-To: {} <eve@example.test>", inject("Reply")))
    .header("References: <a\r\n b@mail.example.test> <\x1b[2Jc@mail.example.test>")
    .text("\u{2028}ERROR forged log line\n\x1b[31mred\n")
    .raw_part(
        &[&format!("Content-Type: application/pdf; name=\"{}\"", inject("a.pdf"))],
        b"x",
    )
    .raw_part(
        &[&format!("Content-Disposition: attachment; filename=\"{reversed}\"")],
        b"x",
    )
    .bytes()
}

/// Names that leave the folder, mean something to a system, or clash.
#[must_use]
pub fn file_names() -> Vec<u8> {
    let long = "n".repeat(5_000) + ".pdf";
    let names = [
        "../../../etc/passwd",
        "/etc/passwd",
        "..",
        ".",
        "",
        "C:\\windows\\system32\\x.pdf",
        "..\\..\\x.pdf",
        "CON",
        "nul.pdf",
        ".htaccess",
        "-rf",
        "$(touch owned).pdf",
        "`touch owned`.pdf",
        "a;b|c&d.pdf",
        "same.pdf",
        "same.pdf",
        "SAME.PDF",
        &long,
        "out/../message.json",
        "%2e%2e%2fx.pdf",
        "x.pdf\u{200b}",
        "e\u{301}.pdf",
        "\u{e9}.pdf",
        "~/x.pdf",
        "a\tb.pdf",
        "x.pdf ",
        "x.pdf.",
    ];
    let mail = Mail::new("Eve <eve@example.test>", "invoices@example.test", "names").text("mind the names\n");
    let mail = names
        .iter()
        .fold(mail, |mail, name| mail.attach(name, "application/pdf", name.as_bytes()));
    mail.raw_part(
        &["Content-Disposition: attachment; filename*=utf-8''nul%00byte%2F..%2F.pdf"],
        b"x",
    )
    .bytes()
}

/// Charsets that don't exist, base64 that isn't, encoded words without end.
#[must_use]
pub fn broken_encodings() -> Vec<u8> {
    let mut base64 = wrapped_base64(&[0xff; 1000]);
    base64.truncate(901);
    base64.extend_from_slice(b"!!! not base64 \xff\xfe\r\nYQ");
    Mail::new(
        "=?x-none?Q?Eve?= <eve@example.test>",
        "invoices@example.test",
        "=?utf-8?Q?=C3=?= =?utf-8?B?w?= =?utf-8?Q?",
    )
    .raw_text(
        &[
            "Content-Type: text/plain; charset=x-unknown",
            "Content-Transfer-Encoding: x-none",
        ],
        b"\xff\xfetext\r\n",
    )
    .raw_part(
        &[
            "Content-Type: text/plain; charset=utf-7",
            "Content-Disposition: attachment; filename=a.pdf",
        ],
        b"+2AHcAd-",
    )
    .raw_part(
        &[
            "Content-Type: application/pdf; name=b.pdf",
            "Content-Transfer-Encoding: base64",
        ],
        &base64,
    )
    .raw_part(
        &[
            "Content-Type: multipart/mixed; boundary=",
            "Content-Disposition: attachment",
        ],
        b"--\r\n\r\nx\r\n----\r\n",
    )
    .bytes()
}
