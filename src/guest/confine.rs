//! What a guest may read, write and reach, by Landlock: no privilege is needed, it holds for all that descends from the guest, and nothing
//! takes it back.
//!
//! Granted are the system's programs and libraries, what the operator lists, and the guest's own folder. Landlock knows no exceptions, so
//! where something of ours lies in a folder that is granted, its neighbours are granted one by one.

use std::{
    fs, io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    thread,
};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use rustix::{
    process::geteuid,
    thread::{CapabilitySet, remove_capability_from_bounding_set},
};

use super::terms::{Confinement, Private};

/// The newest rights that we ask for; where the kernel knows fewer, those. Sockets in the file system stay with their modes.
const RIGHTS: ABI = ABI::V6;

/// What programs need to run, and to know about the machine.
const SYSTEM: [&str; 18] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/etc",
    "/proc",
    "/sys",
    "/var/cache/fontconfig",
    "/var/lib/ghostscript",
    "/var/lib/libreoffice",
    "/var/spool/libreoffice",
    "/run/systemd/resolve",
];

/// Devices that hold nothing.
const DEVICES: [&str; 6] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
];

/// Whether every guest may read this and run it, since it is the system's. Blocks.
#[must_use]
pub fn is_of_system(path: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    SYSTEM
        .iter()
        .chain(&DEVICES)
        .any(|system| real(path).starts_with(real(Path::new(system))))
}

/// What is said where the kernel can't confine.
pub const IMPOSSIBLE: &str = "this kernel can't limit what commands read and write (it has no Landlock): they can read all that mailjob can, \
     secrets and ledger among it; start them as another user ([command] user), or use Linux 5.13 or newer with Landlock";

/// What is said of folders that a command may write, where our own folder for temporary files lies in one: Landlock knows no exceptions,
/// so only what lies there already is granted.
#[must_use]
pub fn closed(write: &[PathBuf], temporary: &Path) -> Option<String> {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let temporary = real(temporary);
    let folder = write.iter().find(|folder| temporary.starts_with(real(folder)))?;
    Some(format!(
        "in {} it can make nothing new, since the work folders of all commands lie there ({}): start Mailjob with another TMPDIR, such as /var/tmp",
        folder.display(),
        temporary.display()
    ))
}

/// Whether this kernel can confine: asked by doing it to a thread that does nothing else. Blocks for a moment.
#[must_use]
pub fn is_possible() -> bool {
    let tried = thread::spawn(|| {
        let base = rules(false).ok()?;
        base.restrict_self().ok()
    });
    let status = tried.join().ok().flatten();
    status.is_some_and(|status| status.ruleset != RulesetStatus::NotEnforced)
}

fn rules(network: bool) -> Result<RulesetCreated, RulesetError> {
    let rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    let mut rules = rules
        .handle_access(AccessFs::from_all(RIGHTS))?
        .scope(Scope::AbstractUnixSocket)?
        .scope(Scope::Signal)?;
    if !network {
        rules = rules
            .handle_access(AccessNet::BindTcp)?
            .handle_access(AccessNet::ConnectTcp)?;
    }
    rules.create()
}

/// What may be done in a folder that may be written; making devices is nothing that a guest needs.
fn writing() -> BitFlags<AccessFs> {
    AccessFs::from_all(RIGHTS) & !(AccessFs::MakeChar | AccessFs::MakeBlock)
}

/// How many folders are added to a set of rules before it is made anew: a rule keeps what it is about from being freed.
const RENEWED_AFTER: u32 = 64;

/// The rules of a warden's guests.
pub(super) struct ConfinementRules {
    confinement: Confinement,
    made: Option<RulesetCreated>,
    uses: u32,
}

impl ConfinementRules {
    pub(super) fn new(confinement: Confinement) -> Self {
        Self {
            confinement,
            made: None,
            uses: 0,
        }
    }

    /// The rules for a guest that works in this folder. Folders of guests before it are gone by then, so they grant nothing.
    ///
    /// # Errors
    /// When the folder can't be opened, or the kernel refuses what it said it can.
    pub(super) fn of(&mut self, folder: Option<&Path>) -> io::Result<RulesetCreated> {
        if self.uses >= RENEWED_AFTER {
            (self.made, self.uses) = (None, 0);
        }
        self.uses += 1;
        let mut made = match self.made.take() {
            Some(made) => made,
            None => self.base().map_err(io::Error::other)?,
        };
        if let Some(folder) = folder {
            let folder = PathFd::new(folder).map_err(io::Error::other)?;
            made = made
                .add_rule(PathBeneath::new(folder, writing()))
                .map_err(io::Error::other)?;
        }
        made = self.named(made).map_err(io::Error::other)?;
        let copy = made.try_clone()?;
        self.made = Some(made);
        Ok(copy)
    }

    /// Adds the files that were named one by one, as they are now: a script that was saved since is another file under the same name.
    fn named(&self, mut rules: RulesetCreated) -> Result<RulesetCreated, RulesetError> {
        let Confinement { named, private, .. } = &self.confinement;
        let private = seen(private);
        for path in named.iter().filter_map(|path| fs::canonicalize(path).ok()) {
            if !private.is(&path) {
                rules = beneath(rules, &path, AccessFs::from_read(RIGHTS))?;
            }
        }
        Ok(rules)
    }

    fn base(&self) -> Result<RulesetCreated, RulesetError> {
        let Confinement {
            read,
            write,
            private,
            network,
            ..
        } = &self.confinement;
        let private = seen(private);
        let (reading, writing) = (AccessFs::from_read(RIGHTS), writing());
        let mut rules = rules(*network)?;
        // Where names are looked up may be a link into /run.
        let resolver = fs::canonicalize("/etc/resolv.conf").ok();
        let system = SYSTEM.iter().map(PathBuf::from).chain(resolver);
        for path in system.chain(read.iter().cloned()) {
            rules = grant(rules, &path, reading, &private)?;
        }
        for path in write {
            rules = grant(rules, path, writing, &private)?;
        }
        for device in DEVICES {
            let rights = reading | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
            rules = grant(rules, Path::new(device), rights, &private)?;
        }
        Ok(rules)
    }
}

/// What root may do beyond files, of which a guest that is root needs nothing: it would get it out of here.
const PRIVILEGES: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .complement();

/// Gives up, for this thread and what it starts, the privileges of root that lead around all rules. Who is not root has none.
pub(super) fn give_up_privileges() {
    if geteuid().is_root() {
        for privilege in PRIVILEGES.iter() {
            // One that this kernel does not know, or that we don't have ourselves.
            let _unknown = remove_capability_from_bounding_set(privilege);
        }
    }
}

/// What is private, also by the paths that links lead to now.
fn seen(private: &Private) -> Private {
    let mut all = private.clone();
    all.paths
        .extend(private.paths.iter().filter_map(|path| fs::canonicalize(path).ok()));
    // A family's folder may be a link; its members' beginning is no file.
    all.families.extend(private.families.iter().filter_map(|family| {
        let folder = fs::canonicalize(family.parent()?).ok()?;
        Some(folder.join(family.file_name()?))
    }));
    all
}

/// Grants a path, but not what is private: then all of its neighbours by themselves. What is not there grants nothing.
fn grant(
    rules: RulesetCreated,
    path: &Path,
    rights: BitFlags<AccessFs>,
    private: &Private,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(path) = fs::canonicalize(path) else {
        return Ok(rules);
    };
    if private.holds(&path) {
        return Ok(rules);
    }
    if private.below(&path).is_none() {
        return beneath(rules, &path, rights);
    }
    let mut rules = rules;
    for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
        // Where a link leads is granted where that is, or not.
        if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
            rules = grant(rules, &entry.path(), rights, private)?;
        }
    }
    Ok(rules)
}

fn beneath(rules: RulesetCreated, path: &Path, rights: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    match opened(path) {
        Ok(path) => rules.add_rule(PathBeneath::new(path.as_fd(), rights)),
        // It vanished, or is nothing that we could reach ourselves.
        Err(_) => Ok(rules),
    }
}

fn opened(path: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    Ok(openat(
        CWD,
        path,
        OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_which_nothing_new_can_be_made_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let temporary = dir.path().join("tmp");
        fs::create_dir(&temporary).unwrap();
        for (write, told) in [
            (vec![], false),
            (vec![dir.path().join("other")], false),
            (vec![temporary.join("below")], false),
            (vec![temporary.clone()], true),
            (vec!["/nowhere".into(), dir.path().to_owned()], true),
        ] {
            assert_eq!(closed(&write, &temporary).is_some(), told, "{write:?}");
        }
        let told = closed(std::slice::from_ref(&temporary), &temporary).unwrap();
        assert!(told.contains("TMPDIR"), "{told}");
    }
}
