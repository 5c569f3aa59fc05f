//! A ledger in memory that knows what the watch room asks of it, for tests.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::memory_state::State;
use crate::{
    config::{EndpointName, Retention},
    job::{ConversationKey, JobId},
    ledger::*,
    slots::{Quota, Slot},
};

/// A ledger in memory that knows what the watch room asks of it.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) state: Mutex<State>,
    pub(crate) bell: Arc<Notify>,
}

fn watched() -> Error {
    Error::Watched {
        mailbox: "imap://us@example/INBOX".into(),
        by: "process 7 on b".into(),
    }
}

impl Memory {
    /// The bytes of a mail.
    pub(crate) fn bytes(&self, uid: u32) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        let mail = state
            .mails
            .values()
            .find(|mail| mail.place.uid == uid)
            .unwrap_or_else(|| panic!("no mail {uid}"));
        let Content::Whole { raw, sha256 } = &mail.content else {
            panic!("mail {uid} lacks bytes: {mail:?}")
        };
        let bytes = match raw {
            Raw::Inline(bytes) => bytes.to_vec(),
            Raw::Uploaded { upload, .. } => state.pieces[upload].concat(),
        };
        assert_eq!(
            *sha256,
            <[u8; 32]>::from(Sha256::digest(&bytes)),
            "the hash is of the bytes"
        );
        bytes
    }

    /// Why a mail is not whole.
    pub(crate) fn lack(&self, uid: u32) -> Option<Lack> {
        let state = self.state.lock().unwrap();
        let mail = state.mails.values().find(|mail| mail.place.uid == uid);
        mail.unwrap_or_else(|| panic!("no mail {uid}")).lack().cloned()
    }

    pub(crate) fn uids(&self) -> Vec<u32> {
        self.state.lock().unwrap().mails.keys().map(|place| place.uid).collect()
    }

    pub(crate) fn cursor_now(&self) -> Option<Cursor> {
        self.state.lock().unwrap().cursor
    }

    pub(crate) fn due(&self, uid_validity: u32, uids: &[u32], verdict: MailOutcome) {
        let due = uids.iter().map(|&uid| Settling {
            place: Place { uid_validity, uid },
            verdict,
            endpoint: EndpointName::new("test").filter(|_| verdict != MailOutcome::Ignored),
        });
        self.state.lock().unwrap().due.extend(due);
        self.bell.notify_one();
    }

    pub(crate) fn settled_uids(&self) -> Vec<u32> {
        self.state
            .lock()
            .unwrap()
            .settled
            .iter()
            .map(|place| place.uid)
            .collect()
    }
}

#[async_trait]
impl Ledger for Memory {
    async fn cursor(&self, _: &MailboxKey) -> Result<Option<Cursor>, Error> {
        Ok(self.state.lock().unwrap().cursor)
    }

    async fn watch(&self, _: &MailboxKey) -> Result<Lease, Error> {
        let mut state = self.state.lock().unwrap();
        state.watches += 1;
        match state.another_has_it.checked_sub(1) {
            None => Ok(Lease::default()),
            Some(left) => {
                state.another_has_it = left;
                Err(watched())
            }
        }
    }

    async fn announce(&self, _: Vec<(MailboxKey, Vec<EndpointName>)>) -> Result<(), Error> {
        unreachable!()
    }

    async fn last_taken(&self, _: &MailboxKey) -> Result<Option<chrono::DateTime<chrono::Utc>>, Error> {
        Ok(None)
    }

    async fn upload(&self, _: &WatchedMailbox, upload: UploadId, index: u32, piece: Bytes) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap();
        let pieces = state.pieces.entry(upload).or_default();
        assert_eq!(pieces.len(), index as usize, "pieces come in order");
        pieces.push(piece);
        Ok(())
    }

    async fn mailboxes(&self) -> Result<Vec<MailboxKey>, Error> {
        unreachable!()
    }

    async fn rename_mailbox(&self, _: &MailboxKey, _: &MailboxKey) -> Result<bool, Error> {
        unreachable!()
    }

    async fn abandon(&self, _: &WatchedMailbox, upload: UploadId) -> Result<(), Error> {
        self.state.lock().unwrap().pieces.remove(&upload);
        Ok(())
    }

    async fn take(&self, intake: Intake) -> Result<IntakeResult, Error> {
        tokio::task::yield_now().await;
        let mut state = self.state.lock().unwrap();
        if state.fail {
            return Err(Error::Full("no space".into()));
        }
        if std::mem::take(&mut state.is_taken_away) {
            return Err(watched());
        }
        let mut taken = IntakeResult::default();
        for mail in intake.mails {
            if let Some(upload) = mail.lack().and_then(|lack| lack.upload) {
                state.pieces.remove(&upload);
            }
            let present = state.mails.get(&mail.place).map(|known| known.lack().is_some());
            let same = |known: &NewMail| match (&known.content, &mail.content) {
                (Content::Whole { sha256: known, .. }, Content::Whole { sha256: new, .. }) => known == new,
                _ => false,
            };
            state.wanted.retain(|uid| *uid != mail.place.uid);
            if present == Some(true) && mail.lack().is_none() {
                taken.completed += 1;
                state.mails.insert(mail.place, mail);
            } else if present.is_some() || state.mails.values().any(same) {
                taken.known += 1;
                let lack = mail.lack().cloned().filter(|_| present == Some(true));
                state.unfetched.extend(lack.map(|lack| (mail.place.uid, lack)));
                if mail.place.uid_validity == MAILDROP && present.is_none() {
                    state.mails.insert(mail.place, mail);
                }
            } else {
                taken.new += 1;
                state.mails.insert(mail.place, mail);
            }
        }
        state.cursor = Some(intake.cursor);
        state.commits += 1;
        Ok(taken)
    }

    async fn wanted(&self, _: &MailboxKey, uid_validity: u32) -> Result<Vec<RefetchRequest>, Error> {
        let state = self.state.lock().unwrap();
        let wanted = |&uid: &u32| RefetchRequest {
            mail: MailId(uid.into()),
            place: Some(Place { uid_validity, uid }).filter(|place| state.mails.contains_key(place)),
        };
        Ok(state.wanted.iter().map(wanted).collect())
    }

    async fn unfetched(&self, _: &WatchedMailbox, mail: MailId, why: Lack) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap();
        let uid = u32::try_from(mail.0).unwrap();
        state.wanted.retain(|wanted| *wanted != uid);
        state.unfetched.push((uid, why));
        Ok(())
    }

    async fn claim(&self, _: &EndpointName, _: &Quota, _: Slot) -> Result<Vec<(ClaimedJob, Slot)>, Error> {
        unreachable!()
    }

    async fn resume_changed(&self, _: &EndpointName, _: [u8; 32]) -> Result<bool, Error> {
        unreachable!()
    }

    async fn mended(&self, _: &EndpointName) -> Result<u64, Error> {
        unreachable!()
    }

    async fn account_mended(&self, _: &str) -> Result<u64, Error> {
        unreachable!()
    }

    async fn submissions(&self, _: &str, _: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, Error> {
        unreachable!()
    }

    fn changed_outside(&self) -> Arc<Notify> {
        unreachable!()
    }

    async fn raw(&self, _: MailId) -> Result<Bytes, Error> {
        unreachable!()
    }

    async fn admit(&self, _: JobId, _: Fence, _: Vec<RateLimit>) -> Result<Admission, Error> {
        unreachable!()
    }

    async fn finish_and_claim(
        &self,
        _: Finish,
        _: &EndpointName,
    ) -> Result<(Option<&'static str>, Option<ClaimedJob>), Error> {
        unreachable!()
    }

    async fn finish(&self, _: Finish) -> Result<Option<&'static str>, Error> {
        unreachable!()
    }

    async fn reassign_orphans(
        &self,
        _: &MailboxKey,
        _: &[EndpointName],
        _: &[EndpointName],
    ) -> Result<ReassignedJobs, Error> {
        unreachable!()
    }

    async fn strays(&self, _: &EndpointName, _: &MailboxKey) -> Result<Vec<MailboxKey>, Error> {
        unreachable!()
    }

    async fn parts(&self, _: JobId, _: u64) -> Result<GatheredParts, Error> {
        unreachable!()
    }
    async fn conversation(&self, _: Vec<ConversationKey>, _: JobId) -> Result<Option<KnownConversation>, Error> {
        unreachable!()
    }

    async fn accept_answer(&self, _: ConversationKey, _: JobId, _: Fence) -> Result<bool, Error> {
        unreachable!()
    }

    async fn bounced(&self, _: Bounced) -> Result<Option<JobId>, Error> {
        unreachable!()
    }

    async fn release(&self, _: JobId, _: Fence) -> Result<(), Error> {
        unreachable!()
    }

    async fn claim_replies(&self, _: &str, _: usize) -> Result<Vec<ClaimedReply>, Error> {
        unreachable!()
    }

    async fn letter(&self, _: JobId, _: u64) -> Result<Bytes, Error> {
        unreachable!()
    }

    async fn submitted(&self, _: JobId, _: Fence, _: Submitted) -> Result<(), Error> {
        unreachable!()
    }

    async fn settling(&self, _: &MailboxKey, uid_validity: u32, max: usize) -> Result<Vec<Settling>, Error> {
        let state = self.state.lock().unwrap();
        let due = state.due.iter().filter(|due| due.place.uid_validity == uid_validity);
        Ok(due.take(max).cloned().collect())
    }

    async fn settled(&self, _: &WatchedMailbox, places: &[Place]) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap();
        state.due.retain(|due| !places.contains(&due.place));
        state.settled.extend(places);
        Ok(())
    }

    async fn maildrop(&self, _: &MailboxKey) -> Result<Vec<MaildropMail>, Error> {
        let state = self.state.lock().unwrap();
        let mail = |(name, uid): &(MaildropName, u32)| {
            let held = state.mails.values().find(|mail| mail.place.uid == *uid);
            MaildropMail {
                name: name.clone(),
                uid: *uid,
                skipped: state.skipped.contains(uid),
                taken: state.skipped.contains(uid) || held.is_some(),
                print: Fingerprint {
                    header_key: held
                        .and_then(|mail| mail.header_key)
                        .or(state.header_keys.get(uid).copied()),
                    sha256: held.and_then(|mail| match &mail.content {
                        Content::Whole { sha256, .. } => Some(*sha256),
                        Content::Lacking(_) => None,
                    }),
                },
            }
        };
        Ok(state.maildrop.iter().map(mail).collect())
    }

    async fn maildrop_number(&self, _: &WatchedMailbox, names: Vec<MaildropName>) -> Result<Vec<u32>, Error> {
        let mut state = self.state.lock().unwrap();
        let mut given = Vec::new();
        for name in names {
            let free = |(known, uid): &&(MaildropName, u32)| {
                let taken = state.skipped.contains(uid) || state.mails.keys().any(|place| place.uid == *uid);
                *known == name && !taken && !given.contains(uid)
            };
            let uid = match state.maildrop.iter().find(free) {
                Some((_, uid)) => *uid,
                None => {
                    state.numbers += 1;
                    let uid = state.numbers;
                    state.maildrop.push((name, uid));
                    uid
                }
            };
            given.push(uid);
        }
        Ok(given)
    }

    async fn maildrop_seen(&self, _: &WatchedMailbox, keys: Vec<(u32, [u8; 32])>) -> Result<(), Error> {
        self.state.lock().unwrap().header_keys.extend(keys);
        Ok(())
    }

    async fn maildrop_skip(&self, mailbox: &WatchedMailbox, names: Vec<MaildropName>) -> Result<(), Error> {
        let uids = self.maildrop_number(mailbox, names).await?;
        let mut state = self.state.lock().unwrap();
        state.skipped.extend(uids);
        state.cursor.get_or_insert(Cursor {
            uid_validity: MAILDROP,
            uid_next: 1,
        });
        Ok(())
    }

    async fn maildrop_left(&self, mailbox: &WatchedMailbox, uids: Vec<u32>) -> Result<(), Error> {
        let place = |&uid: &u32| Place {
            uid_validity: MAILDROP,
            uid,
        };
        let places: Vec<_> = uids.iter().map(place).collect();
        self.state
            .lock()
            .unwrap()
            .maildrop
            .retain(|(_, uid)| !uids.contains(uid));
        self.settled(mailbox, &places).await
    }

    fn settle_due(&self, _: &MailboxKey) -> Arc<Notify> {
        self.bell.clone()
    }

    async fn forget(&self, _: Retention, _: DateTime<Utc>) -> Result<PruneReport, Error> {
        unreachable!()
    }

    async fn ping(&self) -> Result<(), Error> {
        Ok(())
    }
}
