//! No refresh token is in any file, and none is printed.

use std::path::Path;

use super::{
    sign_ins::{old_ledger, sealed},
    *,
};
use crate::{
    auth::{SealKey, StoredToken, TokenStore},
    ledger::Vault,
    secret::{ExposeSecret, Secret},
};

const CANARY: &str = "0.AXoAcanary-that-must-not-sing";

fn key(digits: &str) -> Arc<SealKey> {
    Arc::new(SealKey::parse(&Secret::from(digits.repeat(32))).unwrap())
}

fn token(text: &str) -> StoredToken {
    StoredToken {
        refresh_token: Secret::from(text),
        origin: Some([7; 32]),
        issued: DateTime::UNIX_EPOCH,
        signed_in: DateTime::UNIX_EPOCH,
    }
}

/// The files of a folder in which any of these words is.
fn found_in(folder: &Path, words: &[&str]) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        words
            .iter()
            .any(|word| bytes.windows(word.len()).any(|part| part == word.as_bytes()))
    };
    files.filter(holds).map(|path| path.display().to_string()).collect()
}

#[tokio::test]
async fn a_token_is_in_no_file() {
    let mut d = Desktop::new().await;
    let vault = Vault::new(d.ledger.clone(), key("6b"));
    vault.save("contoso", token(CANARY)).await.unwrap();
    assert_eq!(found_in(d.folder.path(), &[CANARY]), [""; 0], "while it is open");
    let stored = vault.load("contoso").await.unwrap();
    let kept = stored.token.as_ref().unwrap();
    assert_eq!(kept.refresh_token.expose_secret(), CANARY);
    assert_eq!((kept.origin, kept.issued), (Some([7; 32]), DateTime::UNIX_EPOCH));

    for printed in [
        format!("{stored:?}"),
        format!("{:?}", d.ledger.sign_ins().await.unwrap()),
        format!("{:?}", token(CANARY)),
        format!("{:?}", sealed(CANARY, DateTime::UNIX_EPOCH)),
    ] {
        assert!(!printed.contains("canary"), "{printed}");
        assert!(
            !printed.contains(&format!("{:?}", &CANARY.as_bytes()[..4])),
            "{printed}"
        );
    }
    drop(vault);
    d.reopen().await;
    assert_eq!(found_in(d.folder.path(), &[CANARY]), [""; 0], "after a restart");
    assert!(
        !found_in(d.folder.path(), &["contoso"]).is_empty(),
        "the look finds what is there"
    );
}

#[tokio::test]
async fn another_key_opens_nothing_and_says_what_to_do() {
    let d = Desktop::new().await;
    let vault = Vault::new(d.ledger.clone(), key("6b"));
    vault.save("contoso", token(CANARY)).await.unwrap();
    let other = Vault::new(d.ledger.clone(), key("6c"));
    let error = other.load("contoso").await.unwrap_err().to_string();
    assert!(
        error.contains("another key") && error.contains("mailjob auth login contoso"),
        "{error}"
    );
    other.save("contoso", token("anew")).await.unwrap();
    let anew = other.load("contoso").await.unwrap().token.unwrap();
    assert_eq!(anew.refresh_token.expose_secret(), "anew");
    assert!(other.load("nobody").await.unwrap().token.is_none());
}

/// Long tokens lie on pages of their own, and each change leaves the old one behind in free space.
fn plain_texts() -> Vec<(&'static str, String)> {
    let text = |word: &str, length| format!("{word}{}", "-canary".repeat(length));
    vec![
        ("contoso", text("oldest", 900)),
        ("contoso", text("older", 300)),
        ("contoso", text("newest", 20)),
        ("fabrikam", text("short", 2)),
        ("fabrikam", text("shorter", 1)),
        ("fabrikam", text("longest", 1500)),
    ]
}

#[tokio::test]
async fn plain_tokens_of_the_first_schema_are_sealed_and_leave_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mailjob.db");
    let texts = plain_texts();
    let tokens: Vec<_> = texts.iter().map(|(account, text)| (*account, text.as_str())).collect();
    old_ledger(&path, &tokens);
    assert!(!found_in(folder.path(), &["-canary"]).is_empty());

    let ledger = Arc::new(open(&path, Hands::new().clock()).await.unwrap());
    ledger.seal_plain(key("6b")).await.unwrap();
    assert_eq!(found_in(folder.path(), &["-canary"]), [""; 0]);

    let vault = Vault::new(ledger.clone(), key("6b"));
    for (account, text) in [tokens[2], tokens[5]] {
        let stored = vault.load(account).await.unwrap();
        let token = stored.token.unwrap();
        assert_eq!(token.refresh_token.expose_secret(), text);
        assert_eq!(token.origin, Some([7; 32]));
        assert_eq!(token.issued.timestamp(), 1_800_000_000);
        assert_eq!(stored.refreshed, Some(token.signed_in));
    }
    let before = ledger.sign_ins().await.unwrap();
    ledger.seal_plain(key("6c")).await.unwrap();
    assert_eq!(
        ledger.sign_ins().await.unwrap(),
        before,
        "there is nothing to seal any more"
    );
}

#[tokio::test]
async fn a_start_that_died_before_the_wiping_is_made_good_by_the_next() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mailjob.db");
    let texts = plain_texts();
    let tokens: Vec<_> = texts.iter().map(|(account, text)| (*account, text.as_str())).collect();
    old_ledger(&path, &tokens);
    let side = ExternalSqlite::open(&path).await.unwrap();
    let mut db = schema::side(&path).unwrap();
    plain_tokens::move_all(&mut db, &key("6b")).unwrap();
    drop(db);
    assert!(
        !found_in(folder.path(), &["-canary"]).is_empty(),
        "older ones are in free space"
    );

    side.seal_plain(key("6b")).await.unwrap();
    assert_eq!(found_in(folder.path(), &["-canary"]), [""; 0]);
    assert_eq!(side.sign_ins().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_sign_in_that_was_made_since_is_not_replaced_by_an_old_token() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mailjob.db");
    old_ledger(&path, &[("contoso", "old")]);
    let side = ExternalSqlite::open(&path).await.unwrap();
    let vault = Vault::new(Arc::new(side.clone()), key("6b"));
    vault.save("contoso", token("new")).await.unwrap();
    side.seal_plain(key("6b")).await.unwrap();
    let kept = vault.load("contoso").await.unwrap().token.unwrap();
    assert_eq!(kept.refresh_token.expose_secret(), "new");
}

#[tokio::test]
async fn what_a_file_said_is_kept_and_in_no_file() {
    use crate::{
        config::versions::{FileText, KeptVersion, Revision, Version},
        ledger::Archive,
    };
    let kept = |file: &str, number, text: &str| KeptVersion {
        file: file.to_owned(),
        number,
        version: Version {
            text: FileText::from(text),
            beside: (file != "mailjob.toml").then_some(number),
            taken: DateTime::UNIX_EPOCH,
        },
    };
    let secret = format!("secret = \"{CANARY}\"\n");
    let mut d = Desktop::new().await;
    let archive = Archive::new(d.ledger.clone(), key("6b"));
    let first = [kept("mailjob.toml", 1, &secret), kept("orders", 0, &secret)];
    let revision = |keep: &[KeptVersion], dropped: &[(&str, i64)]| Revision {
        keep: keep.to_vec(),
        dropped: dropped
            .iter()
            .map(|(file, number)| ((*file).to_owned(), *number))
            .collect(),
    };
    archive.revise(revision(&first, &[])).await.unwrap();
    assert_eq!(archive.load().await.unwrap(), (first.to_vec(), Vec::new()));
    assert_eq!(found_in(d.folder.path(), &[CANARY]), [""; 0], "while it is open");
    let rows = format!(
        "{:?}",
        crate::ledger::VersionTable::versions(d.ledger.as_ref()).await.unwrap()
    );
    assert!(!rows.contains("sealed"), "{rows}");

    let other = Archive::new(d.ledger.clone(), key("5a"));
    let closed = ["mailjob.toml", "orders"].map(ToOwned::to_owned).to_vec();
    assert_eq!(
        other.load().await.unwrap(),
        (Vec::new(), closed),
        "another key opens nothing"
    );

    let second = [kept("mailjob.toml", 2, "x"), kept("orders", 0, "y")];
    archive.revise(revision(&second, &[("mailjob.toml", 1)])).await.unwrap();
    d.reopen().await;
    let archive = Archive::new(d.ledger.clone(), key("6b"));
    assert_eq!(archive.load().await.unwrap().0, second);
}
