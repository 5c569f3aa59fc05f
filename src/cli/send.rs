//! `mailjob send`: one mail, now.

use std::{
    collections::HashMap,
    io::{self, IsTerminal as _, Write},
    process::ExitCode,
};

use chrono::Utc;
use serde::Serialize;

use super::{
    enclosed::{CheckedEnclosed, Enclosed},
    fault::{CommandError, PARTLY},
    print,
    progress::Progress,
    whose::{AccountArgs, ChosenAccount, TlsForm},
};
use crate::{
    config::{Account, Protocol},
    message::clean::escaped,
    post::{
        self, Delivery, DraftError, MailDraft, NamedAddress, OutgoingMail, RefusedRecipient, Undelivered,
        account::ServerFields, addresses, header, json,
    },
};

/// What is sent, to whom and by whom.
#[derive(Debug, clap::Args)]
pub(super) struct Send {
    /// A recipient: `name@example.com` or `Name <name@example.com>`; several with commas between them. 100 in all at most.
    #[arg(long, value_name = "ADDRESS")]
    to: Vec<String>,
    /// Copy (Cc).
    #[arg(long, value_name = "ADDRESS")]
    cc: Vec<String>,
    /// Blind copy (Bcc).
    #[arg(long, value_name = "ADDRESS")]
    bcc: Vec<String>,
    /// The sender. Default: the account's `from`, else its user.
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// Where answers go. Default: the sender.
    #[arg(long, value_name = "ADDRESS")]
    reply_to: Vec<String>,
    /// Where bounces go: the sender in the envelope. Default: the sender.
    #[arg(long, value_name = "ADDRESS")]
    return_to: Option<String>,
    /// The subject.
    #[arg(long, default_value = "")]
    subject: String,
    #[command(flatten)]
    enclosed: Enclosed,
    /// An extra header field: `X-Name: value`.
    #[arg(long, value_name = "FIELD")]
    header: Vec<String>,
    /// The Message-ID; the same for a mail that is sent again. Default: a new one.
    #[arg(long, value_name = "ID")]
    message_id: Option<String>,
    /// The Message-ID of the mail that it answers.
    #[arg(long, value_name = "ID")]
    in_reply_to: Option<String>,
    /// Do not say that a program sends it (`Auto-Submitted: auto-generated`): machines may answer it then, Mailjob among them. The default at
    /// a terminal.
    #[arg(long, conflicts_with = "automatic")]
    personal: bool,
    /// Say that a program sends it, so that no machine answers. The default where nobody sits at a terminal: scripts, cron.
    #[arg(long)]
    automatic: bool,
    /// The SMTP server, instead of the account's.
    #[arg(long, value_name = "HOST")]
    smtp_host: Option<String>,
    /// Its port. Default: 465, or 587 with STARTTLS.
    #[arg(long, value_name = "PORT")]
    smtp_port: Option<u16>,
    /// When TLS starts. Default: what the port implies.
    #[arg(long, value_enum)]
    smtp_tls: Option<TlsForm>,
    #[command(flatten)]
    whose: AccountArgs,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    /// Say each step.
    #[arg(short, long)]
    verbose: bool,
}

/// Whether a person sends it, who may be answered by a machine: whoever tries an endpoint wants its answer. Pure.
fn is_personal(personal: bool, automatic: bool, at_a_terminal: bool) -> bool {
    personal || (at_a_terminal && !automatic)
}

/// Sends a mail.
pub(super) async fn send(args: Send) -> ExitCode {
    let as_json = args.json;
    let told = match deliver(args).await {
        Ok(sent) => sent.tell(as_json),
        Err(failed) if as_json => failed.document().map(|()| failed.fault.tell()),
        Err(failed) => {
            failed.refused.iter().for_each(complain);
            Ok(failed.fault.tell())
        }
    };
    told.unwrap_or_else(|error| CommandError::untold(format!("it can't be told: {error}")).tell())
}

/// A mail that was sent.
struct Sent {
    letter: OutgoingMail,
    delivery: Delivery,
}

/// A mail that was not.
struct SendFailure {
    message_id: Option<String>,
    refused: Vec<RefusedRecipient>,
    fault: CommandError,
}

impl<F: Into<CommandError>> From<F> for SendFailure {
    fn from(fault: F) -> Self {
        Self {
            message_id: None,
            refused: Vec::new(),
            fault: fault.into(),
        }
    }
}

async fn deliver(args: Send) -> Result<Sent, SendFailure> {
    let progress = Progress::new(args.verbose);
    let server = ServerFields {
        host: args.smtp_host,
        port: args.smtp_port,
        tls: args.smtp_tls.map(Into::into),
    };
    let sources = CheckedEnclosed::check(args.enclosed)?;
    let chosen = args.whose.find().await?.choose(server, Protocol::Smtp).await?;
    let from = sender(args.from.as_deref(), &chosen.account)?;
    let mut draft = MailDraft {
        message_id: args.message_id.unwrap_or_else(|| new_id(&from)),
        from,
        to: all(&args.to)?,
        cc: all(&args.cc)?,
        bcc: all(&args.bcc)?,
        reply_to: all(&args.reply_to)?,
        return_to: args.return_to.as_deref().map(one).transpose()?,
        subject: args.subject,
        text: None,
        html: None,
        attached: Vec::new(),
        headers: args.header.iter().map(|text| header(text)).collect::<Result<_, _>>()?,
        in_reply_to: args.in_reply_to,
        personal: is_personal(args.personal, args.automatic, io::stderr().is_terminal()),
    };
    sources.read_into(&mut draft)?;
    let letter = post::letter(&draft, Utc::now())?;
    let ChosenAccount { account, server, login } = chosen;
    let on = |step: &str| progress.on(step);
    let sending = post::send(&account, &server, &login, &letter, &on);
    match progress.during(sending).await {
        Ok(delivery) => Ok(Sent { letter, delivery }),
        Err(undelivered) => Err(SendFailure {
            fault: CommandError::of_sending(&undelivered, &account),
            message_id: Some(letter.message_id),
            refused: match undelivered {
                Undelivered::Refused { refused, .. } => refused,
                Undelivered::Session(_) | Undelivered::TooLarge { .. } => Vec::new(),
            },
        }),
    }
}

fn all(texts: &[String]) -> Result<Vec<NamedAddress>, DraftError> {
    let lists = texts
        .iter()
        .map(|text| addresses(text))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(lists.into_iter().flatten().collect())
}

fn one(text: &str) -> Result<NamedAddress, DraftError> {
    match <[NamedAddress; 1]>::try_from(addresses(text)?) {
        Ok([mailbox]) => Ok(mailbox),
        Err(_) => Err(DraftError::Address(text.to_owned())),
    }
}

fn sender(from: Option<&str>, account: &Account) -> Result<NamedAddress, CommandError> {
    match from.or(account.from.as_deref()) {
        Some(from) => Ok(one(from)?),
        None => Err(CommandError::config(format!(
            "the account {} has no address to send from: give --from, or write from = \"…\" in its table",
            account.name
        ))),
    }
}

fn new_id(from: &NamedAddress) -> String {
    let domain = from.address.rsplit('@').next().unwrap_or_default();
    format!("{}@{domain}", uuid::Uuid::now_v7())
}

fn complain(refused: &RefusedRecipient) {
    eprintln!(
        "not taken for {}: {}",
        escaped(&refused.recipient),
        escaped(&refused.said)
    );
}

/// The JSON document.
#[derive(Serialize)]
struct SendDocument<'a> {
    /// Whether the server took the mail for somebody.
    sent: bool,
    message_id: Option<&'a str>,
    /// The server's words when it took the mail.
    said: Option<&'a str>,
    /// Bytes of the mail.
    size: Option<usize>,
    recipients: Vec<RecipientDocument<'a>>,
    /// Why nobody gets it.
    #[serde(flatten)]
    fault: Option<&'a CommandError>,
}

#[derive(Serialize)]
struct RecipientDocument<'a> {
    address: &'a str,
    taken: bool,
    /// The server's words, where it did not take it.
    said: Option<&'a str>,
    temporary: bool,
}

impl<'a> RecipientDocument<'a> {
    fn refused(refusal: &'a RefusedRecipient) -> Self {
        Self {
            address: &refusal.recipient,
            taken: false,
            said: Some(&refusal.said),
            temporary: refusal.passes,
        }
    }
}

impl Sent {
    fn tell(&self, as_json: bool) -> io::Result<ExitCode> {
        let refused = &self.delivery.refused;
        let mut out = print::stdout();
        if as_json {
            writeln!(out, "{}", json(&self.document()))?;
        } else {
            writeln!(out, "Message-ID: <{}>", self.letter.message_id)?;
            writeln!(out, "{}", escaped(&self.delivery.said))?;
        }
        out.flush()?;
        refused.iter().for_each(complain);
        Ok(match refused.as_slice() {
            [] => ExitCode::SUCCESS,
            [..] => ExitCode::from(PARTLY),
        })
    }

    fn document(&self) -> SendDocument<'_> {
        let refused = self
            .delivery
            .refused
            .iter()
            .map(|refusal| (&refusal.recipient, refusal));
        let refused: HashMap<_, _> = refused.collect();
        let recipients = self.letter.recipients.iter().map(|address| match refused.get(address) {
            Some(refusal) => RecipientDocument::refused(refusal),
            None => RecipientDocument {
                address,
                taken: true,
                said: None,
                temporary: false,
            },
        });
        SendDocument {
            sent: true,
            message_id: Some(&self.letter.message_id),
            said: Some(&self.delivery.said),
            size: Some(self.letter.bytes.len()),
            recipients: recipients.collect(),
            fault: None,
        }
    }
}

impl SendFailure {
    fn document(&self) -> io::Result<()> {
        let document = SendDocument {
            sent: false,
            message_id: self.message_id.as_deref(),
            said: None,
            size: None,
            recipients: self.refused.iter().map(RecipientDocument::refused).collect(),
            fault: Some(&self.fault),
        };
        let mut out = print::stdout();
        writeln!(out, "{}", json(&document))?;
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_tries_an_endpoint_by_hand_is_answered_and_a_script_is_not() {
        for (personal, automatic, at_a_terminal, expected) in [
            (false, false, true, true),
            (false, false, false, false),
            (true, false, false, true),
            (false, true, true, false),
        ] {
            assert_eq!(is_personal(personal, automatic, at_a_terminal), expected);
        }
    }
}
