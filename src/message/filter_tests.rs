use proptest::prelude::*;

use super::*;
use crate::config::glob::{self, PatternTarget};

fn head() -> Head {
    let address = |text: &str| Address {
        name: None,
        address: text.into(),
    };
    Head {
        from: vec![address("Ann@Supplier.example")],
        to: vec![address("invoices@us.example")],
        cc: vec![address("boss@us.example")],
        subject: "Rechnung Nr. 12 ÄÖ".into(),
        ..Head::default()
    }
}

fn list(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(|&pattern| pattern.to_owned()).collect()
}

fn judged(filter: &Filter) -> Judgement {
    judge(filter, &head(), 1000, ["a.PDF", "logo.png", "b.pdf"].into_iter())
}

#[test]
fn a_detail_of_our_own_address_is_meant() {
    let address = |text: &str| Address {
        name: None,
        address: text.into(),
    };
    let head = Head {
        to: vec![
            address("Support+Bug-7@us.example"),
            address("desk+tickets@them.example"),
        ],
        delivered_to: vec!["help+urgent@us.example".into()],
        ..Head::default()
    };
    for (patterns, expected) in [
        (&["tickets", "bug-*"][..], true),
        (&["URGENT"], true),
        (&["tickets"], false),
        (&["bug"], false),
        (&["*"], true),
    ] {
        let filter = Filter {
            plus: list(patterns),
            ours: list(&["support@us.example", "help@us.example"]),
            ..Filter::default()
        };
        let judgement = judge(&filter, &head, 1, std::iter::empty());
        assert_eq!(matches!(judgement, Judgement::Meant(_)), expected, "{judgement:?}");
        if !expected {
            assert!(matches!(judgement, Judgement::Not(Miss::Plus, _)), "{judgement:?}");
        }
    }
}

#[test]
fn an_empty_filter_means_all() {
    assert_eq!(judged(&Filter::default()), Judgement::Meant(vec![0, 1, 2]));
}

#[test]
fn what_matches_is_meant() {
    for filter in [
        Filter {
            from: list(&["*@other.example", "*@supplier.EXAMPLE"]),
            ..Filter::default()
        },
        Filter {
            to: list(&["boss@*"]),
            ..Filter::default()
        },
        Filter {
            subject: list(&["rechnung nr. ?? äö"]),
            ..Filter::default()
        },
        Filter {
            min_size: Some(1000),
            max_size: Some(1000),
            ..Filter::default()
        },
    ] {
        assert_eq!(judged(&filter), Judgement::Meant(vec![0, 1, 2]), "{filter:?}");
    }
}

#[test]
fn what_does_not_match_is_not_meant_and_says_why() {
    for (filter, miss) in [
        (
            Filter {
                from: list(&["supplier.example"]),
                ..Filter::default()
            },
            Miss::From,
        ),
        (
            Filter {
                to: list(&["ann@*"]),
                ..Filter::default()
            },
            Miss::To,
        ),
        (
            Filter {
                subject: list(&["Rechnung"]),
                ..Filter::default()
            },
            Miss::Subject,
        ),
        (
            Filter {
                attachments: list(&["*.zip"]),
                ..Filter::default()
            },
            Miss::Attachments,
        ),
        (
            Filter {
                min_size: Some(1001),
                ..Filter::default()
            },
            Miss::Size,
        ),
        (
            Filter {
                max_size: Some(999),
                ..Filter::default()
            },
            Miss::Size,
        ),
        (
            Filter {
                attachments: list(&["*.pdf"]),
                not_attachments: list(&["?.pdf"]),
                ..Filter::default()
            },
            Miss::Attachments,
        ),
    ] {
        let judgement = judged(&filter);
        assert!(
            matches!(&judgement, Judgement::Not(found, detail) if *found == miss && !detail.is_empty()),
            "{filter:?} → {judgement:?}"
        );
    }
}

#[test]
fn only_matching_attachments_are_handed_on() {
    let filter = Filter {
        attachments: list(&["*.pdf"]),
        ..Filter::default()
    };
    assert_eq!(judged(&filter), Judgement::Meant(vec![0, 2]));
    let filter = Filter {
        not_attachments: list(&["logo.*"]),
        ..Filter::default()
    };
    assert_eq!(judged(&filter), Judgement::Meant(vec![0, 2]));
    let all_left_out = Filter {
        not_attachments: list(&["*"]),
        ..Filter::default()
    };
    assert_eq!(judged(&all_left_out), Judgement::Meant(vec![]));
}

#[test]
fn a_mail_without_from_matches_no_entry_for_it() {
    let filter = Filter {
        from: list(&["*"]),
        ..Filter::default()
    };
    let judgement = judge(&filter, &Head::default(), 1, std::iter::empty());
    assert!(matches!(judgement, Judgement::Not(Miss::From, _)));
}

#[test]
fn every_condition_says_what_met_what() {
    let filter = Filter {
        from: list(&["*@other.example", "*@supplier.example"]),
        to: list(&["eve@*"]),
        attachments: list(&["*.pdf"]),
        not_attachments: list(&["b.*"]),
        min_size: Some(1),
        max_size: Some(999),
        ..Filter::default()
    };
    let head = head();
    let explained = explain(&filter, &head, 1000, ["a.PDF", "logo.png", "b.pdf"].into_iter());
    let told: Vec<_> = explained
        .conditions
        .iter()
        .map(|condition| (condition.holds(), condition.why()))
        .collect();
    let line = |holds, why: &str| (holds, why.to_owned());
    assert_eq!(
        told,
        [
            line(true, "1000 bytes, 1 at least"),
            line(false, "1000 bytes are too many; 999 at most"),
            line(true, "\"*@supplier.example\" matches \"Ann@Supplier.example\""),
            line(
                false,
                "\"eve@*\" does not match \"invoices@us.example\", \"boss@us.example\""
            ),
            line(true, "\"*.pdf\" matches \"a.PDF\""),
        ]
    );
    let files: Vec<_> = explained.files.iter().map(FileFate::why).collect();
    assert_eq!(
        files,
        [
            "\"*.pdf\" matches",
            "no entry of attachments matches",
            "not_attachments has \"b.*\""
        ]
    );
    assert!(matches!(explained.judgement(), Judgement::Not(Miss::Size, _)));
}

/// The filter as its documentation says it, without reasons.
fn plainly(filter: &Filter, head: &Head, size: u64, names: &[String]) -> Result<Vec<usize>, Miss> {
    let any = |patterns: &[String], texts: &[&str]| {
        let met = |text: &&str, pattern: &String| Glob::new(pattern).matches(text);
        texts
            .iter()
            .any(|text| patterns.iter().any(|pattern| met(text, pattern)))
    };
    let of = |addresses: &[Address], patterns: &[String]| addresses.iter().any(|a| any(patterns, &[&a.address]));
    if filter.min_size.is_some_and(|min| size < min) || filter.max_size.is_some_and(|max| size > max) {
        return Err(Miss::Size);
    }
    if !filter.from.is_empty() && !of(&head.from, &filter.from) {
        return Err(Miss::From);
    }
    if !filter.to.is_empty() && !of(&head.to, &filter.to) && !of(&head.cc, &filter.to) {
        return Err(Miss::To);
    }
    if !filter.subject.is_empty() && !any(&filter.subject, &[&head.subject]) {
        return Err(Miss::Subject);
    }
    let kept = |name: &str| {
        (filter.attachments.is_empty() || any(&filter.attachments, &[name])) && !any(&filter.not_attachments, &[name])
    };
    let kept: Vec<_> = (0..names.len()).filter(|&index| kept(&names[index])).collect();
    if kept.is_empty() && !filter.attachments.is_empty() {
        return Err(Miss::Attachments);
    }
    Ok(kept)
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[aAb.*?\u{e4}]{0,4}", 0..4)
}

fn addresses() -> impl Strategy<Value = Vec<Address>> {
    let address = |address| Address { name: None, address };
    texts().prop_map(move |texts| texts.into_iter().map(address).collect())
}

proptest! {
    #[test]
    fn the_explanation_and_the_decision_are_one(
        (from, to, subject, attachments, not_attachments) in (texts(), texts(), texts(), texts(), texts()),
        (min_size, max_size, size) in (prop::option::of(0u64..9), prop::option::of(0u64..9), 0u64..9),
        (mail_from, mail_to, mail_cc) in (addresses(), addresses(), addresses()),
        mail_subject in "[aAb]{0,4}",
        names in texts(),
    ) {
        let filter = Filter { from, to, subject, attachments, not_attachments, min_size, max_size, ..Filter::default() };
        let head = Head { from: mail_from, to: mail_to, cc: mail_cc, subject: mail_subject, ..Head::default() };
        let explained = explain(&filter, &head, size, names.iter().map(String::as_str));
        let judged = judge(&filter, &head, size, names.iter().map(String::as_str));
        prop_assert_eq!(&judged, &explained.judgement());
        let judged = match judged {
            Judgement::Meant(handed_on) => Ok(handed_on),
            Judgement::Not(miss, why) => {
                prop_assert!(!why.is_empty());
                Err(miss)
            }
        };
        prop_assert_eq!(judged, plainly(&filter, &head, size, &names));
        prop_assert_eq!(explained.files.len(), names.len());
        for condition in &explained.conditions {
            if let Test::OneOf { patterns, values, met: Some((pattern, value)) } = &condition.test {
                prop_assert!(Glob::new(pattern).matches(value));
                prop_assert!(patterns.iter().any(|p| p == pattern) && values.contains(value));
            }
        }
    }
}

#[test]
fn machines_are_meant_or_not_as_the_file_says() {
    let filter = |automatic| Filter {
        automatic,
        ..Filter::default()
    };
    for (automatic, found, meant) in [
        (Machines::Allow, None, true),
        (Machines::Allow, Some(Automatic::Report), true),
        (Machines::Skip, None, true),
        (Machines::Skip, Some(Automatic::List), false),
        (Machines::Skip, Some(Automatic::NoSender), true),
        (Machines::Only, None, false),
        (Machines::Only, Some(Automatic::AutoSubmitted), true),
        (Machines::Only, Some(Automatic::NoSender), false),
    ] {
        let head = Head {
            automatic: found,
            ..Head::default()
        };
        let judged = judge(&filter(automatic), &head, 1, std::iter::empty());
        assert_eq!(
            matches!(judged, Judgement::Meant(_)),
            meant,
            "{automatic:?} {found:?} {judged:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// What `check` takes for a pattern of addresses, a mail can be written that meets it.
    #[test]
    fn a_pattern_that_is_taken_is_met_by_a_mail(local in "[ab*?.+]{1,4}", domain in "[ab*?.]{1,6}") {
        let pattern = format!("{local}@{domain}");
        prop_assume!(glob::argument(PatternTarget::Address, &pattern).is_ok());
        // What a star stands for may be anything that makes an address of it.
        let fill = |text: &str, with: &str| text.replace('*', with).replace('?', "a");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let met = ["", "a", "a.a"].iter().any(|with| {
            let raw = format!("From: {}@{}\r\nSubject: x\r\n\r\nx", fill(&local, with), fill(&domain, with));
            let reading = crate::message::read(raw.into(), crate::config::Limits::default(), |mail| mail.head());
            let Ok(head) = runtime.block_on(reading) else { return false };
            let filter = Filter { from: vec![pattern.clone()], ..Filter::default() };
            matches!(judge(&filter, &head, 9, std::iter::empty()), Judgement::Meant(_))
        });
        prop_assert!(met, "{pattern}");
    }
}
