//! Replies as text: for people, and JSON for machines, which only grows. Pure. What a stranger wrote can't steer a terminal.

use serde_json::json;

use crate::{
    ledger::{OutboxRow, ReplyState},
    message::clean::{escaped, escaped_json},
    status::state::time,
};

/// Characters of a subject or a server's words for people.
const MOST: usize = 200;

/// An object with all rows, and how many there are in all.
pub(super) fn json(rows: &[OutboxRow], all: usize) -> String {
    escaped_json(&format!("{:#}\n", json!({ "replies": rows, "all": all })))
}

/// A paragraph for each.
pub(super) fn people(rows: &[OutboxRow], all: usize) -> String {
    if rows.is_empty() {
        return "no replies\n".to_owned();
    }
    let mut text: String = rows.iter().map(paragraph).collect::<Vec<_>>().join("\n");
    if all > rows.len() {
        text.push_str(&format!("\nand {} older ones: --max shows more\n", all - rows.len()));
    }
    text
}

fn paragraph(row: &OutboxRow) -> String {
    let state = match row.state {
        ReplyState::Queued => match row.due {
            Some(due) => format!("queued, next try {}", time(due)),
            None => "queued".to_owned(),
        },
        ReplyState::Running => "being sent".to_owned(),
        ReplyState::Sent => "sent".to_owned(),
        ReplyState::Unsure => "unsure: the server may have it or not".to_owned(),
        ReplyState::Bounced => "came back".to_owned(),
        ReplyState::Refused if row.has_bytes => "refused".to_owned(),
        ReplyState::Refused => "refused, bytes dropped".to_owned(),
    };
    let mut text = format!(
        "{job}  {endpoint}  by {account}  {state}\n  made {made}, attempts {attempts}{about}\n",
        job = row.job,
        endpoint = escaped(&row.endpoint),
        account = escaped(&row.account),
        made = time(row.made),
        attempts = row.attempts,
        about = about(row),
    );
    for end in &row.recipients {
        let said = match short(&end.said) {
            said if said.is_empty() => String::new(),
            said => format!("  {said}"),
        };
        text.push_str(&format!(
            "  {:7}  {}{said}\n",
            end.state.as_str(),
            escaped(&end.address)
        ));
    }
    text
}

fn about(row: &OutboxRow) -> String {
    match (&row.from, &row.subject) {
        (None, None) => String::new(),
        (from, subject) => {
            let text = |text: &Option<String>| short(text.as_deref().unwrap_or("-"));
            format!(", to a mail from {}: {}", text(from), text(subject))
        }
    }
}

fn short(text: &str) -> String {
    let cut: String = text.chars().take(MOST).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", escaped(&cut))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use chrono::DateTime;

    use super::*;
    use crate::{job::JobId, ledger::RecipientEnd};

    fn rows() -> Vec<OutboxRow> {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let end = |address: &str, state, said: &str| RecipientEnd {
            address: address.into(),
            state,
            said: said.into(),
        };
        vec![OutboxRow {
            job: JobId(uuid::Uuid::nil()),
            endpoint: "invoices".into(),
            account: "office".into(),
            state: ReplyState::Queued,
            recipients: vec![
                end("ann@a.example", ReplyState::Sent, "250 ok"),
                end("bob@a.example", ReplyState::Queued, "450 busy\u{1b}[2J"),
            ],
            attempts: 3,
            made: at,
            due: Some(at),
            said: Some("x".into()),
            from: Some("eve@example.org".into()),
            subject: None,
            has_bytes: true,
        }]
    }

    #[test]
    fn people_see_who_has_got_it_and_who_waits() {
        assert_eq!(
            people(&rows(), 3),
            "00000000000000000000000000000000  invoices  by office  queued, next try 2027-01-15 08:00:00 UTC\n\
             \x20 made 2027-01-15 08:00:00 UTC, attempts 3, to a mail from eve@example.org: -\n\
             \x20 sent     ann@a.example  250 ok\n\
             \x20 queued   bob@a.example  450 busy\\u{1b}[2J\n\
             \nand 2 older ones: --max shows more\n"
        );
        assert_eq!(people(&[], 0), "no replies\n");
    }

    #[test]
    fn machines_see_every_field() {
        let value: Value = serde_json::from_str(&json(&rows(), 1)).unwrap();
        let first = &value["replies"][0];
        assert_eq!(first["recipients"][1]["said"], "450 busy\u{1b}[2J");
        assert_eq!(
            (first["state"].as_str(), first["due"].as_str()),
            (Some("queued"), Some("2027-01-15T08:00:00Z"))
        );
        assert_eq!(value["all"], 1);
    }
}
