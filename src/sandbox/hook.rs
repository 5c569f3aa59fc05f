//! The webhook's receiver: a made-up bookkeeping that books invoices. It believes only what is signed (Standard Webhooks 1.0.0), and can be broken
//! and mended.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Utc;
use parking_lot::Mutex;
use ring::hmac;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    event::SandboxEvent,
    https::{HttpAsked, HttpSaid},
};

/// How old or new a signed request may be.
const TOLERANCE: u64 = 300;
/// Calls that are remembered.
const CALLS: usize = 10_000;

/// A call of the webhook that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookCall {
    /// The job, as `webhook-id` has it.
    pub job: String,
    /// The mail's Message-ID, without angle brackets.
    pub message_id: String,
    /// What was answered.
    pub status: u16,
}

#[derive(Debug, Default)]
struct HookState {
    is_broken: bool,
    /// So many requests are put off.
    busy: u32,
    calls: Vec<HookCall>,
}

/// The receiver.
pub struct Hook {
    key: hmac::Key,
    secret: String,
    state: Mutex<HookState>,
    events: mpsc::Sender<SandboxEvent>,
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

impl Hook {
    pub(super) fn new(drawn: String, events: mpsc::Sender<SandboxEvent>) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, drawn.as_bytes()),
            secret: format!("whsec_{}", STANDARD.encode(drawn)),
            state: Mutex::default(),
            events,
        }
    }

    /// The secret by which requests are signed.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// From now on every request gets 503, or none does.
    pub fn set_broken(&self, is_broken: bool) {
        self.state.lock().is_broken = is_broken;
    }

    /// The next requests, so many, are put off by a second.
    pub fn put_off(&self, requests: u32) {
        self.state.lock().busy = requests;
    }

    /// What was answered so far.
    #[must_use]
    pub fn calls(&self) -> Vec<HookCall> {
        self.state.lock().calls.clone()
    }

    pub(super) fn answer(&self, asked: &HttpAsked) -> HttpSaid {
        let payload: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let said = self.judge(asked, &payload);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let job = asked.header("webhook-id").to_owned();
        {
            let mut state = self.state.lock();
            if state.calls.len() < CALLS {
                state.calls.push(HookCall {
                    job: job.clone(),
                    message_id: payload.pointer("/mail/message_id").map(text).unwrap_or_default(),
                    status: said.status,
                });
            }
        }
        let event = SandboxEvent::Asked {
            job,
            attempt: asked.header("x-mailjob-attempt").to_owned(),
            status: said.status,
            words: said.body.clone(),
        };
        // Nobody waits for those who listen.
        drop(self.events.try_send(event));
        said
    }

    fn judge(&self, asked: &HttpAsked, payload: &Value) -> HttpSaid {
        if !self.is_signed(asked) {
            return HttpSaid::text(401, "the signature is not right");
        }
        let mut state = self.state.lock();
        if state.is_broken {
            return HttpSaid::text(503, "the bookkeeping is broken");
        }
        if state.busy > 0 {
            state.busy -= 1;
            return HttpSaid {
                retry_after: Some(1),
                ..HttpSaid::text(503, "the bookkeeping is busy")
            };
        }
        let files = payload.pointer("/mail/attachments").and_then(Value::as_array);
        let names: Vec<_> = files
            .into_iter()
            .flatten()
            .filter_map(|file| file.get("name").and_then(Value::as_str))
            .collect();
        HttpSaid::text(200, format!("Booked: {}.", names.join(", ")))
    }

    /// Whether it is ours who ask, and now.
    fn is_signed(&self, asked: &HttpAsked) -> bool {
        let (id, timestamp) = (asked.header("webhook-id"), asked.header("webhook-timestamp"));
        let is_now = timestamp
            .parse::<i64>()
            .is_ok_and(|then| then.abs_diff(Utc::now().timestamp()) <= TOLERANCE);
        let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &asked.body].concat();
        let mut signatures = asked.header("webhook-signature").split(' ');
        is_now
            && signatures.any(|signature| {
                let mac = signature.strip_prefix("v1,").and_then(|mac| STANDARD.decode(mac).ok());
                mac.is_some_and(|mac| hmac::verify(&self.key, &signed, &mac).is_ok())
            })
    }
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::*;

    fn asked(hook: &Hook, at: i64, body: &str) -> HttpAsked {
        let signed = format!("job-1.{at}.{body}");
        let mac = STANDARD.encode(hmac::sign(&hook.key, signed.as_bytes()));
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", "job-1".parse().unwrap());
        headers.insert("webhook-timestamp", at.to_string().parse().unwrap());
        headers.insert("webhook-signature", format!("v1,AAAA v1,{mac}").parse().unwrap());
        HttpAsked {
            path: "/hooks/invoices".into(),
            headers,
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn only_what_is_signed_now_is_booked() {
        let hook = Hook::new("secret".into(), mpsc::channel(9).0);
        let now = Utc::now().timestamp();
        let body = r#"{"mail":{"message_id":"1@x.example","attachments":[{"name":"a.pdf"},{"name":"b.pdf"}]}}"#;
        let booked = HttpSaid::text(200, "Booked: a.pdf, b.pdf.");
        assert_eq!(hook.answer(&asked(&hook, now, body)), booked);
        for (at, change) in [(now - 301, ""), (now + 301, ""), (now, " ")] {
            let mut forged = asked(&hook, at, body);
            forged.body = format!("{body}{change}").into();
            assert_eq!(hook.answer(&forged).status, 401, "{at} {change:?}");
        }
        let statuses: Vec<_> = hook.calls().iter().map(|call| call.status).collect();
        assert_eq!(statuses, [200, 401, 401, 401]);
        assert_eq!(hook.calls()[0].message_id, "1@x.example");
    }

    #[test]
    fn it_is_put_off_broken_and_mended() {
        let hook = Hook::new("secret".into(), mpsc::channel(9).0);
        let ask = || hook.answer(&asked(&hook, Utc::now().timestamp(), "{}"));
        hook.put_off(1);
        let busy = ask();
        assert_eq!((busy.status, busy.retry_after), (503, Some(1)));
        assert_eq!(ask().status, 200);
        hook.set_broken(true);
        assert_eq!((ask().status, ask().status), (503, 503));
        hook.set_broken(false);
        assert_eq!(ask().status, 200);
    }
}
