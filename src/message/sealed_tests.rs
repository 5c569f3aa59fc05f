use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

use crate::{
    config::Limits,
    message::{Mail, Nested, Scheme, read, tnef::tests::winmail},
};

const HEAD: &str = "From: Ann <ann@a.example>\r\nSubject: Offer\r\nMIME-Version: 1.0\r\n";

async fn with<T: Send + 'static>(mail: String, make: impl FnOnce(&Mail<'_>) -> T + Send + 'static) -> T {
    read(Bytes::from(mail), Limits::default(), make).await.unwrap()
}

fn part(headers: &str, content: &[u8]) -> String {
    let base64 = STANDARD.encode(content);
    let lines: Vec<_> = base64
        .as_bytes()
        .chunks(76)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    format!(
        "--b\r\n{headers}Content-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        lines.join("\r\n")
    )
}

fn mixed(parts: &[String]) -> String {
    let text = "--b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n";
    format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n{text}{}--b--\r\n",
        parts.concat()
    )
}

fn names(mail: &Mail<'_>) -> Vec<String> {
    let files = mail.attachments();
    files
        .iter()
        .map(|file| format!("{} {} {}", file.shown_name(), file.media_type, file.data().len()))
        .collect()
}

#[tokio::test]
async fn a_winmail_dat_is_unwrapped_and_an_unreadable_one_is_kept() {
    let packed = winmail(&[
        ("../Angebot.pdf", "application/pdf", b"%PDF-1.7"),
        ("data.csv", "x\0y", b"a;b"),
    ]);
    let winmail = part("Content-Type: application/ms-tnef; name=\"winmail.dat\"\r\n", &packed);
    let pdf = part(
        "Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\n",
        b"%PDF",
    );
    let mail = mixed(&[winmail, pdf]);
    let (shown, safe, count) = with(mail, |mail| {
        let safe: Vec<_> = mail.attachments().into_iter().map(|file| file.safe_name).collect();
        (names(mail), safe, mail.attachment_count())
    })
    .await;
    assert_eq!(
        shown,
        [
            "../Angebot.pdf application/pdf 8",
            "data.csv text/csv 3",
            "a.pdf application/pdf 4"
        ]
    );
    assert_eq!(
        (safe.as_slice(), count),
        (["Angebot.pdf", "data.csv", "a.pdf"].map(String::from).as_slice(), 3)
    );
    let cut = part(
        "Content-Type: application/octet-stream; name=WINMAIL.DAT\r\n",
        &packed[..packed.len() - 1],
    );
    let kept = with(mixed(&[cut]), names).await;
    assert_eq!(
        kept.len(),
        3,
        "what could be opened stands beside what could not: {kept:?}"
    );
    let too_many = Limits {
        attachments: 1,
        ..Limits::default()
    };
    let mail = mixed(&[part("Content-Type: application/ms-tnef\r\n", &packed)]);
    assert!(
        read(Bytes::from(mail), too_many, |_| ()).await.is_err(),
        "what was packed counts"
    );
}

#[tokio::test]
async fn a_mail_inside_a_mail_is_opened_down_to_the_third() {
    let mut inner = format!("{HEAD}Content-Type: text/plain\r\n\r\nThe innermost.\r\n");
    for level in (1..=4).rev() {
        inner = format!(
            "From: Bob <bob@b.example>\r\nMessage-ID: <{level}@b.example>\r\nSubject: Level {level}\r\nContent-Type: multipart/mixed; boundary=l{level}\r\n\r\n--l{level}\r\nContent-Type: text/plain\r\n\r\nText {level}.\r\n--l{level}\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--l{level}--\r\n"
        );
    }
    let opened = with(inner, |mail| mail.attachments()[0].message()).await.unwrap();
    let mut levels = Vec::new();
    let mut next: Option<&Nested> = Some(&opened);
    while let Some(nested) = next {
        levels.push((
            nested.subject.clone(),
            nested.text.clone().unwrap(),
            nested.message_id.clone(),
        ));
        next = nested.attachments.iter().find_map(|file| file.message.as_ref());
    }
    assert_eq!(levels.len(), 3);
    assert_eq!(
        levels[0],
        (
            "Level 2".to_owned(),
            "Text 2.".to_owned(),
            Some("2@b.example".to_owned())
        )
    );
    let plain = mixed(&[part("Content-Type: application/pdf; name=a.pdf\r\n", b"%PDF")]);
    assert_eq!(with(plain, |mail| mail.attachments()[0].message()).await, None);
}

#[tokio::test]
async fn what_is_encrypted_is_recognised_and_what_is_signed_is_read() {
    let envelope = STANDARD.encode([0x30, 0x0b, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3]);
    let base64 = "Content-Transfer-Encoding: base64\r\n";
    let armour = "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEM\r\n-----END PGP MESSAGE-----\r\n";
    let signed = |kind: &str| {
        format!(
            "{HEAD}Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n--b\r\nContent-Type: application/{kind}; name=smime.p7s\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--\r\n"
        )
    };
    for (mail, encrypted, is_signed, files) in [
        (
            format!("{HEAD}Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n{base64}\r\nMIAG"),
            Some(Scheme::Smime),
            None,
            1,
        ),
        (
            format!("{HEAD}Content-Type: application/x-pkcs7-mime; name=smime.p7m\r\n{base64}\r\n{envelope}"),
            Some(Scheme::Smime),
            None,
            1,
        ),
        (
            format!(
                "{HEAD}Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n{armour}--b--\r\n"
            ),
            Some(Scheme::Pgp),
            None,
            2,
        ),
        (format!("{HEAD}\r\n{armour}"), Some(Scheme::Pgp), None, 0),
        (format!("{HEAD}\r\nHello: {armour}"), None, None, 0),
        (signed("pkcs7-signature"), None, Some(Scheme::Smime), 0),
        (signed("pgp-signature"), None, Some(Scheme::Pgp), 0),
        (
            mixed(&[part(
                "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n",
                b"x",
            )]),
            None,
            None,
            1,
        ),
    ] {
        let shown = mail.clone();
        let found = with(mail, |mail| (mail.encrypted(), mail.signed(), mail.attachment_count())).await;
        assert_eq!(found, (encrypted, is_signed, files), "{shown}");
    }
}

#[tokio::test]
async fn pgp_as_exchange_hands_it_on_is_encrypted() {
    let version = part(
        "Content-Type: application/pgp-encrypted; name=\"PGPMIME version identification\"\r\n",
        b"Version: 1\r\n",
    );
    let armoured = part(
        "Content-Type: application/octet-stream; name=\"encrypted.asc\"\r\n",
        b"-----BEGIN PGP MESSAGE-----\r\n\r\nx\r\n",
    );
    let empty = part("Content-Type: text/plain\r\n", b"");
    assert_eq!(
        with(mixed(&[empty.clone(), version, armoured.clone()]), |mail| mail
            .encrypted())
        .await,
        Some(Scheme::Pgp)
    );
    assert_eq!(
        with(mixed(&[empty, armoured]), |mail| mail.encrypted()).await,
        None,
        "a file that somebody sends along"
    );
}

#[tokio::test]
async fn a_piece_of_a_mail_says_so() {
    let piece = "Content-Type: message/partial; id=\"7@a.example\"; number=2; total=3\r\n\r\nthe middle\r\n";
    assert_eq!(
        with(piece.to_owned(), |mail| mail.piece()).await.as_deref(),
        Some("2 of 3")
    );
    assert_eq!(with(format!("{HEAD}\r\nwhole"), |mail| mail.piece()).await, None);
}
