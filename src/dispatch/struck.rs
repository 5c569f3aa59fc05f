//! Strikes out of what an action says what was handed to it in secret, and every other secret that we know, before anything of it is stored,
//! told or logged: words and files. Pure, but for what is known.

use bytes::Bytes;
use serde_json::Value;

use super::AttemptResult;
use crate::{
    config,
    job::{Answer, Exchange, Outcome},
    secret::{Redaction, Redactor},
};

impl AttemptResult {
    /// The same without these secrets.
    pub(super) fn struck(mut self, secrets: &Redaction) -> Self {
        let striker = secrets.striker();
        match &mut self.outcome {
            Outcome::Done(answer) => answer_of(&striker, answer),
            Outcome::Failed { detail, tell, .. } => {
                text(&striker, detail);
                tell.iter_mut().for_each(|tell| text(&striker, tell));
            }
            Outcome::Retry { detail, .. } | Outcome::Ignored { detail, .. } | Outcome::Held { detail, .. } => {
                text(&striker, detail);
            }
            Outcome::Split(_) => {}
        }
        if let Ok(raw) = str::from_utf8(&self.raw)
            && let std::borrow::Cow::Owned(left) = striker.strike(raw)
        {
            self.raw = Bytes::from(left);
        }
        match &mut self.exchange {
            Some(Exchange::Webhook { media_type, body, .. }) => {
                media_type.iter_mut().for_each(|media_type| text(&striker, media_type));
                body.iter_mut().for_each(|body| text(&striker, &mut body.text));
            }
            Some(Exchange::Command {
                argv, stdout, stderr, ..
            }) => {
                argv.iter_mut().for_each(|word| text(&striker, word));
                text(&striker, &mut stdout.text);
                text(&striker, &mut stderr.text);
            }
            None => {}
        }
        self
    }
}

/// What is handed to a webhook in secret, beside what its secrets are: the query of its URL.
pub(super) fn query(webhook: &config::Webhook) -> Redaction {
    let mut secrets = Redaction::handed();
    secrets.add_query(&webhook.url);
    secrets
}

fn answer_of(striker: &Redactor, answer: &mut Answer) {
    answer.text.iter_mut().for_each(|said| text(striker, said));
    answer.data.iter_mut().for_each(|data| value(striker, data));
    for file in &mut answer.files {
        text(striker, &mut file.name);
        text(striker, &mut file.media_type);
        if let Some(left) = striker.strike_file(&file.data) {
            file.data = Bytes::from(left);
        }
    }
    answer.flaw.iter_mut().for_each(|flaw| text(striker, &mut flaw.detail));
}

fn text(striker: &Redactor, said: &mut String) {
    if let std::borrow::Cow::Owned(left) = striker.strike(said) {
        *said = left;
    }
}

fn value(striker: &Redactor, data: &mut Value) {
    match data {
        Value::String(said) => text(striker, said),
        Value::Array(values) => values.iter_mut().for_each(|inner| value(striker, inner)),
        Value::Object(fields) => {
            let all = std::mem::take(fields);
            fields.extend(all.into_iter().map(|(mut name, mut inner)| {
                text(striker, &mut name);
                value(striker, &mut inner);
                (name, inner)
            }));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::json;

    use super::*;
    use crate::job::{Reason, ResultFile, TruncatedText};

    const SECRET: &str = "canary-0123456789/header+secret";

    fn secrets() -> Redaction {
        let mut secrets = query(&config::Webhook::new(
            "https://erp.example/hook?key=canary-of-the-query&v=1".to_owned(),
        ));
        secrets.add_handed(&format!("Bearer {SECRET}"));
        secrets.add_handed("a");
        secrets
    }

    /// Every form in which somebody may echo it.
    fn echoes() -> Vec<String> {
        vec![
            format!("authorization: Bearer {SECRET}"),
            format!("x-debug: {}", STANDARD.encode(format!("me:{SECRET}"))),
            STANDARD.encode(format!("\0me\0{SECRET}")),
            format!("?a={}", SECRET.replace('/', "%2F").replace('+', "%2b")),
            "GET /hook?key=canary-of-the-query&v=1".to_owned(),
            "key is canary-of-the-query".to_owned(),
        ]
    }

    #[test]
    fn nothing_that_an_action_says_holds_what_it_was_handed() {
        let said = echoes().join("\n");
        let cut = TruncatedText::head(said.as_bytes());
        let failed = Outcome::Failed {
            reason: Reason::Status(422),
            detail: said.clone(),
            tell: Some(said.clone()),
        };
        let done = Outcome::Done(Answer {
            text: Some(said.clone()),
            files: vec![ResultFile {
                name: format!("{SECRET}.pdf"),
                media_type: "application/pdf".to_owned(),
                data: Bytes::from([b"\xff\x00PDF ".as_slice(), said.as_bytes()].concat()),
            }],
            data: Some(json!({ "headers": { said.clone(): [said.clone(), 1] } })),
            ..Answer::unusable(&said)
        });
        let retry = super::super::later(Reason::Timeout, said.clone());
        let webhook = Exchange::Webhook {
            method: "POST".to_owned(),
            url: "https://erp.example/hook".to_owned(),
            sent: 1,
            status: Some(422),
            media_type: Some(said.clone()),
            body: Some(cut.clone()),
        };
        let command = Exchange::Command {
            argv: vec![said.clone()],
            exit: Some(1),
            signal: None,
            stdout: cut.clone(),
            stderr: cut,
        };
        for (outcome, exchange) in [(failed, webhook.clone()), (done, command), (retry, webhook)] {
            let ended = AttemptResult {
                raw: Bytes::from(said.clone()),
                exchange: Some(exchange),
                ..outcome.into()
            };
            let left = format!("{:?}", ended.struck(&secrets()));
            for echo in ["canary", "header+secret", &STANDARD.encode(SECRET)[4..20], "Y2FuYXJ5"] {
                assert!(!left.contains(echo), "{echo}: {left}");
            }
            assert!(left.contains("authorization: Bearer ***"), "{left}");
        }
    }

    #[test]
    fn what_is_short_or_long_stays_what_it_is() {
        let plain = "a bad day at the bearer of the hook";
        let ended =
            |said: &str| AttemptResult::from(super::super::later(Reason::Timeout, said.to_owned())).struck(&secrets());
        assert_eq!(
            ended(plain),
            super::super::later(Reason::Timeout, plain.to_owned()).into()
        );
        let long = format!(
            "{} {SECRET} {}",
            "x".repeat(40_000),
            STANDARD.encode(SECRET).to_uppercase()
        );
        let left = format!("{:?}", ended(&long));
        assert!(
            left.contains("x *** ***") && !left.contains("canary"),
            "{}",
            &left[left.len() - 100..]
        );
    }
}
