//! Which accounts the endpoints use, and what for: each account is examined once. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::config::{Account, Backlog, Endpoint, EndpointName, Protocol, ReadBy, Server, SettleAction};

/// An account and what endpoints do with it.
#[derive(Debug, PartialEq)]
pub(super) struct ExaminedAccount {
    pub(super) account: Arc<Account>,
    pub(super) reads: Vec<ProtocolMailboxes>,
    /// Whether replies go out through it.
    pub(super) sends: bool,
}

/// The mailboxes of an account that are read by one protocol.
#[derive(Debug, PartialEq)]
pub(super) struct ProtocolMailboxes {
    pub(super) protocol: ReadBy,
    pub(super) server: Server,
    /// Which endpoint reads which mailbox.
    pub(super) mailboxes: Vec<ReadMailbox>,
}

/// A mailbox that an endpoint reads.
#[derive(Debug, PartialEq)]
pub(super) struct ReadMailbox {
    pub(super) endpoint: EndpointName,
    pub(super) name: String,
    /// What becomes of what lies there.
    pub(super) lying: String,
    /// Mails whose work is over, and that have waited for their last touch for long.
    pub(super) overdue: u64,
    /// Where its mails go in the end, which shows at the first look whether a ledger was lost.
    pub(super) targets: BTreeSet<String>,
}

impl ExaminedAccount {
    /// An endpoint reads one of its mailboxes.
    fn reads(&mut self, endpoint: &Endpoint, left: Option<u64>) {
        let mailbox = &endpoint.mailbox;
        let known =
            |reading: &&mut ProtocolMailboxes| reading.protocol == mailbox.protocol && reading.server == mailbox.server;
        let settle = &endpoint.settle;
        let target = |fate: &SettleAction| match fate {
            SettleAction::Move(target) => Some(target.clone()),
            SettleAction::Keep | SettleAction::Mark | SettleAction::Flag | SettleAction::Delete => None,
        };
        let is_new = left.is_none() && mailbox.looks.backlog.is_none();
        let fates = [&settle.done, &settle.failed, &settle.refused]
            .into_iter()
            .filter(|_| is_new);
        let one = ReadMailbox {
            endpoint: endpoint.name.clone(),
            name: mailbox.name.clone(),
            lying: lying(&endpoint.name, mailbox.looks.backlog, left),
            overdue: 0,
            targets: fates.filter_map(target).collect(),
        };
        match self.reads.iter_mut().find(known) {
            Some(reading) => reading.mailboxes.push(one),
            None => self.reads.push(ProtocolMailboxes {
                protocol: mailbox.protocol,
                server: mailbox.server.clone(),
                mailboxes: vec![one],
            }),
        }
    }

    /// What the account is used for, each protocol once.
    pub(super) fn uses(&self) -> Vec<Protocol> {
        let mut uses: Vec<_> = self
            .reads
            .iter()
            .map(|reading| Protocol::from(reading.protocol))
            .collect();
        uses.extend(self.sends.then_some(Protocol::Smtp));
        uses.sort_unstable();
        uses.dedup();
        uses
    }
}

/// The accounts of these endpoints, in their order.
pub(super) fn patients(endpoints: &[Arc<Endpoint>], left: &BTreeMap<EndpointName, u64>) -> Vec<ExaminedAccount> {
    let mut patients = Vec::new();
    for endpoint in endpoints {
        note(&mut patients, &endpoint.mailbox.account, |patient| {
            patient.reads(endpoint, left.get(&endpoint.name).copied())
        });
        if let Some(account) = &endpoint.reply.account {
            note(&mut patients, account, |patient| patient.sends = true);
        }
    }
    patients
}

/// What becomes of mails that lay there before the mailbox was watched: `left` is what the ledger says, once there was a first look.
fn lying(endpoint: &EndpointName, backlog: Option<Backlog>, left: Option<u64>) -> String {
    match (left, backlog) {
        (Some(0), _) => String::new(),
        (Some(left), _) => format!(
            "; {left} of them were there before the first look and are left: mailjob backlog list {endpoint} shows them, mailjob backlog take {endpoint} has them taken"
        ),
        (None, Some(Backlog::Process)) => "; at the first start all that lies there is taken".to_owned(),
        (None, Some(Backlog::Since(_))) => {
            "; at the first start what came since the time in [mailbox] backlog is taken, what is older is left"
                .to_owned()
        }
        (None, Some(Backlog::Skip) | None) => "; at the first start what lies there is left".to_owned(),
    }
}

/// Notes something of an account: of the one that is there, or of a new one.
fn note(patients: &mut Vec<ExaminedAccount>, account: &Arc<Account>, what: impl FnOnce(&mut ExaminedAccount)) {
    match patients.iter_mut().find(|patient| patient.account == *account) {
        Some(patient) => what(patient),
        None => {
            let mut patient = ExaminedAccount {
                account: account.clone(),
                reads: Vec::new(),
                sends: false,
            };
            what(&mut patient);
            patients.push(patient);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Action, Auth, Command, Mailbox, Provider, Reply, ReplyTo, Tls},
        secret::SecretRef,
    };

    fn account(name: &str) -> Arc<Account> {
        let server = Server {
            host: "mail.example".into(),
            port: 993,
            tls: Tls::Implicit,
        };
        Arc::new(Account {
            name: name.into(),
            sign_in: name.into(),
            provider: Provider::Other,
            user: "ada".into(),
            imap: Some(server.clone()),
            pop3: Some(server.clone()),
            smtp: Some(server),
            auth: Auth::Password(SecretRef::Env("X".into())),
            ca_file: None,
            client: None,
            from: None,
            pace: None,
            hello: None,
            smtp_auth: true,
        })
    }

    fn endpoint(name: &str, account: &Arc<Account>, protocol: ReadBy, replies: Option<&Arc<Account>>) -> Arc<Endpoint> {
        let mailbox = Mailbox {
            name: name.to_uppercase(),
            ..Mailbox::inbox(account.clone(), protocol, account.imap.clone().unwrap())
        };
        let command = Command::new(vec!["true".into()]);
        Arc::new(Endpoint {
            reply: replies.map_or_else(Reply::none, |account| Reply::to(vec![ReplyTo::Sender], account.clone())),
            ..Endpoint::new(EndpointName::new(name).unwrap(), mailbox, Action::Command(command))
        })
    }

    #[test]
    fn an_account_is_examined_once() {
        let (one, two) = (account("one"), account("two"));
        let same = account("one");
        let found = patients(
            &[
                endpoint("a", &one, ReadBy::Imap, None),
                endpoint("b", &same, ReadBy::Imap, Some(&two)),
                endpoint("c", &one, ReadBy::Pop3, Some(&one)),
            ],
            &BTreeMap::new(),
        );
        let names: Vec<_> = found.iter().map(|patient| &*patient.account.name).collect();
        assert_eq!(names, ["one", "two"]);
        let mailboxes: Vec<_> = found[0].reads.iter().map(|reading| reading.mailboxes.len()).collect();
        assert_eq!(mailboxes, [2, 1]);
        assert_eq!(found[0].uses(), [Protocol::Imap, Protocol::Pop3, Protocol::Smtp]);
        assert_eq!((found[1].sends, found[1].uses()), (true, vec![Protocol::Smtp]));
    }
}
