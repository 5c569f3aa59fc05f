//! The mail itself, for a reply that needs more of it than its head.

use std::{borrow::Cow, io};

use bytes::Bytes;
use mail_parser::decoders::html::html_to_text;

use super::spool::SpooledBody;
use crate::{
    budget::{Budget, Room},
    config::{Limits, OriginalAs, Reply},
    job::Original,
    message::{self, Mail},
};

/// Bytes of HTML that are put into text.
const MAX_HTML: usize = 1 << 20;

/// What this reply needs of a mail: its text, for which it is read, its bytes, or both. Without a text where it can't be read in time.
pub async fn original(raw: Bytes, limits: Limits, reply: &Reply) -> Original {
    let most = most(reply);
    let text = message::read(raw.clone(), limits, move |mail| text(mail, most)).await;
    Original {
        text: text.unwrap_or_default(),
        raw: if is_attached(reply) { raw } else { Bytes::new() },
    }
}

/// Whether the mail itself goes back.
pub(super) fn is_attached(reply: &Reply) -> bool {
    match reply.original {
        OriginalAs::Rfc822 => true,
        OriginalAs::Nothing | OriginalAs::Quote | OriginalAs::Text => false,
    }
}

/// Bytes of text that may be needed.
fn most(reply: &Reply) -> usize {
    let most = usize::try_from(reply.original_limit).unwrap_or(usize::MAX);
    // Templates may ask for the text and have their own limit.
    most.max(MAX_HTML)
}

/// The text of a mail, and no more of it than can go back: it may be much larger than what is quoted.
fn text(mail: &Mail<'_>, most: usize) -> String {
    let shown = |html: Cow<'_, str>| {
        let html = html.get(..html.floor_char_boundary(MAX_HTML)).unwrap_or_default();
        html_to_text(html)
    };
    // Line ends may have two bytes here, and have one where the limit counts.
    let cut = |text: Cow<'_, str>| {
        let end = text.floor_char_boundary(most.saturating_mul(2));
        text.get(..end).unwrap_or_default().to_owned()
    };
    mail.text()
        .map(cut)
        .or_else(|| mail.html().map(shown))
        .unwrap_or_default()
}

/// A mail's text, kept for its reply while its action takes its time: in memory where there is room for that, else in an unnamed file.
#[derive(Debug)]
pub(super) struct KeptOriginal {
    text: SpooledBody,
    _room: Option<Room>,
}

impl KeptOriginal {
    /// Blocks. Nothing where the temporary folder fails: then the mail is read once more.
    pub(super) fn of(mail: &Mail<'_>, reply: &Reply, parked: &Budget) -> Option<Self> {
        let text = text(mail, most(reply));
        match parked.try_take(text.len() as u64) {
            Some(room) => Some(Self {
                text: SpooledBody::Memory(text.into()),
                _room: Some(room),
            }),
            None => Some(Self {
                text: SpooledBody::filed(text.as_bytes()).ok()?,
                _room: None,
            }),
        }
    }

    /// The text. Blocks where it is in a file.
    ///
    /// # Errors
    /// When the temporary folder fails.
    pub(super) fn into_text(mut self) -> io::Result<String> {
        self.text.read(|from| {
            let mut text = String::new();
            from.read_to_string(&mut text)?;
            Ok(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::{MAIL, with_work};

    #[tokio::test]
    async fn a_text_is_kept_in_memory_or_beside_it() {
        for in_memory in [true, false] {
            let kept = with_work(MAIL, move |work| {
                let parked = Budget::new(0);
                let others = (!in_memory).then(|| parked.try_take(u64::MAX).unwrap());
                let kept = KeptOriginal::of(work.mail, &Reply::none(), &parked).unwrap();
                assert_eq!(matches!(kept.text, SpooledBody::Memory(_)), in_memory);
                drop(others);
                kept.into_text().unwrap()
            });
            assert_eq!(kept.await.trim_end(), "Hello.");
        }
    }
}
