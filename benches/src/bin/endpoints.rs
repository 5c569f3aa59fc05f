//! How long a folder of a thousand endpoint files takes: to read at a start, and to notice what changed when one of them did.
//!
//! ```text
//! endpoints [--files 1000]
//! ```

use std::{fs, path::Path, time::Instant};

use anyhow::{Context, Result, ensure};
use mailjob::config::load::{Loader, Sources};
use mailjob_bench::report::median;

const ENDPOINT: &str = "\
description = \"Invoices of supplier NUMBER to the bookkeeping system\"
[mailbox]
account = \"office\"
name = \"Suppliers/NUMBER\"
[when]
from = [\"*@supplier-NUMBER.example\", \"billing@NUMBER.example\"]
attachments = [\"*.pdf\"]
[webhook]
url = \"https://erp.example/hooks/NUMBER\"
headers = { x-tenant = \"NUMBER\" }
[reply]
to = \"sender\"
subject = \"Re: {{ mail.subject }}\"
text = \"Booked under {{ job.id }}.\"
";

const SHARED: &str = "\
[accounts.office]
user = \"invoices@example.com\"
password = { file = \"password\" }
imap = { host = \"mail.example.com\" }
smtp = { host = \"mail.example.com\" }
[defaults.limits]
size = \"20MiB\"
";

fn write(folder: &Path, number: usize, more: &str) -> Result<()> {
    let text = ENDPOINT.replace("NUMBER", &number.to_string()).replace("Booked", more);
    Ok(fs::write(folder.join(format!("supplier-{number}.toml")), text)?)
}

fn main() -> Result<()> {
    let files = match std::env::args().nth(2) {
        Some(files) => files.parse()?,
        None => 1000,
    };
    let dir = tempfile::tempdir()?;
    let sources = Sources {
        endpoints: dir.path().join("endpoints.d"),
        config: Some(dir.path().join("mailjob.toml")),
    };
    fs::create_dir(&sources.endpoints)?;
    fs::write(dir.path().join("password"), "secret")?;
    let mut permissions = fs::metadata(dir.path().join("password"))?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    fs::set_permissions(dir.path().join("password"), permissions)?;
    fs::write(dir.path().join("mailjob.toml"), SHARED)?;
    for number in 0..files {
        write(&sources.endpoints, number, "Booked")?;
    }
    let mut loader = Loader::default();
    let begun = Instant::now();
    let mut last = loader.load(&sources);
    let first = begun.elapsed().as_secs_f64() * 1000.0;
    ensure!(
        last.problems.is_empty(),
        "{}",
        last.problems.first().context("no problem")?
    );
    ensure!(last.endpoints.len() == files, "{} endpoints", last.endpoints.len());
    let mut again = Vec::new();
    for round in 0..15 {
        write(&sources.endpoints, round, "Noted")?;
        let begun = Instant::now();
        let now = loader.load(&sources);
        ensure!(now != last, "the change was not noticed");
        again.push(begun.elapsed().as_secs_f64() * 1000.0);
        last = now;
    }
    println!(
        "{files} files: {first:.0} ms at a start, {:.0} ms when one changed (median)",
        median(again)
    );
    Ok(())
}
