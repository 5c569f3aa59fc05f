//! What people do in the demo: they write, and the boss answers.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::time::sleep;

use super::{
    cast::{self, BOSS, CastDraft, CastMail, INVOICES, LISTS, ORDERS, SUPPLIER},
    control::{DemoAnswer, DemoRequest},
    folder::DESKS,
};
use crate::sandbox::{Delivered, PostOffice, Sandbox};

/// Between the first mails, so that one can read along; and between those that come later.
const SOON: Duration = Duration::from_secs(2);
const LATER: Duration = Duration::from_secs(60);
/// The number of the first invoice, list and order.
const FIRST: u32 = 1001;

/// The words by which a mail to the boss is known that asks something.
const QUESTION: &str = "yes or no";

/// Numbers of what is sent, each once.
pub(super) struct Numbers(AtomicU32);

impl Default for Numbers {
    fn default() -> Self {
        Self(AtomicU32::new(FIRST))
    }
}

impl Numbers {
    pub(super) fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Waits until Mailjob watches every mailbox: a mail that comes earlier lay there before.
pub(super) async fn watched(office: &PostOffice) {
    let mut changes = office.changes();
    while !DESKS.iter().all(|(user, _)| office.is_watched(user)) {
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Has a mail come.
pub(super) fn post(office: &PostOffice, draft: CastDraft) -> Result<CastMail, String> {
    let mail = draft.write().map_err(|error| error.to_string())?;
    office
        .post(&mail.from, std::slice::from_ref(&mail.to), &mail.bytes)
        .map_err(|error| error.to_string())?;
    Ok(mail)
}

/// Suppliers write: one mail to each endpoint, then one a minute.
pub(super) async fn suppliers(office: &PostOffice, numbers: &Numbers) {
    for turn in 0_u32.. {
        let number = numbers.next();
        let draft = match turn {
            1 => cast::list(number),
            2 => cast::order(number),
            turn if turn % 2 == 1 => cast::list(number),
            _ => cast::invoice(number),
        };
        // Where the mailboxes are full, nobody can write; whoever asks for a mail is told so.
        drop(post(office, draft));
        sleep(if turn < 2 { SOON } else { LATER }).await;
    }
}

/// The boss answers the newest question that has no answer yet.
pub(super) fn answer(office: &PostOffice, text: &str) -> Result<CastMail, String> {
    let asked = office.mails(BOSS, "INBOX");
    let answered: Vec<String> = office
        .mailboxes(ORDERS)
        .iter()
        .flat_map(|mailbox| office.mails(ORDERS, mailbox))
        .map(|mail| Delivered::read(&mail.bytes).in_reply_to)
        .collect();
    let open = asked
        .iter()
        .rev()
        .map(|mail| Delivered::read(&mail.bytes))
        .find(|mail| mail.text.contains(QUESTION) && !answered.contains(&mail.message_id));
    let question =
        open.ok_or("nothing waits for the boss's answer: have Grace ask by mailjob demo mail --to orders")?;
    let quoted: String = question.text.lines().map(|line| format!("> {line}\n")).collect();
    post(
        office,
        CastDraft {
            from: format!("The boss <{BOSS}>"),
            to: question.reply_to,
            subject: question.subject,
            text: format!("{text}\n\n{quoted}"),
            file: None,
            answers: Some(question.message_id),
        },
    )
}

/// Does what another terminal asks for.
pub(super) fn act(sandbox: &Sandbox, numbers: &Numbers, request: DemoRequest) -> DemoAnswer {
    let done = match request {
        DemoRequest::Mail {
            from,
            to,
            subject,
            text,
            file,
        } => mail(sandbox, numbers, [from, to, subject, text], file),
        DemoRequest::Answer { text } => {
            answer(&sandbox.post_office, &text).map(|mail| format!("the boss has answered to {}", mail.to))
        }
        DemoRequest::Break => {
            sandbox.hook.set_broken(true);
            Ok("the webhook answers 503 from now on; try mailjob demo mail, then mailjob demo mend".to_owned())
        }
        DemoRequest::Mend => {
            sandbox.hook.set_broken(false);
            Ok("the webhook works again; what waited is tried within seconds".to_owned())
        }
    };
    match done {
        Ok(said) => DemoAnswer { done: true, said },
        Err(said) => DemoAnswer { done: false, said },
    }
}

fn mail(
    sandbox: &Sandbox,
    numbers: &Numbers,
    [from, to, subject, text]: [Option<String>; 4],
    file: Option<(String, String)>,
) -> Result<String, String> {
    let to = match to {
        None => INVOICES.to_owned(),
        Some(to) if to.contains('@') => to,
        Some(name) => format!("{name}@contoso.example"),
    };
    let number = numbers.next();
    let usual = match to.as_str() {
        INVOICES => cast::invoice(number),
        LISTS => cast::list(number),
        ORDERS => cast::order(number),
        _ => CastDraft {
            from: format!("Ada Lovelace <{SUPPLIER}>"),
            subject: format!("Mail {number}"),
            text: "Hello".to_owned(),
            ..CastDraft::default()
        },
    };
    let file = match file {
        Some((name, content)) => {
            let content = STANDARD.decode(content).map_err(|error| error.to_string())?;
            Some((name, content))
        }
        None => usual.file,
    };
    let mail = post(
        &sandbox.post_office,
        CastDraft {
            from: from.unwrap_or(usual.from),
            subject: subject.unwrap_or(usual.subject),
            text: text.unwrap_or(usual.text),
            to,
            file,
            answers: None,
        },
    )?;
    Ok(format!(
        "{} has written to {}; what becomes of it is told where the demo runs",
        mail.from, mail.to
    ))
}
