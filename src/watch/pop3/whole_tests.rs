use proptest::prelude::*;

use super::*;

fn name(n: u64, size: u64) -> MaildropName {
    MaildropName {
        uidl: format!("u{n}"),
        size,
    }
}

fn tally(mail: &[u8], dots: u64) -> ByteCounts {
    let mut tally = ByteCounts::default();
    tally.add(mail, dots);
    tally
}

/// What came, how many dots were taken off it, what LIST said, and what that means.
#[test]
fn ways_of_counting() {
    let crlf = b"Subject: a\r\n\r\none\r\ntwo\r\n";
    let lf = b"Subject: a\n\none\ntwo\n";
    let (crlf_size, lf_size) = (crlf.len() as u64, lf.len() as u64);
    for (what, mail, dots, listed, expected) in [
        (
            "Dovecot",
            &crlf[..],
            0,
            crlf_size,
            SizeCheck::Agrees(SizeCounting::Sent),
        ),
        (
            "Dovecot, with dots",
            crlf,
            2,
            crlf_size,
            SizeCheck::Agrees(SizeCounting::Sent),
        ),
        (
            "qmail-pop3d: the file's size",
            crlf,
            0,
            lf_size,
            SizeCheck::Agrees(SizeCounting::File),
        ),
        (
            "a file without a line end, CRLF",
            crlf,
            0,
            crlf_size - 2,
            SizeCheck::Agrees(SizeCounting::Sent),
        ),
        (
            "a file without a line end, LF",
            crlf,
            0,
            lf_size - 1,
            SizeCheck::Agrees(SizeCounting::File),
        ),
        ("GreenMail: the body's size", crlf, 0, 10, SizeCheck::More),
        ("GreenMail: -1, or no line", crlf, 0, 0, SizeCheck::More),
        (
            "counts LF, sends LF",
            lf,
            0,
            lf_size,
            SizeCheck::Agrees(SizeCounting::Sent),
        ),
        ("counts CRLF, sends LF", lf, 0, crlf_size, SizeCheck::Counted),
        ("counts the end, too", crlf, 0, crlf_size + 3, SizeCheck::Counted),
        (
            "the last line was a dot, undoubled",
            crlf,
            0,
            crlf_size + 3,
            SizeCheck::Counted,
        ),
        (
            "two lines began with two dots, undoubled",
            crlf,
            2,
            crlf_size + 2,
            SizeCheck::Dotted,
        ),
        (
            "dots, and an end that was counted",
            crlf,
            2,
            crlf_size + 5,
            SizeCheck::Dotted,
        ),
        (
            "more dots than bytes that lack",
            crlf,
            3,
            crlf_size + 2,
            SizeCheck::Counted,
        ),
        ("cut at a dot", crlf, 0, crlf_size + 60, SizeCheck::Lacks(60)),
        ("cut at a dot, with dots", crlf, 2, crlf_size + 60, SizeCheck::Lacks(60)),
        ("Exchange: an estimate", crlf, 0, 900, SizeCheck::Lacks(900 - crlf_size)),
        ("nothing came", b"", 0, 900, SizeCheck::Lacks(900)),
        ("nothing was", b"", 0, 0, SizeCheck::More),
    ] {
        assert_eq!(count(&tally(mail, dots), listed), expected, "{what}");
    }
}

#[test]
fn what_is_believed_depends_on_what_the_server_did_before() {
    let exchange = Words::new("+OK The Microsoft Exchange POP3 service is ready. [TQBB]");
    let davmail = Words::new("+OK DavMail 6.2.2-3546 POP ready at Mon Nov 30 10:00:00 CET 2026");
    let other = Words::new("+OK Dovecot ready.");
    let short = SizeCheck::Lacks;
    for (what, greeting, before, mail, believed) in [
        ("exact", &other, &[][..], SizeCheck::Agrees(SizeCounting::Sent), true),
        ("bodies only", &other, &[], SizeCheck::More, true),
        (
            "another way of counting",
            &other,
            &[SizeCheck::Agrees(SizeCounting::Sent)],
            SizeCheck::Counted,
            true,
        ),
        ("a tenth lacks, nothing is known", &other, &[], short(100), true),
        ("more than half lacks, nothing is known", &other, &[], short(501), false),
        (
            "a byte lacks at one that counts",
            &other,
            &[SizeCheck::Agrees(SizeCounting::Sent)],
            short(1),
            false,
        ),
        (
            "half lacks at one that counts",
            &other,
            &[SizeCheck::Agrees(SizeCounting::Sent); 9],
            short(400),
            false,
        ),
        (
            "one that was off among many",
            &other,
            &[
                SizeCheck::Agrees(SizeCounting::Sent),
                SizeCheck::Agrees(SizeCounting::Sent),
                SizeCheck::Agrees(SizeCounting::Sent),
                SizeCheck::Agrees(SizeCounting::Sent),
                short(1),
            ],
            short(1),
            false,
        ),
        (
            "as many were off",
            &other,
            &[SizeCheck::Agrees(SizeCounting::Sent), short(1)],
            short(1),
            true,
        ),
        (
            "three were off",
            &other,
            &[short(1), short(2), SizeCheck::More],
            short(900),
            true,
        ),
        (
            "Exchange",
            &exchange,
            &[SizeCheck::Agrees(SizeCounting::Sent)],
            short(900),
            true,
        ),
        ("DavMail", &davmail, &[], short(900), true),
        ("dots at one that is not known", &other, &[], SizeCheck::Dotted, false),
        (
            "dots at one that counts",
            &other,
            &[SizeCheck::Agrees(SizeCounting::Sent)],
            SizeCheck::Dotted,
            false,
        ),
        (
            "dots at one that takes dots",
            &other,
            &[SizeCheck::Dotted; 9],
            SizeCheck::Dotted,
            false,
        ),
        ("dots at one that estimates", &exchange, &[], SizeCheck::Dotted, true),
    ] {
        let mut record = SizeRecord::default();
        record.greeted(greeting);
        for (n, count) in (10..).zip(before) {
            record.believes(&name(n, 1000), *count);
        }
        let mail_name = name(1, 1000);
        assert_eq!(record.believes(&mail_name, mail), believed, "{what}");
        // Being asked again changes nothing: it does not speak for itself.
        assert_eq!(record.believes(&mail_name, mail), believed, "{what}, again");
    }
}

proptest! {
    #[test]
    fn pieces_count_as_the_whole(mail in prop::collection::vec(prop::sample::select(b"\r\na".to_vec()), 0..60), cut in 0usize..60) {
        let (first, second) = mail.split_at(cut.min(mail.len()));
        let mut pieces = ByteCounts::default();
        pieces.add(first, 0);
        pieces.add(second, 0);
        prop_assert_eq!(pieces, tally(&mail, 0));
    }

    /// A mail that was cut anywhere has not the size that any exact way of counting gives all of it.
    #[test]
    fn what_was_cut_never_agrees(lines in prop::collection::vec("[a-z.]{0,9}", 2..20), cut in 1usize..19, way in 0usize..2) {
        let whole: Vec<u8> = lines.iter().flat_map(|line| format!("{line}\r\n").into_bytes()).collect();
        let rest = &lines[cut.min(lines.len() - 1)..];
        let part = &whole[..whole.len() - rest.iter().map(|line| line.len() + 2).sum::<usize>()];
        let listed = [whole.len(), whole.len() - lines.len()][way] as u64;
        // A part may have by chance as many bytes as the file has with LF for CRLF, so a server is known by its way.
        let mut record = SizeRecord::default();
        record.believes(&name(1, 1), SizeCheck::Agrees([SizeCounting::Sent, SizeCounting::File][way]));
        prop_assert!(!record.is_sure_of(count(&tally(part, 0), listed)));
    }
}
