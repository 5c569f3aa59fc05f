//! Whether a client's SASL response is well-formed; the token itself can be anything.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Google's challenge after a token that it doesn't take, which the client answers with an empty line
/// (developers.google.com/gmail/imap/xoauth2-protocol).
pub(crate) const CHALLENGE: &str = r#"{"status":"401","schemes":"bearer mac","scope":"https://mail.google.com/"}"#;

/// Whether this is the response of XOAUTH2: `user=…^Aauth=Bearer …^A^A` in base64.
pub(crate) fn is_xoauth2(response: &str) -> bool {
    let decoded = STANDARD
        .decode(response)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.is_some_and(|text| {
        let inner = text
            .strip_prefix("user=")
            .and_then(|rest| rest.strip_suffix("\x01\x01"));
        let parts = inner.and_then(|rest| rest.split_once("\x01auth=Bearer "));
        parts.is_some_and(|(user, token)| !user.is_empty() && !token.is_empty())
    })
}

/// The challenge in base64.
pub(crate) fn challenge() -> String {
    STANDARD.encode(CHALLENGE)
}
