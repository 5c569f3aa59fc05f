//! `mailjob ledger backup`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{failed, service, words};
use crate::{
    auth,
    cli::progress::Progress,
    config::{Service, load::Sources},
    ledger::sqlite,
    secret::SecretRef,
};

/// Copies the ledger.
pub(super) async fn backup(sources: Sources, to: PathBuf, json: bool) -> ExitCode {
    let service = service(&sources);
    let progress = Progress::new(false);
    let copying = sqlite::backup(&service.ledger, &to, |step| progress.on(&words::step(step)));
    match progress.during(copying).await {
        Ok(found) => {
            let key = key(&service);
            match json {
                true => print!("{}", words::json(&to, &found, Some(&key))),
                false => {
                    print!("{}", words::people(&to, &found));
                    println!("{}", words::key(&key));
                }
            }
            ExitCode::from(u8::from(!found.findings.is_empty()))
        }
        Err(error) => failed(&service.ledger, &error),
    }
}

/// Where the key is that is not in the copy.
fn key(service: &Service) -> String {
    let file = |path: &Path| path.display().to_string();
    match &service.key {
        None => file(&auth::key::beside(&service.ledger)),
        Some(SecretRef::File(path)) => file(path),
        Some(SecretRef::Env(name)) => format!("${name}"),
    }
}
