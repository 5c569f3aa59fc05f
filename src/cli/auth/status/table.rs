//! Rows as text: columns for people, JSON for machines. Pure.

use super::row::{AuthStatusRow, URGENT};
use crate::cli::columns::columns;

const HEAD: [&str; 6] = ["ACCOUNT", "STATE", "GRANT", "REFRESH TOKEN", "CLIENT", "LAST REFRESH"];

/// The grant of accounts that a person signs in to.
const PERSON: &str = "refresh_token";

/// An object with all rows.
pub(super) fn json(rows: &[AuthStatusRow]) -> String {
    let value = serde_json::json!({ "accounts": rows });
    format!("{value:#}\n")
}

/// A table, and below it what needs more words.
pub(super) fn people(rows: &[AuthStatusRow]) -> String {
    if rows.is_empty() {
        return "no accounts\n".to_owned();
    }
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(cells));
    let mut text = columns(&lines);
    for remark in rows.iter().flat_map(remarks) {
        text.push('\n');
        text.push_str(&remark);
        text.push('\n');
    }
    text
}

fn cells(row: &AuthStatusRow) -> [String; 6] {
    let nothing = || "-".to_owned();
    let state = match row.state {
        "signed_in" => "signed in",
        "needs_sign_in" if row.grant == PERSON => "needs sign-in",
        "needs_sign_in" => "can't sign in",
        "never" => "never signed in",
        "refused" => "refused",
        _ => "needs no sign-in",
    };
    let refresh = row.refresh_token.as_ref().map_or_else(nothing, |token| {
        let age = format!("{} old", age(token.age_s));
        match (token.ends, token.days) {
            (Some(ends), Some(days)) => format!("{age}, ends {} ({})", ends.format("%F"), left(days)),
            _ => age,
        }
    });
    let client = row.client.as_ref().map_or_else(nothing, |end| {
        let what = end.what.replace('-', " ");
        format!("{what} ends {} ({})", end.ends.format("%F"), left(end.days))
    });
    let refreshed = row
        .refreshed
        .map_or_else(nothing, |at| at.format("%F %R UTC").to_string());
    [
        row.account.clone(),
        state.to_owned(),
        row.grant.replace('_', " "),
        refresh,
        client,
        refreshed,
    ]
}

fn remarks(row: &AuthStatusRow) -> Vec<String> {
    let name = &row.account;
    let mut remarks = Vec::new();
    let ends = row.refresh_token.as_ref().and_then(|token| token.days);
    let ends = ends.is_some_and(|days| days <= URGENT);
    let needs_person = row.since.is_some() || row.urgent && (row.state == "never" || ends);
    if let (Some(since), Some(why)) = (row.since, &row.why) {
        let what = match row.state {
            "refused" => "refused by its mail server",
            _ if row.grant == PERSON => "needs a sign-in",
            _ => "can't sign in",
        };
        remarks.push(format!("{name}: {what} since {}: {why}", since.format("%F %R UTC")));
    }
    if row.state == "refused" {
        remarks.push(format!(
            "{name}: replace what the server refuses, it counts at once; mailjob doctor tries it"
        ));
    } else if row.grant == PERSON && needs_person {
        remarks.push(format!("{name}: sign in by mailjob auth login {name}"));
    }
    remarks.extend(row.doubt.map(|doubt| format!("{name}: {doubt}")));
    remarks
}

fn left(days: i64) -> String {
    match days {
        ..=0 => "ended".to_owned(),
        1 => "within a day".to_owned(),
        days => format!("{days} days"),
    }
}

/// A time in its largest unit.
fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{} s", seconds.max(0)),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
