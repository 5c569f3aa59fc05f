//! Receives one mail by IMAP, part by part, to wherever its bytes go.

use bytes::{Buf, Bytes};

use super::{
    error::{WatchError, Words},
    imap::{self as wire, Completion, FETCH, Fetch, ImapConnection, ImapResponse, Step},
    listing,
    reading::{FetchResult, NextRequest, Reading, ReadingStep, ReceivedBytes},
    sizes::Sizes,
    source::{Fetched, MailSink},
    taker::MailMetadata,
};

/// Reads a mail to its end.
pub(super) async fn retrieve<S: MailSink>(
    mut wire: ImapConnection,
    uid: u32,
    mut reading: Reading,
    sink: &mut S,
    sizes: &mut Sizes,
) -> Result<(ImapConnection, Fetched), WatchError> {
    wire.allow(reading.most());
    loop {
        let answer;
        (wire, answer) = ask(wire, uid, &mut reading, sink).await?;
        let (came, bytes) = match answer {
            RetrieveResult::Nothing => {
                let there;
                (wire, there) = listing::present(wire, &[uid]).await?;
                if !there.contains(&uid) {
                    sink.forget().await?;
                    return Ok((wire, Fetched::Gone));
                }
                (FetchResult::Nothing, None)
            }
            RetrieveResult::Refused(said) => (FetchResult::Refused(said), None),
            RetrieveResult::Bytes(bit, bytes) => (FetchResult::Bytes(bit), Some(bytes)),
            RetrieveResult::Streamed(bit) => (FetchResult::Bytes(bit), None),
        };
        let then = reading.came(came);
        if let (ReadingStep::Keep(skip) | ReadingStep::KeepLast(skip), Some(mut bytes)) = (&then, bytes) {
            bytes.advance((*skip).min(bytes.len()));
            if !bytes.is_empty() {
                sink.piece(bytes).await?;
            }
        }
        let doubt = match then {
            ReadingStep::KeepLast(_) | ReadingStep::End => sizes.doubt(uid, reading.complete()),
            _ => None,
        };
        let end = match doubt.map_or(then, |why| reading.as_a_whole(why)) {
            ReadingStep::Keep(_) => continue,
            ReadingStep::Anew => {
                sink.forget().await?;
                continue;
            }
            ReadingStep::KeepLast(_) | ReadingStep::End => Fetched::Whole,
            ReadingStep::TooLarge => Fetched::TooLarge,
            ReadingStep::Not(why) => {
                sink.forget().await?;
                Fetched::Not(why)
            }
        };
        return Ok((wire, end));
    }
}

/// What one command brought.
enum RetrieveResult {
    Nothing,
    Refused(Words),
    Bytes(ReceivedBytes, Bytes),
    /// More than is gathered: where nothing was kept before, it went to the sink as it came.
    Streamed(ReceivedBytes),
}

impl RetrieveResult {
    fn bit(&self) -> Option<&ReceivedBytes> {
        match self {
            Self::Bytes(bit, _) | Self::Streamed(bit) => Some(bit),
            Self::Nothing | Self::Refused(_) => None,
        }
    }
}

async fn ask<S: MailSink>(
    wire: ImapConnection,
    uid: u32,
    reading: &mut Reading,
    sink: &mut S,
) -> Result<(ImapConnection, RetrieveResult), WatchError> {
    let what = match reading.ask() {
        NextRequest::Part { offset, most } => {
            format!("{uid} (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<{offset}.{most}>)")
        }
        NextRequest::All => format!("{uid} (UID INTERNALDATE RFC822.SIZE BODY.PEEK[])"),
    };
    let mut running = wire.send(FETCH, &what).await?;
    let (mut heard, mut is_torn) = (RetrieveResult::Nothing, false);
    // A body that comes in pieces, before the response in which it stands.
    let mut stream: Option<ReceivedBytes> = None;
    let done = loop {
        let said;
        (running, said) = match running.next().await? {
            Step::Said(running, said) => (running, said),
            Step::Done(done) => break done,
        };
        if let ImapResponse::Piece(bytes) = said {
            running.heard(wire::Expectation::Progress);
            let so_far = stream.get_or_insert_default();
            so_far.extend(&bytes);
            // Only a whole mail is so large. Where something is kept, or came, it only shows how large the mail is.
            if reading.takes(so_far) && heard.bit().is_none() {
                sink.piece(bytes).await?;
            }
            continue;
        }
        let (of, received, size, body, origin) = match said {
            ImapResponse::Fetch(Fetch {
                uid: Some(uid),
                received,
                size,
                body,
                origin,
                ..
            }) => (uid, received, size, body, origin),
            _ => {
                stream = lost(stream, sink, reading, &heard).await?;
                continue;
            }
        };
        if of != uid || (body.is_none() && stream.is_none()) {
            stream = lost(stream, sink, reading, &heard).await?;
            continue;
        }
        running.heard(wire::Expectation::Progress);
        let about = MailMetadata {
            received,
            told: size.map(u64::from),
        };
        reading.told(about.told);
        sink.about(about);
        // The first that is what was asked for; others may be late, or come twice.
        let has_it = heard.bit().is_some_and(|bit| reading.fits(bit.origin()));
        let came = match (&body, stream.clone()) {
            (Some(body), _) => Some(ReceivedBytes::new(origin, body)),
            (None, bit) => bit.map(|bit| bit.at(origin)),
        };
        // Nobody knows which of two is the mail; an empty one is none.
        is_torn |= has_it
            && came
                .is_some_and(|came| reading.fits(came.origin()) && heard.bit().is_some_and(|bit| !bit.agrees(&came)));
        match (body, stream.take()) {
            (None, Some(bit)) if heard.bit().is_none() => heard = RetrieveResult::Streamed(bit.at(origin)),
            (Some(body), _) if !has_it && !matches!(heard, RetrieveResult::Streamed(_)) => {
                heard = RetrieveResult::Bytes(ReceivedBytes::new(origin, &body), body);
            }
            _ => {}
        }
    };
    lost(stream, sink, reading, &heard).await?;
    Ok(match done.answer {
        Completion::Ok(_) if is_torn => {
            if matches!(heard, RetrieveResult::Streamed(_)) && reading.is_at_its_beginning() {
                sink.forget().await?;
            }
            (
                done.wire,
                RetrieveResult::Refused(Words::new("it gives two mails for one UID")),
            )
        }
        Completion::Ok(_) => (done.wire, heard),
        Completion::Refused(answer) => (done.wire, RetrieveResult::Refused(Words::new(&answer.to_string()))),
    })
}

/// Pieces that turned out to be of no mail that was asked for.
async fn lost<S: MailSink>(
    stream: Option<ReceivedBytes>,
    sink: &mut S,
    reading: &Reading,
    heard: &RetrieveResult,
) -> Result<Option<ReceivedBytes>, WatchError> {
    if stream.is_some() && reading.is_at_its_beginning() && heard.bit().is_none() {
        sink.forget().await?;
    }
    Ok(None)
}
