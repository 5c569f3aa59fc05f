use super::*;

fn judged(fields: &[(&str, &str)]) -> Option<Automatic> {
    let with_from = [("From", " Ann <ann@a.example>\r\n")];
    let fields = with_from
        .iter()
        .chain(fields)
        .map(|&(name, value)| (name, value.as_bytes()));
    judge(fields, &[address("ann@a.example")])
}

fn address(address: &str) -> Address {
    Address {
        name: None,
        address: address.into(),
    }
}

#[test]
fn a_person_may_be_answered() {
    for fields in [
        &[][..],
        &[("Auto-Submitted", " no\r\n")],
        &[("Auto-Submitted", " No (a person)\r\n")],
        &[("Precedence", " first-class\r\n")],
        &[("Return-Path", " <ann@a.example>\r\n")],
        &[("X-Auto-Response-Suppress", " DR, RN, NRN\r\n")],
        &[("X-Autoreply", " no\r\n")],
        &[("Content-Type", " multipart/mixed; boundary=multipart/report\r\n")],
        &[("X-List-Id", " no list\r\n"), ("List-Price", " 12\r\n")],
        &[("Sender", " bob@b.example\r\n")],
        &[("Received", "x"); 49],
    ] {
        assert_eq!(judged(fields), None, "{fields:?}");
    }
}

#[test]
fn machines_lists_and_bounces_are_not_answered() {
    use Automatic::*;
    for (name, value, why) in [
        ("Auto-Submitted", " auto-replied\r\n", AutoSubmitted),
        ("auto-submitted", " AUTO-GENERATED; owner-email=x\r\n", AutoSubmitted),
        ("Auto-Submitted", "\r\n", AutoSubmitted),
        ("List-Id", " <x.example>\r\n", List),
        ("LIST-UNSUBSCRIBE", " <mailto:x@x.example>\r\n", List),
        ("Return-Path", " <>\r\n", NullSender),
        ("Precedence", " Bulk\r\n", Precedence),
        ("Precedence", " list\r\n", Precedence),
        ("X-Auto-Response-Suppress", " DR,\r\n OOF\r\n", AutoResponse),
        ("X-Auto-Response-Suppress", " All\r\n", AutoResponse),
        ("X-Autoreply", " yes\r\n", AutoResponse),
        ("X-Autorespond", " Re: x\r\n", AutoResponse),
        (
            "Content-Type",
            " multipart/REPORT; report-type=delivery-status\r\n",
            Report,
        ),
        ("X-Mailjob-Job", " 0193\r\n", Ourselves),
        ("Sender", " \"Owner\" <owner-news@x.example>\r\n", RoleSender),
    ] {
        assert_eq!(judged(&[(name, value)]), Some(why), "{name}: {value}");
    }
    assert_eq!(judged(&[("Received", "x"); 50]), Some(Hops));
    assert_eq!(
        judged(&[("Auto-Submitted", " auto-replied"), ("X-Mailjob-Job", " 1")]),
        Some(Ourselves)
    );
}

#[test]
fn senders_without_ears_are_not_answered() {
    let sent_by = |from: &str| judge([("From", &b""[..])].into_iter(), &[address(from)]);
    for role in [
        "MAILER-DAEMON@x.example",
        "listserv@x.example",
        "owner-news@x.example",
        "news-request@x.example",
        "no-reply@x.example",
    ] {
        assert_eq!(sent_by(role), Some(Automatic::RoleSender), "{role}");
    }
    for unusable in [
        "",
        "ann",
        "@x.example",
        "ann@",
        "ann@x..example",
        "a nn@x.example",
        "\"ann\"@x.example",
        "@a,@b:ann@x.example",
        "ann@x.example@y.example",
        "ann@legit.example\0@attack.example",
    ] {
        assert_eq!(sent_by(unusable), Some(Automatic::NoSender), "{unusable:?}");
    }
    assert_eq!(judge([].into_iter(), &[]), Some(Automatic::NoSender));
    let two = [("From", &b" a@x.example"[..]), ("From", &b" b@x.example"[..])];
    assert_eq!(
        judge(two.into_iter(), &[address("a@x.example"), address("b@x.example")]),
        Some(Automatic::NoSender),
        "two From fields"
    );
}
