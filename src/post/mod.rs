//! Mail by hand: one mail sent at once, or mails received into a folder, without the ledger and its loops.
//!
//! Nothing is queued and nothing is remembered: what the servers say is what the caller is told. A mail is deleted or moved only after
//! everything of it was written to the disk.

pub mod account;
mod address;
mod draft;
mod letter;
mod look;
mod page;
mod parcel;
mod receive;
mod send;
mod shelf;

pub use address::{NamedAddress, addresses};
pub use draft::{Attached, DraftError, MAX_INPUT, MailDraft, header};
pub use letter::{OutgoingMail, letter};
pub use page::{Element, json};
pub use receive::{OnReceived, ReceiveCounts, ReceiveError, ReceiveHost, ReceiveRequest, receive};
pub use send::{Delivery, RefusedRecipient, Undelivered, send};
pub use shelf::{Shelf, ShelfLock};

/// Hears of the steps on the way, each in a few words.
pub type Steps<'a> = &'a (dyn Fn(&str) + Sync);
