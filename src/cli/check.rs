//! `mailjob check`: every problem of every file to stderr, what would run to stdout. Changes nothing, connects nowhere but with
//! `--live`.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use chrono::{DateTime, Timelike as _, Utc};
use chrono_tz::Tz;

use super::{
    doctor::{self, Form},
    print,
    terminal::fitting,
};
use crate::config::{
    Backlog, Endpoint, Letter, Reply, ReplyTo, Since, Watch,
    load::{Loaded, Sources, load, load_offline, load_without_secrets},
    rescue::Lapse,
};
use crate::doctor::{Finding, Report, render};
use crate::status::state::time;

/// Looks that are further apart are no burden to the large providers.
const SELDOM: Duration = Duration::from_secs(10);
/// Times of a cron pattern that are shown.
const SHOWN: usize = 3;

/// How far a check looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// At all that the files need on this machine.
    Machine,
    /// The same but secrets, which are on the machine that runs.
    ButSecrets,
    /// At the files, and what lies beside them.
    Files,
}

/// Checks the configuration. The exit code is 0, 78 (`EX_CONFIG`) when there is a problem, or 74 (`EX_IOERR`) when it
/// could not be told.
pub(super) fn check(sources: &Sources, depth: Depth, form: Form) -> ExitCode {
    let loaded = match depth {
        Depth::Machine => load(sources),
        Depth::ButSecrets => load_without_secrets(sources),
        Depth::Files => load_offline(sources),
    };
    let (mut out, mut err) = (print::stdout(), io::stderr().lock());
    let told = match form {
        Form::Human => report(&loaded, &mut out, &mut err),
        Form::Json => writeln!(out, "{}", document(&loaded)),
    };
    match told {
        // A first start refuses a `mailjob.toml` that sets nothing, and a later one takes it for broken.
        Ok(()) if Lapse::of(sources, &loaded) == Some(Lapse::Silent) => ExitCode::from(78),
        Ok(()) if loaded.problems.is_empty() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::from(78),
        Err(_) => ExitCode::from(74),
    }
}

/// What is wrong for machines: a document as `mailjob check --live --json` prints it, of the files alone.
fn document(loaded: &Loaded) -> String {
    render::json(&Report {
        findings: loaded.told().map(Finding::of_problem).collect(),
    })
}

/// Checks the configuration, then examines the endpoints that are right.
pub(super) async fn live(sources: &Sources, form: Form) -> ExitCode {
    let loaded = load(sources);
    let told = match form {
        Form::Human => report(&loaded, &mut print::stdout(), &mut io::stderr().lock()),
        Form::Json => Ok(()),
    };
    match told {
        Ok(()) => doctor::live(&loaded, form).await,
        Err(_) => ExitCode::from(74),
    }
}

fn report(loaded: &Loaded, out: &mut impl Write, err: &mut impl Write) -> io::Result<()> {
    for problem in loaded.told() {
        writeln!(err, "{}", problem.render())?;
    }
    for hint in &loaded.hints {
        writeln!(err, "note: {hint}")?;
    }
    let now = Utc::now();
    for endpoint in loaded.endpoints.values() {
        writeln!(out, "{}", fitting(&line(endpoint, now)))?;
    }
    for name in &loaded.disabled {
        writeln!(out, "{name}: disabled")?;
    }
    let right = counted(loaded.endpoints.len(), "endpoint");
    let problems = match loaded.told().count() {
        0 => "no problems".to_owned(),
        some => counted(some, "problem"),
    };
    writeln!(out, "{right} would run, {} would not; {problems}", loaded.broken.len())?;
    if loaded.start().is_none() {
        writeln!(out, "mailjob run would not start with this")?;
    }
    out.flush()
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// An endpoint in one line: where mail comes from, what is done, who hears of it.
fn line(endpoint: &Endpoint, now: DateTime<Utc>) -> String {
    let mailbox = &endpoint.mailbox;
    let watch = match &mailbox.watch {
        Watch::Idle { .. } => "as it comes".to_owned(),
        Watch::Every(interval) if *interval < SELDOM => {
            format!("every {interval:?} (often: large providers limit how often one may ask)")
        }
        Watch::Every(interval) => format!("every {interval:?}"),
        Watch::Cron { pattern, zone } => {
            let next = next(pattern, *zone, now).join(", ");
            format!("at {} {zone} (next: {next})", pattern.as_str())
        }
    };
    let action = endpoint.action.describe().summary();
    let (user, reply) = (&mailbox.account.user, answered(&endpoint.reply));
    format!(
        "{}: {user} {}, {watch}{} → {action} → {reply}",
        endpoint.name,
        mailbox.name,
        before(mailbox.looks.backlog)
    )
}

/// The next times of a pattern: what it means shows best there.
fn next(pattern: &croner::Cron, zone: Tz, now: DateTime<Utc>) -> Vec<String> {
    let mut times = Vec::new();
    let mut from = now.with_timezone(&zone);
    for _ in 0..SHOWN {
        let Ok(time) = pattern.find_next_occurrence(&from, false) else {
            break;
        };
        let seconds = if time.second() == 0 { "" } else { ":%S" };
        times.push(time.format(&format!("%a %Y-%m-%d %H:%M{seconds}")).to_string());
        from = time;
    }
    times
}

/// What becomes of mails that lie there at the first start.
fn before(backlog: Option<Backlog>) -> String {
    match backlog {
        None | Some(Backlog::Skip) => " from the first start on (what lies there before is left)".to_owned(),
        Some(Backlog::Process) => ", at the first start also all that lies there".to_owned(),
        Some(Backlog::Since(Since::At(at))) => format!(", at the first start also what came since {}", time(at)),
        Some(Backlog::Since(Since::Age(age))) => {
            format!(", at the first start also what came in the {} before", span(age))
        }
    }
}

/// In days, else in hours, else in seconds.
fn span(age: Duration) -> String {
    match age.as_secs() {
        seconds if seconds > 0 && seconds % 86_400 == 0 => counted_u64(seconds / 86_400, "day"),
        seconds if seconds > 0 && seconds % 3_600 == 0 => counted_u64(seconds / 3_600, "hour"),
        seconds => counted_u64(seconds, "second"),
    }
}

fn counted_u64(count: u64, what: &str) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), what)
}

fn answered(reply: &Reply) -> String {
    let to = |letter: Option<&Letter>| {
        let names = letter.map_or(&[][..], |letter| &letter.to).iter().map(|to| match to {
            ReplyTo::Sender => "the sender",
            ReplyTo::From => "its From",
            ReplyTo::Address(address) => address.as_str(),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    match (to(reply.success.as_ref()), to(reply.failure.as_ref())) {
        (success, failure) if success.is_empty() && failure.is_empty() => "no reply".to_owned(),
        (success, failure) if success == failure => format!("reply to {success}"),
        (success, failure) if failure.is_empty() => format!("reply of success to {success}"),
        (success, failure) if success.is_empty() => format!("reply of failure to {failure}"),
        (success, failure) => format!("reply of success to {success}, of failure to {failure}"),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use super::*;

    const ENDPOINT: &str = r#"
        [mailbox]
        account = { user = "orders", password = { file = "secret.txt" }, imap = { host = "mail.example.com" } }
        [webhook]
        url = "https://erp.example/hook?key=1"
    "#;

    fn checked(files: &[(&str, &str)]) -> (String, String, Loaded) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files.iter().chain(&[("secret.txt", "s3cret")]) {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let sources = Sources {
            endpoints: folder.path().to_owned(),
            config: None,
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let loaded = load(&sources);
        report(&loaded, &mut out, &mut err).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&prefix(folder.path()), "");
        (text(out), text(err), loaded)
    }

    fn prefix(folder: &Path) -> String {
        format!("{}/", folder.display())
    }

    #[test]
    fn what_is_right_is_listed() {
        let (out, err, loaded) = checked(&[("a.toml", ENDPOINT)]);
        assert_eq!(
            out,
            "a: orders INBOX, as it comes from the first start on (what lies there before is left) → POST https://erp.example/hook → no reply\n\
             1 endpoint would run, 0 would not; no problems\n"
        );
        assert_eq!(err, "");
        assert!(loaded.problems.is_empty());
    }

    #[test]
    fn what_becomes_of_old_mail_is_said() {
        for (backlog, said) in [
            ("\"skip\"", "from the first start on (what lies there before is left)"),
            ("\"process\"", "at the first start also all that lies there"),
            (
                "{ since = \"7d\" }",
                "at the first start also what came in the 7 days before",
            ),
            (
                "{ since = \"36h\" }",
                "at the first start also what came in the 36 hours before",
            ),
            (
                "{ since = \"2026-11-01\" }",
                "at the first start also what came since 2026-11-01 00:00:00 UTC",
            ),
            (
                "{ since = 2026-11-01T08:00:00+01:00 }",
                "at the first start also what came since 2026-11-01 07:00:00 UTC",
            ),
        ] {
            let file = ENDPOINT.replace("[webhook]", &format!("backlog = {backlog}\n[webhook]"));
            let (out, err, _) = checked(&[("a.toml", &file)]);
            assert!(out.contains(said), "{backlog}: {out}{err}");
        }
        let old = ENDPOINT.replace("[webhook]", "backlog_limit = 7\n[webhook]");
        let (_, err, _) = checked(&[("a.toml", &old)]);
        assert!(
            err.contains("`mailbox.backlog_limit` has no use any more") && !err.contains("unknown key"),
            "{err}"
        );
    }

    #[test]
    fn the_next_times_of_a_cron_pattern_are_shown() {
        let file = ENDPOINT.replace(
            "[webhook]",
            "cron = \"0 6 * * MON-FRI\"\ntimezone = \"Europe/Berlin\"\n[webhook]",
        );
        let (_, err, loaded) = checked(&[("a.toml", &file)]);
        assert_eq!(err, "");
        let friday = DateTime::parse_from_rfc3339("2026-11-27T04:59:00Z").unwrap().to_utc();
        let endpoint = loaded.endpoints.values().next().unwrap();
        let line = line(endpoint, friday);
        let next = "(next: Fri 2026-11-27 06:00, Mon 2026-11-30 06:00, Tue 2026-12-01 06:00)";
        assert!(line.contains(next), "{line}");
    }

    #[test]
    fn what_is_disabled_or_looks_often_is_said() {
        let often = ENDPOINT.replace("[webhook]", "every = \"9s\"\n[webhook]");
        let disabled = format!("enabled = false\n{ENDPOINT}");
        let (out, err, _) = checked(&[("a.toml", &often), ("b.toml", &disabled)]);
        assert!(out.starts_with("a: orders INBOX, every 9s (often: "), "{out}");
        assert!(
            out.ends_with("\nb: disabled\n1 endpoint would run, 0 would not; no problems\n"),
            "{out}"
        );
        assert_eq!(err, "");
    }

    #[test]
    fn what_is_wrong_goes_to_stderr_and_is_counted() {
        let (out, err, _) = checked(&[("a.toml", ENDPOINT), ("b.toml", "concurency = 1\n")]);
        assert!(
            out.ends_with("1 endpoint would run, 1 would not; 3 problems\n"),
            "{out}"
        );
        assert!(
            err.contains("b.toml:1:1: unknown key `concurency`\n    1 | concurency …\n"),
            "{err}"
        );
        assert_eq!(err.matches("      = ").count(), 3);
    }

    #[test]
    fn a_document_tells_what_is_wrong_without_a_look_at_servers() {
        let (_, _, loaded) = checked(&[("a.toml", ENDPOINT), ("b.toml", "concurency = 1\n")]);
        let read: serde_json::Value = serde_json::from_str(&document(&loaded)).unwrap();
        assert_eq!(
            (&read["well"], read["findings"].as_array().unwrap().len()),
            (&false.into(), 3)
        );
        let first = &read["findings"][0];
        assert!(first["name"].as_str().unwrap().ends_with("b.toml:1:1"), "{first}");
        assert_eq!(first["stage"], "config");
        let (_, _, loaded) = checked(&[("a.toml", ENDPOINT)]);
        let read: serde_json::Value = serde_json::from_str(&document(&loaded)).unwrap();
        assert_eq!(read["well"], true);
    }

    #[test]
    fn the_exit_code_is_for_scripts() {
        let sources = |endpoints: &str| Sources {
            endpoints: endpoints.into(),
            config: None,
        };
        let folder = tempfile::tempdir().unwrap();
        let code = |code: ExitCode| format!("{code:?}");
        assert_eq!(
            code(check(
                &sources(folder.path().to_str().unwrap()),
                Depth::Machine,
                Form::Human
            )),
            code(ExitCode::SUCCESS)
        );
        for form in [Form::Human, Form::Json] {
            let missing = check(&sources("/no/such/folder"), Depth::Files, form);
            assert_eq!(code(missing), code(ExitCode::from(78)));
        }
    }
}
