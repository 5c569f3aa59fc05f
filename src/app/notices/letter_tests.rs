use chrono::DateTime;

use super::{super::news::News, *};

fn speaker() -> NoticeSender {
    NoticeSender {
        host: "web1".into(),
        ledger: "/mailjob.db".into(),
    }
}

fn items() -> Vec<NewsItem> {
    let item = NewsItem {
        name: "invoices".into(),
        is_person: false,
        news: News::Silent(
            DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            "<no> {{ why }}".into(),
        ),
        tells: None,
        ends: None,
    };
    let again = News::ReadsAgain(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    vec![item.clone(), NewsItem { news: again, ..item }]
}

#[test]
fn an_operator_writes_own_words() {
    let text = "{% for item in news %}{{ item.kind }}|{{ item.name }}|{{ item.since }}|{{ item.why }}|{{ item.cure | length > 0 }}\n\
                {% endfor %}{{ host }} {{ ledger }} {{ news | length }}";
    let (subject, text) = letter(&items(), &speaker(), ("{{ headline }}!", text));
    assert_eq!(subject, "1 thing needs you!");
    assert_eq!(
        text,
        "mailbox-silent|invoices|2027-01-15 08:00 UTC|<no> {{ why }}|True\n\
         mailbox-works-again|invoices|2027-01-15 08:00 UTC||False\nweb1 /mailjob.db 2\n"
    );
}

#[test]
fn a_template_that_fails_keeps_nobody_from_being_told() {
    let usual = letter(&items(), &speaker(), (Operator::SUBJECT, Operator::TEXT));
    for bad in [
        "{{ nothing }}",
        "{{ headline",
        "  ",
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    ] {
        assert_eq!(letter(&items(), &speaker(), (bad, bad)), usual, "{bad}");
    }
    assert!(usual.1.ends_with("how it is now.\n"), "{}", usual.1);
}

#[test]
fn a_template_may_ask_for_what_is_given_and_no_more() {
    use crate::config::given::{OPERATOR, all, names};
    let said: Vec<_> = items().iter().map(said).collect();
    let given = Context {
        headline: String::new(),
        news: said,
        closing: "",
        host: "",
        ledger: "",
    };
    assert_eq!(names(&minijinja::Value::from(Serde(&given)), &OPERATOR), all(&OPERATOR));
}
