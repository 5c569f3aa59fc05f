//! `mailjob demo`: Mailjob at work, against servers in the same process. The loops are those of `mailjob run`.

mod cast;
mod control;
mod folder;
mod once;
mod play;
mod stage;
mod story;

use std::{fs, path::PathBuf, process::ExitCode};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::{Args, Subcommand};

use self::control::DemoRequest;
use super::block_on;
use crate::message::clean::escaped;

/// Something did not come out as promised, or nothing was done.
const NOT_SO: u8 = 1;
/// A file can't be read: `EX_NOINPUT` of sysexits.
const UNREADABLE: u8 = 66;

/// How the demo runs, or what a running one is to do.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct DemoArgs {
    #[command(subcommand)]
    command: Option<DemoCommand>,
    /// Run it through: three mails, an approval, a webhook that is busy at first. Prints what became of each mail, and exits 0 when all came out as
    /// promised, else 1.
    #[arg(long)]
    once: bool,
    /// Keep the folder with its configuration, ledger and log.
    #[arg(long)]
    keep: bool,
}

#[derive(Debug, Subcommand)]
enum DemoCommand {
    /// Have somebody write a mail to a running demo: a supplier sends an invoice, where nothing else is said.
    Mail {
        /// To whom: `invoices`, `lists`, `orders`, or an address that ends with .example.
        #[arg(long, value_name = "NAME")]
        to: Option<String>,
        /// By whom: an address.
        #[arg(long, value_name = "ADDRESS")]
        from: Option<String>,
        /// The subject.
        #[arg(long)]
        subject: Option<String>,
        /// A file to attach, in place of the usual one; 10 MB at most.
        #[arg(long, value_name = "FILE")]
        attach: Option<PathBuf>,
        /// The text.
        text: Option<String>,
        #[command(flatten)]
        which: WhichDemo,
    },
    /// Have the boss answer the newest question of a running demo.
    Answer {
        /// What is answered: yes or no.
        text: String,
        #[command(flatten)]
        which: WhichDemo,
    },
    /// Break the webhook of a running demo: it answers 503.
    Break {
        #[command(flatten)]
        which: WhichDemo,
    },
    /// Mend the webhook again.
    Mend {
        #[command(flatten)]
        which: WhichDemo,
    },
}

/// Which of several running demos.
#[derive(Debug, Args)]
struct WhichDemo {
    /// The demo of this process, where several run. Default: the newest.
    #[arg(long = "demo", value_name = "PID")]
    process: Option<u32>,
}

/// Runs the demo, or has a running one do something.
pub(super) fn demo(args: DemoArgs) -> ExitCode {
    match args.command {
        Some(command) => block_on(ask(command)),
        None => block_on(stage::begin(args.once, args.keep)),
    }
}

async fn ask(command: DemoCommand) -> ExitCode {
    let (which, request) = match command {
        DemoCommand::Mail {
            to,
            from,
            subject,
            attach,
            text,
            which,
        } => match attach.map(read).transpose() {
            Ok(file) => (
                which,
                DemoRequest::Mail {
                    from,
                    to,
                    subject,
                    text,
                    file,
                },
            ),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(UNREADABLE);
            }
        },
        DemoCommand::Answer { text, which } => (which, DemoRequest::Answer { text }),
        DemoCommand::Break { which } => (which, DemoRequest::Break),
        DemoCommand::Mend { which } => (which, DemoRequest::Mend),
    };
    match control::ask(which.process, &request).await {
        Ok(answer) if answer.done => {
            println!("{}", escaped(&answer.said));
            ExitCode::SUCCESS
        }
        Ok(answer) => {
            eprintln!("{}", escaped(&answer.said));
            ExitCode::from(NOT_SO)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(NOT_SO)
        }
    }
}

/// A file's name and content, in base64.
fn read(file: PathBuf) -> Result<(String, String), String> {
    use std::io::Read as _;

    let named = file.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut content = Vec::new();
    let read = fs::File::open(&file).and_then(|open| open.take(control::FILE + 1).read_to_end(&mut content));
    let place = file.display();
    match read {
        Err(error) => Err(format!("{place} can't be read: {error}")),
        Ok(read) if read as u64 > control::FILE => Err(format!("{place} is larger than 10 MB: attach a smaller file")),
        Ok(_) => Ok((named.unwrap_or_default(), STANDARD.encode(content))),
    }
}

#[cfg(test)]
mod world_tests;
