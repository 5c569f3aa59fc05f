//! An account: its credential, then each of its servers.

use chrono::Utc;

use super::{
    Finding, Issue, Stage, StepOutcome, Subject, SubjectKind, TokenStoreState,
    notes::{LONGEST, Notes},
    patient::{ExaminedAccount, ProtocolMailboxes, ReadMailbox},
    sign_in::credential,
    way::{look_ahead, reach, told},
    words::{named, of_mailbox, of_reply, of_watch},
};
use crate::{
    auth::{Credential, Login},
    config::{Account, Auth, EndpointName, Protocol, ReadBy, Server},
    net::Traffic,
    plural,
    refusal::MailHost,
    reply,
    watch::{
        self,
        error::Words,
        probe::{Examined, Newest},
    },
};

/// Examines an account.
pub(super) async fn examine(
    patient: &ExaminedAccount,
    login: &Result<Login, Issue>,
    store: &TokenStoreState,
) -> Vec<Finding> {
    let account = &patient.account;
    let mut notes = Notes::about(Subject {
        kind: SubjectKind::Account,
        name: account.name.clone(),
        part: None,
    });
    let credential = match account.auth {
        Auth::None => None,
        _ => credential(&mut notes, patient, login, store).await,
    };
    for reading in &patient.reads {
        notes.part(part(reading.protocol.into(), &reading.server));
        match reading.protocol {
            ReadBy::Imap => imap(&mut notes, account, reading, credential.as_ref()).await,
            ReadBy::Pop3 => pop3(&mut notes, account, reading, credential.as_ref()).await,
        }
    }
    if let Some(server) = account.smtp.as_ref().filter(|_| patient.sends) {
        notes.part(part(Protocol::Smtp, server));
        smtp(&mut notes, account, server, credential.as_ref()).await;
    }
    notes.end()
}

fn part(protocol: Protocol, server: &Server) -> String {
    format!("{} {}:{}", protocol.name(), server.host, server.port)
}

async fn imap(notes: &mut Notes, account: &Account, reading: &ProtocolMailboxes, credential: Option<&Credential>) {
    let session = enter_imap(notes, account, &reading.server, credential).await;
    let Some(mut session) = session else {
        notes.skip(&[Stage::Capabilities], "nobody is signed in");
        skip_mailboxes(notes, reading.mailboxes.iter(), "nobody is signed in");
        return;
    };
    let (offered, missing) = session.offers();
    notes.note(
        Stage::Capabilities,
        StepOutcome::Passed(capabilities(&offered, &missing)),
    );
    let mut waiting = reading.mailboxes.iter();
    while let Some(ReadMailbox {
        endpoint,
        name: mailbox,
        lying,
        overdue,
        targets,
    }) = waiting.next()
    {
        let mut still = None;
        let looked = notes.step(Stage::Mailbox, LONGEST, async {
            let (session, examined) = session.examine(mailbox).await.map_err(|error| of_watch(&error))?;
            let examined = match examined {
                Ok(examined) => examined,
                Err(answer) => {
                    still = Some(session);
                    return Err(of_mailbox(mailbox, &answer));
                }
            };
            let told = format!("{mailbox} (endpoint {endpoint}): {}{lying}", counted(examined.mails));
            if examined.mails == 0 {
                still = Some(session);
                return Ok((examined, told));
            }
            let (session, newest) = session
                .newest(&examined)
                .await
                .map_err(|error| unreadable(mailbox, of_watch(&error)))?;
            still = Some(session);
            seen(mailbox, &examined, newest)?;
            Ok((examined, format!("{told}, and the newest can be read")))
        });
        let examined = looked.await;
        if examined.is_some_and(|examined| !examined.numbered) {
            notes.note(Stage::Mailbox, StepOutcome::Warned(unnumbered(mailbox)));
        }
        if *overdue > 0 {
            notes.note(Stage::Mailbox, StepOutcome::Warned(unsettled(endpoint, *overdue)));
        }
        if let Some(line) = still.as_mut().and_then(watch::probe::ProbeSession::unread) {
            notes.note(Stage::Mailbox, StepOutcome::Warned(odd(&line)));
        }
        let Some(open) = still else {
            skip_mailboxes(notes, waiting, "the session has ended");
            return;
        };
        session = open;
        for target in targets {
            let Ok((open, looked)) = session.examine(target).await else {
                return skip_mailboxes(notes, waiting, "the session has ended");
            };
            session = open;
            // That one is missing is as it should be before the first start.
            if let Some(mails) = looked.ok().map(|found| found.mails).filter(|mails| *mails > 0) {
                notes.note(Stage::Mailbox, StepOutcome::Warned(lost(endpoint, target, mails)));
            }
        }
    }
    session.leave().await;
}

/// A mailbox that the ledger does not know, though done mails lie beside it.
fn lost(endpoint: &EndpointName, target: &str, mails: u32) -> Issue {
    Issue {
        what: format!(
            "the ledger knows nothing of this mailbox, but \"{target}\" has {}: if they were done here, the ledger was lost, and nothing is taken until somebody decides",
            counted(mails)
        ),
        cure: format!(
            "put the ledger back, or say what becomes of what lies in the mailbox: mailjob backlog skip {endpoint} leaves it, mailjob backlog take {endpoint} has it done"
        ),
    }
}

fn skip_mailboxes<'a>(notes: &mut Notes, mailboxes: impl Iterator<Item = &'a ReadMailbox>, why: &str) {
    for ReadMailbox { endpoint, name, .. } in mailboxes {
        notes.skip(&[Stage::Mailbox], &format!("{name} (endpoint {endpoint}): {why}"));
    }
}

async fn enter_imap(
    notes: &mut Notes,
    account: &Account,
    server: &Server,
    credential: Option<&Credential>,
) -> Option<watch::probe::ProbeSession> {
    let Some(socket) = reach(notes, server, Traffic::Mail, &Ok).await else {
        notes.skip(&[Stage::Tls, Stage::SignIn], "the server can't be reached");
        return None;
    };
    let secured = notes.step(Stage::Tls, LONGEST, async {
        let line = watch::probe::secure(socket, server, account.tls()).await;
        let line = line.map_err(|error| of_watch(&error))?;
        let told = line.handshake.as_ref().map_or("not begun".to_owned(), told);
        Ok((line, told))
    });
    let Some(line) = secured.await else {
        notes.skip(&[Stage::SignIn], "not tried, because TLS failed");
        return None;
    };
    if let Some(handshake) = &line.handshake {
        look_ahead(notes, handshake, Utc::now());
    }
    let Some(credential) = credential else {
        notes.skip(&[Stage::SignIn], "there is no credential");
        return None;
    };
    let signed_in = notes.step(Stage::SignIn, LONGEST, async {
        let session = line.sign_in(&account.user, server, credential).await;
        let session = session.map_err(|error| {
            named(
                of_watch(&error.at(MailHost::of(account.provider, server))),
                &account.sign_in,
            )
        })?;
        Ok((session, format!("as {}", account.user)))
    });
    signed_in.await
}

/// A maildrop: one session shows all of it.
async fn pop3(notes: &mut Notes, account: &Account, reading: &ProtocolMailboxes, credential: Option<&Credential>) {
    let server = &reading.server;
    const REST: [Stage; 3] = [Stage::SignIn, Stage::Capabilities, Stage::Mailbox];
    let Some(socket) = reach(notes, server, Traffic::Mail, &Ok).await else {
        notes.skip(&[Stage::Tls], "the server can't be reached");
        return notes.skip(&REST, "the server can't be reached");
    };
    let secured = notes.step(Stage::Tls, LONGEST, async {
        let line = watch::pop3::probe::secure(socket, server, account.tls()).await;
        let line = line.map_err(|error| of_watch(&error))?;
        let told = told(&line.handshake);
        Ok((line, told))
    });
    let Some(line) = secured.await else {
        return notes.skip(&REST, "not tried, because TLS failed");
    };
    look_ahead(notes, &line.handshake, Utc::now());
    let Some(credential) = credential else {
        return notes.skip(&REST, "there is no credential");
    };
    let signed_in = notes.step(Stage::SignIn, LONGEST, async {
        let probe = line.sign_in(&account.user, server, credential).await;
        let probe = probe.map_err(|error| {
            named(
                of_watch(&error.at(MailHost::of(account.provider, server))),
                &account.sign_in,
            )
        })?;
        Ok((probe, format!("as {}", account.user)))
    });
    let Some(probe) = signed_in.await else {
        return notes.skip(&[Stage::Capabilities, Stage::Mailbox], "nobody is signed in");
    };
    let capabilities: Vec<_> = probe.capabilities.iter().map(ToString::to_string).collect();
    let told = match capabilities.as_slice() {
        [] => "the server doesn't tell (CAPA)".to_owned(),
        told => told.join(", "),
    };
    notes.note(Stage::Capabilities, StepOutcome::Passed(told));
    let lying = reading.mailboxes.first().map_or("", |mailbox| mailbox.lying.as_str());
    notes.note(
        Stage::Mailbox,
        StepOutcome::Passed(format!("{}{lying}", counted(probe.mails))),
    );
    for mailbox in reading.mailboxes.iter().filter(|mailbox| mailbox.overdue > 0) {
        notes.note(
            Stage::Mailbox,
            StepOutcome::Warned(unsettled(&mailbox.endpoint, mailbox.overdue)),
        );
    }
    if let Some(why) = probe.newest {
        let cure = "look at it with another program; what the server doesn't give, nobody can take".to_owned();
        let what = format!("the last mail can't be taken: {why}");
        notes.note(Stage::Mailbox, StepOutcome::Warned(Issue { what, cure }));
    }
    if let Some(unread) = probe.unread {
        notes.note(Stage::Mailbox, StepOutcome::Warned(unlisted(&unread)));
    }
}

async fn smtp(notes: &mut Notes, account: &Account, server: &Server, credential: Option<&Credential>) {
    let Some(socket) = reach(notes, server, Traffic::Mail, &Ok).await else {
        notes.skip(
            &[Stage::Tls, Stage::SignIn, Stage::Capabilities],
            "the server can't be reached",
        );
        return;
    };
    let secured = notes.step(Stage::Tls, LONGEST, async {
        let line = reply::probe::secure(socket, server, account).await;
        let line = line.map_err(|failure| of_reply(&failure))?;
        let told = told(&line.handshake);
        Ok((line, told))
    });
    let Some(line) = secured.await else {
        notes.skip(&[Stage::SignIn, Stage::Capabilities], "not tried, because TLS failed");
        return;
    };
    look_ahead(notes, &line.handshake, Utc::now());
    if credential.is_none() && account.smtp_auth {
        notes.skip(&[Stage::SignIn, Stage::Capabilities], "there is no credential");
        return;
    }
    let signed_in = notes.step(Stage::SignIn, LONGEST, async {
        let offers = line.sign_in(account, server, credential).await;
        let offers = offers.map_err(|failure| named(of_reply(&failure), &account.sign_in))?;
        let told = match account.smtp_auth {
            true => format!("as {}; nothing was sent", account.user),
            false => "without, as auth = false says; nothing was sent".to_owned(),
        };
        Ok((offers, told))
    });
    match signed_in.await {
        Some(offers) => {
            let size = match offers.size {
                Some(0) => ", mails of any size".to_owned(),
                Some(size) => format!(", mails up to {size} bytes"),
                None => String::new(),
            };
            let told = format!("AUTH {}{size}", offers.mechanisms.join(" "));
            notes.note(Stage::Capabilities, StepOutcome::Passed(told));
        }
        None => notes.skip(&[Stage::Capabilities], "nobody is signed in"),
    }
}

/// So many mails.
fn counted(mails: impl Into<u64>) -> String {
    plural::counted(mails.into(), "mail")
}

fn capabilities(offered: &[&str], missing: &[&str]) -> String {
    let offered = if offered.is_empty() {
        "none of those that help".to_owned()
    } else {
        offered.join(", ")
    };
    if missing.is_empty() {
        offered
    } else {
        format!("{offered}; done without {}", missing.join(", "))
    }
}

fn unlisted(unread: &watch::error::Words) -> Issue {
    Issue {
        what: format!("the server lists mails in a way that can't be read: {unread}"),
        cure: "mails without a unique id (UIDL) that can be read are left alone, the others are taken; read this mailbox by IMAP, or tell whoever runs the server"
            .to_owned(),
    }
}

/// Whether the newest mail can be taken as it came.
fn seen(mailbox: &str, examined: &Examined, newest: Option<Newest>) -> Result<(), Issue> {
    let trouble = match newest {
        None => Some(format!("the server says {} and lists none", counted(examined.mails))),
        Some(Newest { uid, trouble }) => {
            trouble.map(|why| format!("the server does not give the newest, with UID {uid}: {why}"))
        }
    };
    let Some(what) = trouble else { return Ok(()) };
    let cure = "look at it with another program; what the server doesn't give, nobody can take".to_owned();
    Err(unreadable(mailbox, Issue { what, cure }))
}

fn unreadable(mailbox: &str, trouble: Issue) -> Issue {
    Issue {
        what: format!("mails of {mailbox} can't be read: {}", trouble.what),
        ..trouble
    }
}

fn odd(line: &Words) -> Issue {
    Issue {
        what: format!("the server says what can't be read, and it is passed over: {line}"),
        cure: "nothing, as long as mail is taken; if the server is yours, update it".to_owned(),
    }
}

/// Mails that should have left the mailbox.
fn unsettled(endpoint: &EndpointName, mails: u64) -> Issue {
    let (them, lie) = (counted(mails), plural::of(mails, "lies", "lie"));
    let them = format!("{them} whose work is over {lie} there still");
    Issue {
        what: format!(
            "{them}, a quarter of an hour later: the server refuses to move, mark or delete it, or nothing runs"
        ),
        cure: format!(
            "mailjob status {endpoint} has the server's words while mailjob runs; make room where mails go, or give the user the right to put them there, or change [settle] in its file"
        ),
    }
}

fn unnumbered(mailbox: &str) -> Issue {
    Issue {
        what: format!("the server gives {mailbox} no UIDVALIDITY"),
        cure: "mails are known again by their content then; if the server is yours, update it".to_owned(),
    }
}
