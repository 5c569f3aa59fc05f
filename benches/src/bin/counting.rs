//! Mailjob with an allocator that counts: what `mailjob` does, and a last line that says what its memory did. Meanwhile whoever connects to
//! the socket that `COUNTED` names is told how much is in use.

use std::{alloc::System, env, ffi::OsStr, fs, io::Write as _, os::unix::net::UnixListener, process::ExitCode, thread};

use stats_alloc::{INSTRUMENTED_SYSTEM, Stats, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let is_run = env::args().nth(1).as_deref() == Some("run");
    if let Some(socket) = env::var_os("COUNTED").filter(|_| is_run) {
        tell(&socket);
    }
    let code = mailjob::cli::main();
    if is_run {
        println!("counted {}", line(&COUNTED.stats()));
    }
    code
}

/// Tells whoever connects.
fn tell(socket: &OsStr) {
    // The program starts itself over once it has set up its memory.
    drop(fs::remove_file(socket));
    let listener = UnixListener::bind(socket).expect("a socket to tell of memory at");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever has left need not be told.
            drop((&stream).write_all(line(&COUNTED.stats()).as_bytes()));
        }
    });
}

fn line(stats: &Stats) -> String {
    format!(
        "{{\"allocations\":{},\"bytes\":{},\"in_use\":{}}}",
        stats.allocations + stats.reallocations,
        stats.bytes_allocated,
        stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
    )
}
