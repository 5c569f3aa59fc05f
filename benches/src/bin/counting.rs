//! Mailjob with an allocator that counts: what `mailjob` does, and a last line that says what its memory did.

use std::{alloc::System, env, process::ExitCode};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let code = mailjob::cli::main();
    if env::args().nth(1).as_deref() == Some("run") {
        let counted = COUNTED.stats();
        println!(
            "counted {{\"allocations\":{},\"bytes\":{}}}",
            counted.allocations + counted.reallocations,
            counted.bytes_allocated
        );
    }
    code
}
