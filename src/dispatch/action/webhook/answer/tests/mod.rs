mod statuses;

use proptest::prelude::*;
use reqwest::header::HeaderValue;

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-22T12:00:00Z").unwrap().to_utc()
}

/// What an endpoint allows that says nothing.
const LIMITS: AnswerLimits = AnswerLimits {
    most: 1 << 20,
    tells: false,
};

fn judged(status: u16, headers: &[(&'static str, &str)], body: &str) -> Outcome {
    let headers = headers
        .iter()
        .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
    judged_bytes(status, headers.collect(), body.as_bytes())
}

fn judged_bytes(status: u16, headers: HeaderMap, body: &[u8]) -> Outcome {
    let came = AnswerBody::Whole(Bytes::copy_from_slice(body));
    judge(StatusCode::from_u16(status).unwrap(), &headers, came, LIMITS, now()).outcome
}

fn answered(headers: &[(&'static str, &str)], body: &str) -> Answer {
    match judged(200, headers, body) {
        Outcome::Done(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// An answer of which something can't be used, and what.
fn flawed(media_type: &str, body: &str) -> (Answer, String) {
    let mut answer = answered(&[("content-type", media_type)], body);
    let flaw = answer.flaw.take().unwrap_or_else(|| panic!("{body} has no flaw"));
    assert_eq!(flaw.reason, Reason::BadAnswer);
    (answer, flaw.detail)
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
    let answer = answered(&[("content-type", "Text/Plain; charset=utf-8")], "Grüße\r\n2\r\n");
    assert_eq!((answer.text.as_deref(), answer.files.len()), (Some("Grüße\n2"), 0));
    // Nobody said that it is a text for people.
    for headers in [&[][..], &[("content-type", "nonsense")]] {
        let answer = answered(headers, "Grüße\r\n2\r\n");
        assert!(answer.text.is_none() && answer.files.is_empty(), "{answer:?}");
        assert!(format!("{answer:?}").contains("no Content-Type"), "{answer:?}");
        assert_eq!(answered(headers, " \r\n"), Answer::default());
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
fn json_that_breaks_the_contract_is_done_and_said() {
    let json = "application/json";
    for (body, words) in [
        ("OK", "is not"),
        ("\"ok\"", "a text"),
        ("null", "null"),
        ("true", "true or false"),
        ("7", "a number"),
        ("[]", "a list"),
        (r#"[{"reply":{"text":"by position"}}]"#, "a list"),
        (r#"["by", "position"]"#, "a list"),
        ("{", "is not"),
        (r#"{"reply":["text",[]]}"#, "reply is a list"),
        (r#"{"reply":{"txt":"typing error"}}"#, "txt"),
        (r#"{"reply":{"text":{}}}"#, "reply.text is an object"),
        (r#"{"reply":{"files":"a.pdf"}}"#, "reply.files is a text"),
        (r#"{"reply":{"files":["a.pdf"]}}"#, "file 1 of its reply is a text"),
        (r#"{"reply":{"files":[{"name":"a"}]}}"#, "a is missing"),
        (
            r#"{"reply":{"files":[{"name":"a","content":"not base64!"}]}}"#,
            "a is no base64",
        ),
        (r#"{"reply":{"files":[["a","aGk="]]}}"#, "file 1 of its reply is a list"),
    ] {
        let (answer, detail) = flawed(json, body);
        assert!(detail.contains(words), "{body}: {detail}");
        assert_eq!((answer.files.len(), answer.data), (0, None), "{body}");
        if !body.contains("files") {
            assert_eq!(answer.text, None, "{body}");
        }
    }
    let files = vec![r#"{"name":"a","content":""}"#; 101].join(",");
    let (answer, detail) = flawed(json, &format!(r#"{{"reply":{{"text":"Here.","files":[{files}]}}}}"#));
    assert!(detail.contains("100 at most") && answer.files.is_empty(), "{detail}");
    assert!(answer.text.unwrap().starts_with("Here.\n\nThe work is done, but"));
    let (answer, _) = flawed(json, &"[".repeat(100_000));
    assert_eq!(answer, Answer::default(), "too deep");
}

#[test]
fn only_what_can_t_be_used_is_left_out() {
    let body = r#"{"data":{"n":1},"reply":{"text":"Here.","note":"?","files":[
        {"name":"a.txt","content":"aGk="},{"name":"b.txt","content":"%"},{"name":"c.txt","content":"aGk","size":2}]}}"#;
    let (answer, detail) = flawed("application/json", body);
    let names: Vec<_> = answer.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["a.txt", "c.txt"]);
    assert_eq!(answer.data, Some(serde_json::json!({"n": 1})));
    assert_eq!(
        answer.text.as_deref(),
        Some("Here.\n\nThe work is done, but not every file of the result can be sent. Left out: b.txt.")
    );
    for words in ["b.txt is no base64", "reply has keys that are not known: note", "size"] {
        assert!(detail.contains(words), "{detail}");
    }
}

#[test]
fn what_clearly_means_something_is_taken_for_it() {
    let json = |body: &str| answered(&[("content-type", "application/json")], body);
    for (body, text) in [
        (r#"{"reply":"text"}"#, Some("text")),
        (r#"{"reply":{"text":7}}"#, Some("7")),
        (r#"{"reply":null}"#, None),
        (r#"{"reply":{"text":null,"files":null}}"#, None),
        ("\u{feff}{\"reply\":{\"text\":\"mark\"}}", Some("mark")),
        (" \r\n{\"reply\":\"blanks\"}\r\n ", Some("blanks")),
        (" \n", None),
    ] {
        let answer = json(body);
        assert_eq!((answer.text.as_deref(), answer.flaw), (text, None), "{body}");
    }
    for content in ["aGk=", "aGk", "a\\r\\nGk=\\r\\n", "data:text/plain;base64,aGk="] {
        let answer = json(&format!(
            r#"{{"reply":{{"files":{{"name":"a","content":"{content}"}}}}}}"#
        ));
        assert_eq!(
            (&answer.files[0].data[..], answer.flaw),
            (&b"hi"[..], None),
            "{content}"
        );
    }
    let answer = json(r#"{"reply":{"files":[{"name":"a","content":"-_-_"}]}}"#);
    assert_eq!((&answer.files[0].data[..], answer.flaw), (&b"\xfb\xff\xbf"[..], None));
}

#[test]
fn json_has_many_names() {
    for media_type in [
        "application/json",
        "text/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.api+json",
        "application/problem+json",
        "application/hal+json",
    ] {
        let answer = answered(&[("content-type", media_type)], r#"{"reply":"text"}"#);
        assert_eq!(
            (answer.text.as_deref(), answer.files.len()),
            (Some("text"), 0),
            "{media_type}"
        );
    }
    let wide: Vec<u8> = "\u{feff}{\"reply\":\"wide\"}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let Outcome::Done(answer) = judged_bytes(200, headers, &wide) else {
        panic!()
    };
    assert_eq!(answer.text.as_deref(), Some("wide"));
    assert_eq!(answered(&[], r#"{"reply":"no type"}"#).text.as_deref(), Some("no type"));
    let attached = [
        ("content-type", "application/geo+json"),
        ("content-disposition", "attachment; filename=map.json"),
    ];
    assert_eq!(answered(&attached, "{}").files[0].name, "map.json");
}

#[test]
fn a_page_for_people_never_goes_back_by_itself() {
    let login = "<!DOCTYPE html><html><form action=/login><input type=\"password\" name=p></form></html>";
    for (media_type, body, words) in [
        ("text/html; charset=utf-8", login, "sign-in page"),
        ("", login, "sign-in page"),
        ("application/xhtml+xml", "<html><p>Hello</p></html>", "page in HTML"),
        ("text/html", "<p>OK</p>", "page in HTML"),
    ] {
        let (answer, detail) = flawed(media_type, body);
        assert_eq!(answer, Answer::default(), "{media_type} {body}");
        assert!(detail.contains(words), "{detail}");
    }
    let answer = answered(&[("content-type", "text/html")], "Booked &amp; filed\n");
    assert_eq!((answer.text.as_deref(), answer.flaw), (Some("Booked & filed"), None));
    let asked = [
        ("content-type", "text/html"),
        ("content-disposition", "attachment; filename=report.html"),
    ];
    let answer = answered(&asked, login);
    assert_eq!((answer.files[0].name.as_str(), answer.flaw), ("report.html", None));
}

#[test]
fn text_is_read_in_its_character_set() {
    for (media_type, body, text) in [
        ("text/plain; charset=iso-8859-1", &b"Gr\xfc\xdfe"[..], "Gr\u{fc}\u{df}e"),
        ("text/plain; charset=\"utf-16\"", b"\xff\xfeO\0K\0", "OK"),
        ("text/plain", b"Gr\xfc\xdfe", "Gr\u{fc}\u{df}e"),
        (
            "application/json; charset=latin1",
            b"{\"reply\":\"Gr\xfc\"}",
            "Gr\u{fc}",
        ),
    ] {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(media_type).unwrap())]);
        let Outcome::Done(answer) = judged_bytes(200, headers, body) else {
            panic!()
        };
        assert_eq!(
            (answer.text.as_deref(), answer.flaw),
            (Some(text), None),
            "{media_type}"
        );
    }
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
fn a_packed_answer_is_unpacked_or_lost_and_the_job_is_done() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"unpacked").unwrap();
    let packed = packed.finish().unwrap();
    let answer = |coding: &'static str, body: &[u8]| {
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("text/plain")),
            (CONTENT_ENCODING, HeaderValue::from_static(coding)),
        ]);
        match judged_bytes(200, headers, body) {
            Outcome::Done(answer) => answer,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(answer("gzip", &packed).text.as_deref(), Some("unpacked"));
    assert_eq!(answer("identity", b"plain").text.as_deref(), Some("plain"));
    for (coding, body) in [
        ("br", &packed[..]),
        ("gzip", b"plain"),
        ("gzip", &packed[..packed.len() - 1]),
    ] {
        let lost = answer(coding, body);
        assert!(lost.text.is_none() && lost.flaw.is_some(), "{lost:?}");
    }
}

#[test]
fn what_came_in_part_is_no_result() {
    let judged = |status: u16, came| {
        judge(
            StatusCode::from_u16(status).unwrap(),
            &HeaderMap::new(),
            came,
            AnswerLimits { most: 10, ..LIMITS },
            now(),
        )
    };
    for came in [
        AnswerBody::Broken("the connection broke".into()),
        AnswerBody::TooLarge { most: 10 },
    ] {
        let ended = judged(200, came);
        let Outcome::Done(answer) = ended.outcome else {
            panic!("{ended:?}")
        };
        assert!(answer.files.is_empty() && answer.flaw.is_some() && ended.raw.is_empty());
    }
    let Outcome::Done(part) = judged(206, AnswerBody::Whole("a part".into())).outcome else {
        panic!()
    };
    assert!(part.text.is_none() && part.flaw.is_some());
    let ended = judged(422, AnswerBody::Broken("the connection broke".into()));
    assert!(matches!(ended.outcome, Outcome::Failed { tell: None, .. }), "{ended:?}");
}

proptest! {
    #[test]
    fn no_answer_puts_a_line_break_into_a_header(
        status in 200_u16..600, media_type in "[ -~]{0,40}", disposition in "[ -~]{0,60}",
        body in prop_oneof![any::<String>(), r#"\{"reply":\{"files":\[\{"name":".{0,20}","media_type":"[a-z/\\rn]{0,9}","content":""\}\]\}\}"#]
    ) {
        for media_type in [media_type.as_str(), "application/json"] {
            let headers = [("content-type", media_type), ("content-disposition", disposition.as_str())];
            let outcome = judged(status, &headers, &body);
            prop_assert_eq!(matches!(outcome, Outcome::Done(_)), status < 300);
            if let Outcome::Done(answer) = outcome {
                for file in answer.files {
                    prop_assert!(!file.name.contains(char::is_control) && !file.media_type.contains(char::is_control));
                }
            }
        }
    }
}
