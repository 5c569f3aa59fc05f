use std::{fs, os::unix::fs::PermissionsExt};

use tempfile::TempDir;

use super::*;
use crate::secret::Secret;

fn write(path: &Path, text: &str, mode: u32) -> SecretRef {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    SecretRef::File(path.to_owned())
}

fn message(loaded: Result<SealKey, KeyError>) -> String {
    loaded.unwrap_err().to_string()
}

#[test]
fn the_first_start_makes_a_key_for_its_owner_only_and_later_ones_keep_it() {
    let folder = TempDir::new().unwrap();
    let ledger = folder.path().join("mailjob.db");
    let sealed = load(None, &ledger)
        .unwrap()
        .seal("contoso", &Secret::from("t"))
        .unwrap();
    let file = folder.path().join("mailjob.key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.trim_end().len(), 44, "32 bytes in base64");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");

    assert!(load(None, &ledger).unwrap().open("contoso", &sealed).is_ok());
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_key_that_another_process_made_meanwhile_is_kept() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("mailjob.key");
    write(&file, "theirs", 0o600);
    make(&file).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "theirs");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_key_is_beside_the_ledger() {
    for (ledger, key) in [
        ("mailjob.db", "mailjob.key"),
        ("/var/lib/mailjob/ledger", "/var/lib/mailjob/ledger.key"),
        ("odd.key", "odd.key.key"),
    ] {
        assert_eq!(beside(Path::new(ledger)), Path::new(key));
    }
}

#[test]
fn a_configured_key_that_is_missing_is_not_made() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("key");
    let said = message(load(Some(&SecretRef::File(file.clone())), Path::new("mailjob.db")));
    assert!(said.contains("put the key where `key` in [service] points"), "{said}");
    assert!(!file.exists());
}

#[test]
fn what_is_wrong_with_a_key_is_said_without_it() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("mailjob.key");
    let ledger = folder.path().join("mailjob.db");
    for (text, mode, words) in [
        ("not a key at all", 0o600, "mailjob.key is neither base64 nor hex"),
        ("bm90IGxvbmc=", 0o600, "mailjob.key has 8 bytes, not 32"),
        ("\n", 0o600, "is empty"),
        (&"ab".repeat(32), 0o644, "others can read it"),
        (&"ab".repeat(32), 0o620, "others can change it"),
    ] {
        write(&file, text, mode);
        let said = message(there(None, &ledger));
        assert!(said.contains(words), "{said}");
        assert!(text.trim().is_empty() || !said.contains(text), "{said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "never overwritten");
    }
}

#[test]
fn a_start_takes_its_own_key_from_others_and_no_configured_one() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("mailjob.key");
    let ledger = folder.path().join("mailjob.db");
    for mode in [0o644, 0o660, 0o620, 0o777] {
        let place = write(&file, &"ab".repeat(32), mode);
        let said = message(load(Some(&place), &ledger));
        assert!(said.contains("chmod 600"), "{said}");
        assert!(load(None, &ledger).is_ok());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_to_string(&file).unwrap(), "ab".repeat(32), "it stays the key");
    }
}

#[test]
fn a_folder_that_is_missing_is_told() {
    let said = message(load(None, Path::new("/no/such/folder/mailjob.db")));
    assert!(
        said.starts_with("the key file /no/such/folder/mailjob.key can't be made"),
        "{said}"
    );
}
