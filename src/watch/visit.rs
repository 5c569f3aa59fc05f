//! A visit to a mailbox by IMAP, beside the watch: mails are listed, read, and get their last touch, and the ledger hears of nothing.
//!
//! What only reads opens the mailbox by EXAMINE, which changes no flag (RFC 9051 section 6.3.3). Mails are asked for as the watch does:
//! by UID, `BODY.PEEK[]`, in pieces of a mebibyte.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::timeout;

use super::{
    aside::Copied,
    cursor,
    door::{self, CONNECT, Connector, CredentialSource},
    error::{Refusal, WatchError},
    imap::{
        FETCH, Fetch, Habit, ImapConnection, ImapResponse, Selected,
        login::{self, SignedInConnection},
        mutf7,
        response::ResponseCode,
    },
    listing,
    mechanism::MailboxSignIn,
    reading::Reading,
    retrieve::retrieve,
    session::{self, Session},
    sizes::Sizes,
    source::{Fetched, FetchedMail, Item, OpenMailbox},
    touch, uids,
};
use crate::{
    auth::{Credential, Login},
    config::{Account, Server, SettleAction},
    net::{self, ConnectTurn},
    refusal::MailHost,
};

/// For the farewell, which nobody needs.
const FAREWELL: Duration = Duration::from_secs(5);
/// Bytes of a mail's beginning in which its header is looked for first: what is longer is read whole.
const BEGINNING: usize = 64 << 10;

/// Whose mailbox is visited, and where.
#[derive(Clone)]
pub struct MailboxHost {
    /// The account.
    pub account: Arc<Account>,
    /// Its server for the protocol of the visit.
    pub server: Server,
    /// Its sign-in.
    pub login: Login,
}

impl MailboxHost {
    pub(super) fn who<'a>(&'a self, credential: &'a Credential) -> MailboxSignIn<'a> {
        MailboxSignIn {
            user: &self.account.user,
            credential,
            host: &self.server.host,
            port: self.server.port,
            whose: MailHost::of(self.account.provider, &self.server),
        }
    }
}

#[async_trait]
impl CredentialSource for MailboxHost {
    async fn turn(&self) -> Option<ConnectTurn> {
        None
    }

    async fn credential(&self) -> Result<Credential, WatchError> {
        Ok(self.login.credential().await?)
    }

    fn rejected(&self, credential: &Credential) {
        self.login.rejected(credential);
    }

    fn reached(&self) {}
}

#[async_trait]
impl Connector<ImapConnection> for MailboxHost {
    async fn connect(&self) -> Result<ImapConnection, WatchError> {
        let socket = net::tcp(&self.server, CONNECT).await?;
        session::begin(socket, &self.server, self.account.tls()).await?.wire
    }
}

/// What a visitor may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitOptions {
    /// Look and change nothing.
    Look,
    /// Touch mails too.
    Touch,
}

impl VisitOptions {
    /// How the mailbox is opened.
    fn command(self) -> &'static str {
        match self {
            Self::Look => "EXAMINE",
            Self::Touch => "SELECT",
        }
    }
}

/// An open mailbox.
pub struct ImapVisit {
    session: Session,
    sizes: Sizes,
}

impl ImapVisit {
    /// Connects, signs in and opens a mailbox, within 90 s.
    ///
    /// # Errors
    /// When there is no way in. [`WatchError::Refused`] with the command SELECT or EXAMINE: this mailbox can't be opened.
    pub async fn open(host: &MailboxHost, mailbox: &str, manners: VisitOptions) -> Result<Self, WatchError> {
        let enter = async |wire, credential| {
            let SignedInConnection {
                wire,
                capabilities,
                doubt,
            } = login::enter(wire, &host.who(&credential), &Habit::default()).await?;
            let (wire, selected) = login::believe(select(wire, manners.command(), mailbox).await, doubt)?;
            Ok((wire, capabilities, selected))
        };
        let (wire, can, selected) = door::admitted(host, enter).await?;
        let mut sizes = Sizes::default();
        sizes.greeted(&wire.greeting);
        Ok(Self {
            session: Session::begin(wire, can, selected, None, 1),
            sizes,
        })
    }
}

impl OpenMailbox for ImapVisit {
    type Key = u32;

    fn uid_validity(&self) -> Option<u32> {
        Some(self.session.cursor.uid_validity)
    }

    fn expunges(&self) -> bool {
        self.session.can.uidplus
    }

    async fn list(mut self) -> Result<(Self, Vec<Item<u32>>), WatchError> {
        let (mut all, mut from) = (Vec::new(), 1);
        loop {
            let (listed, more);
            (self.session.wire, listed, more) = listing::list(self.session.wire, from).await?;
            let (listed, _) = cursor::lowest(listed, from, usize::MAX);
            all.extend(listed.iter().map(|mail| Item {
                key: mail.uid,
                name: mail.uid.to_string(),
                size: mail.size.unwrap_or_default().into(),
            }));
            match listed.last().and_then(|last| last.uid.checked_add(1)) {
                Some(next) if more => from = next,
                _ => return Ok((self, all)),
            }
        }
    }

    async fn beginnings(mut self, mails: &[Item<u32>]) -> Result<(Self, Vec<(u32, Bytes)>), WatchError> {
        let uids: Vec<u32> = mails.iter().map(|mail| mail.key).collect();
        let mut found = BTreeMap::new();
        for (set, named) in uids::sets(&uids) {
            let what = format!("{set} (UID BODY.PEEK[]<0.{BEGINNING}>)");
            let done = self.session.wire.run(FETCH, &what, |said| match said {
                ImapResponse::Fetch(Fetch {
                    uid: Some(uid),
                    body: Some(body),
                    ..
                }) if named.binary_search(&uid).is_ok() && !found.contains_key(&uid) => {
                    // Some servers answer a part with the whole.
                    let most = body.len().min(BEGINNING);
                    found.insert(uid, Bytes::copy_from_slice(body.get(..most).unwrap_or_default()));
                    true
                }
                _ => false,
            });
            (self.session.wire, _) = done.await?.ok()?;
        }
        Ok((self, found.into_iter().collect()))
    }

    async fn fetch(
        mut self,
        mail: &Item<u32>,
        limit: u64,
        kept: &mut FetchedMail,
    ) -> Result<(Self, Fetched), WatchError> {
        let reading = Reading::new(None, limit);
        let fetched;
        (self.session.wire, fetched) = retrieve(self.session.wire, mail.key, reading, kept, &mut self.sizes).await?;
        Ok((self, fetched))
    }

    /// A mailbox that it is moved to is made when it is missing.
    async fn settle(
        mut self,
        mail: &Item<u32>,
        fate: &SettleAction,
    ) -> Result<(Self, Result<(), Refusal>), WatchError> {
        let mails = (&*mail.key.to_string(), &[mail.key][..]);
        let answer;
        (self.session, answer) = touch::touch_set(self.session, fate, mails, &mut Copied::default()).await?;
        Ok((self, answer))
    }

    async fn leave(self) -> Result<(), WatchError> {
        // The server closes either way.
        drop(timeout(FAREWELL, self.session.wire.run("LOGOUT", "", |_| {})).await);
        Ok(())
    }
}

async fn select(
    wire: ImapConnection,
    command: &'static str,
    mailbox: &str,
) -> Result<(ImapConnection, Selected), WatchError> {
    let name = mutf7::quoted(mailbox).ok_or_else(|| WatchError::Name(mailbox.to_owned()))?;
    let mut selected = Selected::default();
    let done = wire.run(command, &name, |said| {
        if let ImapResponse::Ok(Some(ResponseCode::UidValidity(number))) = said {
            selected.uid_validity = Some(number).filter(|number| *number > 0);
        }
    });
    let (wire, _) = done.await?.ok()?;
    Ok((wire, selected))
}
