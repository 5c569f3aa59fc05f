use proptest::prelude::*;
use reqwest::header::HeaderValue;

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-22T12:00:00Z").unwrap().to_utc()
}

fn judged(status: u16, headers: &[(&'static str, &str)], body: &str) -> Outcome {
    let headers = headers
        .iter()
        .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
    let body = Bytes::copy_from_slice(body.as_bytes());
    judge(StatusCode::from_u16(status).unwrap(), &headers.collect(), body, now()).outcome
}

fn answered(headers: &[(&'static str, &str)], body: &str) -> Answer {
    match judged(200, headers, body) {
        Outcome::Done(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn refused(media_type: &str, body: &str) -> String {
    match judged(200, &[("content-type", media_type)], body) {
        Outcome::Failed {
            reason: Reason::BadAnswer,
            detail,
            tell: None,
        } => detail,
        other => panic!("{other:?}"),
    }
}

#[test]
fn statuses_mean_what_the_contract_says() {
    for status in [200, 201, 202, 204, 299] {
        assert!(matches!(judged(status, &[], ""), Outcome::Done(_)), "{status}");
    }
    for status in [408, 425, 429, 500, 502, 503, 504, 599, 410] {
        let outcome = judged(status, &[], "");
        assert!(
            matches!(outcome, Outcome::Retry { reason: Reason::Status(n), not_before: None, .. } if n == status),
            "{outcome:?}"
        );
    }
    for status in [300, 301, 302, 307, 308, 400, 401, 404, 413, 422] {
        let outcome = judged(status, &[], "");
        assert!(
            matches!(outcome, Outcome::Failed { reason: Reason::Status(n), tell: None, .. } if n == status),
            "{outcome:?}"
        );
    }
    let gone = |status| judge(status, &HeaderMap::new(), Bytes::new(), now()).gone;
    assert!(gone(StatusCode::GONE) && !gone(StatusCode::NOT_FOUND) && !gone(StatusCode::OK));
}

#[test]
fn retry_after_is_seconds_or_a_date_and_garbage_is_nothing() {
    for (value, seconds) in [
        ("120", Some(120)),
        ("0", Some(0)),
        ("Sun, 22 Nov 2026 12:05:00 GMT", Some(300)),
        ("Sun, 22 Nov 2026 11:00:00 GMT", Some(-3_600)),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
    ] {
        let outcome = judged(429, &[("retry-after", value)], "");
        let Outcome::Retry { not_before, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(
            not_before.map(|then| (then - now()).num_seconds()),
            seconds,
            "{value:?}"
        );
    }
    for endless in ["99999999999999", "99999999999999999999999999"] {
        assert_eq!(retry_after(endless, now()), Some(DateTime::<Utc>::MAX_UTC), "{endless}");
    }
}

#[test]
fn refusals_may_speak_to_the_sender_in_plain_text() {
    let tell = |media_type, body: &str| match judged(422, &[("content-type", media_type)], body) {
        Outcome::Failed { tell, .. } => tell,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        tell("text/plain; charset=utf-8", "No order number.\r\nSee \x1b[1m12\0.").as_deref(),
        Some("No order number.\nSee  [1m12 .")
    );
    assert_eq!(
        tell("text/plain", &"x".repeat(5_000)).map(|text| text.len()),
        Some(2_048)
    );
    assert_eq!(tell("text/html", "<p>no"), None);
    assert_eq!(tell("application/json", "{}"), None);
}

#[test]
fn an_empty_answer_is_no_result() {
    assert_eq!(answered(&[], ""), Answer::default());
    assert_eq!(answered(&[("content-type", "application/json")], ""), Answer::default());
    assert_eq!(
        answered(&[("content-type", "application/json")], r#"{"ok":true}"#),
        Answer::default()
    );
    assert_eq!(
        answered(&[("content-type", "application/json")], r#"{"reply":{}}"#),
        Answer::default()
    );
    assert_eq!(answered(&[("content-type", "text/plain")], "\r\n "), Answer::default());
}

#[test]
fn plain_text_is_the_text_of_the_reply() {
    for headers in [
        &[("content-type", "Text/Plain; charset=utf-8")][..],
        &[],
        &[("content-type", "nonsense")],
    ] {
        let answer = answered(headers, "Grüße\r\n2\r\n");
        assert_eq!((answer.text.as_deref(), answer.files.len()), (Some("Grüße\n2"), 0));
    }
}

#[test]
fn json_carries_text_and_files() {
    let body = r#"{"id":7,"reply":{"text":"Here.","files":[
        {"name":"../a\r\nBcc: x@y.pdf","media_type":"application/PDF","content":"aGk="},
        {"name":"CON","media_type":"text/plain\r\nX: y","content":""},
        {"name":"b.csv","content":"YSxi"}]}}"#;
    let answer = answered(&[("content-type", "application/json; charset=utf-8")], body);
    assert_eq!(answer.text.as_deref(), Some("Here."));
    let files: Vec<_> = answer
        .files
        .iter()
        .map(|file| (file.name.as_str(), file.media_type.as_str(), &file.data[..]))
        .collect();
    assert_eq!(
        files,
        [
            ("aBcc_ x@y.pdf", "application/pdf", &b"hi"[..]),
            ("_CON", "application/octet-stream", b""),
            ("b.csv", "application/octet-stream", b"a,b"),
        ]
    );
}

#[test]
fn json_that_breaks_the_contract_is_refused_visibly() {
    for body in [
        "ok",
        "[]",
        "{",
        r#"{"reply":"text"}"#,
        r#"{"reply":{"txt":"typing error"}}"#,
        r#"{"reply":{"text":7}}"#,
        r#"{"reply":{"files":[{"name":"a"}]}}"#,
        r#"{"reply":{"files":[{"name":"a","content":"not base64!"}]}}"#,
    ] {
        assert!(!refused("application/json", body).is_empty(), "{body}");
    }
    let files = vec![r#"{"name":"a","content":""}"#; 101].join(",");
    assert!(refused("application/json", &format!(r#"{{"reply":{{"files":[{files}]}}}}"#)).contains("100"));
}

#[test]
fn any_other_media_type_is_one_file() {
    let named = |disposition| {
        let headers = [
            ("content-type", "application/pdf"),
            ("content-disposition", disposition),
        ];
        let answer = answered(&headers, "%PDF");
        assert_eq!((answer.text, answer.files.len()), (None, 1));
        answer.files[0].name.clone()
    };
    for (disposition, name) in [
        ("attachment; filename=\"invoice 1.pdf\"", "invoice 1.pdf"),
        ("attachment; FILENAME=a.pdf; x=y", "a.pdf"),
        ("attachment; filename=../../etc/passwd", "passwd"),
        ("attachment; filename=\"\"", ""),
        ("inline", ""),
    ] {
        assert_eq!(named(disposition), name, "{disposition}");
    }
}

#[test]
fn an_encoded_answer_is_refused() {
    let headers = [("content-type", "text/plain"), ("content-encoding", "gzip")];
    assert!(matches!(
        judged(200, &headers, "\u{1f}x"),
        Outcome::Failed {
            reason: Reason::BadAnswer,
            ..
        }
    ));
    let identity = [("content-type", "text/plain"), ("content-encoding", "identity")];
    assert_eq!(answered(&identity, "x").text.as_deref(), Some("x"));
}

proptest! {
    #[test]
    fn no_answer_puts_a_line_break_into_a_header(
        status in 200_u16..600, media_type in "[ -~]{0,40}", disposition in "[ -~]{0,60}",
        body in prop_oneof![any::<String>(), r#"\{"reply":\{"files":\[\{"name":".{0,20}","media_type":"[a-z/\\rn]{0,9}","content":""\}\]\}\}"#]
    ) {
        for media_type in [media_type.as_str(), "application/json"] {
            let headers = [("content-type", media_type), ("content-disposition", disposition.as_str())];
            if let Outcome::Done(answer) = judged(status, &headers, &body) {
                for file in answer.files {
                    prop_assert!(!file.name.contains(char::is_control) && !file.media_type.contains(char::is_control));
                }
            }
        }
    }
}
