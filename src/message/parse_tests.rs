use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn text_of(mail: &Mail<'_>) -> Option<String> {
    mail.text().map(std::borrow::Cow::into_owned)
}

async fn look_all_over(raw: impl Into<Bytes>) -> Result<usize, Unreadable> {
    let limits = Limits {
        time: Duration::from_secs(60),
        ..Limits::default()
    };
    read(raw.into(), limits, all_of).await
}

/// Touches everything that a payload touches.
fn all_of(mail: &Mail<'_>) -> usize {
    let head = mail.head();
    let bodies = mail.text().map_or(0, |text| text.len()) + mail.html().map_or(0, |html| html.len());
    let fields: usize = mail.fields().map(|(name, value)| name.len() + value.len()).sum();
    let attachments = mail.attachments();
    let data: usize = attachments.iter().map(|attachment| attachment.data().len()).sum();
    head.subject.len() + bodies + fields + data
}

fn refused(what: &'static str, limit: usize) -> Result<usize, Unreadable> {
    Err(too_large(what, limit))
}

#[tokio::test]
async fn a_million_header_fields_are_refused() {
    let raw = "X: y\r\n".repeat(1_000_000) + "\r\nbody";
    assert_eq!(look_all_over(raw).await, refused("header fields", 1_000));
}

/// A mail that is wrapped in a signature (RFC 5652) around this one.
fn signed(inner: &[u8]) -> Vec<u8> {
    let piece = |tag: u8, content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84], length.as_slice(), content].concat()
    };
    let pkcs7 = |last: u8| piece(0x06, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, last]);
    let content = piece(0x30, &[pkcs7(1), piece(0xa0, &piece(0x04, inner))].concat());
    let data = piece(
        0x30,
        &[vec![2, 1, 1], piece(0x31, b""), content, piece(0x31, b"")].concat(),
    );
    let whole = piece(0x30, &[pkcs7(2), piece(0xa0, &data)].concat());
    let head =
        "From: a@example.test\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n";
    [head.as_bytes(), &whole].concat()
}

#[tokio::test]
async fn a_header_counts_in_whichever_signature_it_is_wrapped() {
    let many = "X: y\r\n".repeat(1_001) + "\r\nbody";
    let fine = "X: y\r\n".repeat(1_000) + "\r\nbody";
    let (mut many, mut fine) = (many.into_bytes(), fine.into_bytes());
    for layer in 1..=LAYERS {
        (many, fine) = (signed(&many), signed(&fine));
        assert_eq!(
            look_all_over(many.clone()).await,
            refused("header fields", 1_000),
            "{layer}"
        );
        assert!(look_all_over(fine.clone()).await.is_ok(), "{layer}");
    }
}

#[tokio::test]
async fn folded_lines_are_one_field_and_the_limit_is_exact() {
    let folded = "Subject: x\r\n".to_owned() + &" y\r\n".repeat(5_000) + "\r\nbody";
    assert!(look_all_over(folded).await.is_ok());
    assert!(look_all_over("X: y\r\n".repeat(1_000) + "\r\nbody").await.is_ok());
    let one_more = "X: y\r\n".repeat(1_001) + "\r\nbody";
    assert_eq!(look_all_over(one_more).await, refused("header fields", 1_000));
}

#[tokio::test]
async fn deep_nests_are_refused() {
    let raw = "Content-Type: message/rfc822\r\n\r\n".repeat(300_000);
    assert_eq!(look_all_over(raw).await, refused("levels of nesting", 50));
}

#[tokio::test]
async fn unclosed_multiparts_are_refused() {
    let mut raw = "Content-Type: multipart/mixed; boundary=b0\r\n\r\n".to_owned();
    for n in 0..100_000 {
        write!(
            raw,
            "--b{n}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n",
            n + 1
        )
        .unwrap();
    }
    assert_eq!(look_all_over(raw).await, refused("parts", 1_000));
}

#[tokio::test]
async fn too_many_parts_are_refused() {
    let raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned() + &"--b\r\n\r\nx\r\n".repeat(100_000);
    assert_eq!(look_all_over(raw).await, refused("parts", 1_000));
}

#[tokio::test]
async fn too_many_attachments_are_refused() {
    let part = "--b\r\nContent-Type: application/pdf\r\n\r\nx\r\n";
    let raw = |count| "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned() + &part.repeat(count);
    assert!(look_all_over(raw(200)).await.is_ok());
    assert_eq!(look_all_over(raw(201)).await, refused("attachments", 200));
}

#[tokio::test]
async fn a_mail_over_the_size_is_refused() {
    let limits = Limits {
        size: 20,
        ..Limits::default()
    };
    let read = read(Bytes::from_static(b"Subject: x\r\n\r\n1234567"), limits, text_of).await;
    assert_eq!(read, Err(too_large("bytes", 20)));
}

#[tokio::test]
async fn floods_inside_one_field_end() {
    for flood in [
        "Content-Type: text/plain".to_owned()
            + &(0..1_000_000).fold(String::new(), |mut all, n| {
                write!(all, "; name*{n}=a").unwrap();
                all
            }),
        "To: ".to_owned() + &"a@b.example, ".repeat(300_000),
        "From: ".to_owned() + &"(".repeat(2_000_000),
        "From: ".to_owned() + &"g:".repeat(1_000_000),
        "From: ".to_owned() + &"<".repeat(2_000_000),
        "Date: ".to_owned() + &"(".repeat(2_000_000),
        "Subject: ".to_owned() + &"=?utf-8?q?=41?= ".repeat(300_000),
        "References: ".to_owned() + &"<a@b.example> ".repeat(300_000),
    ] {
        let whole = look_all_over(flood.clone() + "\r\n\r\nbody").await;
        assert_eq!(whole, refused("bytes of header", 1 << 20));
        let cut = &flood[..1_000_000];
        assert!(look_all_over(format!("{cut}\r\n\r\nbody")).await.is_ok());
        let nested = format!("Content-Type: message/rfc822\r\n\r\n{flood}\r\n\r\nbody");
        assert!(look_all_over(nested).await.is_ok());
    }
}

#[tokio::test]
async fn bytes_that_are_no_mail() {
    assert_eq!(look_all_over("").await, Err(Unreadable::Malformed));
    assert_eq!(look_all_over("\0\x01\x02").await, Err(Unreadable::Malformed));
    let bare = read(Bytes::from_static(b"just words"), Limits::default(), text_of).await;
    assert_eq!(bare.unwrap().as_deref(), Some("just words"));
}

#[tokio::test]
async fn a_reader_that_panics_costs_one_mail() {
    let mail = Bytes::from_static(b"Subject: x\r\n\r\nbody");
    let panicked = read(mail.clone(), Limits::default(), |_| -> usize {
        panic!("as the test wants")
    })
    .await;
    assert_eq!(panicked, Err(Unreadable::Panicked));
    assert_eq!(
        read(mail, Limits::default(), text_of).await.unwrap().as_deref(),
        Some("body")
    );
}

#[tokio::test]
async fn a_reader_that_does_not_end_is_given_up() {
    let limits = Limits {
        time: Duration::from_millis(50),
        ..Limits::default()
    };
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let mail = Bytes::from_static(b"Subject: x\r\n\r\nbody");
    let slow = read(mail, limits, move |_| blocked.recv().is_ok()).await;
    assert_eq!(slow, Err(Unreadable::Slow(limits.time)));
    assert!(READING.free() < READERS, "the stuck thread is still taken");
    drop(release);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_bytes_panic(raw in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat().into_bytes()),
    ]) {
        let limits = Limits::default();
        if look(&raw, &limits).is_ok()
            && let Ok(parsed) = parse(&raw, &limits)
            && let Some(mail) = Mail::new(&raw, parsed, None)
        {
            all_of(&mail);
            let names: std::collections::HashSet<_> =
                mail.attachments().into_iter().map(|attachment| attachment.safe_name).collect();
            prop_assert_eq!(names.len(), mail.attachment_count());
            let head = mail.head();
            let ids = head.references.iter().chain(&head.in_reply_to).chain(&head.message_id);
            let texts = head.from.iter().map(|from| &from.address).chain([&head.subject]).chain(ids);
            for text in texts {
                prop_assert!(!text.chars().any(char::is_control), "{:?}", text);
            }
        }
    }
}

const PIECES: &[&str] = &[
    "From: ",
    "To: ",
    "Subject: ",
    "Message-ID: <",
    "References: ",
    "Date: ",
    "Content-Type: ",
    "Content-Disposition: ",
    "multipart/mixed; boundary=b",
    "message/rfc822",
    "text/plain; charset=utf-7",
    "text/html; charset=iso-2022-jp",
    "attachment; filename*0*=utf-8''%00%0d%0a; filename*1=\"../x\"",
    "Content-Transfer-Encoding: base64",
    "\r\n",
    "\n",
    "\r\n\r\n",
    "--b",
    "--b--",
    "a@b.example",
    "=?utf-8?q?=0D=0ABcc:_x?=",
    "=?iso-2022-jp?b?GyRC?=",
    ">",
    "<",
    "\"",
    "(",
    ")",
    ";",
    ",",
    "\0",
    "ä",
    "SGVsbG8",
];
