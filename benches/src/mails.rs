//! The mails of the benchmarks: the same ones in every run, and nothing in them that compresses or repeats well.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Bytes that look random and are the same every time (SplitMix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }
}

/// 2,000 mails: 1,600 of 6 KB, 300 with 200 KB attached, 100 with 2 MB, well mixed.
pub fn mix() -> impl Iterator<Item = Vec<u8>> {
    (0..2_000).map(|number| match number % 20 {
        0..=15 => mail(number, 0),
        16..=18 => mail(number, 200_000),
        _ => mail(number, 2_000_000),
    })
}

/// 2,000 mails of 6 KB.
pub fn small() -> impl Iterator<Item = Vec<u8>> {
    (0..2_000).map(|number| mail(number, 0))
}

/// A mail of about 6 KB: a header as long as they are today, text and HTML; and an attachment of so many bytes, unless 0.
#[must_use]
pub fn mail(number: usize, attached: usize) -> Vec<u8> {
    let mut noise = Noise(number as u64);
    let mut mail = header(number, &mut noise);
    let (text, html) = bodies(number, &mut noise);
    let alternative = format!(
        "Content-Type: multipart/alternative; boundary=\"alt\"\r\n\r\n--alt\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{text}\r\n--alt\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{html}\r\n--alt--\r\n"
    );
    if attached == 0 {
        mail.push_str(&alternative);
        return mail.into_bytes();
    }
    mail.push_str("Content-Type: multipart/mixed; boundary=\"mix\"\r\n\r\n--mix\r\n");
    mail.push_str(&alternative);
    mail.push_str(&format!(
        "--mix\r\nContent-Type: application/pdf; name=\"invoice-{number}.pdf\"\r\nContent-Disposition: attachment; filename=\"invoice-{number}.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ));
    let mut mail = mail.into_bytes();
    for line in STANDARD.encode(noise.bytes(attached)).as_bytes().chunks(76) {
        mail.extend_from_slice(line);
        mail.extend_from_slice(b"\r\n");
    }
    mail.extend_from_slice(b"--mix--\r\n");
    mail
}

fn header(number: usize, noise: &mut Noise) -> String {
    let mut header = String::new();
    for hop in 0..3 {
        header.push_str(&format!(
            "Received: from out{hop}.supplier.example (out{hop}.supplier.example [192.0.2.{hop}])\r\n\tby mx{hop}.example.test (Postfix) with ESMTPS id {:016X}\r\n\tfor <jobs@example.test>; Sun, 22 Nov 2026 10:00:0{hop} +0000 (UTC)\r\n",
            noise.next()
        ));
    }
    let signature = STANDARD.encode(noise.bytes(256));
    header.push_str(&format!(
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=supplier.example; s=k1;\r\n\th=from:to:subject:date:message-id; bh={};\r\n\tb={}\r\n",
        STANDARD.encode(noise.bytes(32)),
        signature.as_bytes().chunks(72).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\r\n\t ")
    ));
    header.push_str(&format!(
        "From: \"Supplier, Orders\" <orders@supplier.example>\r\nTo: Jobs <jobs@example.test>\r\nCc: Copy <copy@example.test>\r\nSubject: =?utf-8?Q?Rechnung_f=C3=BCr_Auftrag_{number}?=\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{number}.{:016x}@supplier.example>\r\nMIME-Version: 1.0\r\n",
        noise.next()
    ));
    header
}

fn bodies(number: usize, noise: &mut Noise) -> (String, String) {
    let mut text = format!("Guten Tag,\r\n\r\nf=C3=BCr Ihre Lieferung {number} berechnen wir:\r\n\r\n");
    let mut html =
        format!("<html><body><p>Guten Tag,</p><p>f=C3=BCr Ihre Lieferung {number} berechnen wir:</p><table>\r\n");
    for position in 1..=26 {
        let (article, cents) = (noise.next() % 1_000_000, noise.next() % 100_000);
        text.push_str(&format!(
            "{position:2}. Artikel {article:06}  =E2=82=AC {}.{:02}\r\n",
            cents / 100,
            cents % 100
        ));
        html.push_str(&format!(
            "<tr><td style=3D\"padding:2px\">{position}</td><td>Artikel {article:06}</td>=\r\n<td align=3D\"right\">=E2=82=AC {}.{:02}</td></tr>\r\n",
            cents / 100,
            cents % 100
        ));
    }
    text.push_str("\r\nMit freundlichen Gr=C3=BC=C3=9Fen\r\nSupplier GmbH\r\n");
    html.push_str("</table><p>Mit freundlichen Gr=C3=BC=C3=9Fen<br>Supplier GmbH</p></body></html>\r\n");
    (text, html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_have_the_size_that_is_told() {
        assert!(
            (5_500..6_500).contains(&mail(1_234, 0).len()),
            "{}",
            mail(1_234, 0).len()
        );
        assert_eq!(mail(5, 0), mail(5, 0));
        let sizes: Vec<usize> = mix().take(20).map(|mail| mail.len()).collect();
        assert_eq!(sizes.iter().filter(|size| **size < 10_000).count(), 16);
        assert_eq!(sizes.iter().filter(|size| **size > 2_600_000).count(), 1);
    }
}
