//! What is printed of a ledger. Pure.

use std::fmt::Display;

use serde_json::json;

use crate::{
    ledger::{Copying, Inspection},
    message::clean::{escaped, escaped_json},
};

/// For people.
pub(super) fn people(place: &impl Display, found: &Inspection) -> String {
    let Inspection {
        schema,
        known,
        bytes,
        mails,
        jobs,
        replies,
        findings,
    } = found;
    let file = escaped(&place.to_string());
    let end = match findings.len() {
        0 => "sound".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        many => format!("{many} things are wrong"),
    };
    let size = amount(*bytes);
    let counted = |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let all = [
        counted(*mails, "mail", "mails"),
        counted(*jobs, "job", "jobs"),
        counted(*replies, "reply", "replies"),
    ];
    let mut out = match known {
        // It has none: nothing of it could be read.
        0 => format!("{file}: not to be read: {end}\n"),
        _ => format!("{file}: schema {schema}, {size}, {}: {end}\n", all.join(", ")),
    };
    if schema < known {
        let line = format!(
            "its schema is an older one: mailjob run brings it to {known}; what that knows better was not looked at"
        );
        out.push_str(&line);
        out.push('\n');
    }
    for finding in findings {
        let what: Vec<_> = finding.what.lines().map(escaped).collect();
        out.push_str(&format!("\n- {}\n  do: {}\n", what.join("\n  "), finding.cure));
    }
    out
}

/// For machines.
pub(super) fn json(place: &impl Display, found: &Inspection, key: Option<&str>) -> String {
    let mut value = json!({ "file": place.to_string(), "sound": found.findings.is_empty(), "ledger": found });
    if let (Some(key), Some(object)) = (key, value.as_object_mut()) {
        object.insert("key".to_owned(), key.into());
    }
    escaped_json(&format!("{value:#}\n"))
}

/// That a copy is not all.
pub(super) fn key(key: &str) -> String {
    format!(
        "Keep its key too, apart from it: {}. Without the key everybody has to sign in again.",
        escaped(key)
    )
}

/// How far a copy is.
pub(super) fn step(step: Copying) -> String {
    match step {
        Copying::Written { bytes, of } => {
            let percent = bytes.saturating_mul(100).checked_div(of).unwrap_or(0).min(99);
            format!("copying {}: {percent} %", amount(of))
        }
        Copying::Elsewhere => {
            "there is no room for the copy beside the ledger: it lies in the temporary folder on its way".to_owned()
        }
        Copying::Checking => "checking the copy".to_owned(),
    }
}

fn amount(bytes: u64) -> String {
    match bytes {
        0..10_485_760 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::IntegrityFinding;

    fn found() -> Inspection {
        Inspection {
            schema: 3,
            known: 9,
            bytes: 20 << 20,
            mails: 2,
            jobs: 3,
            replies: 1,
            findings: vec![IntegrityFinding {
                what: "odd\u{1b}[2J".into(),
                cure: "report it".into(),
            }],
        }
    }

    #[test]
    fn people_are_told_what_to_do() {
        assert_eq!(
            people(&"a.db", &found()),
            "a.db: schema 3, 20 MiB, 2 mails, 3 jobs, 1 reply: 1 thing is wrong\n\
             its schema is an older one: mailjob run brings it to 9; what that knows better was not looked at\n\
             \n- odd\\u{1b}[2J\n  do: report it\n"
        );
        let ruin = Inspection {
            findings: vec![IntegrityFinding {
                what: "Tree 3\nTree 5".into(),
                cure: "report it".into(),
            }],
            ..Inspection::default()
        };
        assert_eq!(
            people(&"a.db", &ruin),
            "a.db: not to be read: 1 thing is wrong\n\n- Tree 3\n  Tree 5\n  do: report it\n"
        );
        let sound = Inspection {
            schema: 9,
            findings: Vec::new(),
            ..found()
        };
        assert_eq!(
            people(&"a.db", &sound),
            "a.db: schema 9, 20 MiB, 2 mails, 3 jobs, 1 reply: sound\n"
        );
    }

    #[test]
    fn machines_are_told_all() {
        let value: serde_json::Value = serde_json::from_str(&json(&"a.db", &found(), Some("k"))).unwrap();
        assert_eq!(value["sound"], false);
        assert_eq!(value["key"], "k");
        assert_eq!(value["ledger"]["findings"][0]["cure"], "report it");
    }

    #[test]
    fn a_copy_says_how_far_it_is() {
        assert_eq!(
            step(Copying::Written {
                bytes: 5 << 20,
                of: 20 << 20
            }),
            "copying 20 MiB: 25 %"
        );
        assert_eq!(step(Copying::Written { bytes: 9, of: 0 }), "copying 0 KiB: 0 %");
    }
}
