//! Endpoint files as they were read before: one that says the same, beside a `mailjob.toml` that says the same, need not be understood again.
//! Who has read a file's text asks here.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Account,
    check::{Accounts, EndpointDraft},
    sheet::Checked,
};

/// What was made of the files at the last time.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    shared: SharedInputs,
    files: HashMap<PathBuf, RememberedFile>,
    /// Files that were understood anew since the last [`Remembered::beside`].
    understood: usize,
}

/// What all of them depend on.
#[derive(Debug, Default, PartialEq)]
struct SharedInputs {
    /// The text of `mailjob.toml`; nothing where it can't be read, or there is none.
    text: Option<String>,
    accounts: Vec<(String, Option<Arc<Account>>)>,
    more: bool,
}

#[derive(Debug)]
struct RememberedFile {
    text: String,
    part: Checked<EndpointDraft>,
    /// Whether it was asked for since the last [`Remembered::beside`].
    used: bool,
}

impl RememberedFile {
    /// Whether the templates that it names are what they were.
    fn is_as_it_was(&self) -> bool {
        self.part.needs.iter().all(|needed| needed.need.is_as_it_was())
    }
}

impl Remembered {
    /// Begins a new look. All is forgotten when what endpoints share is not what it was.
    pub(super) fn beside(&mut self, text: Option<&str>, accounts: &Accounts) {
        let shared = SharedInputs {
            text: text.map(str::to_owned),
            accounts: accounts.by_name.clone().into_iter().collect(),
            more: accounts.more,
        };
        if shared != self.shared {
            self.files.clear();
            self.shared = shared;
        }
        self.files.retain(|_, file| std::mem::take(&mut file.used));
        self.understood = 0;
    }

    /// What this file says; `understand` is asked when that is not known.
    pub(super) fn part(
        &mut self,
        file: &Path,
        text: String,
        understand: impl FnOnce(&str) -> Checked<EndpointDraft>,
    ) -> Checked<EndpointDraft> {
        if let Some(known) = self
            .files
            .get_mut(file)
            .filter(|known| known.text == text && known.is_as_it_was())
        {
            known.used = true;
            return known.part.clone();
        }
        self.understood += 1;
        let part = understand(&text);
        let known = RememberedFile {
            text,
            part: part.clone(),
            used: true,
        };
        self.files.insert(file.to_owned(), known);
        part
    }

    #[cfg(test)]
    pub(super) fn understood(&self) -> usize {
        self.understood
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::config::load::{Loaded, PreviousLoad, Sources, load, load_beside};

    struct Folder {
        dir: TempDir,
        remembered: Remembered,
    }

    impl Folder {
        fn write(&self, name: &str, text: &str) {
            fs::write(self.dir.path().join(name), text).unwrap();
        }

        fn endpoint(&self, name: &str, url: &str, more: &str) {
            let text = format!(
                "[mailbox]\naccount = \"a\"\nname = \"{name}\"\n[webhook]\nurl = \"https://{url}.example/\"\n{more}"
            );
            self.write(&format!("{name}.toml"), &text);
        }

        /// How many files were understood, and what a start would read.
        fn look(&mut self) -> (usize, Loaded) {
            let sources = Sources {
                endpoints: self.dir.path().to_owned(),
                config: Some(self.dir.path().join("mailjob.toml")),
            };
            let loaded = load_beside(&sources, &PreviousLoad::default(), &mut self.remembered);
            assert_eq!(loaded, load(&sources), "as if nothing had been remembered");
            (self.remembered.understood(), loaded)
        }
    }

    const ACCOUNT: &str = "[accounts.a]\nuser = \"a\"\npassword = { env = \"PATH\" }\nimap = { host = \"mail.example.com\" }\n\
                           smtp = { host = \"mail.example.com\" }\nfrom = \"a@example.com\"\n";

    #[test]
    fn only_what_changed_is_understood_anew() {
        let mut folder = Folder {
            dir: tempfile::tempdir().unwrap(),
            remembered: Remembered::default(),
        };
        folder.write("mailjob.toml", ACCOUNT);
        folder.write("reply.txt", "Booked");
        for name in ["one", "two"] {
            folder.endpoint(name, "old", "");
        }
        folder.endpoint(
            "three",
            "old",
            "[reply]\nto = \"sender\"\ntext = { file = \"reply.txt\" }\n",
        );
        let (understood, loaded) = folder.look();
        assert_eq!((understood, loaded.endpoints.len()), (3, 3), "{:?}", loaded.problems);
        assert_eq!(folder.look().0, 0);

        folder.endpoint("two", "new", "");
        assert_eq!(folder.look().0, 1);
        folder.write("reply.txt", "Noted");
        assert_eq!(folder.look().0, 1, "its template changed");
        folder.write("one.toml", "[mailbox");
        assert_eq!(folder.look().0, 1);
        let (understood, broken) = folder.look();
        assert_eq!(
            (understood, broken.broken.len()),
            (0, 1),
            "what is wrong is remembered too"
        );

        folder.write(
            "mailjob.toml",
            &format!("{ACCOUNT}[defaults.limits]\nsize = \"1MiB\"\n"),
        );
        assert_eq!(folder.look().0, 3, "defaults count for all");
        fs::remove_file(folder.dir.path().join("two.toml")).unwrap();
        folder.look();
        folder.look();
        assert_eq!(folder.remembered.files.len(), 2, "what is gone is forgotten");
        folder.write("mailjob.toml", "[accounts");
        assert_eq!(folder.look().0, 2);
    }
}
