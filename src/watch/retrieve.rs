//! Receives one mail by IMAP, part by part, to wherever its bytes go.

use bytes::{Buf, Bytes};

use super::{
    error::{Error, Words},
    imap::{self as wire, Answer, FETCH, Fetch, Said, Step, Wire},
    listing,
    reading::{Ask, Bit, Came, Reading, Then},
    sizes::Sizes,
    source::{Fetched, Sink},
    taker::About,
};

/// Reads a mail to its end.
pub(super) async fn retrieve<S: Sink>(
    mut wire: Wire,
    uid: u32,
    mut reading: Reading,
    sink: &mut S,
    sizes: &mut Sizes,
) -> Result<(Wire, Fetched), Error> {
    wire.allow(reading.most());
    loop {
        let answer;
        (wire, answer) = ask(wire, uid, &mut reading, sink).await?;
        let (came, bytes) = match answer {
            Heard::Nothing => {
                let there;
                (wire, there) = listing::present(wire, &[uid]).await?;
                if !there.contains(&uid) {
                    sink.forget().await?;
                    return Ok((wire, Fetched::Gone));
                }
                (Came::Nothing, None)
            }
            Heard::Refused(said) => (Came::Refused(said), None),
            Heard::Bytes(bit, bytes) => (Came::Bytes(bit), Some(bytes)),
            Heard::Streamed(bit) => (Came::Bytes(bit), None),
        };
        let then = reading.came(came);
        if let (Then::Keep(skip) | Then::KeepLast(skip), Some(mut bytes)) = (&then, bytes) {
            bytes.advance((*skip).min(bytes.len()));
            if !bytes.is_empty() {
                sink.piece(bytes).await?;
            }
        }
        let doubt = match then {
            Then::KeepLast(_) | Then::End => sizes.doubt(uid, reading.complete()),
            _ => None,
        };
        let end = match doubt.map_or(then, |why| reading.as_a_whole(why)) {
            Then::Keep(_) => continue,
            Then::Anew => {
                sink.forget().await?;
                continue;
            }
            Then::KeepLast(_) | Then::End => Fetched::Whole,
            Then::TooLarge => Fetched::TooLarge,
            Then::Not(why) => {
                sink.forget().await?;
                Fetched::Not(why)
            }
        };
        return Ok((wire, end));
    }
}

/// What one command brought.
enum Heard {
    Nothing,
    Refused(Words),
    Bytes(Bit, Bytes),
    /// More than is gathered: where nothing was kept before, it went to the sink as it came.
    Streamed(Bit),
}

impl Heard {
    fn bit(&self) -> Option<&Bit> {
        match self {
            Self::Bytes(bit, _) | Self::Streamed(bit) => Some(bit),
            Self::Nothing | Self::Refused(_) => None,
        }
    }
}

async fn ask<S: Sink>(wire: Wire, uid: u32, reading: &mut Reading, sink: &mut S) -> Result<(Wire, Heard), Error> {
    let what = match reading.ask() {
        Ask::Part { offset, most } => format!("{uid} (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<{offset}.{most}>)"),
        Ask::All => format!("{uid} (UID INTERNALDATE RFC822.SIZE BODY.PEEK[])"),
    };
    let mut running = wire.send(FETCH, &what).await?;
    let (mut heard, mut is_torn) = (Heard::Nothing, false);
    // A body that comes in pieces, before the response in which it stands.
    let mut stream: Option<Bit> = None;
    let done = loop {
        let said;
        (running, said) = match running.next().await? {
            Step::Said(running, said) => (running, said),
            Step::Done(done) => break done,
        };
        if let Said::Piece(bytes) = said {
            running.heard(wire::Heard::Progress);
            let so_far = stream.get_or_insert_default();
            so_far.extend(&bytes);
            // Only a whole mail is so large. Where something is kept, or came, it only shows how large the mail is.
            if reading.takes(so_far) && heard.bit().is_none() {
                sink.piece(bytes).await?;
            }
            continue;
        }
        let (of, received, size, body, origin) = match said {
            Said::Fetch(Fetch {
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
        running.heard(wire::Heard::Progress);
        let about = About {
            received,
            told: size.map(u64::from),
        };
        reading.told(about.told);
        sink.about(about);
        // The first that is what was asked for; others may be late, or come twice.
        let has_it = heard.bit().is_some_and(|bit| reading.fits(bit.origin()));
        let came = match (&body, stream.clone()) {
            (Some(body), _) => Some(Bit::new(origin, body)),
            (None, bit) => bit.map(|bit| bit.at(origin)),
        };
        // Nobody knows which of two is the mail; an empty one is none.
        is_torn |= has_it
            && came
                .is_some_and(|came| reading.fits(came.origin()) && heard.bit().is_some_and(|bit| !bit.agrees(&came)));
        match (body, stream.take()) {
            (None, Some(bit)) if heard.bit().is_none() => heard = Heard::Streamed(bit.at(origin)),
            (Some(body), _) if !has_it && !matches!(heard, Heard::Streamed(_)) => {
                heard = Heard::Bytes(Bit::new(origin, &body), body);
            }
            _ => {}
        }
    };
    lost(stream, sink, reading, &heard).await?;
    Ok(match done.answer {
        Answer::Ok(_) if is_torn => {
            if matches!(heard, Heard::Streamed(_)) && reading.is_at_its_beginning() {
                sink.forget().await?;
            }
            (done.wire, Heard::Refused(Words::new("it gives two mails for one UID")))
        }
        Answer::Ok(_) => (done.wire, heard),
        Answer::Refused(answer) => (done.wire, Heard::Refused(Words::new(&answer.to_string()))),
    })
}

/// Pieces that turned out to be of no mail that was asked for.
async fn lost<S: Sink>(
    stream: Option<Bit>,
    sink: &mut S,
    reading: &Reading,
    heard: &Heard,
) -> Result<Option<Bit>, Error> {
    if stream.is_some() && reading.is_at_its_beginning() && heard.bit().is_none() {
        sink.forget().await?;
    }
    Ok(None)
}
