use super::*;
use crate::ledger::MaildropName;

#[test]
fn mails_of_one_name_are_told_apart_by_their_bytes() {
    let print = |n: u8| Fingerprint {
        header_key: None,
        sha256: Some([n; 32]),
    };
    let unread = Fingerprint::default();
    type Known<'a> = &'a [(u32, Fingerprint)];
    for (what, numbers, known, read, there, new, left) in [
        (
            "three, none of which was taken before",
            &[1, 2, 3][..],
            &[(11u32, print(9))] as Known<'_>,
            &[(1, 1), (2, 2), (3, 3)][..],
            &[][..],
            &[1, 2, 3][..],
            &[11][..],
        ),
        (
            "a copy of one that was taken",
            &[1, 2],
            &[(11, print(1))],
            &[(1, 1), (2, 1)],
            &[(11, 1)],
            &[2],
            &[],
        ),
        (
            "all were taken, in another order",
            &[1, 2],
            &[(11, print(2)), (12, print(1))],
            &[(1, 1), (2, 2)],
            &[(12, 1), (11, 2)],
            &[],
            &[],
        ),
        (
            "two copies were taken",
            &[1, 2],
            &[(11, print(1)), (12, print(1))],
            &[(1, 1), (2, 1)],
            &[(11, 1), (12, 2)],
            &[],
            &[],
        ),
        (
            "not all were read",
            &[1, 2, 3],
            &[(11, print(2)), (12, print(9))],
            &[(1, 1), (2, 2)],
            &[(11, 2)],
            &[1],
            &[],
        ),
        ("nothing was read", &[1, 2], &[(11, print(2))], &[], &[], &[], &[]),
        (
            "one left",
            &[1],
            &[(11, print(1)), (12, print(2))],
            &[(1, 2)],
            &[(12, 1)],
            &[],
            &[11],
        ),
        (
            "one is never to be taken",
            &[1, 2],
            &[(11, unread)],
            &[(2, 1), (1, 1)],
            &[],
            &[2],
            &[],
        ),
        (
            "the same, not all were read",
            &[1, 2],
            &[(11, unread)],
            &[(2, 1)],
            &[],
            &[],
            &[],
        ),
    ] {
        let group = Namesakes {
            name: MaildropName {
                uidl: "same".into(),
                size: 9,
            },
            numbers: numbers.to_vec(),
            known: known.to_vec(),
        };
        let read: Vec<_> = read.iter().map(|(number, n)| (*number, [*n; 32])).collect();
        let apart = tell_apart(&group, &read);
        let found: Vec<_> = apart.there.iter().map(|(uid, number, _)| (*uid, *number)).collect();
        assert_eq!((&*found, &*apart.new, &*apart.left), (there, new, left), "{what}");
    }
}
