//! The log: one line an event on stderr, for people or for machines.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, filter::Directive};

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// Lines for people.
    Human,
    /// A JSON object a line.
    Json,
}

/// Starts logging at `info`, or as `MAILJOB_LOG` says (e.g. `debug`, `mailjob::watch=debug`).
pub(super) fn start(form: Form) {
    let asked = EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::INFO.into())
        .with_env_var("MAILJOB_LOG")
        .from_env_lossy();
    // At `trace` these libraries print access tokens and whole mails, and the watch over the configuration tells of each line
    // that is written to a log beside it, in a line.
    let filter = [
        "tokio_cron_scheduler=warn",
        "notify=warn",
        "notify=warn",
        "reqwest=warn",
        "hyper=warn",
        "oauth2=warn",
    ]
    .into_iter()
    .filter_map(|quiet| quiet.parse::<Directive>().ok())
    .fold(asked, EnvFilter::add_directive);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A panic's words may hold a piece of a mail: its place is enough to find it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "Mailjob panicked: this is a bug, please report it");
    }));
    match form {
        Form::Human => log.with_target(false).with_ansi(std::io::stderr().is_terminal()).init(),
        Form::Json => log.json().flatten_event(true).init(),
    }
}
