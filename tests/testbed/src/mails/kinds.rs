//! Mails as they come: from people, scanners, answering machines, lists and mail servers.

use super::{Mail, encoded_word, wrapped_base64};

/// A one-pixel PNG.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\xdac\xfc\xcf\xc0P\x0f\0\x04\x85\x01\x80\x84\xa9\x8c!\0\0\0\0IEND\xaeB`\x82";

/// A question in plain text.
#[must_use]
pub fn no_attachment(from: &str, to: &str) -> Mail {
    Mail::new(from, to, "Where is my order?")
        .text("Hello,\n\nI ordered a lamp two weeks ago. Where is it?\n\n-- \nAda\n")
}

/// Text and HTML of the same words.
#[must_use]
pub fn html(from: &str, to: &str) -> Mail {
    no_attachment(from, to).html("<html><body><p>I ordered a <b>lamp</b> two weeks ago.</p></body></html>\n")
}

/// An invoice as PDF.
#[must_use]
pub fn pdf(from: &str, to: &str, number: u32) -> Mail {
    let text = format!("Please find our invoice {number} attached.\n");
    let name = format!("invoice-{number}.pdf");
    Mail::new(from, to, &format!("Invoice {number}")).text(&text).attach(
        &name,
        "application/pdf",
        &pdf_document(&format!("Invoice {number}")),
    )
}

/// What a scanner sends: several pages, an empty text, upper-case names.
#[must_use]
pub fn scans(from: &str, to: &str) -> Mail {
    let scan = |mail: Mail, page: u32| {
        mail.attach(
            &format!("SCAN{page:04}.PDF"),
            "application/octet-stream",
            &pdf_document(&format!("Page {page}")),
        )
    };
    (1..=3).fold(Mail::new(from, to, "Message from KM_C224e"), scan)
}

/// A mail forwarded as an attachment, with an attachment in it.
#[must_use]
pub fn nested(from: &str, to: &str) -> Mail {
    let inner = pdf("Bob <bob@elsewhere.example>", from, 4711).bytes();
    Mail::new(from, to, "Fwd: Invoice 4711").text("See below.\n").raw_part(
        &[
            "Content-Type: message/rfc822",
            "Content-Disposition: attachment; filename=\"Invoice 4711.eml\"",
        ],
        &inner,
    )
}

/// A page with its logo, and a PDF.
#[must_use]
pub fn inline_image(from: &str, to: &str) -> Mail {
    html(from, to)
        .html("<html><body><img src=\"cid:logo@example.test\"><p>Our offer is attached.</p></body></html>\n")
        .image("logo@example.test", "logo.png", PIXEL)
        .attach("offer.pdf", "application/pdf", &pdf_document("Offer"))
}

/// Japanese as mobile phones and old programs send it (ISO-2022-JP), the attachment's name twice over: as an encoded word, against
/// the standard but common, and in UTF-8 by RFC 2231. Sender 山田, subject and name 請求書.
#[must_use]
pub fn japanese(address: &str, to: &str) -> Mail {
    let from = format!("=?ISO-2022-JP?B?GyRCOzNFRBsoQg==?= <{address}>");
    let document = pdf_document("Seikyusho");
    Mail::new(&from, to, "=?ISO-2022-JP?B?GyRCQEE1YT1xGyhC?=")
        .raw_text(
            &[
                "Content-Type: text/plain; charset=ISO-2022-JP",
                "Content-Transfer-Encoding: 7bit",
            ],
            b"\x1b$B@A5a=q$rAw$j$^$9!#\x1b(B\r\n",
        )
        .raw_part(
            &[
                "Content-Type: application/pdf; name=\"=?ISO-2022-JP?B?GyRCQEE1YT1xGyhCLnBkZg==?=\"",
                "Content-Disposition: attachment",
                "Content-Transfer-Encoding: base64",
            ],
            &wrapped_base64(&document),
        )
        .attach("請求書.pdf", "application/pdf", &document)
}

/// German and French in Latin-1: sender René Müller, subject Übergrößen, attachment `Müller & Söhne.pdf`.
#[must_use]
pub fn latin1(address: &str, to: &str) -> Mail {
    let from = format!("=?iso-8859-1?Q?Ren=E9_M=FCller?= <{address}>");
    Mail::new(&from, to, "=?iso-8859-1?Q?=DCbergr=F6=DFen?=")
        .raw_text(
            &[
                "Content-Type: text/plain; charset=iso-8859-1",
                "Content-Transfer-Encoding: quoted-printable",
            ],
            b"Gr=FC=DFe, und voil=E0:\r\nes ist gem=\r\nacht.\r\n",
        )
        .raw_part(
            &[
                "Content-Type: application/pdf",
                "Content-Disposition: attachment; filename*=iso-8859-1'de'M%FCller%20%26%20S%F6hne.pdf",
                "Content-Transfer-Encoding: base64",
            ],
            &wrapped_base64(&pdf_document("Mueller")),
        )
}

/// Somebody is on holiday (RFC 3834).
#[must_use]
pub fn auto_reply(from: &str, to: &str) -> Mail {
    Mail::new(
        from,
        to,
        &format!("Automatic reply: {}", encoded_word("Grüße aus dem Urlaub")),
    )
    .header("Auto-Submitted: auto-replied")
    .header("X-Auto-Response-Suppress: All")
    .text("I am away until Monday.\n")
}

/// A mail to a list of which the recipient is a member (RFC 2369, RFC 2919).
#[must_use]
pub fn list(from: &str, to: &str) -> Mail {
    Mail::new(from, "dev@lists.example.test", "[dev] Release party")
        .header(&format!("X-Original-To: {to}"))
        .header("List-Id: Developers <dev.lists.example.test>")
        .header("List-Unsubscribe: <https://lists.example.test/dev/leave>")
        .header("Precedence: list")
        .text("It is on Friday.\n")
}

/// A delivery status notification (RFC 3464): the envelope's sender is empty.
#[must_use]
pub fn bounce(to: &str) -> Vec<u8> {
    let from = "Mail Delivery System <MAILER-DAEMON@mx.example.test>";
    let report = "Reporting-MTA: dns; mx.example.test\r\n\r\nFinal-Recipient: rfc822; gone@elsewhere.example\r\nAction: failed\r\n\
                  Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n";
    let mail = Mail::new(from, to, "Undelivered Mail Returned to Sender")
        .header("Auto-Submitted: auto-replied")
        .text("Your mail to gone@elsewhere.example could not be delivered.\n")
        .raw_part(&["Content-Type: message/delivery-status"], report.as_bytes())
        .raw_part(&["Content-Type: text/rfc822-headers"], b"Subject: hello\r\n");
    let mail = String::from_utf8_lossy(&mail.bytes()).into_owned();
    let report = mail.replace("multipart/mixed;", "multipart/report; report-type=delivery-status;");
    format!("Return-Path: <>\r\n{report}").into_bytes()
}

/// A page with one line of ASCII text, as a PDF that readers open.
#[must_use]
pub fn pdf_document(line: &str) -> Vec<u8> {
    let content = format!("BT /F1 24 Tf 72 720 Td ({line}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (number, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", pdf.len());
        pdf += &format!("{} 0 obj\n{object}\nendobj\n", number + 1);
    }
    let (start, size) = (pdf.len(), objects.len() + 1);
    pdf += &format!("xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    pdf.into_bytes()
}
