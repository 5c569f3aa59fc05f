//! `mailjob jobs export`: what is stored of a job, as files.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use bytes::Bytes;
use chrono::Utc;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::super::desk::{JobAccess, JobLocation, NOT_ALL, document, failed, named, tell_as, untold};
use super::super::print;
use crate::{
    dispatch::rehearsal::rehearse,
    job::{JobId, JobScope},
    ledger::{ClaimedJob, Error, JobStory, Lease, MailId},
    message::clean::escaped,
};

/// `EX_CANTCREAT` of sysexits.
const CANT_CREATE: u8 = 73;

/// What is written, and where to.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// All that there is, into this folder: JOB.eml, JOB.reply.eml, JOB.payload.json, JOB.json. Files that are there stay.
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    /// Without --to: what is written to standard output.
    #[arg(long, value_enum, default_value_t = ExportPart::Mail, conflicts_with = "to")]
    what: ExportPart,
    /// For machines: which files --to wrote, and what there was not.
    #[arg(long, requires = "to")]
    json: bool,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum ExportPart {
    /// The mail, as it came.
    Mail,
    /// The newest reply, as it was sent.
    Reply,
    /// What its action gets, as the endpoint is configured now: the body of the webhook, or message.json of the command.
    Payload,
    /// All that is known of it, as JSON.
    Story,
}

impl ExportPart {
    const ALL: [Self; 4] = [Self::Mail, Self::Reply, Self::Payload, Self::Story];

    fn file(self, job: JobId) -> String {
        let end = match self {
            Self::Mail => "eml",
            Self::Reply => "reply.eml",
            Self::Payload => "payload.json",
            Self::Story => "json",
        };
        format!("{job}.{end}")
    }
}

/// Writes it.
pub(super) async fn export(job: &str, into: ExportArgs, place: JobLocation) -> Result<ExitCode, ExitCode> {
    let found = place.go().await?;
    let id = named(&found.desk, job).await?;
    let ExportArgs { to, what, json } = into;
    let Some(story) = found.desk.story(id).await.map_err(|error| failed(&error))? else {
        return Err(failed(&Error::Missing(format!("job {id}"))));
    };
    let Some(folder) = to else {
        let bytes = stored(&found, &story, what).await?.map_err(|why| {
            eprintln!("{why}");
            ExitCode::from(NOT_ALL)
        })?;
        let mut out = print::stdout();
        let written = out.write_all(&bytes).and_then(|()| out.flush());
        return written.map(|()| ExitCode::SUCCESS).map_err(|error| untold(&error));
    };
    let written = write(&found, &story, &folder).await?;
    if !json {
        for why in written.lacking.values() {
            eprintln!("{why}");
        }
    }
    Ok(tell_as(json, &written, || {
        let paths = written.files.values();
        paths.map(|path| escaped(&path.display().to_string()) + "\n").collect()
    }))
}

/// What was written, and what was not.
#[derive(Debug, Default, Serialize)]
struct ExportReport {
    /// The files.
    files: BTreeMap<ExportPart, PathBuf>,
    /// Why there is no such thing.
    lacking: BTreeMap<ExportPart, String>,
}

/// Writes all that there is into a folder.
async fn write(found: &JobAccess, story: &JobStory, folder: &Path) -> Result<ExportReport, ExitCode> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let mut written = ExportReport::default();
    for what in ExportPart::ALL {
        match stored(found, story, what).await? {
            Ok(bytes) => {
                let path = folder.join(what.file(story.job.id));
                new_file(&path, &bytes).map_err(|error| unwritable(&path, &error))?;
                written.files.insert(what, path);
            }
            Err(why) => drop(written.lacking.insert(what, why)),
        }
    }
    Ok(written)
}

/// A file that was not there, and only its owner may read.
fn new_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn unwritable(path: &Path, error: &io::Error) -> ExitCode {
    let path = escaped(&path.display().to_string());
    match error.kind() {
        io::ErrorKind::AlreadyExists => eprintln!("{path} is there already: name another folder, or remove it"),
        _ => eprintln!("{path} can't be written: {error}"),
    }
    ExitCode::from(CANT_CREATE)
}

/// What is stored, or why there is no such thing.
async fn stored(found: &JobAccess, story: &JobStory, what: ExportPart) -> Result<Result<Bytes, String>, ExitCode> {
    let id = story.job.id;
    let had = match what {
        ExportPart::Story => return Ok(Ok(document(story).into())),
        ExportPart::Mail => found.desk.mail(id).await,
        ExportPart::Reply => found.desk.reply(id, None).await,
        ExportPart::Payload => match found.desk.mail(id).await {
            Ok(raw) => return Ok(payload(found, story, raw).await),
            Err(error) => Err(error),
        },
    };
    match had {
        Ok(bytes) => Ok(Ok(bytes)),
        Err(error @ (Error::Missing(_) | Error::Incomplete(_))) => Ok(Err(error.to_string())),
        Err(error) => Err(failed(&error)),
    }
}

/// What the action gets, as the endpoint is configured now.
async fn payload(found: &JobAccess, story: &JobStory, raw: Bytes) -> Result<Bytes, String> {
    let name = &story.job.endpoint;
    let Some(loaded) = &found.loaded else {
        return Err(
            "no payload: how the endpoint is configured is known where it runs; ask there, without --url".to_owned(),
        );
    };
    let endpoint = loaded.endpoints.iter().find(|(known, _)| known.as_str() == name);
    let Some((_, endpoint)) = endpoint else {
        return Err(format!(
            "no payload: there is no endpoint {} now, or it is broken",
            escaped(name)
        ));
    };
    let job = ClaimedJob {
        id: story.job.id,
        mail: MailId(0),
        size: story.mail.size,
        attempt: story.job.attempts.max(1),
        retries: 0,
        interrupted: 0,
        received: story.mail.received,
        taken: story.mail.taken,
        rerun: story.job.reruns,
        share: JobScope::Whole,
        lease: Lease::default(),
    };
    let outcome = match rehearse(endpoint, &job, raw, Utc::now(), u64::MAX).await {
        Ok(rehearsed) => rehearsed.plan,
        Err(outcome) => Err(outcome),
    };
    match outcome {
        Ok(plan) => Ok(plan.payload()),
        Err(_) => {
            Err("no payload: as the endpoint is configured now, its action would get nothing of this mail".to_owned())
        }
    }
}
