//! `mailjob receive`: mails out of a mailbox, now.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use tokio::time::timeout;

use super::{
    array::ArrayWriter,
    fault::{CommandError, PARTLY},
    progress::Progress,
    whose::{AccountArgs, ConfiguredAccount, TlsForm},
};
use crate::{
    config::{
        Filter, Limits, ReadBy, SettleAction,
        glob::{self, PatternTarget},
    },
    plural,
    post::{
        self, Element, ReceiveCounts, ReceiveHost, ReceiveRequest, Shelf, ShelfLock,
        account::{ServerFields, watched_by},
    },
    watch::visit,
};

/// How long one waits for another that takes mails away into the same folder.
const PATIENCE: Duration = Duration::from_secs(300);
/// Nothing was found, and that is a failure.
const EMPTY: u8 = 1;

/// Which mails, from where, and what becomes of them.
#[derive(Debug, clap::Args)]
pub(super) struct Receive {
    /// The mailbox; IMAP only.
    #[arg(long, default_value = "INBOX", value_name = "NAME")]
    mailbox: String,
    /// Only mails whose subject matches (`*` and `?`, without regard to case), e.g. `*invoice*`; several: one has to match.
    #[arg(long, value_name = "GLOB", value_parser = of_subjects)]
    subject: Vec<String>,
    /// Only mails with such an address in From, e.g. `*@supplier.example`; several: one has to match.
    #[arg(long, value_name = "GLOB", value_parser = of_addresses)]
    from: Vec<String>,
    /// Only mails with an attachment of such a type, and only such attachments, e.g. `application/pdf` or `image/*`.
    #[arg(long, value_name = "GLOB", value_parser = of_media_types)]
    media_type: Vec<String>,
    /// At most this many mails, oldest first; or `all`.
    #[arg(long, default_value = "1", value_parser = count, value_name = "N|all")]
    count: CountArg,
    /// The folder that gets a folder for each mail: message.eml, text.txt, html.html, attachments/.
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// What to do with the mail in the mailbox afterwards: keep, mark (as seen), flag, delete, or move=NAME. To delete or move, a mail has to
    /// be written: give --into.
    #[arg(long, default_value = "keep", value_parser = then, value_name = "ACTION")]
    then: SettleAction,
    /// Delete or move mails although an endpoint watches the mailbox, which then never sees them.
    #[arg(long)]
    force: bool,
    /// Print the mail itself as it came, instead of JSON; one mail at most.
    #[arg(long)]
    raw: bool,
    /// Exit 1 when there is no such mail. Else that is normal.
    #[arg(long)]
    fail_if_empty: bool,
    /// The largest mail that is received, in MiB.
    #[arg(long, default_value_t = 50, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_size: u64,
    /// Read by POP3 an account that has both.
    #[arg(long)]
    pop3: bool,
    /// The IMAP server, instead of the account's.
    #[arg(long, value_name = "HOST", conflicts_with_all = ["pop3", "pop3_host"])]
    imap_host: Option<String>,
    /// Its port. Default: 993, or 143 with STARTTLS.
    #[arg(long, value_name = "PORT", conflicts_with = "pop3")]
    imap_port: Option<u16>,
    /// When TLS starts. Default: what the port implies.
    #[arg(long, value_enum, conflicts_with = "pop3")]
    imap_tls: Option<TlsForm>,
    /// The POP3 server, instead of the account's.
    #[arg(long, value_name = "HOST")]
    pop3_host: Option<String>,
    /// Its port. Default: 995, or 110 with STLS.
    #[arg(long, value_name = "PORT")]
    pop3_port: Option<u16>,
    /// When TLS starts. Default: what the port implies.
    #[arg(long, value_enum)]
    pop3_tls: Option<TlsForm>,
    #[command(flatten)]
    whose: AccountArgs,
    /// Say each step.
    #[arg(short, long)]
    verbose: bool,
}

/// How many mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CountArg {
    AtMost(usize),
    All,
}

fn of_addresses(text: &str) -> Result<String, String> {
    glob::argument(PatternTarget::Address, text)
}

fn of_subjects(text: &str) -> Result<String, String> {
    glob::argument(PatternTarget::Subject, text)
}

fn of_media_types(text: &str) -> Result<String, String> {
    glob::argument(PatternTarget::MediaType, text)
}

fn count(text: &str) -> Result<CountArg, String> {
    match text.parse() {
        _ if text == "all" => Ok(CountArg::All),
        Ok(0) | Err(_) => Err("write a number from 1 on, or all".to_owned()),
        Ok(number) => Ok(CountArg::AtMost(number)),
    }
}

fn then(text: &str) -> Result<SettleAction, String> {
    match text.split_once('=') {
        None if text == "keep" => Ok(SettleAction::Keep),
        None if text == "mark" => Ok(SettleAction::Mark),
        None if text == "flag" => Ok(SettleAction::Flag),
        None if text == "delete" => Ok(SettleAction::Delete),
        Some(("move", name)) if !name.is_empty() => Ok(SettleAction::Move(name.to_owned())),
        _ => Err("write keep, mark, flag, delete or move=NAME".to_owned()),
    }
}

/// Receives mails.
pub(super) async fn receive(args: Receive) -> ExitCode {
    let fail_if_empty = args.fail_if_empty;
    match received(args).await {
        Err(fault) => fault.tell(),
        Ok(tally) => {
            warn(&tally);
            match tally {
                ReceiveCounts { troubled: 1.., .. } => ExitCode::from(PARTLY),
                ReceiveCounts { received: 0, .. } if fail_if_empty => ExitCode::from(EMPTY),
                _ => ExitCode::SUCCESS,
            }
        }
    }
}

fn warn(tally: &ReceiveCounts) {
    if tally.unknown > 0 {
        eprintln!(
            "{} can't be read, so nobody knows whether {} meant: it stays there",
            plural::counted(tally.unknown, "mail"),
            plural::of(tally.unknown, "it is", "they are")
        );
    }
    if tally.marked_only {
        eprintln!(
            "the server has no UIDPLUS: deleted mails stay, marked as deleted, until somebody expunges the mailbox"
        );
    }
}

async fn received(args: Receive) -> Result<ReceiveCounts, CommandError> {
    let progress = Progress::new(args.verbose);
    let wanted = wanted(&args)?;
    let known = args.whose.find().await?;
    let (protocol, server) = server(
        &known,
        args.pop3,
        (args.imap_host, args.imap_port, args.imap_tls),
        (args.pop3_host, args.pop3_port, args.pop3_tls),
    );
    wanted.suits(protocol).map_err(CommandError::config)?;
    let chosen = known.choose(server, protocol.into()).await?;
    let host = ReceiveHost {
        protocol,
        host: visit::MailboxHost {
            account: chosen.account,
            server: chosen.server,
            login: chosen.login,
        },
    };
    beware(&known, &host, &wanted, args.force)?;
    let shelf = args.into.as_deref().map(Shelf::open).transpose();
    let shelf = shelf.map_err(|error| CommandError::cant_create(format!("the folder can't be made: {error}")))?;
    let on = |step: &str| progress.on(step);
    let work = async {
        let _lock = lock(shelf.as_ref(), &wanted, &on).await?;
        let mut page = ArrayWriter::new(args.raw);
        let mut tell = |element: &Element, raw: &[u8]| page.add(element, raw);
        let tally = post::receive(&host, &wanted, shelf.clone(), &on, &mut tell).await;
        // What was told of until then can be read.
        let ended = page.end();
        let tally =
            tally.map_err(|failure| CommandError::of_receiving(&failure, &host.host.account, &wanted.mailbox))?;
        ended.map_err(|error| CommandError::untold(format!("what was received can't be told: {error}")))?;
        Ok(tally)
    };
    progress.during(work).await
}

fn wanted(args: &Receive) -> Result<ReceiveRequest, CommandError> {
    let takes_away = matches!(args.then, SettleAction::Delete | SettleAction::Move(_));
    if takes_away && args.into.is_none() {
        return Err(CommandError::config(
            "a mail is deleted or moved only after it was written: give --into FOLDER, or --then keep",
        ));
    }
    let count = match args.count {
        CountArg::AtMost(1) => Some(1),
        _ if args.raw => return Err(CommandError::config("--raw prints one mail: leave --count out")),
        CountArg::AtMost(number) => Some(number),
        CountArg::All => None,
    };
    Ok(ReceiveRequest {
        mailbox: args.mailbox.clone(),
        filter: Filter {
            from: args.from.clone(),
            subject: args.subject.clone(),
            ..Filter::default()
        },
        media_types: args.media_type.clone(),
        count,
        fate: args.then.clone(),
        limits: Limits {
            size: args.max_size << 20,
            ..Limits::default()
        },
    })
}

/// What is said of a server: host, port, TLS.
type ServerArgs = (Option<String>, Option<u16>, Option<TlsForm>);

/// By IMAP, unless POP3 is asked for or there is nothing else.
fn server(known: &ConfiguredAccount, pop3: bool, by_imap: ServerArgs, by_pop3: ServerArgs) -> (ReadBy, ServerFields) {
    let base = known.base();
    let asked = pop3 || by_pop3 != (None, None, None);
    let only =
        by_imap == (None, None, None) && base.is_some_and(|account| account.imap.is_none() && account.pop3.is_some());
    let (protocol, (host, port, tls)) = if asked || only {
        (ReadBy::Pop3, by_pop3)
    } else {
        (ReadBy::Imap, by_imap)
    };
    let tls = tls.map(Into::into);
    (protocol, ServerFields { host, port, tls })
}

/// Mails that an endpoint waits for are not taken away by mistake.
fn beware(
    known: &ConfiguredAccount,
    host: &ReceiveHost,
    wanted: &ReceiveRequest,
    force: bool,
) -> Result<(), CommandError> {
    if !matches!(wanted.fate, SettleAction::Delete | SettleAction::Move(_)) {
        return Ok(());
    }
    let endpoints = known.loaded.endpoints.values().map(AsRef::as_ref);
    let visited = &host.host;
    match watched_by(endpoints, &visited.account, &visited.server, &wanted.mailbox) {
        None => Ok(()),
        Some(endpoint) if force => {
            eprintln!("the endpoint {endpoint} watches this mailbox: it may never see what is taken away now");
            Ok(())
        }
        Some(endpoint) => Err(CommandError::config(format!(
            "the endpoint {endpoint} watches this mailbox and would never see what is taken away: --then keep, or --force"
        ))),
    }
}

/// Two that take mails away into the same folder do so one after the other: else both would receive the same mails.
async fn lock(
    shelf: Option<&Shelf>,
    wanted: &ReceiveRequest,
    on: post::Steps<'_>,
) -> Result<Option<ShelfLock>, CommandError> {
    let Some(shelf) = shelf.filter(|_| wanted.fate != SettleAction::Keep).cloned() else {
        return Ok(None);
    };
    on("waiting for another mailjob receive that works in the same folder");
    let locking = tokio::task::spawn_blocking(move || shelf.lock());
    match timeout(PATIENCE, locking).await {
        Ok(Ok(Ok(lock))) => Ok(Some(lock)),
        Ok(Ok(Err(error))) => Err(CommandError::cant_create(format!(
            "the folder can't be locked: {error}"
        ))),
        Ok(Err(_)) | Err(_) => Err(CommandError::temporary(
            "another mailjob receive works in the same folder",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_can_match_nothing_is_refused() {
        assert_eq!(of_addresses("*@a.example"), Ok("*@a.example".to_owned()));
        assert!(
            of_addresses("a.example")
                .unwrap_err()
                .ends_with("write \"*@a.example\"")
        );
        assert!(
            of_media_types("*.pdf")
                .unwrap_err()
                .ends_with("write \"application/pdf\"")
        );
    }

    #[test]
    fn fates_and_counts() {
        assert_eq!(then("keep"), Ok(SettleAction::Keep));
        assert_eq!(then("move=Done=1"), Ok(SettleAction::Move("Done=1".into())));
        for bad in ["", "move", "move=", "delete=x", "Keep", "copy=x"] {
            assert!(then(bad).is_err(), "{bad}");
        }
        assert_eq!(count("all"), Ok(CountArg::All));
        assert_eq!(count("7"), Ok(CountArg::AtMost(7)));
        for bad in ["0", "-1", "", "1.5"] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }
}
