//! Servers that say anything, and what has to hold all the same.

use proptest::prelude::*;

use super::*;

fn mails(dots: bool) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let lines: Vec<&str> = if dots {
        vec!["a", "", ".", "..", ".a", "+OK", "-ERR", "a line that is longer", "..."]
    } else {
        vec!["a", "", ".", ".a", "+OK", "-ERR", "a line that is longer"]
    };
    let body = prop::collection::vec(prop::sample::select(lines), 1..8);
    let mail = (body, any::<bool>(), 0u8..4).prop_map(|(body, id, n)| {
        let id = if id {
            format!("Message-ID: <{n}>\r\n")
        } else {
            "X: y\r\n".to_owned()
        };
        format!("{id}\r\n{}\r\n", body.join("\r\n")).into_bytes()
    });
    prop::collection::vec(mail, 1..5).prop_map(|mut mails| {
        // One Message-ID is one mail, as everybody but the server has it.
        let mut ids = HashSet::new();
        mails.retain(|mail| mail.starts_with(b"X") || ids.insert(mail[..16].to_vec()));
        mails
    })
}

/// The same for two fillings of one maildrop: what has the Message-ID of an earlier mail is that mail, or gets one of its own.
fn filled_anew(before: &[Vec<u8>], mut later: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let is_other = |mail: &&mut Vec<u8>| mail.starts_with(b"Message-ID") && !before.contains(&**mail);
    let others = later.iter_mut().filter(is_other);
    others.for_each(|mail| mail[b"Message-ID: <".len()] += 4);
    later
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::None),
        (0usize..600).prop_map(Fault::Cut),
        (0usize..20).prop_map(Fault::Twice),
        (0usize..20).prop_map(Fault::Early),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let honest = prop::sample::select(vec![
        Sizes::Exact,
        Sizes::File,
        Sizes::Bodies,
        Sizes::Estimates,
        Sizes::Wrong,
    ]);
    // What no client can see: a server that takes dots and does not say how much there was.
    let sizes = prop_oneof![
        honest.prop_map(|sizes| (sizes, true)),
        Just((Sizes::Exact, false)),
        Just((Sizes::Bodies, false)),
    ];
    let ids = prop::sample::select(vec![Ids::Good, Ids::Counted, Ids::One]);
    let what = (sizes, ids).prop_flat_map(|((sizes, doubles), ids)| {
        let all = doubles || sizes == Sizes::Exact;
        (mails(all), prop::option::of(mails(all)), Just((sizes, doubles, ids)))
    });
    let faults = prop::collection::vec(fault(), 0..8);
    (what, faults, 1usize..200).prop_map(|((mails, later, (sizes, doubles, ids)), faults, chunk)| Case {
        later: later.map(|later| filled_anew(&mails, later)),
        mails,
        sizes,
        ids,
        doubles,
        faults,
        chunk,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_deleted_that_is_not_held_and_nothing_is_held_that_is_no_mail(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (server, all) = watched(case.clone()).await;
            assert_eq!(*server.wrong.lock().unwrap(), [""; 0]);
            for held in server.held() {
                assert!(all.contains(&held), "no mail: {:?}", String::from_utf8_lossy(&held));
            }
            // A good server is emptied.
            if case.doubles && case.faults.is_empty() {
                let left = server.drop.lock().unwrap().clone();
                assert!(left.is_empty(), "left: {left:?}");
            }
        });
    }
}
