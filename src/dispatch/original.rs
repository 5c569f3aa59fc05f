//! The mail itself, for a reply that needs more of it than its head.

use bytes::Bytes;
use mail_parser::decoders::html::html_to_text;

use crate::{
    config::{Limits, OriginalAs, Reply},
    job::Original,
    message,
};

/// Bytes of HTML that are put into text.
const MAX_HTML: usize = 1 << 20;

/// What this reply needs of a mail: its text, which is read once more, its bytes, or both. Without a text where it can't be read in time,
/// and with no more of it than can go back: the text may be much larger than what is quoted.
pub async fn original(raw: Bytes, limits: Limits, reply: &Reply) -> Original {
    let most = usize::try_from(reply.original_limit).unwrap_or(usize::MAX);
    // Templates may ask for the text and have their own limit.
    let most = most.max(MAX_HTML);
    let text = message::read(raw.clone(), limits, move |mail| {
        let shown = |html: std::borrow::Cow<'_, str>| {
            let html = html.get(..html.floor_char_boundary(MAX_HTML)).unwrap_or_default();
            html_to_text(html)
        };
        // Line ends may have two bytes here, and have one where the limit counts.
        let cut = |text: std::borrow::Cow<'_, str>| {
            let end = text.floor_char_boundary(most.saturating_mul(2));
            text.get(..end).unwrap_or_default().to_owned()
        };
        mail.text()
            .map(cut)
            .or_else(|| mail.html().map(shown))
            .unwrap_or_default()
    });
    Original {
        text: text.await.unwrap_or_default(),
        raw: match reply.original {
            OriginalAs::Rfc822 => raw,
            OriginalAs::Nothing | OriginalAs::Quote | OriginalAs::Text => Bytes::new(),
        },
    }
}
