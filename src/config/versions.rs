//! The last good version of every file: what was in use before a file broke. Pure; where they are kept is the ledger's matter.
//!
//! An endpoint's version is kept with that of the `mailjob.toml` beside which it was right: together they can always be understood again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

pub use super::texts::{FileText, Texts};
use super::{EndpointName, files, loaded::Loaded};

/// The name under which versions of the shared settings are kept, whatever their file is called; no endpoint has it.
pub const SHARED: &str = "mailjob.toml";

/// A version of a file that was taken into use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// What the file said.
    pub text: FileText,
    /// The version of `mailjob.toml` that was beside it; nothing where there was none, and for `mailjob.toml` itself.
    pub beside: Option<i64>,
    /// When it was taken into use.
    pub taken: DateTime<Utc>,
}

/// A version as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptVersion {
    /// The endpoint's name, or that of the shared settings.
    pub file: String,
    /// Which of several.
    pub number: i64,
    /// The version.
    pub version: Version,
}

/// What changes in what is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revision {
    /// To be kept, in place of one of the same file and number.
    pub keep: Vec<KeptVersion>,
    /// To be dropped, by file and number.
    pub dropped: Vec<(String, i64)>,
}

impl Revision {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keep.is_empty() && self.dropped.is_empty()
    }

    /// This one, and then a later one: as one.
    pub fn then(&mut self, later: Self) {
        let is = |kept: &KeptVersion, file: &str, number: i64| kept.file == file && kept.number == number;
        for (file, number) in later.dropped {
            self.keep.retain(|kept| !is(kept, &file, number));
            self.dropped.push((file, number));
        }
        for new in later.keep {
            self.keep.retain(|kept| !is(kept, &new.file, new.number));
            self.dropped.retain(|(file, number)| !is(&new, file, *number));
            self.keep.push(new);
        }
    }
}

/// The last good versions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Versions {
    endpoints: BTreeMap<EndpointName, Version>,
    shared: BTreeMap<i64, Version>,
}

impl Versions {
    /// Those that were kept. One whose name no endpoint can have is passed over.
    #[must_use]
    pub fn of(kept: Vec<KeptVersion>) -> Self {
        let mut versions = Self::default();
        for KeptVersion { file, number, version } in kept {
            if file == SHARED {
                versions.shared.insert(number, version);
            } else if let Some(name) = EndpointName::new(&file) {
                versions.endpoints.insert(name, version);
            }
        }
        versions
    }

    /// Whether nothing was ever in use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty() && self.shared.is_empty()
    }

    /// The endpoint's last good version.
    #[must_use]
    pub fn endpoint(&self, name: &EndpointName) -> Option<&Version> {
        self.endpoints.get(name)
    }

    /// The endpoints that have one.
    pub fn names(&self) -> impl Iterator<Item = &EndpointName> {
        self.endpoints.keys()
    }

    /// A version of `mailjob.toml` by its number.
    #[must_use]
    pub fn shared(&self, number: i64) -> Option<&Version> {
        self.shared.get(&number)
    }

    /// The last good version of `mailjob.toml`, with its number.
    #[must_use]
    pub fn newest_shared(&self) -> Option<(i64, &Version)> {
        self.shared.last_key_value().map(|(number, version)| (*number, version))
    }

    /// Whether the last good `mailjob.toml` set anything.
    #[must_use]
    pub fn has_settings(&self) -> bool {
        let newest = self.newest_shared();
        newest.is_some_and(|(_, version)| files::says_anything(version.text.as_str()))
    }

    /// Takes what is right now for the last good versions, and forgets endpoints whose file was removed. Gives back what that changes.
    pub fn take(&mut self, loaded: &Loaded, now: DateTime<Utc>) -> Revision {
        let mut revision = Revision::default();
        let beside = self.take_shared(&loaded.texts, now, &mut revision);
        for (name, text) in &loaded.texts.endpoints {
            if self
                .endpoints
                .get(name)
                .is_some_and(|known| known.text == *text && known.beside == beside)
            {
                continue;
            }
            let version = Version {
                text: text.clone(),
                beside,
                taken: now,
            };
            self.endpoints.insert(name.clone(), version.clone());
            revision.keep.push(KeptVersion {
                file: name.to_string(),
                number: 0,
                version,
            });
        }
        if loaded.listed {
            let there: BTreeSet<_> = loaded.names().chain(&loaded.away).collect();
            let gone = self.endpoints.keys().filter(|name| !there.contains(name));
            for name in gone.cloned().collect::<Vec<_>>() {
                self.endpoints.remove(&name);
                revision.dropped.push((name.to_string(), 0));
            }
        }
        let used: BTreeSet<_> = self.endpoints.values().filter_map(|version| version.beside).collect();
        let newest = self.newest_shared().map(|(number, _)| number);
        let unused = self
            .shared
            .keys()
            .filter(|number| !used.contains(number) && Some(**number) != newest);
        for number in unused.copied().collect::<Vec<_>>() {
            self.shared.remove(&number);
            revision.dropped.push((SHARED.to_owned(), number));
        }
        revision
    }

    /// The number of the version that is beside the endpoints now.
    fn take_shared(&mut self, texts: &Texts, now: DateTime<Utc>, revision: &mut Revision) -> Option<i64> {
        if !texts.has_shared {
            return None;
        }
        let newest = self.newest_shared();
        let last = newest.map(|(number, _)| number);
        let Some(text) = texts
            .shared
            .as_ref()
            .filter(|text| newest.is_none_or(|(_, known)| known.text != **text))
        else {
            return last;
        };
        let number = last.unwrap_or(0).saturating_add(1);
        let version = Version {
            text: text.clone(),
            beside: None,
            taken: now,
        };
        self.shared.insert(number, version.clone());
        revision.keep.push(KeptVersion {
            file: SHARED.to_owned(),
            number,
            version,
        });
        Some(number)
    }
}

#[cfg(test)]
#[path = "versions_tests.rs"]
mod tests;
