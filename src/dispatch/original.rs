//! The mail itself, for a reply that needs more of it than its head.

use bytes::Bytes;
use mail_parser::decoders::html::html_to_text;

use crate::{config::Limits, job::Original, message};

/// Bytes of HTML that are put into text.
const MAX_HTML: usize = 1 << 20;

/// A mail's bytes and its text, which is read once more. Without a text where it can't be read in time.
pub async fn original(raw: Bytes, limits: Limits) -> Original {
    let text = message::read(raw.clone(), limits, |mail| {
        let shown = |html: std::borrow::Cow<'_, str>| {
            let end = (0..=html.len().min(MAX_HTML))
                .rev()
                .find(|&end| html.is_char_boundary(end));
            html_to_text(html.get(..end.unwrap_or(0)).unwrap_or_default())
        };
        let text = mail.text().map(std::borrow::Cow::into_owned);
        text.or_else(|| mail.html().map(shown)).unwrap_or_default()
    });
    Original {
        text: text.await.unwrap_or_default(),
        raw,
    }
}
