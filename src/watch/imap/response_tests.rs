use super::*;

fn parsed(line: &str) -> Said {
    let line = format!("{line}\r\n");
    let (rest, response) = imap_proto::Response::parse(line.as_bytes()).unwrap();
    assert!(rest.is_empty());
    said(&response)
}

fn refused(line: &str) -> Refusal {
    match parsed(line) {
        Said::Done {
            answer: Answer::Refused(refusal),
            ..
        } => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn codes_come_out_of_the_text() {
    for (line, bad, code, text) in [
        (
            "A1 NO [OVERQUOTA] Quota exceeded",
            false,
            Some("OVERQUOTA"),
            "Quota exceeded",
        ),
        (
            "A1 NO [TRYCREATE] No such mailbox",
            false,
            Some("TRYCREATE"),
            "No such mailbox",
        ),
        ("A1 BAD [CLIENTBUG x] oops", true, Some("CLIENTBUG"), "oops"),
        (
            "A1 NO [ALERT] Too many simultaneous connections. (Failure)",
            false,
            Some("ALERT"),
            "Too many simultaneous connections. (Failure)",
        ),
        ("A1 BAD", true, None, ""),
        ("A1 NO AUTHENTICATE failed.", false, None, "AUTHENTICATE failed."),
    ] {
        let refusal = refused(line);
        assert_eq!(refusal.status == Negative::Bad, bad, "{line}");
        assert_eq!(refusal.code.map(|c| c.to_string()).as_deref(), code, "{line}");
        assert_eq!(refusal.text.to_string(), text, "{line}");
    }
}

#[test]
fn a_fetch_answer() {
    let Said::Fetch(fetch) =
        parsed("* 3 FETCH (FLAGS (\\Seen) UID 9 INTERNALDATE \" 2-Nov-2026 10:00:00 +0100\" BODY[]<0> {3}\r\nabc)")
    else {
        panic!()
    };
    assert_eq!(fetch.uid, Some(9));
    assert_eq!(fetch.received.unwrap().to_rfc3339(), "2026-11-02T09:00:00+00:00");
    assert_eq!(fetch.body.as_deref(), Some(&b"abc"[..]));

    let Said::Fetch(fetch) = parsed("* 3 FETCH (BODY[]<9> NIL INTERNALDATE \"nonsense\" BODY[TEXT] \"no\")") else {
        panic!()
    };
    assert_eq!(
        fetch,
        Fetch {
            uid: None,
            received: None,
            size: None,
            body: Some(Bytes::new()),
            header: None
        }
    );
}

#[test]
fn capabilities_in_any_case() {
    let Said::Capabilities(found) =
        parsed("* CAPABILITY IMAP4rev1 sasl-ir AUTH=xoauth2 auth=PLAIN Idle MOVE UIDPLUS ID STARTTLS LOGINDISABLED")
    else {
        panic!()
    };
    let all = Capabilities {
        starttls: true,
        login_disabled: true,
        sasl_ir: true,
        xoauth2: true,
        oauthbearer: false,
        plain: true,
        id: true,
        idle: true,
        moves: true,
        uidplus: true,
    };
    assert_eq!(found, all);
}

#[test]
fn a_servers_words_are_short_and_plain() {
    let long = "y".repeat(5_000);
    let refusal = refused(&format!("A1 NO \u{1b}[31m {long}"));
    let shown = refusal.text.to_string();
    assert!(!shown.chars().any(char::is_control) && shown.len() <= 300, "{shown}");
}
