//! Where the bytes of a mail that is read by itself go.

use bytes::Bytes;

use super::{
    cursor::SMALL,
    error::WatchError,
    intake::IntakeHandle,
    source::MailSink,
    taker::{MailMetadata, Shortfall},
};

/// A mail on its way into the ledger: as a whole where it is small, piece by piece where it is not.
pub(super) struct IntoLedger<'a> {
    intake: &'a mut IntakeHandle,
    pub(super) uid: u32,
    about: MailMetadata,
    first: Option<Bytes>,
    is_large: bool,
}

impl<'a> IntoLedger<'a> {
    pub(super) fn new(intake: &'a mut IntakeHandle, uid: u32) -> Self {
        Self {
            intake,
            uid,
            about: MailMetadata::default(),
            first: None,
            is_large: false,
        }
    }

    /// What the server said of it beside its bytes.
    pub(super) fn told(&self) -> MailMetadata {
        self.about
    }

    /// That was all, or all that is kept.
    pub(super) async fn end(self, held: Shortfall) -> Result<(), WatchError> {
        match self.is_large {
            true => {
                // It may have been told after the bytes.
                self.intake.about_large(self.about).await?;
                self.intake.end_large(held).await
            }
            false => {
                let bytes = self.first.unwrap_or_default();
                self.intake.mail(self.uid, self.about, bytes, held).await
            }
        }
    }
}

impl MailSink for IntoLedger<'_> {
    async fn piece(&mut self, bytes: Bytes) -> Result<(), WatchError> {
        if !self.is_large && self.first.is_none() && bytes.len() <= SMALL as usize {
            self.first = Some(bytes);
            return Ok(());
        }
        if !std::mem::replace(&mut self.is_large, true) {
            self.intake.begin_large(self.uid, self.about).await?;
        }
        if let Some(first) = self.first.take() {
            self.intake.piece(first).await?;
        }
        self.intake.piece(bytes).await
    }

    async fn forget(&mut self) -> Result<(), WatchError> {
        self.first = None;
        match std::mem::take(&mut self.is_large) {
            true => self.intake.gone().await,
            false => Ok(()),
        }
    }

    fn about(&mut self, about: MailMetadata) {
        self.about = MailMetadata {
            received: self.about.received.or(about.received),
            told: self.about.told.or(about.told),
        };
    }
}
