//! What the tests of this room share, and the loop against a real ledger.

mod bounces;
mod cuts;
mod flow;
mod heads;
mod hostile;
mod mended;
mod neighbours;
mod once;
mod parts;
pub(super) mod receiver;
pub(super) mod scene;
mod senders;
mod shaky;
mod talk;

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::work::Work;
use crate::{
    config::{
        Account, Action, Auth, Command, Endpoint, EndpointName, Limits, Mailbox, Provider, ReadBy, Reply, ReplyTo,
        Retry, Server, Settle, SettleAction, Tls, Trust,
    },
    job::{JobId, JobScope},
    ledger::{ClaimedJob, Lease, MailId},
    message,
    secret::SecretRef,
};

/// A mail with text, HTML, a file and an inline image.
pub(super) const MAIL: &str = "From: Ann <ann@supplier.example>\r\nTo: invoices@us.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
    Message-ID: <1@supplier.example>\r\nX-Folded: a\r\n b\r\nDate: Mon, 16 Nov 2026 09:30:00 +0100\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n\
    --b\r\nContent-Type: application/pdf; name=\"../invoice.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n\
    --b\r\nContent-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Disposition: inline\r\n\r\nPNG\r\n--b--\r\n";

pub(super) fn job() -> ClaimedJob {
    ClaimedJob {
        id: JobId(Uuid::from_u128(0x0193_5b2a_1c00_7000_8000_0000_0000_0001)),
        mail: MailId(1),
        size: MAIL.len() as u64,
        attempt: 2,
        retries: 1,
        interrupted: 0,
        received: DateTime::from_timestamp(1_795_000_000, 0),
        taken: DateTime::from_timestamp(1_795_000_005, 0).unwrap(),
        rerun: 0,
        share: JobScope::Whole,
        lease: Lease::default(),
    }
}

/// Reads a mail and makes something of it, as an attempt does.
pub(super) async fn with_work<T: Send + 'static>(
    raw: impl Into<Bytes>,
    make: impl FnOnce(&Work<'_>) -> T + Send + 'static,
) -> T {
    let raw = raw.into();
    let shared = raw.clone();
    let limits = Limits {
        size: u64::MAX,
        time: Duration::from_secs(60),
        ..Limits::default()
    };
    let read = message::read(raw, limits, move |mail| {
        make(&Work {
            endpoint: &EndpointName::new("invoices").unwrap(),
            job: &job(),
            now: Utc::now(),
            mail,
            head: &mail.head(),
            sender: mail.sender(&Trust::Nobody),
            attachments: mail.attachments(),
            inputs: Vec::new(),
            raw: &shared,
            answers: None,
        })
    });
    read.await.unwrap()
}

/// A file of the repository.
pub(super) fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A shell script as a command with patience.
pub(super) fn shell(script: &str) -> Command {
    Command {
        pass_env: vec!["PATH".into()],
        timeout: Duration::from_secs(60),
        grace: Duration::from_secs(60),
        max_files: 1 << 20,
        ..Command::new(vec!["/bin/sh".into(), "-c".into(), script.into()])
    }
}

/// An endpoint named `invoices` that means every mail.
pub(super) fn endpoint(action: Action) -> Endpoint {
    let server = Server {
        host: "imap.us.example".into(),
        port: 993,
        tls: Tls::Implicit,
    };
    let account = Account {
        name: "contoso".into(),
        sign_in: "contoso".into(),
        provider: Provider::Other,
        user: "invoices@us.example".into(),
        imap: Some(server.clone()),
        pop3: None,
        smtp: None,
        auth: Auth::Password(SecretRef::Env("PASSWORD".into())),
        ca_file: None,
        client: None,
        from: None,
        pace: None,
        hello: None,
        smtp_auth: true,
    };
    let account = Arc::new(account);
    let mailbox = Mailbox::inbox(account.clone(), ReadBy::Imap, server);
    let keep = Settle {
        done: SettleAction::Keep,
        failed: SettleAction::Keep,
        ignored: SettleAction::Keep,
        refused: SettleAction::Keep,
    };
    Endpoint {
        retry: Retry {
            waits: vec![Duration::ZERO; 2],
        },
        reply: Reply::to(vec![ReplyTo::Sender], account.clone()),
        settle: keep,
        concurrency: 4,
        ..Endpoint::new(EndpointName::new("invoices").unwrap(), mailbox, action)
    }
}
