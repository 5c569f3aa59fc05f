use std::net::SocketAddr;

use super::*;

const TOKEN: &str = "0123456789abcdef";
/// That of the machine.
const OWN: &str = "fedcba9876543210";
const HERE: &str = "127.0.0.1:8025";
const EVERYWHERE: &str = "0.0.0.0:8025";

fn read(place: &SecretRef) -> Result<Secret, SecretError> {
    match place {
        SecretRef::Env(value) if !value.is_empty() => Ok(Secret::from(value.clone())),
        SecretRef::Env(_) | SecretRef::File(_) => Err(SecretError::Unusable {
            place: "T".to_owned(),
            what: "is not set",
        }),
    }
}

fn own(token: Option<&str>) -> OwnToken {
    OwnToken {
        path: "/ledgers/mailjob.token".into(),
        ledger: LedgerAddress::file("/ledgers/mailjob.db"),
        token: token.map(Secret::from),
    }
}

fn door(api: &ApiAccess, listener: &str) -> AccessControl {
    AccessControl::of(own(Some(OWN)), api, listener.parse::<SocketAddr>().unwrap(), read)
}

fn token(value: &str) -> ApiAccess {
    ApiAccess::Token(SecretRef::Env(value.to_owned()))
}

/// A request of this machine: its target and its header fields.
fn caller(target: &str, fields: &[(&str, &str)]) -> Caller {
    from("127.0.0.1", target, fields)
}

/// A request with the machine's token.
fn own_caller(target: &str, fields: &[(&str, &str)]) -> Caller {
    caller(
        target,
        &[fields, &[("authorization", "Bearer fedcba9876543210")]].concat(),
    )
}

fn from(peer: &str, target: &str, fields: &[(&str, &str)]) -> Caller {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    Caller::of(peer.parse().ok(), &target.parse().unwrap(), &headers)
}

fn status(door: &AccessControl, caller: &Caller) -> u16 {
    judge(door, caller).map_or_else(|problem| problem.status, |()| 200)
}

#[test]
fn programs_of_our_own_user_are_let_in_on_this_machine_and_no_page_is() {
    let here = door(&ApiAccess::Loopback, HERE);
    type Case = (u16, &'static str, &'static [(&'static str, &'static str)]);
    let cases: &[Case] = &[
        (200, "/", &[("host", "127.0.0.1:8025")]),
        (200, "/", &[("host", "127.0.0.1")]),
        (200, "/", &[("host", "127.1.2.3:8025")]),
        (200, "/", &[("host", "localhost:8025")]),
        (200, "/", &[("host", "LocalHost:9")]),
        (200, "/", &[("host", "[::1]:8025")]),
        (200, "/", &[("host", "[::1]")]),
        (200, "/", &[("host", "[::ffff:127.0.0.1]:1")]),
        (200, "http://localhost:1/", &[("host", "localhost:1")]),
        (200, "http://localhost:1/", &[]),
        // Names that lead here (DNS rebinding), or look as if they were ours.
        (403, "/", &[]),
        (403, "/", &[("host", "")]),
        (403, "/", &[("host", "evil.example:8025")]),
        (403, "/", &[("host", "localhost.evil.example")]),
        (403, "/", &[("host", "127.0.0.1.evil.example:8025")]),
        (403, "/", &[("host", "evil.localhost")]),
        (403, "/", &[("host", "localhost.")]),
        (403, "/", &[("host", "localhost:80:80")]),
        (403, "/", &[("host", "user@localhost")]),
        (403, "/", &[("host", "0x7f000001")]),
        (403, "/", &[("host", "2130706433")]),
        (403, "/", &[("host", "0.0.0.0:8025")]),
        (403, "/", &[("host", "10.0.0.1")]),
        (403, "/", &[("host", "[::2]")]),
        (403, "/", &[("host", "::1")]),
        (403, "/", &[("host", "localh\u{f6}st")]),
        (403, "/", &[("host", "localhost"), ("host", "evil.example")]),
        (403, "http://evil.example/", &[("host", "localhost")]),
        (403, "http://localhost/", &[("host", "evil.example")]),
        // A page of our own, of others, and of nobody.
        (200, "/", &[("host", "localhost:1"), ("origin", "http://localhost:1")]),
        (403, "/", &[("host", "localhost:1"), ("origin", "http://localhost:2")]),
        (403, "/", &[("host", "localhost:1"), ("origin", "https://localhost:1")]),
        (403, "/", &[("host", "localhost:1"), ("origin", "http://evil.example")]),
        (403, "/", &[("host", "localhost:1"), ("origin", "null")]),
        (
            403,
            "/",
            &[
                ("host", "localhost:1"),
                ("origin", "http://localhost:1"),
                ("origin", "null"),
            ],
        ),
        (200, "/", &[("host", "localhost"), ("sec-fetch-site", "same-origin")]),
        (200, "/", &[("host", "localhost"), ("sec-fetch-site", "none")]),
        (403, "/", &[("host", "localhost"), ("sec-fetch-site", "cross-site")]),
        (403, "/", &[("host", "localhost"), ("sec-fetch-site", "same-site")]),
        (403, "/", &[("host", "localhost"), ("sec-fetch-site", "\u{f6}")]),
    ];
    for (expected, target, fields) in cases {
        assert_eq!(
            status(&here, &own_caller(target, fields)),
            *expected,
            "{target} {fields:?}"
        );
        // Another user of this machine, or a page, has no token.
        let without = status(&here, &caller(target, fields));
        assert_eq!(
            without,
            if *expected == 200 { 401 } else { *expected },
            "{target} {fields:?}"
        );
    }
}

#[test]
fn another_user_of_this_machine_is_told_where_the_token_lies() {
    let here = door(&ApiAccess::Loopback, HERE);
    let host = ("host", "localhost");
    let problem = judge(&here, &caller("/", &[host])).unwrap_err();
    assert_eq!(problem.status, 401);
    assert!(problem.cure.contains("/ledgers/mailjob.token"), "{problem:?}");
    let wrong = caller("/", &[host, ("authorization", "Bearer fedcba9876543211")]);
    assert_eq!(status(&here, &wrong), 401);
    let without = AccessControl::of(own(None), &ApiAccess::Loopback, HERE.parse().unwrap(), read);
    assert_eq!(status(&without, &own_caller("/", &[host])), 503);
    let both = door(&token(TOKEN), EVERYWHERE);
    assert_eq!(
        status(&both, &own_caller("/", &[host])),
        200,
        "beside a token of [api] too"
    );
    assert_eq!(status(&both, &own_caller("/", &[("host", "any.example")])), 403);
}

#[test]
fn what_a_proxy_passed_on_or_another_machine_asks_gets_nothing_by_the_machines_token() {
    for name in [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-new-one",
        "x-real-ip",
        "via",
    ] {
        let fields = [("host", "127.0.0.1:8025"), (name, "x")];
        for (api, listener) in [
            (ApiAccess::Loopback, HERE),
            (ApiAccess::Loopback, EVERYWHERE),
            (token(TOKEN), HERE),
        ] {
            let door = door(&api, listener);
            assert_eq!(status(&door, &own_caller("/", &fields)), 403, "{name} {api:?}");
            let without = status(&door, &caller("/", &fields));
            assert!(matches!(without, 401 | 403), "{name} {api:?} {without}");
        }
        let with = [&fields[..], &[("authorization", "Bearer 0123456789abcdef")]].concat();
        let with = caller("/", &with);
        assert_eq!(
            status(&door(&token(TOKEN), HERE), &with),
            200,
            "whoever has the token of [api]"
        );
    }
    let fields = [("host", "127.0.0.1:8025"), ("authorization", "Bearer fedcba9876543210")];
    for (peer, expected) in [
        ("127.0.0.1", 200),
        ("127.9.9.9", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("10.0.0.1", 403),
        ("::ffff:10.0.0.1", 403),
        ("nobody", 403),
    ] {
        for listener in [HERE, EVERYWHERE] {
            let door = door(&ApiAccess::Loopback, listener);
            assert_eq!(status(&door, &from(peer, "/", &fields)), expected, "{peer} {listener}");
        }
    }
}

#[test]
fn with_a_token_whoever_has_it_is_let_in_and_nobody_else() {
    let with = |value: &str| {
        caller(
            "/",
            &[
                ("host", "any.example"),
                ("origin", "http://page.example"),
                ("authorization", value),
            ],
        )
    };
    for listener in [HERE, EVERYWHERE] {
        let door = door(&token(TOKEN), listener);
        for (expected, field) in [
            (200, "Bearer 0123456789abcdef"),
            (200, "bearer  0123456789abcdef "),
            (401, "Bearer 0123456789abcdeF"),
            (401, "Bearer 0123456789abcde"),
            (401, "Bearer 0123456789abcdef0"),
            (401, "Bearer "),
            (401, "Bearer"),
            (401, "Basic 0123456789abcdef"),
            (401, "0123456789abcdef"),
            (401, "Bearer \u{f6}"),
        ] {
            assert_eq!(status(&door, &with(field)), expected, "{listener} {field:?}");
        }
        assert_eq!(status(&door, &caller("/", &[("host", "localhost")])), 401, "{listener}");
        let twice = [
            ("authorization", "Bearer 0123456789abcdef"),
            ("authorization", "Bearer 0123456789abcdef"),
        ];
        assert_eq!(status(&door, &caller("/", &twice)), 401, "{listener}");
    }
}

#[test]
fn where_no_token_can_be_asked_for_nobody_is_let_in() {
    let caller = caller(
        "/",
        &[("host", "localhost"), ("authorization", "Bearer 0123456789abcdef")],
    );
    let cases = [
        (ApiAccess::Loopback, "127.8.8.8:1", 401),
        (ApiAccess::Loopback, "[::1]:1", 401),
        (ApiAccess::Loopback, "[::ffff:127.0.0.1]:1", 401),
        (ApiAccess::Loopback, EVERYWHERE, 403),
        (ApiAccess::Loopback, "[::]:8025", 403),
        (ApiAccess::Loopback, "10.0.0.1:8025", 403),
        (ApiAccess::Closed, HERE, 403),
        (ApiAccess::Closed, EVERYWHERE, 403),
        (token(""), HERE, 503),
        (token("short"), HERE, 503),
        (token("short"), EVERYWHERE, 503),
    ];
    for (api, listener, expected) in cases {
        let door = door(&api, listener);
        assert_eq!(status(&door, &caller), expected, "{api:?} {listener}");
    }
    let problem = judge(&door(&ApiAccess::Loopback, EVERYWHERE), &caller).unwrap_err();
    assert!(problem.cure.contains("[api] token"), "{problem:?}");
}
