use super::*;

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
