//! What the demo's endpoints do: a service that books invoices, and a program that measures scans.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use anyhow::Result;
use mailjob_testbed::{Answer, Mailjob, Receiver, Request, SignIn, Start, World};
use serde_json::Value;

use crate::cast::{BUSY, INVOICES, REFUSED, SCANS};

/// The command. It keeps what it was given beside the ledger, for the table.
const MEASURE: &str = r#"#!/bin/sh
set -eu
cp message.json "$(mktemp "$SEEN/XXXXXX")"
if [ -z "$(ls attachments)" ]; then
    echo "There is nothing to measure."
    exit 1
fi
wc -c attachments/* > out/sizes.txt
echo "Measured $(ls attachments | wc -l) files."
"#;

/// Both actions, with what they have seen.
pub(crate) struct Actions {
    receiver: Receiver,
    seen: PathBuf,
}

impl Actions {
    /// Starts the webhook's receiver, and writes the command and both endpoint files.
    pub(crate) async fn install(world: &World, mailjob: &mut Mailjob) -> Result<Self> {
        let receiver = Receiver::start(book).await?;
        mailjob
            .account(world, "invoices", INVOICES, SignIn::Application, Start::Implicit)
            .await?;
        mailjob
            .account(world, "scans", SCANS, SignIn::RefreshToken, Start::StartTls)
            .await?;
        let invoices = format!(
            "description = \"Supplier invoices to the bookkeeping system\"\n\n[mailbox]\naccount = \"invoices\"\nbacklog = \"process\"\n\n\
             [when]\nattachments = [\"*.pdf\"]\n\n[webhook]\nurl = \"{}\"\nallow_private_network = true # it runs on this machine\n\n\
             [retry]\nwaits = [\"1s\", \"5s\"]\n\n[reply]\nto = \"sender\"\n",
            receiver.url("/hooks/invoice")
        );
        let (program, seen) = (mailjob.dir().join("measure"), mailjob.dir().join("seen"));
        fs::create_dir(&seen)?;
        fs::write(&program, MEASURE)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        let scans = format!(
            "description = \"Sizes of scans\"\n\n[mailbox]\naccount = \"scans\"\nbacklog = \"process\"\n\n[command]\nargv = [\"{}\"]\nenv = {{ SEEN = \"{}\" }}\n\n\
             [reply]\nto = \"sender\"\n",
            program.display(),
            seen.display()
        );
        mailjob.plain_endpoint("invoices", &invoices)?;
        mailjob.plain_endpoint("scans", &scans)?;
        println!("\nendpoints.d/invoices.toml\n\n{invoices}\nendpoints.d/scans.toml\n\n{scans}");
        Ok(Self { receiver, seen })
    }

    /// Each attempt at a job that either action saw: the mail's Message-ID, and the job's id.
    pub(crate) fn attempts(&self) -> Result<Vec<(String, String)>> {
        let mut payloads: Vec<Value> = self.receiver.requests().iter().map(Request::json).collect();
        for file in fs::read_dir(&self.seen)? {
            // A file that is being written is read the next time.
            payloads.push(serde_json::from_slice(&fs::read(file?.path())?).unwrap_or_default());
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let attempt = |payload: &Value| (text(&payload["mail"]["message_id"]), text(&payload["job"]));
        Ok(payloads.iter().map(attempt).collect())
    }
}

/// Books an invoice: one that is busy at first, one that is refused.
fn book(request: &Request) -> Answer {
    use std::sync::atomic::{AtomicBool, Ordering};
    static WAS_BUSY: AtomicBool = AtomicBool::new(false);
    let payload = request.json();
    let attachments = payload["mail"]["attachments"].as_array().cloned().unwrap_or_default();
    let names: Vec<_> = attachments.iter().filter_map(|file| file["name"].as_str()).collect();
    if names.contains(&BUSY) && !WAS_BUSY.swap(true, Ordering::Relaxed) {
        return Answer::status(503).header("retry-after", "1");
    }
    if names.contains(&REFUSED) {
        return Answer::status(422)
            .header("content-type", "text/plain")
            .body("We have no order for this invoice.");
    }
    Answer::text(format!("Booked: {}.", names.join(", ")))
}
