//! What an action gets to know of who sent a mail.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{config::Proof, message::trust::Sender};

/// Who sent a mail. Only what a believed server, or Mailjob itself, found is here; others' claims are among the headers.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Sender")]
pub(super) struct SenderPayload<'a> {
    /// The one address that From names. Null where From can be read in two ways: such a mail is of nobody.
    address: Option<&'a str>,
    /// What shows that the mail is of that address's domain: `dmarc`, `dkim` or `spf`, the strongest. Null where nothing does.
    proven_by: Option<&'static str>,
    /// The result of SPF, e.g. `pass`; null where nobody said.
    spf: Option<&'a str>,
    /// The result of DKIM.
    dkim: Option<&'a str>,
    /// The result of DMARC.
    dmarc: Option<&'a str>,
    /// Who says so: `microsoft`, a server's name, `dns` where Mailjob verified it.
    sources: &'a [String],
}

impl<'a> SenderPayload<'a> {
    pub(super) fn new(sender: &'a Sender) -> Self {
        let evidence = &sender.evidence;
        Self {
            address: sender.address.as_deref().ok(),
            proven_by: sender.proven_by().map(Proof::name),
            spf: evidence.spf.as_deref(),
            dkim: evidence.dkim.as_deref(),
            dmarc: evidence.dmarc.as_deref(),
            sources: &evidence.sources,
        }
    }
}
