//! What is remembered of a request and its answer, for the operator. Pure; nothing secret is among it.

use reqwest::{
    StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap},
};

use crate::{
    config,
    job::{Exchange, TruncatedText},
    message::clean::clean,
};

/// Characters kept of an answer's media type.
const MAX_MEDIA_TYPE: usize = 100;

/// What is remembered of an answer.
#[derive(Default)]
pub(super) struct AnswerTrace {
    status: Option<u16>,
    media_type: Option<String>,
    /// The beginning of its body, where that came.
    pub(super) body: Option<TruncatedText>,
}

impl AnswerTrace {
    /// Its head.
    pub(super) fn new(status: StatusCode, headers: &HeaderMap) -> Self {
        let media_type = headers.get(CONTENT_TYPE).map(|value| {
            let media_type = String::from_utf8_lossy(value.as_bytes());
            clean(&media_type, MAX_MEDIA_TYPE)
        });
        Self {
            status: Some(status.as_u16()),
            media_type,
            body: None,
        }
    }
}

/// What is remembered of a request of so many bytes, and of its answer where one came.
pub(super) fn exchange(webhook: &config::Webhook, sent: u64, answered: Option<AnswerTrace>) -> Exchange {
    let AnswerTrace {
        status,
        media_type,
        body,
    } = answered.unwrap_or_default();
    Exchange::Webhook {
        method: "POST".to_owned(),
        url: shown(webhook),
        sent,
        status,
        media_type,
        body,
    }
}

/// The URL without what may be a secret: user, password, query and fragment.
fn shown(webhook: &config::Webhook) -> String {
    let Ok(mut url) = Url::parse(webhook.place()) else {
        return "(a URL that is not usable)".to_owned();
    };
    let without_user = url.set_username("").and_then(|()| url.set_password(None));
    url.set_fragment(None);
    match without_user {
        Ok(()) => url.into(),
        Err(()) => "(a URL that is not usable)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_what_may_be_a_secret() {
        for (url, expected) in [
            ("https://erp.example/hook?key=x", "https://erp.example/hook"),
            (
                "https://user:key@erp.example:8443/hook#key",
                "https://erp.example:8443/hook",
            ),
            ("no url", "(a URL that is not usable)"),
        ] {
            assert_eq!(shown(&config::Webhook::new(url.to_owned())), expected);
        }
    }
}
