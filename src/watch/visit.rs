//! A visit to a mailbox by IMAP, beside the watch: mails are listed, read, and get their last touch, and the ledger hears of nothing.
//!
//! What only reads opens the mailbox by EXAMINE, which changes no flag (RFC 9051 section 6.3.3). Mails are asked for as the watch does:
//! by UID, `BODY.PEEK[]`, in pieces of a mebibyte.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::time::timeout;

use super::{
    aside::Copied,
    door::{self, CONNECT, Door, Keys},
    error::{Error, Refusal, Words},
    imap::{
        FETCH, Fetch, Habit, Said, Selected, Wire,
        login::{self, Entered},
        mutf7,
        response::Known,
    },
    intake::About,
    listing,
    mechanism::SignIn,
    reading::Reading,
    retrieve::{Retrieved, Sink, retrieve},
    session::{self, Session},
    sizes::Sizes,
    touch, uids,
};
use crate::{
    auth::{Credential, Login},
    config::{Account, Fate, Server},
    net::{self, ConnectTurn},
    refusal::MailHost,
};

/// For the farewell, which nobody needs.
const FAREWELL: Duration = Duration::from_secs(5);

/// Whose mailbox is visited, and where.
#[derive(Clone)]
pub struct Host {
    /// The account.
    pub account: Arc<Account>,
    /// Its server for the protocol of the visit.
    pub server: Server,
    /// Its sign-in.
    pub login: Login,
}

impl Host {
    pub(super) fn who<'a>(&'a self, credential: &'a Credential) -> SignIn<'a> {
        SignIn {
            user: &self.account.user,
            credential,
            host: &self.server.host,
            port: self.server.port,
            whose: MailHost::of(self.account.provider, &self.server),
        }
    }
}

#[async_trait]
impl Keys for Host {
    async fn turn(&self) -> Option<ConnectTurn> {
        None
    }

    async fn credential(&self) -> Result<Credential, Error> {
        Ok(self.login.credential().await?)
    }

    fn rejected(&self, credential: &Credential) {
        self.login.rejected(credential);
    }
}

#[async_trait]
impl Door<Wire> for Host {
    async fn knock(&self) -> Result<Wire, Error> {
        let socket = net::tcp(&self.server, CONNECT).await?;
        session::begin(socket, &self.server, self.account.tls()).await?.wire
    }
}

/// What a visitor may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manners {
    /// Look and change nothing.
    Look,
    /// Touch mails too.
    Touch,
}

impl Manners {
    /// How the mailbox is opened.
    fn command(self) -> &'static str {
        match self {
            Self::Look => "EXAMINE",
            Self::Touch => "SELECT",
        }
    }
}

/// An open mailbox.
pub struct Visit {
    session: Session,
    sizes: Sizes,
}

/// A mail in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Its number for good.
    pub uid: u32,
    /// Its bytes, as the server says.
    pub size: u64,
}

/// A mail that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// All of it.
    Whole {
        /// The mail.
        bytes: Vec<u8>,
        /// When the server received it, where it says so.
        received: Option<DateTime<Utc>>,
    },
    /// It has more bytes than were allowed.
    TooLarge,
    /// It is not there any more.
    Gone,
    /// The server does not give it, and why.
    Refused(Words),
}

/// A mail in memory.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    about: About,
}

impl Sink for Kept {
    async fn piece(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn forget(&mut self) -> Result<(), Error> {
        self.bytes.clear();
        Ok(())
    }

    fn about(&mut self, about: About) {
        self.about.received = self.about.received.or(about.received);
    }
}

impl Visit {
    /// Connects, signs in and opens a mailbox, within 90 s.
    ///
    /// # Errors
    /// When there is no way in. [`Error::Refused`] with the command SELECT or EXAMINE: this mailbox can't be opened.
    pub async fn open(host: &Host, mailbox: &str, manners: Manners) -> Result<Self, Error> {
        let enter = async |wire, credential| {
            let Entered {
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

    /// The mailbox's UIDVALIDITY; 1 where the server has none.
    #[must_use]
    pub fn uid_validity(&self) -> u32 {
        self.session.cursor.uid_validity
    }

    /// Whether what is deleted is gone at once; otherwise it stays, marked, until somebody expunges the mailbox.
    #[must_use]
    pub fn expunges(&self) -> bool {
        self.session.can.uidplus
    }

    /// Lists the mails from a UID on, oldest first, at most 100,000. The last value says that there are more.
    ///
    /// # Errors
    /// When the session ends.
    pub async fn list(mut self, from: u32) -> Result<(Self, Vec<Listed>, bool), Error> {
        let (listed, more);
        (self.session.wire, listed, more) = listing::list(self.session.wire, from).await?;
        let mut listed: Vec<_> = listed
            .into_iter()
            .filter(|mail| mail.uid >= from)
            .map(|mail| Listed {
                uid: mail.uid,
                size: mail.size.unwrap_or_default().into(),
            })
            .collect();
        listed.sort_unstable_by_key(|mail| mail.uid);
        Ok((self, listed, more))
    }

    /// The first `most` bytes of each of these mails (at most a mebibyte), as far as they are there.
    ///
    /// # Errors
    /// When the session ends.
    pub async fn beginnings(mut self, uids: &[u32], most: u32) -> Result<(Self, Vec<(u32, Bytes)>), Error> {
        let mut found = BTreeMap::new();
        for (set, named) in uids::sets(uids) {
            let what = format!("{set} (UID BODY.PEEK[]<0.{most}>)");
            let done = self.session.wire.run(FETCH, &what, |said| match said {
                Said::Fetch(Fetch {
                    uid: Some(uid),
                    body: Some(body),
                    ..
                }) if named.binary_search(&uid).is_ok() && !found.contains_key(&uid) => {
                    // Some servers answer a part with the whole.
                    let most = body.len().min(usize::try_from(most).unwrap_or(usize::MAX));
                    found.insert(uid, Bytes::copy_from_slice(body.get(..most).unwrap_or_default()));
                    true
                }
                _ => false,
            });
            (self.session.wire, _) = done.await?.ok()?;
        }
        let found = found.into_iter().collect();
        Ok((self, found))
    }

    /// Reads a mail of at most `limit` bytes.
    ///
    /// # Errors
    /// When the session ends.
    pub async fn read(mut self, uid: u32, limit: u64) -> Result<(Self, Read), Error> {
        let mut kept = Kept::default();
        let reading = Reading::new(None, limit);
        let retrieved;
        (self.session.wire, retrieved) = retrieve(self.session.wire, uid, reading, &mut kept, &mut self.sizes).await?;
        let read = match retrieved {
            Retrieved::Whole => Read::Whole {
                bytes: kept.bytes,
                received: kept.about.received,
            },
            Retrieved::TooLarge => Read::TooLarge,
            Retrieved::Gone => Read::Gone,
            Retrieved::Not(why) => Read::Refused(why),
        };
        Ok((self, read))
    }

    /// Gives a mail its last touch; a mailbox that it is moved to is made when it is missing.
    ///
    /// # Errors
    /// When the session ends; a refusal only says that the mail stays as it is.
    pub async fn touch(mut self, uid: u32, fate: &Fate) -> Result<(Self, Result<(), Refusal>), Error> {
        let answer;
        (self.session, answer) =
            touch::touch_set(self.session, fate, (&uid.to_string(), &[uid]), &mut Copied::default()).await?;
        Ok((self, answer))
    }

    /// Says goodbye.
    pub async fn leave(self) {
        // The server closes either way.
        drop(timeout(FAREWELL, self.session.wire.run("LOGOUT", "", |_| {})).await);
    }
}

async fn select(wire: Wire, command: &'static str, mailbox: &str) -> Result<(Wire, Selected), Error> {
    let name = mutf7::quoted(mailbox).ok_or_else(|| Error::Name(mailbox.to_owned()))?;
    let mut selected = Selected::default();
    let done = wire.run(command, &name, |said| {
        if let Said::Ok(Some(Known::UidValidity(number))) = said {
            selected.uid_validity = Some(number).filter(|number| *number > 0);
        }
    });
    let (wire, _) = done.await?.ok()?;
    Ok((wire, selected))
}
