//! On what terms a guest is here, and what it is to do. Pure.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    frame::{self, TaggedField},
    user::User,
};

/// What holds for every guest of a warden.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// How much it may take.
    pub limits: GuestLimits,
    /// What it may read and write; `None`: what we may.
    pub confinement: Option<Confinement>,
    /// Who it is; `None`: who we are.
    pub user: Option<User>,
}

/// How much a guest may take; `None` is no limit beyond our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GuestLimits {
    /// Bytes of memory: of each process by the kernel, of all together by looking.
    pub memory: Option<u64>,
    /// Processes and their threads, all together.
    pub processes: Option<u64>,
    /// Bytes of each file.
    pub file_size: Option<u64>,
    /// Open descriptors of each process.
    pub open_files: Option<u64>,
}

/// What a guest may read and write beside its folder and the system's programs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Confinement {
    /// Files and folders that it may read, and programs there that it may run.
    pub read: Vec<PathBuf>,
    /// Files that the operator named for it one by one. It may read and run them where they lie in a folder of ours, too.
    pub named: Vec<PathBuf>,
    /// Files and folders that it may read and write.
    pub write: Vec<PathBuf>,
    /// What it may not have though it lies in one of those.
    pub private: Arc<Private>,
    /// Whether it may open and accept TCP connections.
    pub network: bool,
}

/// What is ours alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Private {
    /// Files, and folders with all that is in them.
    pub paths: Vec<PathBuf>,
    /// Files whose path begins so: the ledger with its journals, key and tokens.
    pub families: Vec<PathBuf>,
}

impl Private {
    /// Whether this path, or something on the way to it, is ours alone. As written: nothing is looked up.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        let member = |family: &PathBuf| path.as_os_str().as_bytes().starts_with(family.as_os_str().as_bytes());
        self.paths.iter().any(|private| path.starts_with(private)) || self.families.iter().any(member)
    }

    /// Whether this file is ours itself, and does not just lie in a folder of ours: none of those, no part of the ledger, no file of the
    /// configuration.
    #[must_use]
    pub fn is(&self, file: &Path) -> bool {
        let member = |family: &PathBuf| file.as_os_str().as_bytes().starts_with(family.as_os_str().as_bytes());
        self.paths.iter().any(|private| private == file)
            || self.families.iter().any(member)
            || self.holds(file) && file.extension().is_some_and(|ending| ending == "toml")
    }

    /// Something of ours that lies below this folder.
    #[must_use]
    pub fn below(&self, folder: &Path) -> Option<&Path> {
        let all = self.paths.iter().chain(&self.families);
        all.map(PathBuf::as_path)
            .find(|private| private.starts_with(folder) && *private != folder)
    }
}

/// One program to start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpawnRequest {
    /// Its path.
    pub program: PathBuf,
    /// Its arguments, without its name.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Its folder, which it may write; `None`: ours, where it may do what it may elsewhere.
    pub folder: Option<PathBuf>,
}

fn bytes(text: &OsStr) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn path(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

fn number<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

fn encoded(fields: &[TaggedField]) -> Option<Vec<u8>> {
    frame::encode(fields.iter().map(|(tag, field)| (*tag, &field[..])))
}

impl Terms {
    /// As a frame's bytes; `None` where a path has a NUL or they are too long.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let GuestLimits {
            memory,
            processes,
            file_size,
            open_files,
        } = self.limits;
        let limits = [(b'm', memory), (b'p', processes), (b'f', file_size), (b'o', open_files)];
        let limits = limits
            .into_iter()
            .filter_map(|(tag, limit)| Some((tag, limit?.to_string().into_bytes())));
        let mut fields: Vec<TaggedField> = limits.collect();
        if let Some(user) = self.user {
            fields.push((b'u', user.id.to_string().into_bytes()));
            fields.push((b'i', user.group.to_string().into_bytes()));
        }
        if let Some(confinement) = &self.confinement {
            fields.push((
                b'c',
                if confinement.network {
                    b"network".to_vec()
                } else {
                    Vec::new()
                },
            ));
            let private = &confinement.private;
            for (tag, paths) in [
                (b'r', &confinement.read),
                (b'n', &confinement.named),
                (b'w', &confinement.write),
                (b'g', &private.paths),
                (b'G', &private.families),
            ] {
                fields.extend(paths.iter().map(|path| (tag, bytes(path.as_os_str()))));
            }
        }
        encoded(&fields)
    }

    /// What a frame says; `None` where it says something that we don't know.
    pub(super) fn decode(frame: &[u8]) -> Option<Self> {
        let mut terms = Self::default();
        let (mut user, mut group) = (None, None);
        for (tag, field) in frame::decode(frame) {
            let confinement = terms.confinement.as_mut();
            match tag {
                b'm' => terms.limits.memory = Some(number(&field)?),
                b'p' => terms.limits.processes = Some(number(&field)?),
                b'f' => terms.limits.file_size = Some(number(&field)?),
                b'o' => terms.limits.open_files = Some(number(&field)?),
                b'u' => user = Some(number(&field)?),
                b'i' => group = Some(number(&field)?),
                b'c' => {
                    terms.confinement = Some(Confinement {
                        network: !field.is_empty(),
                        ..Confinement::default()
                    });
                }
                b'r' => confinement?.read.push(path(field)),
                b'n' => confinement?.named.push(path(field)),
                b'w' => confinement?.write.push(path(field)),
                b'g' => Arc::make_mut(&mut confinement?.private).paths.push(path(field)),
                b'G' => Arc::make_mut(&mut confinement?.private).families.push(path(field)),
                _ => return None,
            }
        }
        terms.user = match (user, group) {
            (Some(id), Some(group)) => Some(User { id, group }),
            (None, None) => None,
            _ => return None,
        };
        Some(terms)
    }
}

impl SpawnRequest {
    /// As a frame's bytes; `None` where something has a NUL, a variable's name has a `=`, or it is too long.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut fields = vec![(b'x', bytes(self.program.as_os_str()))];
        fields.extend(self.folder.iter().map(|folder| (b'd', bytes(folder.as_os_str()))));
        fields.extend(self.arguments.iter().map(|argument| (b'a', bytes(argument))));
        for (name, value) in &self.environment {
            if name.as_bytes().contains(&b'=') {
                return None;
            }
            fields.push((b'e', [name.as_bytes(), b"=", value.as_bytes()].concat()));
        }
        encoded(&fields)
    }

    /// What a frame says; `None` where it says something that we don't know.
    pub(super) fn decode(frame: &[u8]) -> Option<Self> {
        let mut order = Self::default();
        for (tag, field) in frame::decode(frame) {
            match tag {
                b'x' => order.program = path(field),
                b'd' => order.folder = Some(path(field)),
                b'a' => order.arguments.push(OsString::from_vec(field)),
                b'e' => {
                    let at = field.iter().position(|byte| *byte == b'=')?;
                    let (name, value) = field.split_at_checked(at)?;
                    let value = value.get(1..)?.to_vec();
                    order
                        .environment
                        .push((OsString::from_vec(name.to_vec()), OsString::from_vec(value)));
                }
                _ => return None,
            }
        }
        Some(order)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = OsString> {
        prop::collection::vec(1..=255_u8, 0..20).prop_map(OsString::from_vec)
    }

    fn paths() -> impl Strategy<Value = Vec<PathBuf>> {
        prop::collection::vec(text().prop_map(PathBuf::from), 0..4)
    }

    proptest! {
        #[test]
        fn a_warden_hears_the_terms_that_were_said(
            limits in prop::collection::vec(any::<Option<u64>>(), 4),
            lists in prop::option::of((paths(), paths(), paths(), paths(), paths(), any::<bool>())),
            user in prop::option::of((any::<u32>(), any::<u32>())),
        ) {
            let terms = Terms {
                limits: GuestLimits { memory: limits[0], processes: limits[1], file_size: limits[2], open_files: limits[3] },
                confinement: lists.map(|(read, named, write, paths, families, network)| Confinement {
                    read, named, write, private: Arc::new(Private { paths, families }), network,
                }),
                user: user.map(|(id, group)| User { id, group }),
            };
            prop_assert_eq!(Terms::decode(&terms.encode().unwrap()), Some(terms));
        }

        #[test]
        fn a_warden_hears_the_order_that_was_given(
            program in text(), arguments in prop::collection::vec(text(), 0..5),
            environment in prop::collection::vec(("[A-Z]{1,8}".prop_map(OsString::from), text()), 0..5),
            folder in prop::option::of(text()),
        ) {
            let order = SpawnRequest { program: program.into(), arguments, environment, folder: folder.map(PathBuf::from) };
            prop_assert_eq!(SpawnRequest::decode(&order.encode().unwrap()), Some(order));
        }
    }

    #[test]
    fn what_is_ours_alone() {
        let private = Private {
            paths: vec!["/etc/mailjob/secrets".into(), "/srv/password".into()],
            families: vec!["/var/lib/mailjob/mailjob.".into()],
        };
        for ours in [
            "/etc/mailjob/secrets",
            "/etc/mailjob/secrets/a",
            "/srv/password",
            "/var/lib/mailjob/mailjob.db-wal",
            "/var/lib/mailjob/mailjob.key",
        ] {
            assert!(private.holds(Path::new(ours)), "{ours}");
        }
        for free in ["/etc/mailjob", "/srv/passwords", "/var/lib/mailjob/bin", "/"] {
            assert!(!private.holds(Path::new(free)), "{free}");
        }
        assert!(private.is(Path::new("/srv/password")) && private.is(Path::new("/var/lib/mailjob/mailjob.key")));
        assert!(private.is(Path::new("/etc/mailjob/secrets/a.toml")));
        assert!(!private.is(Path::new("/etc/mailjob/secrets/a.py")) && !private.is(Path::new("/srv/a.toml")));
        assert!(private.below(Path::new("/etc")).is_some());
        assert!(private.below(Path::new("/var/lib/mailjob")).is_some());
        assert!(private.below(Path::new("/usr")).is_none());
    }
}
