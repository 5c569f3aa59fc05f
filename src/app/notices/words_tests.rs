use chrono::{DateTime, Utc};

use super::*;
use crate::auth::{
    Refused,
    forecast::{Expiry, Threshold},
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn item(is_person: bool, news: News) -> Item {
    Item {
        name: "contoso".into(),
        is_person,
        news,
        tells: None,
        ends: None,
    }
}

fn refused(why: &str) -> News {
    News::NeedsSignIn(Refused {
        since: at(0),
        why: why.into(),
    })
}

fn ends(what: What, days: i64) -> News {
    let expiry = Expiry {
        what,
        ends: at(days * 86_400),
        days,
        life: None,
    };
    News::Ends(expiry, Threshold::ALL[0])
}

fn said(items: &[Item]) -> (String, String) {
    let speaker = Speaker {
        host: "web1".into(),
        ledger: "/var/lib/mailjob/mailjob.db".into(),
    };
    words(items, &speaker)
}

#[test]
fn what_since_when_the_cure_and_who_says_it() {
    let (subject, text) = said(&[item(true, refused("the sign-in has ended\r\nBcc: x"))]);
    assert_eq!(subject, "[mailjob] contoso needs a sign-in");
    assert_eq!(
        text,
        "contoso needs a sign-in, since 2027-01-15 08:00 UTC. Its mail waits until then; nothing is lost.\n\n\
         Why: the sign-in has ended  Bcc: x\n\n\
         Sign in anew where it runs:\n\n  mailjob auth login contoso\n\n\
         This was written by Mailjob on web1, ledger /var/lib/mailjob/mailjob.db.\n\
         You are told once; mailjob auth status shows how it is now.\n"
    );
}

#[test]
fn subjects() {
    for (item, subject) in [
        (item(false, refused("no")), "[mailjob] contoso can't sign in"),
        (item(true, News::WorksAgain(at(0))), "[mailjob] contoso works again"),
        (
            item(true, ends(What::ClientSecret, 6)),
            "[mailjob] the client secret of contoso ends in 6 days",
        ),
        (
            item(true, ends(What::Certificate, 1)),
            "[mailjob] the certificate of contoso ends within a day",
        ),
        (
            item(true, ends(What::RefreshToken, 0)),
            "[mailjob] the refresh token of contoso has ended",
        ),
    ] {
        assert_eq!(said(&[item]).0, subject);
    }
}

#[test]
fn many_in_one_and_each_with_its_cure() {
    let (subject, text) = said(&[
        item(true, refused("a")),
        item(false, refused("b")),
        item(true, ends(What::ClientSecret, 6)),
        item(true, ends(What::RefreshToken, 7)),
    ]);
    assert_eq!(subject, "[mailjob] 4 accounts or secrets need you");
    let again = || item(true, News::WorksAgain(at(0)));
    let needy = || item(true, refused("a"));
    assert_eq!(said(&[again(), again()]).0, "[mailjob] 2 accounts work again");
    let mixed = [needy(), again(), needy()];
    assert_eq!(said(&mixed).0, "[mailjob] 2 accounts or secrets need you");
    for (days, words) in [(7, "Sign in anew before that, where"), (0, "Sign in anew, where")] {
        let (_, text) = said(&[item(true, ends(What::RefreshToken, days))]);
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(text.matches("mailjob auth login contoso").count(), 2, "{text}");
    assert!(
        text.contains("client_secret_expires") && text.contains("mailjob auth status contoso"),
        "{text}"
    );
}
