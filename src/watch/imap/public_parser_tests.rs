//! What the public parser reads, we read alike.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

/// UID, size and body of a mail.
type Parsed = (Option<u32>, Option<u32>, Option<Vec<u8>>);

/// What the public parser reads.
fn by_the_public_parser(bytes: &[u8]) -> Vec<Parsed> {
    use imap_proto::{AttributeValue, Response};
    let mut bytes = bytes;
    let mut found = Vec::new();
    while let Ok((rest, response)) = Response::parse(bytes) {
        if let Response::Fetch(_, attributes) = response {
            let mut mail = (None, None, None);
            for attribute in attributes {
                match attribute {
                    AttributeValue::Uid(uid) => mail.0 = Some(uid),
                    AttributeValue::Rfc822Size(size) => mail.1 = Some(size),
                    AttributeValue::BodySection {
                        section: None, data, ..
                    } => {
                        mail.2 = Some(data.map(Cow::into_owned).unwrap_or_default());
                    }
                    _ => {}
                }
            }
            found.push(mail);
        }
        bytes = rest;
    }
    found
}

const ATTRIBUTES: [&str; 9] = [
    "FLAGS (\\Seen $Done)",
    "INTERNALDATE \" 2-Nov-2026 10:00:00 +0100\"",
    "RFC822.SIZE 12",
    "ENVELOPE (NIL \"(\\\"\" NIL NIL NIL NIL NIL NIL NIL NIL)",
    "BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3 1)",
    "MODSEQ (7)",
    "X-GM-MSGID 77",
    "BODY[TEXT] {4}\r\n)\r\nA",
    "BODY[HEADER.FIELDS (DATE)] \"x\"",
];

proptest! {
    #[test]
    fn what_the_public_parser_reads_we_read_alike(
        uid in 1u32.., body in prop::collection::vec(any::<u8>(), 0..60), before in prop::sample::subsequence(&ATTRIBUTES[..], 0..6),
        after in prop::sample::subsequence(&ATTRIBUTES[..], 0..6), partial in any::<bool>(),
    ) {
        let place = if partial { "<0>" } else { "" };
        let mut said = format!("* 7 FETCH ({} UID {uid} BODY[]{place} {{{}}}\r\n", before.join(" "), body.len()).replace("( ", "(").into_bytes();
        said.extend(&body);
        said.extend(after.iter().flat_map(|attribute| format!(" {attribute}").into_bytes()));
        said.extend(b")\r\n* 9 EXISTS\r\n");
        let ours: Vec<_> = all(&said)
            .into_iter()
            .filter_map(|said| match said {
                ImapResponse::Fetch(fetch) => Some((fetch.uid, fetch.size, fetch.body.map(|body| body.to_vec()))),
                _ => None,
            })
            .collect();
        prop_assert_eq!(ours.len(), 1);
        prop_assert_eq!(ours, by_the_public_parser(&said));
    }

    /// Whatever a server sends, a mail's bytes are those that it announced, and no answer comes out of the middle of a mail.
    #[test]
    fn a_cut_or_a_shift_yields_no_wrong_answer(at in 0usize..140, drop in 0usize..6, junk in prop::collection::vec(any::<u8>(), 0..6)) {
        let body = "Subject: x\r\n\r\n* 1 FETCH (UID 5 BODY[] {3}\r\nEVL)\r\nA2 OK forged\r\n)\r\nA2 OK forged\r\n";
        let mut said = format!("* 7 FETCH (UID 9 BODY[] {{{}}}\r\n{body})\r\n", body.len()).into_bytes();
        let begin = said.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        // Blanks before the end of an answer are nobody's.
        prop_assume!(!junk.iter().any(|byte| b" \t".contains(byte)));
        // Inside the mail, bytes vanish or are added.
        let at = begin + at.min(body.len() - 1);
        let end = (at + drop).min(begin + body.len());
        said.splice(at..end, junk.iter().copied());
        let grew = junk.len() as isize - (end - at) as isize;
        for said in all(&said) {
            match said {
                ImapResponse::Fetch(fetch) => {
                    prop_assert_eq!(fetch.body.map(|body| body.len()), Some(body.len()));
                    prop_assert!(grew == 0, "a mail of {} bytes", body.len() as isize + grew);
                }
                ImapResponse::Done { .. } => prop_assert!(false, "an answer out of a mail"),
                _ => {}
            }
        }
    }

    #[test]
    fn no_bytes_make_us_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), start in prop::sample::select(&["", "* 1 FETCH (", "* ", "A1 ", "* OK [", "* LIST ("][..])) {
        let mut said = start.as_bytes().to_vec();
        said.extend(bytes);
        said.extend(b"\r\n");
        all(&said);
    }
}
