//! Says which build this is, for `mailjob --version`: the commit, the Rust, the features.
//!
//! A release knows its commit by MAILJOB_COMMIT or by git; where there is neither, as in an unpacked archive, it says "unknown". Other builds
//! don't ask: a commit would compile everything anew.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=MAILJOB_COMMIT");
    let commit = match env::var("MAILJOB_COMMIT") {
        Ok(commit) if !commit.is_empty() => format!("commit {}", short(&commit)),
        _ if env::var("PROFILE").as_deref() == Ok("release") => {
            format!("commit {}", by_git().unwrap_or_else(|| "unknown".to_owned()))
        }
        _ => "development build".to_owned(),
    };
    println!(
        "cargo::rustc-env=MAILJOB_BUILD={commit}, Rust {}, {}",
        rust(),
        features()
    );
}

/// As git shortens one.
fn short(commit: &str) -> String {
    commit.trim().chars().take(12).collect()
}

/// The commit that is checked out here. Another repository around this folder does not count.
fn by_git() -> Option<String> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?);
    let top = git(&here, &["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != here.canonicalize().ok()? {
        return None;
    }
    // What changes when another commit is checked out or made. What is not there would count as changed each time.
    for name in ["HEAD", "logs/HEAD", "packed-refs", "reftable/tables.list"] {
        if let Some(path) = git(&here, &["rev-parse", "--git-path", name]).map(|path| here.join(path))
            && path.exists()
        {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    git(&here, &["rev-parse", "HEAD"]).map(|commit| short(&commit))
}

/// What git says; nothing where there is none, or it says no.
fn git(folder: &Path, words: &[&str]) -> Option<String> {
    let said = Command::new("git").arg("-C").arg(folder).args(words).output().ok()?;
    let said = said.status.success().then_some(said.stdout)?;
    Some(String::from_utf8(said).ok()?.trim_end().to_owned())
}

/// The version of the compiler.
fn rust() -> String {
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(compiler).arg("--version").output();
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    said.ok()
        .and_then(|said| said.split(' ').nth(1).map(|version| version.trim_end().to_owned()))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The features that are on, as Cargo.toml writes them.
fn features() -> String {
    let mut features: Vec<_> = env::vars()
        .filter_map(|(name, _)| Some(name.strip_prefix("CARGO_FEATURE_")?.to_lowercase().replace('_', "-")))
        .filter(|feature| feature != "default")
        .collect();
    features.sort();
    match features.is_empty() {
        true => "no features".to_owned(),
        false => format!("features {}", features.join(" ")),
    }
}
