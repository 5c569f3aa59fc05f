//! `mailjob run`.

use std::{
    env,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, error, warn};

use crate::{app, config::load::Sources, metrics::Metrics};

use super::{dump, log};

/// Threads for what blocks for a moment, on a disk: fewer than tokio's 512. Who reads mails and looks up names has threads of his own.
const BLOCKING: usize = 64;

/// Runs until a signal asks for a stop. Exit codes are sysexits': 0 stopped, 70, 74 or 78 as [`app::Fatal::exit_code`] says.
pub(super) fn run(sources: Sources, form: log::LogFormat) -> ExitCode {
    let metrics = Metrics::new();
    log::start(form, metrics.log_lines_lost.clone());
    tune_allocator();
    dump::forbid();
    raise_open_files();
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
    let end = runtime.block_on(app::run(sources, metrics));
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

/// Lets this process have as many open files as it may: a mailbox needs one, and 1,024, the usual number, are few.
fn raise_open_files() {
    let may = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: may.maximum,
        maximum: may.maximum,
    };
    if may.current == may.maximum {
        return;
    }
    match setrlimit(Resource::Nofile, most) {
        Ok(()) => debug!(
            before = may.current,
            now = may.maximum,
            "this process may have more open files"
        ),
        Err(error) => {
            warn!(%error, files = may.current, "this process can't have more open files than it has by default")
        }
    }
}

/// What glibc's allocator is told. By default each thread gets an arena of its own, up to eight a core, and keeps what was freed there;
/// and once something large was freed, all that is smaller (up to 32 MiB) is kept for the next time. With two arenas, with large pieces
/// that go back to the system when they are freed, and with what is free at an arena's end given back too, a backlog of large mails
/// takes half as much, and little of it stays. Below 4 MiB a piece is used again: asking the system for each costs an eighth of the CPU
/// of mails of 200 KB (2026-11-30).
const ALLOCATOR: [(&str, &str); 3] = [
    (ARENAS, "2"),
    ("MALLOC_MMAP_THRESHOLD_", "4194304"),
    ("MALLOC_TRIM_THRESHOLD_", "4194304"),
];
const ARENAS: &str = "MALLOC_ARENA_MAX";

/// Starts this program over with [`ALLOCATOR`], under the same process id: glibc reads these settings only from the environment, and only
/// at the start. Whoever sets the first has chosen, and nothing happens.
fn tune_allocator() {
    if !cfg!(target_env = "gnu") || env::var_os(ARENAS).is_some() {
        return;
    }
    if let Ok(program) = env::current_exe() {
        let error = Command::new(program)
            .args(env::args_os().skip(1))
            .envs(ALLOCATOR)
            .exec();
        tracing::debug!(%error, "starting over was refused; going on with more memory");
    }
}
