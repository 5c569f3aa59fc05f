use chrono::{DateTime, Utc};

use super::{
    super::row::{ExpiryRow, RefreshTokenRow},
    *,
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn rows() -> Vec<AuthStatusRow> {
    let password = AuthStatusRow {
        account: "office".into(),
        state: "not_needed",
        since: None,
        why: None,
        grant: "password",
        refresh_token: None,
        client: None,
        refreshed: None,
        urgent: false,
        doubt: None,
    };
    vec![
        AuthStatusRow {
            account: "contoso".into(),
            state: "needs_sign_in",
            since: Some(at("2027-01-02T03:04:05Z")),
            why: Some("invalid_grant".into()),
            grant: "refresh_token",
            refresh_token: Some(RefreshTokenRow {
                issued: at("2027-01-01T00:00:00Z"),
                age_s: 97_445,
                ends: Some(at("2027-04-01T00:00:00Z")),
                days: Some(88),
            }),
            client: Some(ExpiryRow {
                what: "client-secret",
                ends: at("2027-01-08T00:00:00Z"),
                days: 6,
            }),
            refreshed: Some(at("2027-01-02T02:00:00Z")),
            urgent: true,
            ..password.clone()
        },
        AuthStatusRow {
            account: "gmail".into(),
            state: "never",
            grant: "refresh_token",
            doubt: Some("who knows"),
            ..password.clone()
        },
        AuthStatusRow {
            account: "replies".into(),
            state: "refused",
            since: Some(at("2027-01-02T03:04:05Z")),
            why: Some("the SMTP server refuses the sign-in: 535 no; the password is wrong; replace it".into()),
            urgent: true,
            ..password.clone()
        },
        password,
    ]
}

#[test]
fn people_see_a_table_and_what_to_do() {
    assert_eq!(
        people(&rows()),
        "\
ACCOUNT  STATE             GRANT          REFRESH TOKEN                        CLIENT                                  LAST REFRESH
contoso  needs sign-in     refresh token  27 h old, ends 2027-04-01 (88 days)  client secret ends 2027-01-08 (6 days)  2027-01-02 02:00 UTC
gmail    never signed in   refresh token  -                                    -                                       -
replies  refused           password       -                                    -                                       -
office   needs no sign-in  password       -                                    -                                       -

contoso: needs a sign-in since 2027-01-02 03:04 UTC: invalid_grant

contoso: sign in by mailjob auth login contoso

gmail: who knows

replies: refused by its mail server since 2027-01-02 03:04 UTC: the SMTP server refuses the sign-in: 535 no; the password is wrong; replace it

replies: replace what the server refuses, it counts at once; mailjob doctor tries it
"
    );
    assert_eq!(people(&[]), "no accounts\n");
}

#[test]
fn machines_see_every_field() {
    let value: serde_json::Value = serde_json::from_str(&json(&rows())).unwrap();
    let first = &value["accounts"][0];
    assert_eq!(first["state"], "needs_sign_in");
    assert_eq!(first["refresh_token"]["ends"], "2027-04-01T00:00:00Z");
    assert_eq!(
        (first["client"]["days"].as_i64(), first["urgent"].as_bool()),
        (Some(6), Some(true))
    );
    assert!(value["accounts"][3]["refresh_token"].is_null());
}

#[test]
fn ages_are_told_in_their_largest_unit() {
    for (seconds, told) in [
        (-5, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7_200, "2 h"),
        (172_800, "2 days"),
    ] {
        assert_eq!(age(seconds), told);
    }
}
