//! Servers that answer otherwise than they should.

use super::*;

/// Exchange tells more than there is, GreenMail less: what is repeated, and nothing behind it, is the end.
#[tokio::test]
async fn a_size_that_is_an_estimate_holds_no_mail() {
    let world = World::new();
    let text = letters(3000);
    let mut script = vec![
        NEWS.to_owned(),
        begin(5, &text, 2000),
        begin(6, &text[1..], 5000),
        "S: $ OK".into(),
    ];
    script.extend(piece(5, &text, 3000, 3000));
    script.extend(piece(6, &text[1..], 2999, 2999));
    script.extend(strings(&[
        "C: UID FETCH 6 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<2988.*>)",
        &format!("S: * 1 FETCH (UID 6 BODY[]<2988> {{11}}\r\n{})", &text[2989..]),
        "S: $ OK",
    ]));
    assert_eq!(look(&world, Scope::News(2), &script).await.unwrap(), 7);
    assert!(world.memory.bytes(5) == text.as_bytes() && world.memory.bytes(6) == text.as_bytes()[1..]);
}

/// A part that is cut is gone on with, large or small.
#[tokio::test]
async fn a_short_answer_is_not_the_mail() {
    let world = World::new();
    let text = letters(400_000);
    let mut script = vec![
        NEWS.to_owned(),
        begin(5, &text[..100], 400_000),
        begin(6, &text[..200], 300),
        "S: $ OK".into(),
    ];
    script.extend(piece(5, &text, 100, 900));
    script.extend(piece(5, &text, 900, 400_000));
    script.extend(piece(6, &text, 200, 300));
    assert_eq!(look(&world, Scope::News(2), &script).await.unwrap(), 7);
    assert!(world.memory.bytes(5) == text.as_bytes() && world.memory.bytes(6) == text.as_bytes()[..300]);
}

/// hoodiecrow gives the bodies of a set only for the first of it (2.1.0, 2026-11).
#[tokio::test]
async fn a_mail_that_comes_without_its_bytes_is_asked_for_by_itself() {
    for empty in ["BODY[]<0> {0}\r\n", "BODY[] NIL", "BODY[]<0> \"\""] {
        let world = World::new();
        let mut script = vec![
            NEWS.to_owned(),
            mail(5, "five"),
            format!("S: * 2 FETCH (UID 6 RFC822.SIZE 3 {empty})"),
            format!("S: * 3 FETCH (UID 7 RFC822.SIZE 5 {empty})"),
            "S: $ OK".into(),
        ];
        for (uid, text) in [(6, "six"), (7, "seven")] {
            script.push(format!(
                "C: UID FETCH {uid} (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.1048576>)"
            ));
            script.extend([mail(uid, text), "S: $ OK".into()]);
        }
        assert_eq!(look(&world, Scope::News(3), &script).await.unwrap(), 8);
        assert_eq!(world.memory.bytes(7), b"seven");
    }
}

/// It costs a try, not the mail, and not those behind it; the cursor stays before it.
#[tokio::test]
async fn a_mail_that_does_not_come_is_passed_by() {
    let world = World::new();
    let script = strings(&[
        NEWS,
        "S: * 2 FETCH (UID 6 RFC822.SIZE 3 BODY[] NIL)",
        &mail(7, "seven"),
        "S: $ OK",
        "C: UID FETCH 6 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.1048576>)",
        "S: * 2 FETCH (UID 6 RFC822.SIZE 3 BODY[]<0> NIL)",
        "S: $ OK",
        "C: UID FETCH 6 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[])",
        "S: * 2 FETCH (UID 6 RFC822.SIZE 3 BODY[] NIL)",
        "S: $ OK",
    ]);
    assert_eq!(look(&world, Scope::News(2), &script).await.unwrap(), 6);
    assert_eq!(world.memory.uids(), [7]);
    assert_eq!(world.memory.cursor_now(), cursor(6));
    let kept_back = world.health.state().kept_back.unwrap();
    assert!(
        kept_back.mails == 1 && kept_back.why.contains("without the mail's bytes"),
        "{kept_back:?}"
    );
}

/// A server that refuses one mail after the other is not asked for all of them.
#[tokio::test]
async fn a_server_that_gives_no_mail_is_left_alone() {
    let world = World::new();
    let list = (5..60).map(|uid| format!("S: * 1 FETCH (UID {uid} RFC822.SIZE 300000)"));
    let mut script: Vec<String> = ["C: UID FETCH 5:* (UID RFC822.SIZE)".to_owned()]
        .into_iter()
        .chain(list)
        .collect();
    script.push("S: $ OK".into());
    for uid in 5..21 {
        for _ in 0..2 {
            script.extend([format!("C: UID FETCH {uid} *"), "S: $ NO [UNAVAILABLE] later".into()]);
        }
    }
    let error = look(&world, Scope::All, &script).await.unwrap_err();
    assert!(matches!(error, WatchError::Undelivered { uid: 20, .. }), "{error:?}");
    assert_eq!(world.memory.cursor_now(), None);
}

/// Nobody knows which of two is the mail: it is asked for by itself, and not taken where two come again.
#[tokio::test]
async fn two_mails_under_one_uid_are_none() {
    let alone = "C: UID FETCH 6 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.1048576>)";
    let whole = "C: UID FETCH 6 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[])";
    let [one, two] = ["one\r\n", "two\r\n"].map(|text| mail(6, text));
    let large = letters(2_000_000);
    let other = large.replacen("0000036", "0000037", 1);
    assert_ne!(large, other);
    // By a command for many, and of what comes in pieces by one for itself.
    for (first, second) in [(one.clone(), two.clone()), (all(6, &large), all(6, &other))] {
        let begin = [
            NEWS.to_owned(),
            first.clone(),
            mail(7, "seven"),
            second.clone(),
            "S: $ OK".into(),
        ];
        let asked = |what: &str| [what.to_owned(), first.clone(), second.clone(), "S: $ OK".into()];
        let world = World::new();
        let script: Vec<String> = begin.into_iter().chain(asked(alone)).chain(asked(whole)).collect();
        assert_eq!(look(&world, Scope::News(2), &script).await.unwrap(), 6, "{second:.99}");
        assert_eq!(world.memory.uids(), [7]);
        assert!(
            world.memory.state.lock().unwrap().pieces.is_empty(),
            "nothing is kept of it"
        );
    }
    // Asked for by itself, it comes once, or twice the same.
    let world = World::new();
    let script = [
        NEWS.to_owned(),
        one.clone(),
        mail(7, "seven"),
        two,
        "S: $ OK".into(),
        alone.to_owned(),
        one.clone(),
        one,
        "S: $ OK".into(),
    ];
    assert_eq!(look(&world, Scope::News(2), &script).await.unwrap(), 8);
    assert_eq!(world.memory.bytes(6), b"one\r\n");
}

/// The server tells of more than it ever gives.
#[tokio::test]
async fn what_always_ends_early_is_not_the_mail() {
    let text = letters(3000);
    let half = &text[..1500];
    for exact in [true, false] {
        let world = World::new();
        let mut script = vec![NEWS.to_owned()];
        script.extend(exact.then(|| mail(5, "five")));
        script.extend([begin(6, half, 3000), "S: $ OK".into()]);
        script.extend(piece(6, half, 1500, 1500));
        script.extend([
            "C: UID FETCH 6 *".into(),
            format!("S: * 1 FETCH (UID 6 BODY[]<1489> {{11}}\r\n{})", &half[1489..]),
            "S: $ OK".into(),
        ]);
        for _ in 0..2 {
            script.push("C: UID FETCH 6 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[])".into());
            script.extend([
                all(6, half).replace("RFC822.SIZE 1500", "RFC822.SIZE 3000"),
                "S: $ OK".into(),
            ]);
        }
        assert_eq!(look(&world, Scope::News(2), &script).await.unwrap(), 6);
        assert_eq!(world.memory.uids(), if exact { vec![5] } else { vec![] });
        let why = world.health.state().kept_back.unwrap().why;
        assert!(why.contains("3000 bytes, and gives 1500"), "{why}");
        assert!(
            world.memory.state.lock().unwrap().pieces.is_empty(),
            "nothing is kept of it"
        );
        // All of it comes where parts are cut.
        let world = World::new();
        script.truncate(script.len() - 6);
        script.extend([
            "C: UID FETCH 6 (UID INTERNALDATE RFC822.SIZE BODY.PEEK[])".into(),
            all(6, &text),
            "S: $ OK".into(),
        ]);
        assert_eq!(look(&world, Scope::News(2), &script).await.unwrap(), 7);
        assert!(world.memory.bytes(6) == text.as_bytes());
    }
}

/// A set that is refused, for one of its mails or because of how it is asked for, is asked for one by one; and as a whole.
#[tokio::test]
async fn a_server_that_refuses_parts_is_asked_for_the_whole() {
    let world = World::new();
    let mut script = strings(&[
        NEWS,
        "S: $ NO [SERVERBUG] no",
        "C: UID FETCH 5:* (UID RFC822.SIZE)",
        "S: * 1 FETCH (UID 5 RFC822.SIZE 4)",
        "S: * 2 FETCH (UID 6 RFC822.SIZE 3)",
        "S: $ OK",
        "C: UID FETCH 5:6 *",
        "S: $ NO [SERVERBUG] no",
        "C: UID FETCH 5:6 (UID)",
        "S: * 1 FETCH (UID 5)",
        "S: * 2 FETCH (UID 6)",
        "S: $ OK",
    ]);
    for (uid, text) in [(5, "five"), (6, "six")] {
        script.extend(strings(&[
            "C: UID FETCH * (UID INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.1048576>)",
            "S: $ BAD parts?",
            "C: UID FETCH * (UID INTERNALDATE RFC822.SIZE BODY.PEEK[])",
            &mail(uid, text),
            "S: $ OK",
        ]));
    }
    assert_eq!(look(&world, Scope::News(2), &script).await.unwrap(), 7);
    assert_eq!(
        (world.memory.bytes(5), world.memory.bytes(6)),
        (b"five".to_vec(), b"six".to_vec())
    );
}

/// All of a mail in place of a part, as Tencent Exmail has it (2026-11).
fn all(uid: u32, text: &str) -> String {
    format!(
        "S: * 1 FETCH (UID {uid} RFC822.SIZE {} BODY[] {{{}}}\r\n{text})",
        text.len(),
        text.len()
    )
}

#[tokio::test]
async fn a_server_that_gives_all_for_a_part_is_read_as_it_comes() {
    let mut world = World::new();
    // Less than the mail has.
    world.budget = crate::budget::Budget::new(2 << 20);
    let [small, middle, large] = [300, 600_000, 6_000_000].map(letters);
    // Unasked, all of each comes; then what was too large for that, by itself.
    let script = [
        NEWS.to_owned(),
        all(5, &small),
        all(6, &middle),
        all(7, &large),
        "S: $ OK".into(),
        "C: UID FETCH 7 *".into(),
        all(7, &large),
        "S: $ OK".into(),
    ];
    assert_eq!(look(&world, Scope::News(3), &script).await.unwrap(), 8);
    for (uid, text) in [(5, &small), (6, &middle), (7, &large)] {
        assert!(world.memory.bytes(uid) == text.as_bytes(), "{uid}");
    }
    // What is listed as large comes once.
    let world = World::new();
    let script = [
        "C: UID FETCH 5:* (UID RFC822.SIZE)".to_owned(),
        format!("S: * 1 FETCH (UID 7 RFC822.SIZE {})", large.len()),
        "S: $ OK".into(),
        "C: UID FETCH 7 *".into(),
        all(7, &large),
        "S: $ OK".into(),
    ];
    assert_eq!(look(&world, Scope::All, &script).await.unwrap(), 8);
    assert!(world.memory.bytes(7) == large.as_bytes());
}

/// The size decides nothing there either: it comes once more, and is as long.
#[tokio::test]
async fn a_server_that_gives_all_and_does_not_know_how_much_gives_it_twice() {
    let world = World::new();
    let text = letters(2_000_000);
    let estimated = |uid| all(uid, &text).replace("RFC822.SIZE 2000000", "RFC822.SIZE 2000077");
    let script = [
        "C: UID FETCH 5:* (UID RFC822.SIZE)".to_owned(),
        "S: * 1 FETCH (UID 7 RFC822.SIZE 2000077)".into(),
        "S: $ OK".into(),
        "C: UID FETCH 7 *".into(),
        estimated(7),
        "S: $ OK".into(),
        "C: UID FETCH 7 *".into(),
        estimated(7),
        "S: $ OK".into(),
    ];
    assert_eq!(look(&world, Scope::All, &script).await.unwrap(), 8);
    assert!(world.memory.bytes(7) == text.as_bytes());
}

#[tokio::test]
async fn a_mail_over_the_limit_that_comes_all_at_once_is_held_and_the_session_goes_on() {
    let mut world = World::new();
    world.inlet.size = 1_500_000;
    let text = letters(3_000_000);
    let script = [
        NEWS.to_owned(),
        all(5, &text),
        mail(6, "six"),
        "S: $ OK".into(),
        "C: UID FETCH 5 *".into(),
        all(5, &text),
        "S: $ OK".into(),
    ];
    assert_eq!(look(&world, Scope::News(2), &script).await.unwrap(), 7);
    assert_eq!(world.memory.lack(5).unwrap().reason, Reason::TooLarge);
    assert_eq!(world.memory.bytes(6), b"six");
    assert!(
        world.memory.state.lock().unwrap().pieces.is_empty(),
        "nothing is kept of it"
    );
}
