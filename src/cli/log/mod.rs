//! The log: one line an event on stderr, for people or for machines. One that can't be written is lost, and nothing else is.

mod sink;

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::Path,
};

use chrono::{SecondsFormat, Utc};
use prometheus_client::metrics::counter::Counter;
use rustix::fs::OFlags;
use serde_json::json;
use tracing_subscriber::{EnvFilter, filter::Directive};

use self::sink::LogSink;
use super::terminal::has_colours;
use crate::{
    message::clean::{escaped, in_units, needs_escape},
    secret::known,
};

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    Human,
    /// A JSON object a line.
    Json,
}

/// Writes what is logged without secrets of ours, and without what a terminal obeys or turns the reading direction: an event may hold the words
/// of a server. Colours are ours: what an event holds of their kind was escaped before.
struct Plain<W>(W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, said: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(said);
        let text = known::strike(&text);
        // An event comes as a whole and goes on as one.
        if text.contains(is_odd) {
            // In JSON it is the same document, to people it says which character it was.
            self.0.write_all(in_units(&text, is_odd).as_bytes())?;
        } else {
            self.0.write_all(text.as_bytes())?;
        }
        Ok(said.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Standard error, or that there is none: what is written then is lost, and counted.
struct LogStderr {
    is_closed: bool,
}

impl Write for LogStderr {
    fn write(&mut self, said: &[u8]) -> io::Result<usize> {
        match self.is_closed {
            true => Err(io::Error::other("standard error was closed when this process began")),
            false => io::stderr().write(said),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Whether standard error was closed when we started. Rust's runtime has put `/dev/null` there by now, opened for reading and writing; whoever
/// throws a log away on purpose (`2>/dev/null`, `StandardError=null`) has it opened for writing alone.
fn is_closed() -> bool {
    let stderr = io::stderr();
    let device = rustix::fs::fstat(&stderr).map(|stat| stat.st_rdev);
    let mode = rustix::fs::fcntl_getfl(&stderr).map(|flags| flags & OFlags::RWMODE);
    was_closed(device.ok(), mode.ok())
}

/// The same, by the device that is there and how it was opened. Pure.
fn was_closed(device: Option<u64>, mode: Option<OFlags>) -> bool {
    device == Some(rustix::fs::makedev(1, 3)) && mode == Some(OFlags::RDWR)
}

fn is_odd(c: char) -> bool {
    needs_escape(c) && !matches!(c, '\n' | '\t' | '\u{1b}')
}

/// That lines are missing, as a line of this form. Pure.
fn missing(form: LogFormat, at: &str, lost: u64, why: &str) -> String {
    let words = "lines of the log could not be written and are lost; the rest goes on";
    match form {
        LogFormat::Human => format!("{at}  WARN {words} lost={lost} error={why}\n"),
        LogFormat::Json => {
            let line = json!({ "timestamp": at, "level": "WARN", "message": words, "lost": lost, "error": why });
            format!("{line}\n")
        }
    }
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// What `MAILJOB_LOG` asks for that can be, and what can't: a word that is neither a level nor a part of a program would turn all else off. Pure.
fn levels(asked: &str) -> (String, Vec<&str>) {
    let is_level = |word: &str| {
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        levels.iter().any(|level| level.eq_ignore_ascii_case(word))
    };
    let is_part = |word: &str| word.starts_with("mailjob") || word.contains("::") || word.starts_with('[');
    let is_known = |one: &&str| match one.rsplit_once('=') {
        Some((_, level)) => is_level(level),
        None => is_level(one) || is_part(one),
    };
    let words = asked.split(',').map(str::trim).filter(|one| !one.is_empty());
    let (known, odd): (Vec<_>, Vec<_>) = words.partition(is_known);
    (known.join(","), odd)
}

/// Bytes of a log in a file that nobody looks after.
const FILE: u64 = 10 << 20;

/// A log's file, up to its largest size.
struct LogFile {
    file: fs::File,
    room: u64,
}

impl Write for LogFile {
    fn write(&mut self, said: &[u8]) -> io::Result<usize> {
        self.room = self
            .room
            .checked_sub(said.len() as u64)
            .ok_or(io::ErrorKind::FileTooLarge)?;
        self.file.write(said)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Starts logging on standard error, at `info` or as `MAILJOB_LOG` says (e.g. `debug`, `mailjob::watch=debug`). Lines that can't be written are
/// counted.
pub(super) fn start(form: LogFormat, lost: Counter) {
    let to = LogStderr { is_closed: is_closed() };
    begin(form, lost, to, has_colours(std::io::stderr().is_terminal()));
}

/// The same in a new file, for people; its first 10 MB.
pub(super) fn start_in(path: &Path) -> io::Result<()> {
    let file = fs::File::create_new(path)?;
    let to = LogFile { file, room: FILE };
    begin(LogFormat::Human, Counter::default(), to, false);
    Ok(())
}

fn begin(form: LogFormat, lost: Counter, to: impl Write + Send + 'static, has_colours: bool) {
    let wanted = std::env::var("MAILJOB_LOG").unwrap_or_default();
    let (levels, odd) = levels(&wanted);
    let asked = EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::INFO.into())
        .parse_lossy(levels);
    // At `trace` these libraries print access tokens and whole mails, and the watch over the configuration tells of each line
    // that is written to a log beside it, in a line.
    let filter = [
        "tokio_cron_scheduler=warn",
        "notify=warn",
        "reqwest=warn",
        "hyper=warn",
        "oauth2=warn",
        // It says which certificate it does not trust without saying whose; we do.
        "rustls_platform_verifier=off",
    ]
    .into_iter()
    .filter_map(|quiet| quiet.parse::<Directive>().ok())
    .fold(asked, EnvFilter::add_directive);
    let word = match form {
        LogFormat::Human => |lost, why: &str| missing(LogFormat::Human, &now(), lost, why),
        LogFormat::Json => |lost, why: &str| missing(LogFormat::Json, &now(), lost, why),
    };
    let sink = LogSink::new(to, lost, word);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // These would go to the same place, and panic where it can't be written.
        .log_internal_errors(false)
        .with_writer(move || Plain(sink.clone()));
    // A panic's words may hold a piece of a mail: its place is enough to find it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "Mailjob panicked: this is a bug, please report it");
    }));
    match form {
        LogFormat::Human => log.with_target(false).with_ansi(has_colours).init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).init(),
    }
    for word in odd {
        tracing::warn!(
            "MAILJOB_LOG has \"{}\", which is no level: write error, warn, info, debug or trace, or a part with one, such as mailjob::watch=debug; that word is left out",
            escaped(word)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_leaves_the_log_as_it_is() {
        for (asked, known, odd) in [
            ("", "", &[][..]),
            ("debug", "debug", &[]),
            ("WARN, mailjob::watch=debug", "WARN,mailjob::watch=debug", &[]),
            ("warning", "", &["warning"]),
            ("info,debugg,hyper=trace", "info,hyper=trace", &["debugg"]),
            ("mailjob", "mailjob", &[]),
            ("mailjob=verbose", "", &["mailjob=verbose"]),
        ] {
            assert_eq!(levels(asked), (known.to_owned(), odd.to_vec()), "{asked}");
        }
    }

    #[test]
    fn a_closed_standard_error_is_told_from_one_that_nobody_wants() {
        let null = rustix::fs::makedev(1, 3);
        for (device, mode, closed) in [
            (Some(null), Some(OFlags::RDWR), true),
            (Some(null), Some(OFlags::WRONLY), false),
            (Some(null), None, false),
            (Some(rustix::fs::makedev(136, 0)), Some(OFlags::RDWR), false),
            (None, None, false),
        ] {
            assert_eq!(was_closed(device, mode), closed, "{device:?} {mode:?}");
        }
        let (lost, mut out) = (Counter::default(), LogStderr { is_closed: true });
        assert!(out.write(b"x").is_err());
        LogSink::new(out, lost.clone(), |_, _| String::new()).line(b"x\n");
        assert_eq!(lost.get(), 1);
    }

    #[test]
    fn missing_lines_are_told_in_the_form_of_the_log() {
        let at = "2026-11-30T10:00:00.000000Z";
        assert_eq!(
            missing(LogFormat::Human, at, 3, "No space left on device"),
            "2026-11-30T10:00:00.000000Z  WARN lines of the log could not be written and are lost; the rest goes on lost=3 error=No space left on device\n"
        );
        let line: serde_json::Value = serde_json::from_str(&missing(LogFormat::Json, at, 3, "a\"b")).unwrap();
        assert_eq!((line["lost"].as_u64(), line["error"].as_str()), (Some(3), Some("a\"b")));
    }

    #[test]
    fn a_line_holds_nothing_that_a_terminal_obeys() {
        for (said, written) in [
            ("INFO all is well é\n", "INFO all is well é\n"),
            (
                "NO \u{202e}drow \u{9b}2J\u{7}\u{200b}\n",
                "NO \\u202edrow \\u009b2J\\u0007\\u200b\n",
            ),
            ("\u{1b}[32mINFO\u{1b}[0m\n", "\u{1b}[32mINFO\u{1b}[0m\n"),
        ] {
            let mut out = Plain(Vec::new());
            out.write_all(said.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(out.0).unwrap(), written);
        }
        let event = serde_json::json!({ "error": "NO \u{202e}\u{9b}\u{e0001}" });
        let mut out = Plain(Vec::new());
        write!(out, "{event}").unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&out.0).unwrap(), event);
    }
}
