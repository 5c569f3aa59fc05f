//! No image of this process's memory is left behind: it holds tokens, passwords and keys.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Forbids core dumps. Where the system refuses, that is said, and the program goes on.
///
/// The limit of this process is lowered; a command that it starts may raise it again for itself. A system that hands dumps to a
/// program, such as systemd-coredump, does not ask the limit (core(5)), so Linux is told that there is nothing to dump. That
/// counts until the next program is executed.
pub(super) fn forbid() {
    let mut limit = getrlimit(Resource::Core);
    limit.current = Some(0);
    let mut forbidden = setrlimit(Resource::Core, limit);
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        forbidden = forbidden.and(set_dumpable_behavior(DumpableBehavior::NotDumpable));
    }
    if let Err(error) = forbidden {
        tracing::warn!(%error, "this system refuses to forbid core dumps, which would hold secrets");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_dumped() {
        forbid();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{DumpableBehavior, dumpable_behavior};
            assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        }
    }
}
