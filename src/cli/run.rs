//! `mailjob run`.

use std::process::ExitCode;

use tracing::error;

use crate::{app, config::load::Sources};

use super::log;

/// Threads for what blocks. A thousand mailboxes that start at once look up a thousand names, and each thread that ever did keeps
/// 100 KiB of stack. More than the readers that may be given up (64), so that those never starve the rest.
const BLOCKING: usize = 96;

/// Runs until a signal asks for a stop. Exit codes are sysexits': 0 stopped, 70, 74 or 78 as [`app::Fatal::exit_code`] says.
pub(super) fn run(sources: Sources, form: log::Form) -> ExitCode {
    log::start(form);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING)
        .build();
    let runtime = match runtime {
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
