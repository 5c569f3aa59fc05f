//! The task that takes mails: hashes them, stores pieces, commits.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{WatchHealth, header_key::header_key, health::received, rival};
use crate::{
    budget::Room,
    config::EndpointName,
    job::Reason,
    ledger::{self, Content, Cursor, IntakeResult, Lack, Ledger, NewMail, Place, Raw, UploadId, WatchedMailbox},
};

/// The bytes that are committed together at the most.
const TOGETHER: usize = 4 << 20;

/// Why a mail is taken but not worked on.
pub(crate) type Shortfall = Option<Lack>;

/// A mail that is over the limit is not read to its end, and nobody works on it.
pub(crate) fn held(size: u64, limit: u64) -> Shortfall {
    let detail = || {
        format!(
            "the mail is larger than {limit} bytes, the limit of this mailbox's endpoints: raise `size` in [limits], then mailjob jobs retry has it fetched again"
        )
    };
    (size > limit).then(|| Lack {
        reason: Reason::TooLarge,
        detail: detail(),
        size,
        upload: None,
    })
}

/// What a server says of a mail beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MailMetadata {
    /// When it received the mail.
    pub(crate) received: Option<DateTime<Utc>>,
    /// How many bytes it has.
    pub(crate) told: Option<u64>,
}

/// What the session hands over.
pub(super) enum IntakeMessage {
    /// A mail in one piece.
    Mail(SmallMail),
    /// The beginning of one in several.
    Begin { uid: u32, about: MailMetadata },
    /// The next piece of it.
    Piece(Bytes, Room),
    /// What the server says of it beside its bytes.
    About(MailMetadata),
    /// Its end.
    End(Shortfall),
    /// It is not there any more, or begins again.
    Gone,
    /// A mail in one piece was not the only one under its UID.
    Retract(u32),
    /// A mail whose bytes can't be had.
    Lacking { uid: u32, about: MailMetadata, lack: Lack },
    /// Every mail below this UID was handed over.
    Cursor(u32),
    /// Somebody waits for room.
    Flush,
}

/// A mail in one piece.
pub(super) struct SmallMail {
    pub(super) uid: u32,
    pub(super) about: MailMetadata,
    pub(super) bytes: Bytes,
    pub(super) held: Shortfall,
    pub(super) room: Room,
}

/// What the task holds.
pub(super) struct IntakeTask {
    ledger: Arc<dyn Ledger>,
    endpoints: Vec<EndpointName>,
    mailbox: WatchedMailbox,
    /// As far as it is committed.
    cursor: Cursor,
    mails: Vec<NewMail>,
    rooms: Vec<Room>,
    bytes: usize,
    large: Option<LargeMail>,
    taken: IntakeResult,
    health: Arc<WatchHealth>,
}

/// A mail of which pieces are stored.
struct LargeMail {
    uid: u32,
    about: MailMetadata,
    upload: UploadId,
    pieces: u32,
    size: u64,
    hash: Sha256,
    header_key: Option<[u8; 32]>,
}

impl IntakeTask {
    pub(super) fn new(
        ledger: Arc<dyn Ledger>,
        endpoints: Vec<EndpointName>,
        mailbox: WatchedMailbox,
        cursor: Cursor,
        health: Arc<WatchHealth>,
    ) -> Self {
        Self {
            ledger,
            endpoints,
            mailbox,
            cursor,
            mails: Vec::new(),
            rooms: Vec::new(),
            bytes: 0,
            large: None,
            taken: IntakeResult::default(),
            health,
        }
    }

    pub(super) async fn run(
        mut self,
        mut arrived: mpsc::Receiver<IntakeMessage>,
    ) -> Result<IntakeResult, ledger::Error> {
        while let Some(arrived) = arrived.recv().await {
            if let Err(error) = self.handle(arrived).await {
                // Nobody would take what came of a mail, and on a full disk each try would leave more. Those that are whole are taken.
                drop(self.abandon().await);
                drop(self.commit(self.cursor.uid_next).await);
                return Err(error);
            }
        }
        self.abandon().await?;
        self.commit(self.cursor.uid_next).await?;
        Ok(self.taken)
    }

    /// Drops the pieces of a mail that came to no end.
    async fn abandon(&mut self) -> Result<(), ledger::Error> {
        match self.large.take() {
            Some(large) if large.pieces > 0 => self.ledger.abandon(&self.mailbox, large.upload).await,
            _ => Ok(()),
        }
    }

    async fn handle(&mut self, arrived: IntakeMessage) -> Result<(), ledger::Error> {
        match arrived {
            IntakeMessage::Mail(small) => self.small(small),
            IntakeMessage::Begin { uid, about } => {
                self.large = Some(LargeMail {
                    uid,
                    about,
                    upload: UploadId(Uuid::now_v7()),
                    pieces: 0,
                    size: 0,
                    hash: Sha256::new(),
                    header_key: None,
                });
            }
            IntakeMessage::Piece(bytes, room) => {
                if let Some(large) = &mut self.large {
                    large.piece(&*self.ledger, &self.mailbox, bytes).await?;
                }
                drop(room);
            }
            IntakeMessage::About(about) => {
                if let Some(large) = &mut self.large {
                    large.about = about;
                }
            }
            IntakeMessage::End(held) => {
                if let Some(large) = self.large.take() {
                    let (uid, about, key) = (large.uid, large.about, large.header_key);
                    let mail = self.seen(uid, about, key, large.content(held));
                    self.mails.push(mail);
                }
            }
            IntakeMessage::Gone => self.abandon().await?,
            IntakeMessage::Retract(uid) => self.mails.retain(|mail| mail.place.uid != uid),
            IntakeMessage::Lacking { uid, about, lack } => {
                let mail = self.seen(uid, about, None, Content::Lacking(lack));
                self.mails.push(mail);
            }
            // Mails that lay there before are taken from behind the cursor, which never goes back.
            IntakeMessage::Cursor(uid_next) => self.commit(uid_next.max(self.cursor.uid_next)).await?,
            IntakeMessage::Flush => self.commit(self.cursor.uid_next).await?,
        }
        if self.bytes >= TOGETHER {
            self.commit(self.cursor.uid_next).await?;
        }
        Ok(())
    }

    fn small(&mut self, small: SmallMail) {
        if let Some(whose) = rival::probe(&small.bytes) {
            self.health.probe(whose, (self.cursor.uid_validity, small.uid));
            return;
        }
        self.bytes += small.bytes.len();
        let key = header_key(&small.bytes);
        let content = match small.held {
            None => {
                self.rooms.push(small.room);
                Content::Whole {
                    sha256: Sha256::digest(&small.bytes).into(),
                    raw: Raw::Inline(small.bytes),
                }
            }
            Some(held) => lacking(held, small.bytes.len() as u64, small.about, None),
        };
        let mail = self.seen(small.uid, small.about, key, content);
        self.mails.push(mail);
    }

    fn seen(&self, uid: u32, about: MailMetadata, header_key: Option<[u8; 32]>, content: Content) -> NewMail {
        NewMail {
            place: Place {
                uid_validity: self.cursor.uid_validity,
                uid,
            },
            received: about.received,
            told: about.told,
            header_key,
            content,
        }
    }

    async fn commit(&mut self, uid_next: u32) -> Result<(), ledger::Error> {
        if self.mails.is_empty() && uid_next == self.cursor.uid_next {
            return Ok(());
        }
        self.cursor.uid_next = uid_next;
        let intake = ledger::Intake {
            mailbox: self.mailbox.clone(),
            endpoints: self.endpoints.clone(),
            cursor: self.cursor,
            mails: std::mem::take(&mut self.mails),
        };
        let received = received(&intake.mails);
        let taken = self.ledger.take(intake).await?;
        self.health.took(taken, &received, Utc::now());
        tracing::debug!(mailbox = %self.mailbox, new = taken.new, known = taken.known, uid_next, "took mails");
        self.taken.new += taken.new;
        self.taken.known += taken.known;
        self.taken.completed += taken.completed;
        self.bytes = 0;
        self.rooms.clear();
        Ok(())
    }
}

impl LargeMail {
    async fn piece(
        &mut self,
        ledger: &dyn Ledger,
        mailbox: &WatchedMailbox,
        bytes: Bytes,
    ) -> Result<(), ledger::Error> {
        if self.pieces == 0 {
            self.header_key = header_key(&bytes);
        }
        self.hash.update(&bytes);
        self.size += bytes.len() as u64;
        ledger.upload(mailbox, self.upload, self.pieces, bytes).await?;
        self.pieces += 1;
        Ok(())
    }

    fn content(self, held: Shortfall) -> Content {
        match held {
            None => Content::Whole {
                raw: Raw::Uploaded {
                    upload: self.upload,
                    size: self.size,
                },
                sha256: self.hash.finalize().into(),
            },
            Some(held) => lacking(held, self.size, self.about, Some(self.upload)),
        }
    }
}

/// A mail that was not read to its end, or could not be.
fn lacking(lack: Lack, read: u64, about: MailMetadata, upload: Option<UploadId>) -> Content {
    Content::Lacking(Lack {
        size: about.told.unwrap_or(0).max(read).max(lack.size),
        upload,
        ..lack
    })
}
