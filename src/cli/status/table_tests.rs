use super::*;
use crate::status::{
    EndpointHealth, JobTotals, LedgerStatus, MailboxStatus, MemoryStatus, ProcessStatus, ReplyTotals, Setback,
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn endpoint(name: &str, state: EndpointHealth, words: &str) -> EndpointStatus {
    EndpointStatus {
        name: name.into(),
        description: String::new(),
        state,
        words: words.into(),
        to_do: None,
        since: None,
        mailbox: None,
        problem: None,
        jobs: Some(JobTotals::default()),
        setback: None,
        replies: Some(ReplyTotals::default()),
    }
}

fn status() -> Status {
    let working = EndpointStatus {
        mailbox: Some(MailboxStatus {
            last_look: Some(at(-5)),
            last_mail: Some(at(-600)),
            unread_line: Some("* GARBAGE\u{7}".into()),
            kept_back: Some("2 mails since 10:00: no \u{7}bytes".into()),
            reused_ids: 3,
            ..MailboxStatus::default()
        }),
        jobs: Some(JobTotals {
            queued: 1,
            running: 2,
            deferred: 3,
            waiting: 1,
            held: 0,
            failed: 12,
        }),
        setback: Some(Setback {
            reason: Some("status-500".into()),
            detail: Some("the webhook answered 500\u{7}".into()),
            next: at(60),
            needs_person: false,
        }),
        replies: Some(ReplyTotals {
            waiting: 2,
            refused: 1,
            unsure: 0,
            bounced: 3,
            problem: None,
        }),
        ..endpoint("orders", EndpointHealth::Working, "working")
    };
    let broken = EndpointStatus {
        to_do: Some("mend its file".into()),
        problem: Some("bills.toml:1:1: no \u{1b}[2J".into()),
        jobs: None,
        replies: None,
        ..endpoint(
            "bills",
            EndpointHealth::Broken,
            "its file can't be used: bills.toml:1:1: no \u{1b}[2J",
        )
    };
    Status {
        process: Some(ProcessStatus {
            version: "0.1.0".into(),
            since: at(-7200),
            pid: 7,
            draining: false,
            memory: MemoryStatus {
                budget: 32 << 20,
                taken: 30 << 20,
                waiting: 3,
            },
        }),
        ledger: LedgerStatus {
            path: "/var/lib/mailjob.db".into(),
            size: Some(1_234_567),
            free: Some(5_000_000_000),
            problem: None,
        },
        endpoints: vec![broken, working],
        problems: vec!["mailjob.toml:3:1: wrong; mend it".into()],
    }
}

#[test]
fn people_see_a_table_and_what_to_do() {
    assert_eq!(
        people(&status(), (None, false), at(0)),
        "mailjob 0.1.0, process 7, since 2027-01-15 06:00:00 UTC (2 h)\n\
         memory: 3 waiting for room, 31.5 MB of 33.6 MB taken; [service] memory gives more\n\
         ledger /var/lib/mailjob.db, 1.2 MB, 5.0 GB free\n\
         \n\
         ENDPOINT  STATE     LAST LOOK  LAST MAIL  QUEUED  RUNNING  DEFERRED  HELD  FAILED  REPLIES\n\
         bills     broken !  -          -          ?       ?        ?         ?     ?       ?\n\
         orders    working   5 s        10 min     1       2        4         0     12      2 (1 refused, 3 bounced)\n\
         \n\
         bills: its file can't be used: bills.toml:1:1: no \\u{1b}[2J\n\
         \x20 what to do: mend its file\n\
         \n\
         orders: working\n\
         \x20 its server says what can't be read, and it is passed over: * GARBAGE\\u{7}\n\
         \x20 its server does not give 2 mails since 10:00: no \\u{7}bytes; that is tried again, and held in the end\n\
         \x20 its server gave the ids of mails to others (3 so far): each mail is compared before it is deleted\n\
         \x20 jobs are tried again, the next 2027-01-15 08:01:00 UTC: the webhook answered 500\\u{7}\n\
         \n\
         mailjob.toml:3:1: wrong; mend it\n"
    );
}

#[test]
fn who_did_not_answer_is_said_first() {
    let alone = Status {
        process: None,
        endpoints: vec![],
        problems: vec![],
        ..status()
    };
    let text = people(
        &alone,
        (Some("nothing runs: nobody answers at 127.0.0.1:1"), true),
        at(0),
    );
    assert_eq!(
        text,
        "nothing runs: nobody answers at 127.0.0.1:1. What the ledger and the files know:\n\
         ledger /var/lib/mailjob.db, 1.2 MB, 5.0 GB free\n\nno endpoints\n"
    );
}

#[test]
fn sizes_are_told_in_their_largest_unit() {
    for (size, told) in [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (12_345_678, "12.3 MB"),
        (2_000_000_000_000, "2.0 TB"),
    ] {
        assert_eq!(bytes(size), told);
    }
}
