use proptest::prelude::*;

use super::*;
use crate::addr_spec::{is_reachable, is_sendable, unquoted};
use crate::message::{Address, Automatic};

fn addresses(list: &[&str]) -> Vec<Address> {
    list.iter()
        .map(|address| Address {
            name: None,
            address: (*address).to_owned(),
        })
        .collect()
}

fn head(from: &[&str], reply_to: &[&str]) -> Head {
    Head {
        from: addresses(from),
        reply_to: addresses(reply_to),
        ..Head::default()
    }
}

fn ours() -> BTreeSet<String> {
    BTreeSet::from(["invoices@us.example".to_owned()])
}

/// The `to` of a letter to these.
fn found(to: &[ReplyTo], head: &Head) -> Result<Vec<String>, NoReplyCode> {
    let letter = ReplyTemplate {
        to: to.to_vec(),
        ..ReplyTemplate::default()
    };
    recipients(&Reply::none(), &letter, (head, true), &ours()).map(|found| found.to)
}

fn fixed(list: &[&str]) -> Vec<ReplyTo> {
    list.iter()
        .map(|address| ReplyTo::Address((*address).to_owned()))
        .collect()
}

#[test]
fn a_proven_sender_is_reply_to_in_the_same_domain_or_else_from() {
    type Case = (
        &'static [&'static str],
        &'static [&'static str],
        Result<&'static str, NoReplyCode>,
    );
    let cases: [Case; 18] = [
        (&["ann@a.example"], &[], Ok("ann@a.example")),
        (&["ann@a.example"], &["desk@A.Example"], Ok("desk@A.Example")),
        (&["ann@a.example"], &["desk@b.example"], Ok("ann@a.example")),
        (&["ann@a.example"], &["desk@sub.a.example"], Ok("ann@a.example")),
        (
            &["ann@a.example"],
            &["one@a.example", "two@a.example"],
            Ok("ann@a.example"),
        ),
        (&["ann@a.example"], &["not an address"], Ok("ann@a.example")),
        (&["ann@a.example"], &["\"x y\"@a.example"], Ok("ann@a.example")),
        (&[], &["desk@a.example"], Err("no-sender")),
        (&["ann@a.example", "bob@a.example"], &[], Err("no-sender")),
        (&["ann"], &[], Err("no-sender")),
        (&["änn@a.example"], &[], Ok("änn@a.example")),
        (&["ann@bücher.example"], &[], Ok("ann@xn--bcher-kva.example")),
        (
            &["ann@bücher.example"],
            &["desk@xn--bcher-kva.example"],
            Ok("desk@xn--bcher-kva.example"),
        ),
        (&["abc.yyy.@docomo.ne.jp"], &[], Ok("\"abc.yyy.\"@docomo.ne.jp")),
        (&["aaa..bbb@docomo.ne.jp"], &[], Ok("\"aaa..bbb\"@docomo.ne.jp")),
        (
            &["ann@a.example"],
            &["desk@a.example", "Desk@A.example"],
            Ok("desk@a.example"),
        ),
        (&["Invoices@US.example"], &[], Err("ourselves")),
        (&["ann@us.example"], &["invoices@us.example"], Err("ourselves")),
    ];
    for (from, reply_to, expected) in cases {
        let found = found(&[ReplyTo::Sender], &head(from, reply_to));
        assert_eq!(
            found,
            expected.map(|address| vec![address.to_owned()]),
            "{from:?} {reply_to:?}"
        );
    }
}

#[test]
fn fixed_recipients_are_never_ourselves_and_each_hears_once() {
    let mail = head(&["ann@a.example"], &[]);
    for (list, expected) in [
        (
            &["ops@b.example", "OPS@b.example", "invoices@us.example"][..],
            Ok(vec!["ops@b.example".to_owned()]),
        ),
        (&["invoices@us.example"], Err("ourselves")),
        (&["a b@c"], Err("no-sender")),
        (&[], Err("nobody")),
    ] {
        assert_eq!(found(&fixed(list), &mail), expected, "{list:?}");
    }
}

#[test]
fn machines_and_ourselves_hear_nothing() {
    let to = fixed(&["ops@b.example"]);
    let mut mail = head(&["ann@a.example"], &[]);
    for automatic in [
        Automatic::AutoSubmitted,
        Automatic::List,
        Automatic::Report,
        Automatic::Ourselves,
    ] {
        mail.automatic = Some(automatic);
        assert_eq!(found(&to, &mail), Err(automatic.code()));
        assert_eq!(found(&[ReplyTo::Sender], &mail), Err(automatic.code()));
    }
    // With a detail it is the same mailbox.
    for us in [
        "invoices@us.example",
        "Invoices+7@US.example",
        "invoices+a+b@us.example",
    ] {
        let from_us = head(&[us], &[]);
        assert_eq!(found(&to, &from_us), Err("ourselves"), "{us}");
        assert_eq!(found(&[ReplyTo::Sender], &from_us), Err("ourselves"), "{us}");
        assert_eq!(
            found(&fixed(&[us]), &head(&["ann@a.example"], &[])),
            Err("ourselves"),
            "{us}"
        );
    }
    assert_eq!(found(&[], &head(&["ann@a.example"], &[])), Err("nobody"));
}

#[test]
fn only_plain_addresses_are_answered() {
    for (address, answerable) in [
        ("ann@a.example", true),
        ("ann.b+c-d_e@a-b.example", true),
        ("ann@localhost", true),
        ("", false),
        ("@", false),
        ("ann@", false),
        ("@a.example", false),
        (".ann@a.example", false),
        ("ann..b@a.example", false),
        ("ann@a..example", false),
        ("ann@a.example.", false),
        ("\"ann\"@a.example", false),
        ("ann@a@b.example", false),
        ("<ann@a.example>", false),
        ("ann@[127.0.0.1]", false),
        ("ann@a.example\r\nRCPT TO:<x@y>", false),
        ("ann@a.example\0", false),
        ("ann b@a.example", false),
        ("ann@bücher.example", false),
    ] {
        assert_eq!(is_sendable(address), answerable, "{address:?}");
    }
    assert!(!is_sendable(&format!("ann@{}", "a.".repeat(130))));
}

proptest! {
    #[test]
    fn no_recipient_can_break_out_of_an_smtp_command(
        from in "(?s).{0,40}|[a-z.@\"\r\n <>]{0,20}|[a-zü.+]{1,5}@[a-zü.]{1,5}",
        reply_to in "(?s).{0,40}|[a-zü.\" ]{1,5}@[a-zü.]{1,5}",
    ) {
        let mail = head(&[&from], &[&reply_to]);
        if let Ok(found) = found(&[ReplyTo::Sender], &mail) {
            for address in found {
                // Quoted for nothing but its dots, and nothing that ends an address or a command.
                let breaks = |c: char| c.is_control() || c.is_whitespace() || "<>\"\\,;:()[]".contains(c);
                prop_assert!(is_reachable(&address) && !unquoted(&address).contains(breaks), "{address:?}");
            }
        }
    }
}

#[test]
fn a_reply_to_elsewhere_is_answered_where_the_operator_allows_it() {
    let reply = Reply {
        reply_to_domains: vec!["*.a.example".into(), "desk.example".into()],
        ..Reply::none()
    };
    let letter = ReplyTemplate {
        to: vec![ReplyTo::Sender],
        ..ReplyTemplate::default()
    };
    for (reply_to, expected) in [
        ("help@Desk.example", "help@Desk.example"),
        ("help@x.a.example", "help@x.a.example"),
        ("help@evil-desk.example", "ann@a.example"),
        ("help@desk.example.evil.example", "ann@a.example"),
        ("\"x\"@desk.example", "ann@a.example"),
    ] {
        let found = recipients(
            &reply,
            &letter,
            (&head(&["ann@a.example"], &[reply_to]), false),
            &ours(),
        )
        .unwrap();
        assert_eq!(found.to, [expected], "{reply_to}");
    }
    let from = recipients(
        &reply,
        &ReplyTemplate {
            to: vec![ReplyTo::From],
            ..ReplyTemplate::default()
        },
        (&head(&["ann@a.example"], &["help@desk.example"]), true),
        &ours(),
    );
    assert_eq!(from.unwrap().to, ["ann@a.example"]);
}

#[test]
fn each_hears_once_and_we_never_do() {
    let text = |list: &[&str]| list.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
    let letter = ReplyTemplate {
        to: [vec![ReplyTo::Sender], fixed(&["boss@a.example"])].concat(),
        cc: text(&["Boss@a.example", "all@a.example", "invoices@us.example"]),
        bcc: text(&["audit@a.example", "ann@A.example"]),
        ..ReplyTemplate::default()
    };
    let found = recipients(
        &Reply::none(),
        &letter,
        (&head(&["ann@a.example"], &[]), false),
        &ours(),
    )
    .unwrap();
    assert_eq!(found.to, ["ann@a.example", "boss@a.example"]);
    assert_eq!(
        (&*found.cc, &*found.bcc),
        (&text(&["all@a.example"])[..], &text(&["audit@a.example"])[..])
    );
    assert_eq!(found.all().len(), 4);
}

/// Whoever would be answered, it is nobody that can be known.
#[tokio::test]
async fn a_from_that_can_be_read_in_two_ways_is_never_answered() {
    use crate::{
        config::Limits,
        message::{identity::tests::TRICKS, read},
    };
    let heads = |header: &str| {
        let raw = format!("{header}\r\nReply-To: victim@legit.example\r\nSubject: x\r\n\r\ntext\r\n");
        read(raw.into(), Limits::default(), |mail| mail.head())
    };
    for (name, header) in TRICKS {
        let head = heads(header).await.unwrap();
        let letter = |to: Vec<ReplyTo>| ReplyTemplate {
            to,
            ..ReplyTemplate::default()
        };
        let found = |to| recipients(&Reply::none(), &letter(to), (&head, true), &BTreeSet::new());
        // Where there is no From, nothing can be read in two ways.
        let silent = match head.odd_from {
            Some(InvalidFrom::Missing) => "no-sender",
            _ => "no-identity",
        };
        for to in [ReplyTo::Sender, ReplyTo::From] {
            assert_eq!(found(vec![to]).err(), Some(silent), "{name}");
        }
        let both = found([vec![ReplyTo::Sender], fixed(&["boss@us.example"])].concat());
        assert!(both.is_err() || both.unwrap().to == ["boss@us.example"], "{name}");
    }
    let honest = heads("From: Ann <ann@legit.example>").await.unwrap();
    let letter = ReplyTemplate {
        to: vec![ReplyTo::Sender],
        ..ReplyTemplate::default()
    };
    assert!(recipients(&Reply::none(), &letter, (&honest, true), &BTreeSet::new()).is_ok());
}
