use chrono::{DateTime, Utc};

use super::{super::letter::letter, *};
use crate::{
    auth::{
        BlockedSignIn,
        forecast::{Expiry, Threshold},
    },
    config::Operator,
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn item(is_person: bool, news: News) -> NewsItem {
    NewsItem {
        name: "contoso".into(),
        is_person,
        news,
        tells: None,
        ends: None,
    }
}

fn refused(why: &str) -> News {
    News::NeedsSignIn(BlockedSignIn {
        since: at(0),
        why: why.into(),
    })
}

fn ends(what: ExpiringSecret, days: i64) -> News {
    let expiry = Expiry {
        what,
        ends: at(days * 86_400),
        days,
        life: None,
    };
    News::Ends(expiry, Threshold::ALL[0])
}

fn told(items: &[NewsItem]) -> (String, String) {
    let speaker = NoticeSender {
        host: "web1".into(),
        ledger: "/var/lib/mailjob/mailjob.db".into(),
    };
    letter(items, &speaker, (Operator::SUBJECT, Operator::TEXT))
}

#[test]
fn what_since_when_the_cure_and_who_says_it() {
    let (subject, text) = told(&[item(true, refused("the sign-in has ended\r\nBcc: x"))]);
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
            item(true, ends(ExpiringSecret::ClientSecret, 6)),
            "[mailjob] the client secret of contoso ends in 6 days",
        ),
        (
            item(true, ends(ExpiringSecret::Certificate, 1)),
            "[mailjob] the certificate of contoso ends within a day",
        ),
        (
            item(true, ends(ExpiringSecret::RefreshToken, 0)),
            "[mailjob] the refresh token of contoso has ended",
        ),
    ] {
        assert_eq!(told(&[item]).0, subject);
    }
}

#[test]
fn many_in_one_and_each_with_its_cure() {
    let (subject, text) = told(&[
        item(true, refused("a")),
        item(false, refused("b")),
        item(true, ends(ExpiringSecret::ClientSecret, 6)),
        item(true, ends(ExpiringSecret::RefreshToken, 7)),
    ]);
    assert_eq!(subject, "[mailjob] 4 things need you");
    let again = || item(true, News::WorksAgain(at(0)));
    let needy = || item(true, refused("a"));
    assert_eq!(told(&[again(), again()]).0, "[mailjob] 2 things work again");
    let mixed = [needy(), again(), needy()];
    assert_eq!(told(&mixed).0, "[mailjob] 2 things need you");
    for (days, words) in [(7, "Sign in anew before that, where"), (0, "Sign in anew, where")] {
        let (_, text) = told(&[item(true, ends(ExpiringSecret::RefreshToken, days))]);
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(text.matches("mailjob auth login contoso").count(), 2, "{text}");
    assert!(
        text.contains("client_secret_expires") && text.contains("mailjob auth status contoso"),
        "{text}"
    );
}

#[test]
fn a_mailbox_and_a_file() {
    for (news, words) in [
        (
            News::Silent(at(0), "the connection\r\nbroke".into()),
            "the mailbox of contoso can't be read, since 2027-01-15 08:00 UTC. Its mail waits until then; nothing is lost.\n\n\
             Why: the connection  broke\n\n\
             Look where it runs, which says what to do:\n\n  mailjob doctor contoso",
        ),
        (
            News::ReadsAgain(at(0)),
            "the mailbox of contoso is read again. You were told on 2027-01-15 08:00 UTC that it couldn't.",
        ),
        (
            News::Broken(at(0), "unknown key `x`; remove it".into()),
            "the file contoso is broken, since 2027-01-15 08:00 UTC. What ran before goes on in its last good version; a new \
             endpoint does not start.\n\nWhy: unknown key `x`; remove it\n\n\
             Mend the file and save it: it counts at once. All problems are shown where it runs by\n\n  mailjob check",
        ),
        (
            News::SecondLedger(at(0)),
            "another Mailjob works at the mailbox of contoso, since 2027-01-15 08:00 UTC. Mails are done and answered twice until \
             then.\n\nWhy: it has a ledger of its own, and knows nothing of what this one does\n\n\
             Stop one of the two, or have it watch another mailbox. A second installation is one with a ledger of its own: another \
             machine, a pod with another volume, a copy for tests.",
        ),
        (
            News::OneLedger(at(0)),
            "no other Mailjob answers at the mailbox of contoso any more. You were told on 2027-01-15 08:00 UTC that one did.",
        ),
        (
            News::Unsettled(
                at(0),
                "5 of them, can't be moved to \"Processed\": NO over quota".into(),
            ),
            "mails that are over can't leave the mailbox of contoso, since 2027-01-15 08:00 UTC. Their work is done and is not done again as \
             long as the ledger is kept; they stay where they are until then.\n\n\
             Why: 5 of them, can't be moved to \"Processed\": NO over quota\n\n\
             Make room where they go, or give the user the right to put mails there, or change [settle] in its file. It is tried again by \
             itself.",
        ),
        (
            News::Settled(at(0)),
            "mails that are over leave the mailbox of contoso again. You were told on 2027-01-15 08:00 UTC that they couldn't.",
        ),
        (
            News::Mended(at(0)),
            "the file contoso is right again, or gone. You were told on 2027-01-15 08:00 UTC that it wasn't.",
        ),
    ] {
        assert_eq!(said(&item(false, news)).words, words);
    }
}

#[test]
fn jobs_that_wait_say_how_they_go_on() {
    let (subject, text) = told(&[item(false, News::JobsWait(at(0), "the webhook answered 401".into()))]);
    assert_eq!(subject, "[mailjob] the jobs of contoso wait for you");
    assert!(
        text.starts_with("the jobs of contoso wait for you, since 2027-01-15 08:00 UTC. Their mails wait, nothing is lost, and no sender hears of it.")
            && text.contains("Why: the webhook answered 401")
            && text.contains("mailjob jobs retry --all --endpoint contoso --state deferred"),
        "{text}"
    );
    let (subject, _) = told(&[item(false, News::JobsGoOn(at(0)))]);
    assert_eq!(subject, "[mailjob] no job of contoso waits for you any more");
}
