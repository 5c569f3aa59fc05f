use chrono::TimeDelta;

use super::{
    super::news::{BrokenFile, Waiting, id},
    *,
};
use crate::{
    auth::{
        BlockedSignIn,
        forecast::{ExpiringSecret, Forecast},
    },
    ledger::{JobNews, NewsKind},
};

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn seen(name: &str, state: LoginState, expiries: Vec<Expiry>) -> SignInNow {
    SignInNow {
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

const SILENT_AFTER: Duration = Duration::from_secs(15 * 60);

/// What is to be told of these sign-ins.
fn plan(sign_ins: &[SignInNow], told: &SentNotices) -> NoticePlan {
    let survey = Survey {
        sign_ins: sign_ins.to_vec(),
        ..Survey::default()
    };
    super::plan(&survey, told, SILENT_AFTER, at(0))
}

fn needs() -> LoginState {
    LoginState::NeedsSignIn(BlockedSignIn {
        since: at(0),
        why: "revoked".into(),
    })
}

/// A client's secret that ends in so many days, on a day that is told apart by them.
fn secret(days: i64) -> Vec<Expiry> {
    vec![Expiry {
        what: ExpiringSecret::ClientSecret,
        ends: at(days * 24 * 60),
        days,
        life: None,
    }]
}

/// Tells everything that is planned.
fn tell(told: &mut SentNotices, plan: &NoticePlan, when: i64) {
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
    let mut told = SentNotices::new();
    let ill = [seen("contoso", needs(), vec![])];
    let first = plan(&ill, &told);
    assert!(
        matches!(
            first.items.as_slice(),
            [NewsItem {
                news: News::NeedsSignIn(_),
                ..
            }]
        ),
        "{first:?}"
    );
    assert_eq!(plan(&ill, &told), first, "not told yet: due again, the same");
    tell(&mut told, &first, 1);
    assert_eq!(plan(&ill, &told), NoticePlan::default());

    let well = [seen("contoso", LoginState::SignedIn, vec![])];
    let again = plan(&well, &told);
    assert!(
        matches!(again.items.as_slice(), [NewsItem { news: News::WorksAgain(when), .. }] if *when == at(1)),
        "{again:?}"
    );
    tell(&mut told, &again, 2);
    assert_eq!(told, SentNotices::new());
    assert_eq!(plan(&well, &told), NoticePlan::default());
}

#[test]
fn an_end_is_told_at_its_thresholds_and_a_renewed_one_starts_anew() {
    let mut told = SentNotices::new();
    let mut tell_at = |expiries: Vec<Expiry>| {
        let plan = plan(&[seen("a/b", LoginState::NeedsNoSignIn, expiries)], &told);
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
fn the_same_news_has_the_same_id_and_the_next_time_another() {
    let of = |seen: SignInNow, told: &SentNotices| id(&plan(&[seen], told).items);
    let later = LoginState::NeedsSignIn(BlockedSignIn {
        since: at(9),
        why: "revoked".into(),
    });
    let none = SentNotices::new();
    let first = of(seen("a", needs(), vec![]), &none);
    assert_eq!(of(seen("a", needs(), vec![]), &none), first);
    assert_eq!(first.len(), 32);
    let told = SentNotices::from([("sign-in/a".to_owned(), at(1))]);
    let others = [
        of(seen("a", later, vec![]), &none),
        of(seen("b", needs(), vec![]), &none),
        of(seen("a", LoginState::SignedIn, vec![]), &told),
        of(seen("a", LoginState::SignedIn, secret(7)), &none),
    ];
    assert!(!others.contains(&first), "{others:?}");
}

/// A mailbox whose trouble began so many minutes ago, if any, and which was looked at before, if it was.
fn mailbox(trouble: Option<i64>, looked: bool) -> WatchedMailbox {
    WatchedMailbox {
        endpoint: "invoices".into(),
        sign_in: "contoso".into(),
        state: health::WatchState {
            connected: trouble.is_none(),
            looked: looked.then(|| at(-60)),
            trouble: trouble.map(|_| "the connection broke".into()),
            since: trouble.map(|ago| at(-ago)),
            ..health::WatchState::default()
        },
    }
}

fn kinds(survey: &Survey, told: &SentNotices) -> (Vec<&'static str>, usize) {
    let plan = super::plan(survey, told, SILENT_AFTER, at(0));
    (
        plan.items.iter().map(|item| item.news.kind()).collect(),
        plan.over.len(),
    )
}

#[test]
fn a_mailbox_is_told_when_it_is_silent_for_long_and_when_it_is_looked_at_again() {
    let told = SentNotices::from([("mailbox/invoices".to_owned(), at(-5))]);
    let none = SentNotices::new();
    for (mailbox, told, kind) in [
        (mailbox(None, true), &none, &[][..]),
        (mailbox(Some(14), true), &none, &[]),
        (mailbox(Some(15), true), &none, &["mailbox-silent"]),
        (mailbox(Some(15), false), &none, &["mailbox-silent"]),
        (mailbox(Some(99), true), &told, &[]),
        (mailbox(None, true), &told, &["mailbox-works-again"]),
        // Just started: nothing is known yet.
        (mailbox(None, false), &told, &[]),
        (mailbox(Some(1), false), &told, &[]),
    ] {
        let survey = Survey {
            mailboxes: vec![mailbox.clone()],
            ..Survey::default()
        };
        assert_eq!(kinds(&survey, told), (kind.to_vec(), 0), "{mailbox:?}");
    }
    assert_eq!(
        kinds(&Survey::default(), &told),
        (vec![], 1),
        "an endpoint that is gone"
    );
}

#[test]
fn a_sign_in_explains_its_mailboxes() {
    let survey = |state| Survey {
        sign_ins: vec![seen("contoso", state, vec![])],
        mailboxes: vec![mailbox(Some(20), true)],
        ..Survey::default()
    };
    let told = SentNotices::from([("sign-in/contoso".to_owned(), at(-5))]);
    assert_eq!(kinds(&survey(needs()), &SentNotices::new()).0, ["needs-sign-in"]);
    assert_eq!(kinds(&survey(needs()), &told).0, [""; 0]);
    assert_eq!(
        kinds(&survey(LoginState::SignedIn), &told).0,
        ["works-again", "mailbox-silent"]
    );
}

#[test]
fn jobs_that_wait_are_told_once_and_so_is_that_they_go_on() {
    let waits = |endpoints: &[&str]| Survey {
        waiting: endpoints
            .iter()
            .map(|endpoint| Waiting {
                endpoint: (*endpoint).to_owned(),
                since: at(-1),
                why: "the webhook answered 401".into(),
            })
            .collect(),
        ..Survey::default()
    };
    let told = SentNotices::from([("jobs/invoices".to_owned(), at(-5))]);
    for (survey, told, expected) in [
        (waits(&["invoices"]), &SentNotices::new(), &["jobs-wait"][..]),
        (waits(&["invoices"]), &told, &[]),
        (waits(&["invoices", "orders"]), &told, &["jobs-wait"]),
        (waits(&[]), &told, &["jobs-go-on"]),
        (waits(&[]), &SentNotices::new(), &[]),
    ] {
        assert_eq!(kinds(&survey, told), (expected.to_vec(), 0), "{survey:?}");
    }
}

#[test]
fn a_broken_file_is_told_once_and_so_is_that_it_is_right() {
    let broken = |files: &[&str]| Survey {
        broken: files
            .iter()
            .map(|file| BrokenFile {
                file: (*file).to_owned(),
                since: at(0),
                why: "no".into(),
            })
            .collect(),
        ..Survey::default()
    };
    let told = SentNotices::from([("file/a.toml".to_owned(), at(-5))]);
    assert_eq!(
        kinds(&broken(&["a.toml"]), &SentNotices::new()),
        (vec!["file-broken"], 0)
    );
    assert_eq!(kinds(&broken(&["a.toml", "b.toml"]), &told), (vec!["file-broken"], 0));
    assert_eq!(kinds(&broken(&[]), &told), (vec!["file-mended"], 0));
}

#[test]
fn jobs_go_with_every_mail_and_conditions_wait_where_there_are_too_many() {
    let jobs = JobNews {
        kind: NewsKind::Failed,
        endpoint: "invoices".into(),
        count: 200,
        since: at(0),
        examples: vec![],
    };
    let survey = Survey {
        sign_ins: (0..500).map(|n| seen(&format!("a{n:03}"), needs(), vec![])).collect(),
        jobs: vec![jobs],
        ..Survey::default()
    };
    let plan = super::plan(&survey, &SentNotices::new(), SILENT_AFTER, at(0));
    assert_eq!(plan.items.len(), MOST + 1);
    assert!(matches!(plan.items.last().unwrap().news, News::Jobs(_)));
}

#[test]
fn replies_that_rates_held_back_are_told_once_a_day() {
    let survey = Survey {
        jobs: vec![JobNews {
            kind: NewsKind::Unanswered,
            endpoint: "scanner".into(),
            count: 40,
            since: at(0),
            examples: vec![],
        }],
        ..Survey::default()
    };
    let hour = 60;
    for (told, now, tells, over) in [
        (None, 0, true, false),
        (Some(0), hour, false, false),
        (Some(0), 23 * hour, false, false),
        (Some(0), 24 * hour, true, true),
    ] {
        let told: SentNotices = told
            .map(|when| ("rates/scanner".to_owned(), at(when)))
            .into_iter()
            .collect();
        let plan = super::plan(&survey, &told, SILENT_AFTER, at(now));
        let key = plan.items.first().and_then(|item| item.tells.clone());
        assert_eq!(key, tells.then(|| "rates/scanner".to_owned()), "{now}");
        assert_eq!(!plan.over.is_empty(), over, "{now}");
    }
}

/// A reply account's server that refuses its password is a person's business at once; one that is away is nobody's.
#[test]
fn an_account_that_no_reply_goes_out_by_is_told_once() {
    let sender = |needs_person: bool, works: bool| SendingAccount {
        account: "office".into(),
        sign_in: "office".into(),
        trouble: (!works).then(|| crate::reply::OutboxProblem {
            words: "535 no".into(),
            since: at(-1),
            needs_person,
            holds_all: true,
        }),
        works,
    };
    let with = |senders: Vec<SendingAccount>, sign_ins: Vec<SignInNow>, told: &SentNotices| {
        let survey = Survey {
            senders,
            sign_ins,
            ..Survey::default()
        };
        super::plan(&survey, told, SILENT_AFTER, at(0))
    };
    let mut told = SentNotices::new();
    assert_eq!(with(vec![sender(false, false)], vec![], &told), NoticePlan::default());
    let explained = vec![seen("office", needs(), vec![])];
    let items = with(vec![sender(true, false)], explained, &told).items;
    assert!(
        matches!(items[0].news, News::NeedsSignIn(_)) && items.len() == 1,
        "{items:?}"
    );

    let first = with(vec![sender(true, false)], vec![], &told);
    assert!(
        matches!(&first.items[..], [NewsItem { news: News::Unsent(since, why), .. }] if *since == at(-1) && why == "535 no")
    );
    tell(&mut told, &first, 1);
    for still in [
        sender(true, false),
        sender(false, false),
        SendingAccount {
            trouble: None,
            ..sender(true, false)
        },
    ] {
        assert_eq!(
            with(vec![still], vec![], &told),
            NoticePlan::default(),
            "told, and not seen to work"
        );
    }
    let over = with(vec![sender(false, true)], vec![], &told);
    assert!(matches!(&over.items[..], [NewsItem { news: News::SentAgain(when), .. }] if *when == at(1)));
    let gone = with(vec![], vec![], &told);
    assert_eq!(
        (gone.items.len(), gone.over.as_slice()),
        (0, &["sender/office".to_owned()][..])
    );
}
