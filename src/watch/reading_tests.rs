use proptest::prelude::*;

use super::*;

const LIMIT: u64 = 10 << 20;

/// How a server tells the size of a mail.
#[derive(Debug, Clone, Copy)]
enum Tells {
    Exactly,
    /// GreenMail.
    BodyOnly,
    /// Exchange.
    More,
    Nothing,
}

/// What a server does with one command, beside answering it.
#[derive(Debug, Clone, Copy)]
enum Does {
    Honest,
    /// So much of it, in 1/256.
    Short(u8),
    /// All of the mail for a part of it; and what it says of where that begins.
    All(Option<bool>),
    /// A part from somewhere else, and says so.
    Elsewhere(u8),
    /// The part before, and says that it is this one.
    Stale,
    Refuses,
    Nil,
    Nothing,
}

/// The size that a server tells, and bytes; or its refusal.
type Given = Result<(Option<u64>, Vec<u8>), Words>;

/// A mail on a server.
struct Server {
    mail: Vec<u8>,
    tells: Tells,
}

impl Server {
    fn told(&self) -> Option<u64> {
        let all = self.mail.len() as u64;
        match self.tells {
            Tells::Exactly => Some(all),
            Tells::BodyOnly => Some(all / 2),
            Tells::More => Some(all + 77),
            Tells::Nothing => None,
        }
    }

    fn cut(&self, offset: u64, most: u64) -> &[u8] {
        let from = (offset as usize).min(self.mail.len());
        let to = offset.saturating_add(most).min(self.mail.len() as u64) as usize;
        &self.mail[from..to.max(from)]
    }

    /// What it answers.
    fn answers(&self, ask: NextRequest, does: Does) -> Option<Given> {
        let (offset, most) = match ask {
            NextRequest::Part { offset, most } => (offset, most),
            NextRequest::All => (0, u64::MAX),
        };
        let is_part = matches!(ask, NextRequest::Part { .. });
        let origin = is_part.then_some(offset);
        let asked = self.cut(offset, most).to_vec();
        Some(Ok(match does {
            Does::Refuses => return Some(Err(Words::new("no"))),
            Does::Nothing => return None,
            Does::Nil => (origin, Vec::new()),
            Does::Short(part) if is_part && !asked.is_empty() => {
                let mut len = (asked.len() * usize::from(part) / 256).max(1);
                // Not even by chance as many as it tells, or as were repeated, but where that is all.
                let by_chance = self.told() == Some(offset + len as u64) || len == FEWER;
                let by_chance = by_chance || (len == REPEATED && matches!(self.tells, Tells::BodyOnly));
                len += usize::from(by_chance && len < asked.len());
                (origin, asked[..len].to_vec())
            }
            Does::All(says) => (says.map(|truly| if truly { 0 } else { offset }), self.mail.clone()),
            Does::Elsewhere(where_) if is_part => {
                let other = self.mail.len() as u64 * u64::from(where_) / 256;
                (Some(other), self.cut(other, most).to_vec())
            }
            Does::Stale if is_part => (origin, self.cut(offset.saturating_sub(1000), most).to_vec()),
            Does::Honest | Does::Short(_) | Does::Elsewhere(_) | Does::Stale => (origin, asked),
        }))
    }
}

/// Reads it. What came of it, and after how many commands.
fn read(server: &Server, does: &[Does], usually: Does, limit: u64) -> (Result<Vec<u8>, ReadingStep>, usize) {
    let mut reading = Reading::new(None, limit);
    let mut kept = Vec::new();
    for n in 0.. {
        assert!(n < 10_000, "it comes to an end");
        let ask = reading.ask();
        let answer = server.answers(ask, does.get(n).copied().unwrap_or(usually));
        let (came, bytes) = match answer {
            None => (FetchResult::Nothing, Vec::new()),
            Some(Err(said)) => (FetchResult::Refused(said), Vec::new()),
            Some(Ok((origin, bytes))) => {
                reading.told(server.told());
                (FetchResult::Bytes(ReceivedBytes::new(origin, &bytes)), bytes)
            }
        };
        match reading.came(came) {
            ReadingStep::Keep(skip) => kept.extend_from_slice(&bytes[skip..]),
            ReadingStep::KeepLast(skip) => {
                kept.extend_from_slice(&bytes[skip..]);
                return (Ok(kept), n + 1);
            }
            ReadingStep::End => return (Ok(kept), n + 1),
            ReadingStep::Anew => kept.clear(),
            then @ (ReadingStep::TooLarge | ReadingStep::Not(_)) => return (Err(then), n + 1),
        }
    }
    unreachable!()
}

fn mail(len: usize) -> Vec<u8> {
    let mut mail = b"From: a@b.example\r\nSubject: a mail of some length\r\nMessage-ID: <1@b.example>\r\n\r\n".to_vec();
    let mut n = 0_u32;
    while mail.len() < len {
        mail.extend(format!("{n:07}\r\n").bytes());
        n += 1;
    }
    mail.truncate(len);
    mail
}

const MIB: usize = 1 << 20;

#[test]
fn a_server_that_does_as_it_should_is_asked_no_more_than_needed() {
    for (len, tells, commands) in [
        (300, Tells::Exactly, 1),
        (MIB - 1, Tells::Exactly, 1),
        (MIB, Tells::Exactly, 2),
        (MIB + 1, Tells::Exactly, 2),
        (3 * MIB, Tells::Exactly, 4),
        // One more shows the end; two, where the server tells of more.
        (300, Tells::BodyOnly, 2),
        (300, Tells::More, 3),
        (300, Tells::Nothing, 3),
        (MIB, Tells::More, 3),
        (3 * MIB + 1, Tells::BodyOnly, 5),
    ] {
        let server = Server { mail: mail(len), tells };
        let (read, asked) = read(&server, &[], Does::Honest, LIMIT);
        assert!(read.as_ref() == Ok(&server.mail), "{len} {tells:?}");
        assert_eq!(asked, commands, "{len} {tells:?}");
    }
}

#[test]
fn servers_that_do_otherwise_are_read_all_the_same() {
    let all = [Tells::Exactly, Tells::BodyOnly, Tells::More, Tells::Nothing];
    for tells in all {
        for (usually, first) in [
            // Tencent Exmail; others say where it begins, or that it is what was asked for.
            (Does::All(None), None),
            (Does::All(Some(true)), None),
            (Does::All(Some(false)), None),
            // What is short, at first or always.
            (Does::Honest, Some(Does::Short(10))),
            (Does::Short(128), None),
            (Does::Short(1), None),
            // Once without the mail.
            (Does::Honest, Some(Does::Nil)),
            (Does::Honest, Some(Does::Nothing)),
            (Does::Honest, Some(Does::Refuses)),
            (Does::Honest, Some(Does::Elsewhere(100))),
        ] {
            for len in [300, 5000, 3 * MIB] {
                let server = Server { mail: mail(len), tells };
                let (read, _) = read(&server, first.as_slice(), usually, LIMIT);
                assert!(
                    read.as_ref() == Ok(&server.mail),
                    "{len} {tells:?} {usually:?} {first:?}: {:?}",
                    read.err()
                );
            }
        }
    }
}

/// A server that can't give parts at all and does not know how large its mails are.
#[test]
fn a_server_without_parts_is_asked_for_all_until_two_agree() {
    for tells in [Tells::Exactly, Tells::More, Tells::BodyOnly] {
        let server = Server {
            mail: mail(5000),
            tells,
        };
        let does = [Does::Refuses, Does::Honest, Does::Refuses, Does::Honest];
        assert_eq!(read(&server, &does, Does::Refuses, LIMIT).0.as_ref(), Ok(&server.mail));
    }
}

#[test]
fn what_is_never_given_is_no_mail() {
    for usually in [Does::Nil, Does::Nothing, Does::Refuses] {
        for tells in [Tells::Exactly, Tells::Nothing] {
            let server = Server { mail: mail(300), tells };
            let (read, _) = read(&server, &[], usually, LIMIT);
            assert!(matches!(read, Err(ReadingStep::Not(_))), "{usually:?}");
        }
    }
    // Line ends instead of a mail.
    let server = Server {
        mail: b"\r\n".to_vec(),
        tells: Tells::More,
    };
    assert!(matches!(
        read(&server, &[], Does::Honest, LIMIT).0,
        Err(ReadingStep::Not(_))
    ));
    let server = Server {
        mail: b"\r\n".to_vec(),
        tells: Tells::Exactly,
    };
    assert_eq!(read(&server, &[], Does::Honest, LIMIT).0, Ok(b"\r\n".to_vec()));
}

#[test]
fn a_mail_over_the_limit_is_read_no_further_than_needed() {
    for usually in [Does::Honest, Does::Short(200), Does::All(None)] {
        let server = Server {
            mail: mail(3 * MIB),
            tells: Tells::Exactly,
        };
        for limit in [1, 300, MIB, 2 * MIB + 7, 3 * MIB - 1] {
            assert_eq!(
                read(&server, &[], usually, limit as u64).0,
                Err(ReadingStep::TooLarge),
                "{usually:?} {limit}"
            );
        }
        assert_eq!(read(&server, &[], usually, 3 * MIB as u64).0.as_ref(), Ok(&server.mail));
    }
}

fn does() -> impl Strategy<Value = Does> {
    prop_oneof![
        4 => Just(Does::Honest),
        2 => any::<u8>().prop_map(Does::Short),
        1 => prop::option::of(any::<bool>()).prop_map(Does::All),
        1 => any::<u8>().prop_map(Does::Elsewhere),
        1 => Just(Does::Stale),
        1 => Just(Does::Refuses),
        1 => Just(Does::Nil),
        1 => Just(Does::Nothing),
    ]
}

proptest! {
    /// Whatever a server does, in whatever order: what counts as the mail is the mail.
    #[test]
    fn what_is_taken_is_the_mail(
        len in prop_oneof![90..5000_usize, MIB - 2..MIB + 40, 2 * MIB..2 * MIB + 2],
        tells in prop::sample::select(vec![Tells::Exactly, Tells::BodyOnly, Tells::More, Tells::Nothing]),
        some in prop::collection::vec(does(), 0..12),
        usually in does(),
    ) {
        let server = Server { mail: mail(len), tells };
        match read(&server, &some, usually, LIMIT).0 {
            Ok(taken) => prop_assert!(taken == server.mail, "{} of {}", taken.len(), server.mail.len()),
            Err(then) => prop_assert!(matches!(then, ReadingStep::Not(_)), "{then:?}"),
        }
    }
}
