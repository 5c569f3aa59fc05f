//! The `mailjob` program.

fn main() -> std::process::ExitCode {
    mailjob::cli::main()
}
