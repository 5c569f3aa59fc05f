//! The twenty mails of the demo, and what has to become of each.

use mailjob_testbed::mails::{self, Mail, bulk};

/// Mails to here become a webhook, if they have a PDF.
pub(crate) const INVOICES: &str = "invoices@example.test";
/// Mails to here become a command.
pub(crate) const SCANS: &str = "scans@example.test";

/// What has to become of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its job is done, and the sender is answered.
    Answered,
    /// Its job failed, and the sender is told.
    Told,
    /// Its job is done, and nobody is answered: a machine wrote it.
    DoneInSilence,
    /// Its job failed, and nobody is told: a machine wrote it.
    FailedInSilence,
    /// It is not meant; it stays where it is.
    Ignored,
}

impl Fate {
    /// Whether the sender gets a reply.
    pub(crate) fn replied(self) -> bool {
        matches!(self, Self::Answered | Self::Told)
    }

    /// The mailbox it ends in.
    pub(crate) fn mailbox(self) -> &'static str {
        match self {
            Self::Answered | Self::DoneInSilence => "Processed",
            Self::Told | Self::FailedInSilence => "Failed",
            Self::Ignored => "INBOX",
        }
    }
}

/// A mail of the demo.
#[derive(Debug)]
pub(crate) struct Role {
    /// What it is, for people.
    pub(crate) what: &'static str,
    /// Whose mailbox a reply goes to.
    pub(crate) sender: String,
    /// The endpoint's address.
    pub(crate) to: &'static str,
    /// Its Message-ID, without angle brackets.
    pub(crate) id: String,
    /// The mail.
    pub(crate) bytes: Vec<u8>,
    /// What has to become of it.
    pub(crate) fate: Fate,
}

/// An invoice for which the webhook is busy at first.
pub(crate) const BUSY: &str = "invoice-1003.pdf";
/// An invoice that the webhook refuses.
pub(crate) const REFUSED: &str = "invoice-1004.pdf";

/// All mails, in the order in which they are sent.
pub(crate) fn cast() -> Vec<Role> {
    let (ada, bob, yamada, rene) = (
        "ada@example.test",
        "bob@example.test",
        "yamada@example.test",
        "rene@example.test",
    );
    let (ada_named, bob_named) = ("Ada Lovelace <ada@example.test>", "Bob <bob@example.test>");
    let role = |what, sender: &str, to, fate, mail: Mail| Role {
        what,
        sender: sender.to_owned(),
        to,
        id: mail.message_id().to_owned(),
        bytes: mail.bytes(),
        fate,
    };
    let invoices = |what, sender, fate, mail| role(what, sender, INVOICES, fate, mail);
    let scans = |what, sender, fate, mail| role(what, sender, SCANS, fate, mail);
    let with_pdf = |mail: Mail| mail.attach("agenda.pdf", "application/pdf", &mails::pdf_document("Agenda"));
    use Fate::{Answered, DoneInSilence, FailedInSilence, Ignored, Told};
    vec![
        invoices("a PDF", ada, Answered, mails::pdf(ada_named, INVOICES, 1001)),
        scans("three scans", bob, Answered, mails::scans(bob_named, SCANS)),
        invoices("a PDF", bob, Answered, mails::pdf(bob_named, INVOICES, 1002)),
        scans("a mail in a mail", ada, Answered, mails::nested(ada_named, SCANS)),
        invoices(
            "a PDF, webhook busy at first",
            ada,
            Answered,
            mails::pdf(ada_named, INVOICES, 1003),
        ),
        scans(
            "an inline image and a PDF",
            bob,
            Answered,
            mails::inline_image(bob_named, SCANS),
        ),
        invoices(
            "a PDF that the webhook refuses",
            bob,
            Told,
            mails::pdf(bob_named, INVOICES, 1004),
        ),
        scans("Japanese names", yamada, Answered, mails::japanese(yamada, SCANS)),
        invoices("Japanese names", yamada, Answered, mails::japanese(yamada, INVOICES)),
        scans("Latin-1 names", rene, Answered, mails::latin1(rene, SCANS)),
        invoices("Latin-1 names", rene, Answered, mails::latin1(rene, INVOICES)),
        scans("no attachment", ada, Told, mails::no_attachment(ada_named, SCANS)),
        invoices("no attachment", ada, Ignored, mails::no_attachment(ada_named, INVOICES)),
        scans(
            "an automatic reply",
            bob,
            FailedInSilence,
            mails::auto_reply(bob_named, SCANS),
        ),
        invoices(
            "an automatic reply with a PDF",
            bob,
            DoneInSilence,
            with_pdf(mails::auto_reply(bob_named, INVOICES)),
        ),
        scans(
            "a mailing list's mail with a PDF",
            ada,
            DoneInSilence,
            with_pdf(mails::list(ada_named, SCANS)),
        ),
        invoices(
            "a mailing list's mail with a PDF",
            ada,
            DoneInSilence,
            with_pdf(mails::list(ada_named, INVOICES)),
        ),
        invoices(
            "an inline image and a PDF",
            bob,
            Answered,
            mails::inline_image(bob_named, INVOICES),
        ),
        invoices("a mail in a mail", ada, Ignored, mails::nested(ada_named, INVOICES)),
        Role {
            what: "a PDF of 3 MB",
            sender: "supplier@example.test".to_owned(),
            to: INVOICES,
            id: bulk::id(7, 3_000_000),
            bytes: bulk::sized(7, 3_000_000),
            fate: Answered,
        },
    ]
}
