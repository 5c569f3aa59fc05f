//! What a status means, and what of a refusal is told.

use super::*;

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
    // The operator's: another attempt, and no attempt is used up.
    for status in [401, 402, 403, 404, 405, 407, 421, 426] {
        let outcome = judged(status, &[("content-type", "text/plain")], "for the sender");
        let Outcome::Retry {
            reason,
            detail,
            not_before,
        } = outcome
        else {
            panic!("{outcome:?}")
        };
        assert_eq!((reason, not_before), (Reason::Status(status), None));
        let begins = format!("the webhook answered {status}: ");
        assert!(!reason.is_attempt() && detail.starts_with(&begins), "{detail}");
    }
    for status in [300, 301, 302, 303, 307, 308, 400, 406, 409, 413, 415, 418, 422, 600] {
        let outcome = judged(status, &[], "");
        assert!(
            matches!(outcome, Outcome::Failed { reason: Reason::Status(n), tell: None, .. } if n == status),
            "{outcome:?}"
        );
    }
    let gone = |status| {
        judge(
            status,
            &HeaderMap::new(),
            AnswerBody::Whole(Bytes::new()),
            LIMITS,
            now(),
        )
        .gone
    };
    assert!(gone(StatusCode::GONE) && !gone(StatusCode::NOT_FOUND) && !gone(StatusCode::OK));
}

#[test]
fn who_asks_for_patience_gets_it() {
    for (value, seconds) in [
        ("120", Some(120)),
        ("Sunday, 22-Nov-26 12:05:00 GMT", Some(300)),
        ("soon", None),
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
}

#[test]
fn a_refusal_speaks_to_the_sender_in_a_reply_and_in_plain_text_only_where_that_is_wanted() {
    let tell = |tells, headers: &[(&'static str, &str)], body: &str| {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let came = AnswerBody::Whole(Bytes::copy_from_slice(body.as_bytes()));
        let limits = AnswerLimits { tells, ..LIMITS };
        match judge(StatusCode::UNPROCESSABLE_ENTITY, &headers, came, limits, now()).outcome {
            Outcome::Failed { tell, .. } => tell,
            other => panic!("{other:?}"),
        }
    };
    let plain = &[("content-type", "text/plain; charset=utf-8")][..];
    let json = &[("content-type", "application/json")][..];
    let echo = "No order number.\r\nSee \x1b[1m12\0.";
    let reply = r#"{"reply":{"text":"No order number."},"debug":"authorization: Bearer canary"}"#;
    for (tells, headers, body, told) in [
        (true, plain, echo, Some("No order number.\nSee  [1m12 .")),
        (false, plain, echo, None),
        (false, &[], echo, None),
        (true, &[], echo, None),
        (false, json, reply, Some("No order number.")),
        (true, json, reply, Some("No order number.")),
        (false, &[], reply, Some("No order number.")),
        (true, json, "{}", None),
        (true, json, r#"{"error":"authorization: Bearer canary"}"#, None),
        (true, &[("content-type", "text/html")], "<p>no", None),
    ] {
        assert_eq!(
            tell(tells, headers, body).as_deref(),
            told,
            "{tells} {headers:?} {body}"
        );
    }
    assert_eq!(
        tell(true, plain, &"x".repeat(5_000)).map(|text| text.len()),
        Some(2_048)
    );
}
