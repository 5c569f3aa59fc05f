//! Replies as text: for people, and JSON for machines, which only grows. Pure. What a stranger wrote can't steer a terminal.

use serde_json::json;

use crate::{
    cli::columns::lines,
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

const HEAD: [&str; 7] = [
    "JOB",
    "STATE",
    "MADE",
    "ENDPOINT",
    "ACCOUNT",
    "TO A MAIL FROM",
    "SUBJECT",
];

/// A line for each, and below it what became of each recipient. `nobody_runs`: whether no process has the ledger.
pub(super) fn people(rows: &[OutboxRow], all: usize, nobody_runs: bool) -> String {
    if rows.is_empty() {
        return "no replies\n".to_owned();
    }
    let mut cells = vec![HEAD.map(str::to_owned)];
    cells.extend(rows.iter().map(self::cells));
    let below = [String::new()]
        .into_iter()
        .chain(rows.iter().map(|row| below(row, nobody_runs)));
    let mut text: String = lines(&cells)
        .zip(below)
        .map(|(line, below)| format!("{line}\n{below}"))
        .collect();
    if all > rows.len() {
        text.push_str(&format!("more: --max shows {} older ones\n", all - rows.len()));
    }
    text
}

fn cells(row: &OutboxRow) -> [String; 7] {
    let text = |text: &Option<String>| short(text.as_deref().unwrap_or("-"));
    [
        row.job.short(),
        row.state.as_str().to_owned(),
        row.made.format("%F %T").to_string(),
        escaped(&row.endpoint),
        escaped(&row.account),
        text(&row.from),
        text(&row.subject),
    ]
}

fn below(row: &OutboxRow, nobody_runs: bool) -> String {
    let attempts = match row.attempts {
        1 => "1 attempt".to_owned(),
        attempts => format!("{attempts} attempts"),
    };
    let next = row.due.filter(|_| row.state == ReplyState::Queued);
    let state = match row.state {
        ReplyState::Queued => next.map_or_else(String::new, |due| format!(", next try {}", time(due))),
        ReplyState::Running if nobody_runs => {
            ": it was being sent when its process ended; the next start of mailjob run goes on with it".to_owned()
        }
        ReplyState::Unsure => ": the server may have it or not".to_owned(),
        ReplyState::Refused if !row.has_bytes => ", bytes dropped".to_owned(),
        ReplyState::Running | ReplyState::Sent | ReplyState::Bounced | ReplyState::Refused => String::new(),
    };
    let mut text = format!("  {attempts}{state}\n");
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
            people(&rows(), 3, false),
            "JOB       STATE   MADE                 ENDPOINT  ACCOUNT  TO A MAIL FROM   SUBJECT\n\
             00000000  queued  2027-01-15 08:00:00  invoices  office   eve@example.org  -\n\
             \x20 3 attempts, next try 2027-01-15 08:00:00 UTC\n\
             \x20 sent     ann@a.example  250 ok\n\
             \x20 queued   bob@a.example  450 busy\\u{1b}[2J\n\
             more: --max shows 2 older ones\n"
        );
        assert_eq!(people(&[], 0, false), "no replies\n");
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
