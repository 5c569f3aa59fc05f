use proptest::prelude::*;

use super::*;

fn head(from: &str, reply_to: &[&str]) -> Head {
    let address = |address: &&str| Address {
        name: None,
        address: (*address).to_owned(),
    };
    Head {
        from: vec![address(&from)],
        reply_to: reply_to.iter().map(address).collect(),
        ..Head::default()
    }
}

#[test]
fn a_reply_to_counts_where_it_is_nobody_elses() {
    use Unheeded::*;
    const ANN: &str = "ann@a.example";
    let allowed = ["*.desk.example".to_owned(), "gmail.com".to_owned()];
    for (from, reply_to, unproven, proven) in [
        (ANN, &[][..], None, None),
        (ANN, &["Ann@A.example"], None, None),
        (ANN, &["ann+orders@a.example"], None, None),
        ("ann+7@a.example", &["ann@a.example"], None, None),
        ("a.nn@outlook.com", &["ann@outlook.com"], Some(Public), Some(Public)),
        (ANN, &["desk@a.example"], Some(Unproven), None),
        (ANN, &["desk@A.Example", "Desk@a.example"], Some(Unproven), None),
        (ANN, &["desk@sub.a.example"], Some(Elsewhere), Some(Elsewhere)),
        (ANN, &["desk@b.example"], Some(Elsewhere), Some(Elsewhere)),
        (ANN, &["victim@web.de"], Some(Elsewhere), Some(Elsewhere)),
        ("ann@web.de", &["victim@web.de"], Some(Public), Some(Public)),
        ("ann@yahoo.co.jp", &["victim@yahoo.co.jp"], Some(Public), Some(Public)),
        (ANN, &["x@mail.desk.example"], None, None),
        ("ann@gmail.com", &["other@gmail.com"], None, None),
        (ANN, &["one@a.example", "two@a.example"], Some(Several), Some(Several)),
        (ANN, &["no address"], Some(Unwritable), Some(Unwritable)),
        (ANN, &["\"x y\"@a.example"], Some(Unwritable), Some(Unwritable)),
    ] {
        let head = head(from, reply_to);
        for (is_proven, unheeded) in [(false, unproven), (true, proven)] {
            let address = match unheeded {
                None => reply_to.first().copied().unwrap_or(from),
                Some(_) => from,
            };
            let found = judge(&head, is_proven, &allowed);
            assert_eq!(
                found,
                Some(ReplyAddress { address, unheeded }),
                "{from} {reply_to:?} {is_proven}"
            );
        }
    }
}

#[test]
fn machines_lists_and_those_who_answer_for_a_domain_are_never_answered_at_reply_to() {
    let allowed = ["a.example".to_owned()];
    for local in [
        "postmaster",
        "abuse",
        "MAILER-DAEMON",
        "noreply",
        "no-reply",
        "do-not-reply",
        "security",
        "hostmaster",
        "webmaster",
        "list-request",
        "subscribe",
        "unsubscribe",
        "all-staff",
        "everyone",
        "owner-list",
        "bounces+x=y",
        "root",
        "all",
        "noc",
        "listserv",
        "news-unsubscribe",
    ] {
        let head = head("ann@a.example", &[&format!("{local}@a.example")]);
        let found = judge(&head, true, &allowed).unwrap();
        assert_eq!(
            (found.address, found.unheeded),
            ("ann@a.example", Some(Unheeded::Role)),
            "{local}"
        );
    }
    for local in [
        "desk",
        "info",
        "support",
        "sales",
        "office",
        "ann",
        "allen",
        "rooter",
        "securityteam",
    ] {
        let reply_to = format!("{local}@a.example");
        let head = head("bob@a.example", &[&reply_to]);
        assert_eq!(judge(&head, true, &[]).unwrap().address, reply_to);
    }
}

proptest! {
    #[test]
    fn who_is_answered_is_from_or_of_its_domain(from in "[a-c.+]{1,4}@[a-c.]{1,5}", reply_to in "[a-c.+]{1,4}@[a-c.]{1,5}", proven in any::<bool>()) {
        let head = head(&from, &[&reply_to]);
        let found = judge(&head, proven, &[]).unwrap().address;
        let domain = |address: &str| address.rsplit_once('@').unwrap().1.to_owned();
        prop_assert!(found == from || domain(found) == domain(&from) && (proven || mailbox_form(found) == mailbox_form(&from)));
    }
}
