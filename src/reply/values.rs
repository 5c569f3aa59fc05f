//! What a template may ask for. Pure. What is missing is not there, so that a template can ask for it and can't write it by mistake.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use minijinja::{Value, context, value::Serde};

use super::{
    original::cut,
    words::{because, one_line, plain},
};
use crate::{
    job::{Answer, Ending, Outcome, ResultFile},
    message::{Address, Head},
};

/// Bytes of the mail's text.
const MAX_TEXT: u64 = 64 << 10;
/// Addresses of a list.
const MAX_ADDRESSES: usize = 100;
/// Characters kept of a subject.
const MAX_SUBJECT: usize = 400;

/// The values for one ending. `files` are those that are attached, with the names that they get.
pub(super) fn values(ending: &Ending<'_>, head: &Head, files: &[(String, &ResultFile)]) -> Value {
    let mut values = BTreeMap::from([
        ("mail", mail(ending, head)),
        ("job", Value::from(ending.job.to_string())),
        ("endpoint", Value::from(ending.endpoint.as_str())),
        ("answer", answer(ending.outcome, files)),
        ("now", Value::from(time(ending.now))),
    ]);
    if let Some(inputs) = ending.inputs {
        values.insert("inputs", Value::from(Serde(inputs)));
    }
    let (reason, told) = match ending.outcome {
        Outcome::Done(_) | Outcome::Split(_) => (None, None),
        Outcome::Failed { reason, tell, .. } => (Some(*reason), tell.as_deref()),
        Outcome::Retry { reason, .. } | Outcome::Ignored { reason, .. } | Outcome::Held { reason, .. } => {
            (Some(*reason), None)
        }
    };
    if let Some(reason) = reason {
        let reason = context! { code => reason.code(), sentence => because(reason) };
        values.insert("reason", reason);
    }
    let told = told.map(|told| plain(told).trim().to_owned());
    if let Some(told) = told.filter(|told| !told.is_empty()) {
        values.insert("tell", Value::from(told));
    }
    Value::from_pairs(values)
}

fn mail(ending: &Ending<'_>, head: &Head) -> Value {
    let list = |addresses: &[Address]| Value::from_iter(addresses.iter().take(MAX_ADDRESSES).map(address));
    let nobody = Address {
        name: None,
        address: String::new(),
    };
    let mut mail = BTreeMap::from([
        ("subject", Value::from(one_line(&head.subject, MAX_SUBJECT))),
        ("topic", Value::from(topic(&head.subject))),
        ("from", address(head.from.first().unwrap_or(&nobody))),
        ("to", list(&head.to)),
        ("cc", list(&head.cc)),
    ]);
    if let Some(date) = head.date {
        mail.insert("date", Value::from(time(date)));
    }
    if let Some(id) = &head.message_id {
        mail.insert("message_id", Value::from(id.as_str()));
    }
    if let Some(original) = ending.original {
        mail.insert("text", Value::from(cut(plain(&original.text).trim_end(), MAX_TEXT)));
    }
    Value::from_pairs(mail)
}

fn address(address: &Address) -> Value {
    let mut found = BTreeMap::from([("address", Value::from(address.address.as_str()))]);
    if let Some(name) = &address.name {
        found.insert("name", Value::from(name.as_str()));
    }
    Value::from_pairs(found)
}

fn answer(outcome: &Outcome, files: &[(String, &ResultFile)]) -> Value {
    let nothing = Answer::default();
    let answer = match outcome {
        Outcome::Done(answer) => answer,
        _ => &nothing,
    };
    let file = |(name, file): &(String, &ResultFile)| {
        context! { name => name.as_str(), size => file.data.len(), media_type => file.media_type.as_str() }
    };
    let mut found = BTreeMap::from([("files", Value::from_iter(files.iter().map(file)))]);
    let text = answer.text.as_deref().map(|text| plain(text).trim_end().to_owned());
    if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
        found.insert("text", Value::from(text));
    }
    if let Some(data) = &answer.data {
        found.insert("data", Value::from(Serde(data)));
    }
    Value::from_pairs(found)
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The subject on one line without its `Re:`.
pub(super) fn topic(subject: &str) -> String {
    let subject = one_line(subject, MAX_SUBJECT);
    let mut rest = subject.as_str();
    while let Some(tail) = rest
        .get(..3)
        .filter(|re| re.eq_ignore_ascii_case("re:"))
        .and(rest.get(3..))
    {
        rest = tail.trim_start();
    }
    match rest {
        "" => "your mail".to_owned(),
        rest => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{
            EndpointName,
            given::{REPLY, all, names},
        },
        job::{JobId, Original, Reason},
    };

    #[test]
    fn a_template_may_ask_for_what_is_given_and_no_more() {
        let address = || Address {
            name: Some("Ann".into()),
            address: "ann@a.example".into(),
        };
        let head = Head {
            message_id: Some("m@a.example".into()),
            from: vec![address()],
            to: vec![address()],
            cc: vec![address()],
            date: Some(DateTime::UNIX_EPOCH),
            ..Head::default()
        };
        let file = ResultFile {
            name: "a.pdf".into(),
            media_type: "application/pdf".into(),
            data: b"x".as_slice().into(),
        };
        let done = Outcome::Done(Answer {
            text: Some("booked".into()),
            data: Some(serde_json::json!({ "number": 7 })),
            ..Answer::default()
        });
        let failed = Outcome::Failed {
            reason: Reason::TooLarge,
            detail: String::new(),
            tell: Some("no".into()),
        };
        let inputs = serde_json::json!({ "order": 7 });
        let original = Original {
            text: "hello".into(),
            raw: b"x".as_slice().into(),
        };
        let given = [(&done, vec![("a.pdf".to_owned(), &file)]), (&failed, vec![])].map(|(outcome, files)| {
            let ending = Ending {
                job: JobId(uuid::Uuid::nil()),
                endpoint: &EndpointName::new("a").unwrap(),
                head: Some(&head),
                proven: false,
                original: Some(&original),
                inputs: Some(&inputs),
                outcome,
                now: DateTime::UNIX_EPOCH,
                rerun: 0,
                answerable: None,
            };
            names(&values(&ending, &head, &files), &REPLY)
        });
        assert_eq!(&given[0] | &given[1], all(&REPLY));
    }
}
