//! A token server's answer as RFC 6749 section 5 and RFC 8628 section 3.2 have it, made of what servers really send. Pure.
//!
//! No token is thrown away for the form in which it came: JSON under any media type, with a byte-order mark, or a form (GitHub, 2026-11,
//! where it isn't asked for JSON); numbers written as texts; an error with the status 200, or as an object (GitHub, Slack, Facebook's
//! Graph).

use std::borrow::Cow;

use oauth2::http::StatusCode;
use serde_json::{Map, Value};

use crate::secret::Redaction;

/// Keys whose values are numbers.
const NUMBERS: [&str; 2] = ["expires_in", "interval"];

/// Keys of texts in an error that is an object: its code, and what is said with it.
const CODES: [&str; 4] = ["code", "type", "status", "error"];
const WORDS: [&str; 4] = ["message", "description", "error_description", "msg"];

/// The status and the JSON that were meant; `None` where the body is neither JSON nor a form.
pub(super) fn meant(status: StatusCode, body: &[u8], secrets: &Redaction) -> Option<(StatusCode, Vec<u8>)> {
    let mut answer = object(body)?;
    for key in NUMBERS {
        if let Some(number) = answer.get(key).and_then(number) {
            answer.insert(key.to_owned(), number);
        }
    }
    let granted = answer.get("access_token").is_some_and(is_text) || answer.get("device_code").is_some_and(is_text);
    let status = match (status.is_success(), granted, refused(&mut answer)) {
        (true, true, _) => {
            answer.remove("error");
            StatusCode::OK
        }
        (true, false, true) => StatusCode::BAD_REQUEST,
        _ => status,
    };
    // It may quote what it was asked with.
    if let Some(Value::String(said)) = answer.get_mut("error_description")
        && let Cow::Owned(struck) = secrets.strike(said)
    {
        *said = struck;
    }
    Some((status, serde_json::to_vec(&answer).ok()?))
}

fn object(body: &[u8]) -> Option<Map<String, Value>> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    if let Ok(Value::Object(answer)) = serde_json::from_slice(body) {
        return Some(answer);
    }
    let text = str::from_utf8(body).ok()?;
    let is_form = ["access_token=", "error=", "device_code="]
        .iter()
        .any(|key| text.split('&').any(|pair| pair.starts_with(key)));
    let pairs = form_urlencoded::parse(body).map(|(key, value)| (key.into_owned(), Value::String(value.into_owned())));
    is_form.then(|| pairs.collect())
}

/// A number that is written as a text; what is none stays as it is.
fn number(value: &Value) -> Option<Value> {
    let seconds: f64 = value.as_str()?.trim().parse().ok()?;
    let whole = seconds.is_finite().then(|| seconds.clamp(0.0, 1e9).floor())?;
    // Between 0 and a milliard, and without a fraction.
    Some(Value::from(whole as u64))
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

/// Whether it says an error, which is brought to two texts.
fn refused(answer: &mut Map<String, Value>) -> bool {
    let (code, words) = match answer.get("error") {
        Some(Value::String(code)) if !code.trim().is_empty() => (code.trim().to_owned(), None),
        Some(Value::Object(error)) => {
            let find = |keys: [&str; 4]| keys.iter().find_map(|key| error.get(*key).and_then(text));
            (find(CODES).unwrap_or_else(|| "error".to_owned()), find(WORDS))
        }
        Some(Value::Number(code)) => (code.to_string(), None),
        Some(Value::Bool(true)) => ("error".to_owned(), None),
        _ => return false,
    };
    answer.insert("error".to_owned(), Value::String(code));
    let said = answer.get("error_description").and_then(text).or(words);
    let said = said.or_else(|| answer.get("message").and_then(text));
    match said {
        Some(said) => answer.insert("error_description".to_owned(), Value::String(said)),
        None => answer.remove("error_description"),
    };
    for key in ["suberror", "error_uri"] {
        if !answer.get(key).is_some_and(Value::is_string) {
            answer.remove(key);
        }
    }
    true
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: &str) -> (u16, Value) {
        let (status, body) = meant(
            StatusCode::from_u16(status).unwrap(),
            body.as_bytes(),
            &Redaction::default(),
        )
        .unwrap();
        (status.as_u16(), serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn a_token_is_found_in_every_form() {
        let token = json!({ "access_token": "t", "expires_in": 3600 });
        for (status, body) in [
            (200, r#"{"access_token":"t","expires_in":3600}"#),
            (
                200,
                "\u{feff} \r\n{\"access_token\":\"t\",\"expires_in\":\" 3600 \"}\r\n",
            ),
            (201, r#"{"access_token":"t","expires_in":"3600","error":null}"#),
            (200, r#"{"access_token":"t","expires_in":3600,"error":""}"#),
            (200, "access_token=t&expires_in=3600"),
        ] {
            let (found, mut read) = read(status, body);
            if read["error"].is_null() || read["error"] == "" {
                read.as_object_mut().unwrap().remove("error");
            }
            assert_eq!((found, read), (200, token.clone()), "{body}");
        }
        let (_, device) = read(
            200,
            r#"{"device_code":"d","user_code":"u","expires_in":"900","interval":"5"}"#,
        );
        assert_eq!((&device["expires_in"], &device["interval"]), (&json!(900), &json!(5)));
        assert_eq!(
            read(200, r#"{"access_token":"t","expires_in":"soon"}"#).1["expires_in"],
            "soon"
        );
    }

    #[test]
    fn an_error_is_one_whatever_its_status_and_form() {
        for (status, body, found, code, said) in [
            (
                200,
                r#"{"error":"invalid_grant","error_description":"gone"}"#,
                400,
                "invalid_grant",
                "gone",
            ),
            (
                400,
                r#"{"error":{"code":"invalid_grant","message":"gone"}}"#,
                400,
                "invalid_grant",
                "gone",
            ),
            (
                200,
                r#"{"error":{"type":"OAuthException","code":190,"message":"gone"}}"#,
                400,
                "190",
                "gone",
            ),
            (401, r#"{"error":{"message":"gone"}}"#, 401, "error", "gone"),
            (200, r#"{"error":true,"message":"gone"}"#, 400, "error", "gone"),
            (
                200,
                "error=invalid_grant&error_description=gone",
                400,
                "invalid_grant",
                "gone",
            ),
        ] {
            let (status, read) = read(status, body);
            assert_eq!(
                (status, read["error"].as_str(), read["error_description"].as_str()),
                (found, Some(code), Some(said)),
                "{body}"
            );
        }
        let nothing = |body: &[u8]| meant(StatusCode::OK, body, &Redaction::default());
        assert_eq!(nothing(b"<html>error=no</html>"), None);
        assert_eq!(nothing(b""), None);
        assert_eq!(nothing(b"[]"), None);
    }

    #[test]
    fn what_it_was_asked_with_is_struck_out_of_its_words() {
        let secrets = Redaction::default().and_sent("1//0gRefreshTokenOfOurs");
        let body = br#"{"error":"invalid_grant","error_description":"Bad token 1//0gRefreshTokenOfOurs."}"#;
        let (_, body) = meant(StatusCode::BAD_REQUEST, body, &secrets).unwrap();
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains("Bad token ***.") && !body.contains("Refresh"), "{body}");
    }

    proptest! {
        #[test]
        fn a_success_with_a_token_stays_one(body in prop::collection::vec(any::<u8>(), 0..200), seconds in ".{0,12}") {
            drop(meant(StatusCode::OK, &body, &Redaction::default()));
            let answer = json!({ "access_token": "t", "expires_in": seconds, "error": { "code": 1 } });
            let (status, _) = meant(StatusCode::OK, answer.to_string().as_bytes(), &Redaction::default()).unwrap();
            prop_assert_eq!(status, StatusCode::OK);
        }
    }
}
