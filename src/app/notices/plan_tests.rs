use chrono::TimeDelta;

use super::*;
use crate::auth::forecast::What;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn seen(name: &str, state: State, expiries: Vec<Expiry>) -> Seen {
    Seen {
        name: name.into(),
        is_person: true,
        forecast: Forecast {
            state,
            issued: None,
            age: None,
            refreshed: None,
            expiries,
        },
    }
}

fn needs() -> State {
    State::NeedsSignIn(Refused {
        since: at(0),
        why: "revoked".into(),
    })
}

/// A client's secret that ends in so many days, on a day that is told apart by them.
fn secret(days: i64) -> Vec<Expiry> {
    vec![Expiry {
        what: What::ClientSecret,
        ends: at(days * 24 * 60),
        days,
        life: None,
    }]
}

/// Tells everything that is planned.
fn tell(told: &mut Told, plan: &Plan, when: i64) {
    for key in plan
        .over
        .iter()
        .chain(plan.items.iter().filter_map(|item| item.ends.as_ref()))
    {
        told.remove(key);
    }
    let tells = plan.items.iter().filter_map(|item| item.tells.clone());
    told.extend(tells.map(|key| (key, at(when))));
}

#[test]
fn a_sign_in_is_told_once_and_so_is_that_it_works_again() {
    let mut told = Told::new();
    let ill = [seen("contoso", needs(), vec![])];
    let first = plan(&ill, &told);
    assert!(
        matches!(
            first.items.as_slice(),
            [Item {
                news: News::NeedsSignIn(_),
                ..
            }]
        ),
        "{first:?}"
    );
    assert_eq!(plan(&ill, &told), first, "not told yet: due again, the same");
    tell(&mut told, &first, 1);
    assert_eq!(plan(&ill, &told), Plan::default());

    let well = [seen("contoso", State::SignedIn, vec![])];
    let again = plan(&well, &told);
    assert!(
        matches!(again.items.as_slice(), [Item { news: News::WorksAgain(when), .. }] if *when == at(1)),
        "{again:?}"
    );
    tell(&mut told, &again, 2);
    assert_eq!(told, Told::new());
    assert_eq!(plan(&well, &told), Plan::default());
}

#[test]
fn an_end_is_told_at_its_thresholds_and_a_renewed_one_starts_anew() {
    let mut told = Told::new();
    let mut tell_at = |expiries: Vec<Expiry>| {
        let plan = plan(&[seen("a/b", State::NeedsNoSignIn, expiries)], &told);
        tell(&mut told, &plan, 0);
        let days: Vec<_> = plan
            .items
            .iter()
            .map(|item| match &item.news {
                News::Ends(_, threshold) => threshold.days(),
                other => panic!("{other:?}"),
            })
            .collect();
        (days, told.len())
    };
    let left = |days: i64| {
        let mut left = secret(100);
        left[0].days = days;
        left
    };
    assert_eq!(tell_at(left(31)), (vec![], 0));
    assert_eq!(tell_at(left(30)), (vec![30], 1));
    assert_eq!(tell_at(left(6)), (vec![7], 2), "the one that was missed is not told");
    assert_eq!(tell_at(vec![]), (vec![], 2), "what can't be seen is not over");
    assert_eq!(tell_at(left(6)), (vec![], 2));
    assert_eq!(tell_at(secret(400)), (vec![], 0), "renewed");
    assert_eq!(tell_at(secret(7)), (vec![7], 1));
    let gone = plan(&[], &told);
    assert_eq!(
        (gone.items.len(), gone.over.len()),
        (0, 1),
        "an account that is gone is forgotten without a word"
    );
}

#[test]
fn mails_are_few_and_the_rest_is_gathered() {
    let items = |count: usize| {
        let seen: Vec<_> = (0..count).map(|n| seen(&format!("a{n:03}"), needs(), vec![])).collect();
        plan(&seen, &Told::new()).items
    };
    for (count, room, sizes) in [
        (0, 20, vec![]),
        (3, 20, vec![1, 1, 1]),
        (20, 20, vec![1; 20]),
        (3, 0, vec![]),
        (3, 1, vec![3]),
        (5, 2, vec![1, 4]),
    ] {
        let mails = gather(items(count), room);
        assert_eq!(mails.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "{count} {room}");
    }
    let many = gather(items(500), AN_HOUR);
    assert_eq!((many.len(), many.iter().map(Vec::len).sum::<usize>()), (20, 500));
}

#[test]
fn the_same_news_has_the_same_id_and_the_next_time_another() {
    let of = |seen: Seen, told: &Told| id(&plan(&[seen], told).items);
    let later = State::NeedsSignIn(Refused {
        since: at(9),
        why: "revoked".into(),
    });
    let none = Told::new();
    let first = of(seen("a", needs(), vec![]), &none);
    assert_eq!(of(seen("a", needs(), vec![]), &none), first);
    assert_eq!(first.len(), 32);
    let told = Told::from([("sign-in/a".to_owned(), at(1))]);
    let others = [
        of(seen("a", later, vec![]), &none),
        of(seen("b", needs(), vec![]), &none),
        of(seen("a", State::SignedIn, vec![]), &told),
        of(seen("a", State::SignedIn, secret(7)), &none),
    ];
    assert!(!others.contains(&first), "{others:?}");
}
