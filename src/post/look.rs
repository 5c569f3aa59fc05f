//! Which mails are meant, by their headers.
//!
//! The conditions are judged here and not by the server's SEARCH: they mean the same at every server, in every charset, by IMAP and by
//! POP3. The price is that the header of every mail up to the last one that is meant is fetched: up to 64 KiB each by IMAP, 32 mails a
//! command; by POP3 one TOP a mail.

use crate::{
    config::{Filter, Limits},
    message::{
        self, Head,
        filter::{Judgement, judge},
    },
    watch::{
        error::WatchError,
        source::{Fetched, FetchedMail, Item, OpenMailbox},
    },
};

use bytes::Bytes;

/// What a look at some mails found.
#[derive(Debug)]
pub(super) struct Selection<K> {
    /// The mails that are meant, in their order.
    pub(super) meant: Vec<Item<K>>,
    /// Mails whose header can't be read: nobody knows whether they are meant.
    pub(super) unknown: usize,
}

/// The mails of these that a filter means.
pub(super) async fn choose<M: OpenMailbox>(
    visit: M,
    mails: &[Item<M::Key>],
    filter: &Filter,
    limits: &Limits,
) -> Result<(M, Selection<M::Key>), WatchError> {
    let mut found = Selection {
        meant: Vec::new(),
        unknown: 0,
    };
    if filter.from.is_empty() && filter.subject.is_empty() {
        found.meant = mails.to_vec();
        return Ok((visit, found));
    }
    let (mut visit, beginnings) = visit.beginnings(mails).await?;
    for mail in mails {
        let Some((_, beginning)) = beginnings.iter().find(|(key, _)| *key == mail.key) else {
            continue;
        };
        let mut header = header(beginning);
        if header.is_none() {
            let mut kept = FetchedMail::default();
            let fetched;
            (visit, fetched) = fetch(visit, mail, limits.size, &mut kept).await?;
            header = match fetched {
                Fetched::Whole => {
                    let bytes = kept.bytes.into();
                    Some(self::header(&bytes).unwrap_or(bytes))
                }
                Fetched::TooLarge | Fetched::Not(_) => None,
                Fetched::Gone => continue,
            };
        }
        match head(header, limits).await {
            Some(head) => {
                let judged = judge(filter, &head, mail.size, std::iter::empty());
                found
                    .meant
                    .extend(matches!(judged, Judgement::Meant(_)).then(|| mail.clone()));
            }
            None => found.unknown += 1,
        }
    }
    Ok((visit, found))
}

/// Fetches a mail. What says of itself that it is too large is not asked for.
pub(super) async fn fetch<M: OpenMailbox>(
    visit: M,
    mail: &Item<M::Key>,
    limit: u64,
    kept: &mut FetchedMail,
) -> Result<(M, Fetched), WatchError> {
    match mail.size > limit {
        true => Ok((visit, Fetched::TooLarge)),
        false => visit.fetch(mail, limit, kept).await,
    }
}

async fn head(header: Option<Bytes>, limits: &Limits) -> Option<Head> {
    message::read(header?, *limits, |mail| mail.head()).await.ok()
}

/// The header with the empty line that ends it, if that is there.
fn header(mail: &Bytes) -> Option<Bytes> {
    let mut end = 0;
    for line in mail.split_inclusive(|&byte| byte == b'\n') {
        end += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            return Some(mail.slice(..end));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_at_the_empty_line() {
        for (mail, end) in [
            ("A: b\r\nC: d\r\n\r\nbody\r\n\r\n", Some("A: b\r\nC: d\r\n\r\n")),
            ("A: b\n\nbody", Some("A: b\n\n")),
            ("\r\nbody", Some("\r\n")),
            ("A: b\r\n", None),
            ("", None),
        ] {
            let found = header(&Bytes::from(mail));
            assert_eq!(found.as_deref(), end.map(str::as_bytes), "{mail:?}");
        }
    }
}
