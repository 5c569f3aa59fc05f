//! `mailjob run`.

use std::process::ExitCode;

use tracing::error;

use crate::{app, config::load::Sources};

use super::log;

/// Runs until a signal asks for a stop. Exit codes are sysexits': 0 stopped, 70, 74 or 78 as [`app::Fatal::exit_code`] says.
pub(super) fn run(sources: Sources, form: log::Form) -> ExitCode {
    log::start(form);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(%error, "this system refuses threads");
            return ExitCode::from(70);
        }
    };
    let end = runtime.block_on(app::run(sources));
    // Whoever was named as late is not waited for again.
    runtime.shutdown_background();
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(fatal) => {
            error!("{fatal}");
            ExitCode::from(fatal.exit_code())
        }
    }
}
