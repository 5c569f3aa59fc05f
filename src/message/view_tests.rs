use bytes::Bytes;

use crate::{
    config::Limits,
    message::{Mail, read},
};

async fn of<T: Send + 'static>(raw: impl Into<Bytes>, look: impl FnOnce(&Mail<'_>) -> T + Send + 'static) -> T {
    read(raw.into(), Limits::default(), move |mail| look(mail))
        .await
        .unwrap()
}

/// Text, HTML, and the names of the files.
fn seen(mail: &Mail<'_>) -> (Option<String>, Option<String>, Vec<String>) {
    let line = |text: std::borrow::Cow<'_, str>| text.trim().replace("\r\n", "|");
    let names = mail
        .attachments()
        .iter()
        .map(|file| file.shown_name().to_owned())
        .collect();
    (mail.text().map(line), mail.html().map(line), names)
}

fn multipart(kind: &str, parts: &[&str]) -> String {
    let mut mail = format!("From: ann@a.example\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n");
    for part in parts {
        mail.push_str(&format!("--b\r\n{part}\r\n"));
    }
    mail.push_str("--b--\r\n");
    mail
}

const PLAIN: &str = "Content-Type: text/plain\r\n\r\nplain";
const HTML: &str = "Content-Type: text/html\r\n\r\n<p>html";
const NAMED_PLAIN: &str = "Content-Type: text/plain; name=a.txt\r\n\r\nplain";
const NAMED_HTML: &str = "Content-Type: text/html; name=a.html\r\nContent-Disposition: inline\r\n\r\n<p>html";
const SAVED_HTML: &str = "Content-Type: text/html\r\nContent-Disposition: attachment; filename=s.html\r\n\r\n<p>saved";
const IMAGE: &str = "Content-Type: image/png; name=i.png\r\nContent-ID: <i>\r\n\r\nx";
const PDF: &str = "Content-Type: application/pdf; name=f.pdf\r\n\r\n%PDF";
const CALENDAR: &str = "Content-Type: text/calendar; name=c.ics\r\n\r\nBEGIN:VCALENDAR";

#[tokio::test]
async fn what_programs_show_is_shown_and_the_rest_are_files() {
    let (plain, html) = (Some("plain"), Some("<p>html"));
    for (kind, parts, text, page, files) in [
        ("alternative", &[PLAIN, HTML][..], plain, html, &[][..]),
        ("alternative", &[NAMED_PLAIN, NAMED_HTML], plain, html, &[]),
        ("alternative", &[PLAIN, NAMED_HTML], plain, html, &[]),
        ("alternative", &[NAMED_HTML], None, html, &[]),
        ("alternative", &[PLAIN, HTML, CALENDAR], plain, html, &["c.ics"]),
        ("alternative", &[PLAIN, SAVED_HTML], plain, None, &["s.html"]),
        ("mixed", &[PLAIN, PDF], plain, None, &["f.pdf"]),
        ("mixed", &[PLAIN, NAMED_HTML], plain, None, &["a.html"]),
        ("mixed", &[HTML, SAVED_HTML], None, html, &["s.html"]),
        ("related", &[HTML, IMAGE], None, html, &["i.png"]),
        ("related", &[IMAGE, HTML], None, html, &["i.png"]),
        ("related", &[IMAGE, NAMED_HTML], None, html, &["i.png"]),
        ("related", &[IMAGE, PDF, HTML], None, html, &["i.png", "f.pdf"]),
        ("related", &[HTML, NAMED_PLAIN], None, html, &["a.txt"]),
    ] {
        let (text, page) = (text.map(str::to_owned), page.map(str::to_owned));
        let found = of(multipart(kind, parts), seen).await;
        let files = files.iter().map(|name| (*name).to_owned()).collect();
        // Where HTML has no text beside it, `text` may hold what a reader of text would see.
        let found = (found.0.filter(|_| text.is_some()), found.1, found.2);
        assert_eq!(found, (text, page, files), "{kind} {parts:#?}");
    }
}

#[tokio::test]
async fn alternatives_in_a_mail_with_files_are_both_shown() {
    let inner = multipart("alternative", &[NAMED_PLAIN, NAMED_HTML])
        .replace("boundary=b", "boundary=c")
        .replace("--b", "--c");
    let inner = inner.trim_start_matches("From: ann@a.example\r\n");
    let found = of(multipart("mixed", &[inner, PDF]), seen).await;
    assert_eq!(
        found,
        (Some("plain".into()), Some("<p>html".into()), vec!["f.pdf".to_owned()])
    );
}

#[tokio::test]
async fn a_text_in_an_encoding_that_nobody_knows_is_a_file_that_says_so() {
    let mail =
        "From: ann@a.example\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: x-secret\r\n\r\nqwerty\r\n";
    let (text, undecoded) = of(mail, |mail| {
        let file = mail.attachments().into_iter().next();
        (
            mail.text().map(std::borrow::Cow::into_owned),
            file.and_then(|file| file.undecoded),
        )
    })
    .await;
    assert_eq!((text, undecoded.as_deref()), (None, Some("x-secret")));
}

#[tokio::test]
async fn what_is_not_labelled_in_a_header_is_as_the_text_is() {
    let mail = [
        b"From: \xc0\xed\xed\xe0 <anna@firma.example>\r\nSubject: \xc7\xe0\xea\xe0\xe7\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\n".as_slice(),
        b"\xcf\xf0\xe8\xe2\xe5\xf2",
    ]
    .concat();
    let (subject, name, text, odd) = of(mail, |mail| {
        let head = mail.head();
        let odd = mail.odd_fields().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        (
            head.subject,
            head.from[0].name.clone(),
            mail.text().map(std::borrow::Cow::into_owned),
            odd,
        )
    })
    .await;
    assert_eq!(
        (subject.as_str(), name.as_deref(), text.as_deref()),
        ("Заказ", Some("Анна"), Some("Привет"))
    );
    assert_eq!(odd, ["From", "Subject"]);
}
