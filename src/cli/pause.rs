//! `mailjob pause` and `mailjob resume`.

use std::process::ExitCode;

use super::{
    block_on,
    desk::{JobAccess, JobLocation, NOT_ALL, failed, tell_as},
    rehearse::missing,
};
use crate::{
    config::load::Loaded,
    http::api::ResumeResult,
    ledger::{Pause, PausedBy},
    message::clean::escaped,
    plural,
    status::state::time,
};

/// Pauses an endpoint.
pub(super) fn pause(endpoint: &str, json: bool, place: JobLocation) -> ExitCode {
    block_on(async {
        let ended = async {
            let JobAccess { desk, loaded, .. } = place.go().await?;
            known(loaded.as_ref(), endpoint)?;
            let pause = desk.pause(endpoint).await.map_err(|error| failed(&error))?;
            Ok(tell_as(json, &pause, || words(&pause)))
        };
        ended.await.unwrap_or_else(|code| code)
    })
}

/// Lets an endpoint go on.
pub(super) fn resume(endpoint: &str, json: bool, place: JobLocation) -> ExitCode {
    block_on(async {
        let ended = async {
            let JobAccess { desk, loaded, .. } = place.go().await?;
            let was = desk.resume(endpoint).await.map_err(|error| failed(&error))?;
            if was.is_none() {
                known(loaded.as_ref(), endpoint)?;
            }
            let name = escaped(endpoint);
            let words = was.as_ref().map_or_else(
                || format!("{name} was not paused\n"),
                |pause| format!("{name} goes on; {} waited\n", plural::counted(pause.waiting, "job")),
            );
            Ok(tell_as(json, &ResumeResult { was }, || words))
        };
        ended.await.unwrap_or_else(|code| code)
    })
}

/// An endpoint that has a file, whether it runs or not. An API knows that itself.
fn known(loaded: Option<&Loaded>, endpoint: &str) -> Result<(), ExitCode> {
    let Some(loaded) = loaded else { return Ok(()) };
    if loaded.names().any(|name| name.as_str() == endpoint) {
        return Ok(());
    }
    eprintln!("{}", missing(loaded, endpoint));
    Err(ExitCode::from(NOT_ALL))
}

/// How an endpoint is paused, in words. Pure.
fn words(pause: &Pause) -> String {
    let by = match pause.by {
        PausedBy::Operator => "",
        PausedBy::Gone => " by its webhook",
    };
    format!(
        "{} is paused{by} since {}; {} {}; mailjob resume {0} lets it go on\n",
        escaped(&pause.endpoint),
        time(pause.since),
        plural::counted(pause.waiting, "job"),
        plural::of(pause.waiting, "waits", "wait")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::{Sources, load};

    #[test]
    fn whatever_has_a_file_can_be_paused() {
        let folder = tempfile::tempdir().unwrap();
        // A variable that is set everywhere stands for the password.
        let right = "[mailbox]\naccount = { user = \"a\", password = { env = \"PATH\" }, imap = { host = \"mail.example\" } }\n\
            [webhook]\nurl = \"https://erp.example/\"\n";
        let off = format!("enabled = false\n{right}");
        for (name, text) in [
            ("on.toml", right),
            ("off.toml", off.as_str()),
            ("wrong.toml", "x = 1\n"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let loaded = load(&Sources {
            endpoints: folder.path().to_owned(),
            config: None,
        });
        for (name, is) in [("on", true), ("off", true), ("wrong", true), ("gone", false)] {
            assert_eq!(known(Some(&loaded), name).is_ok(), is, "{name}: {:?}", loaded.problems);
        }
        assert!(missing(&loaded, "off").contains("enabled = false"));
        let gone = missing(&loaded, "gone");
        assert!(gone.contains("there are: on"), "{gone}");
    }
}
