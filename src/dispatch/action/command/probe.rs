//! Whether a command could be started. None is.

use std::path::PathBuf;

use super::super::{ProbeReport, Unfit, secrets_of};
use crate::{
    config::{self, startable},
    guest::confine,
};

/// Whether its program is there, and its secrets. Blocks.
///
/// # Errors
/// What keeps it from being started.
pub(super) fn probe(command: &config::Command) -> Result<ProbeReport, Unfit> {
    let path = program(command).map_err(|(what, cure)| Unfit { what, cure })?;
    let limits = match command.confine {
        true if confine::is_possible() => confine::closed(&command.write, &std::env::temp_dir())
            .unwrap_or_else(|| "it reads and writes only what it is granted".to_owned()),
        true => confine::IMPOSSIBLE.to_owned(),
        false => "confine = false: it may read and write all that its user may".to_owned(),
    };
    Ok(ProbeReport {
        told: format!("{} is there; it was not started; {limits}", path.display()),
        destination: None,
    })
}

/// A command's program, when it could be started, and the secrets of its environment are there. Blocks.
///
/// # Errors
/// What keeps it from that, and what to do.
fn program(command: &config::Command) -> Result<PathBuf, (String, String)> {
    let path = startable::looked_at(command)?;
    let cure = || "check command.env: its secrets have to be where the configuration points".to_owned();
    secrets_of(&command.env).map_err(|what| (what, cure()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs() {
        let command = |program: &str| config::Command::new(vec![program.into()]);
        assert!(program(&command("true")).unwrap().is_absolute());
        assert!(program(&command("/bin/true")).is_ok());
        for wrong in ["no-such-program", "/no/such/program", "/etc/passwd", "/"] {
            assert!(program(&command(wrong)).is_err(), "{wrong}");
        }
    }
}
