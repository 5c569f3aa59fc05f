//! What a sign-in opens: the account's servers, tried one after the other.

use std::sync::Arc;

use super::{
    DoctorReport, Finding, StepOutcome, TokenStoreState, account,
    patient::{ExaminedAccount, ProtocolMailboxes},
};
use crate::{
    auth::{Login, TokenStore},
    config::{Account, Protocol, ReadBy},
};

/// Tries every server of an account with its sign-in. What none of `uses` needs may fail: nothing asked for it.
pub async fn trial(
    account: &Arc<Account>,
    uses: &[Protocol],
    login: &Login,
    store: Arc<dyn TokenStore>,
) -> DoctorReport {
    let mut findings: Vec<Finding> = Vec::new();
    for protocol in [Protocol::Imap, Protocol::Pop3, Protocol::Smtp] {
        let Some(patient) = patient(account, protocol) else {
            continue;
        };
        let examined = account::examine(&patient, &Ok(login.clone()), &TokenStoreState::Open(store.clone())).await;
        // The credential is the same for all.
        let told = |new: &Finding| {
            findings
                .iter()
                .any(|old| (old.stage, &old.subject) == (new.stage, &new.subject))
        };
        let mut new: Vec<_> = examined.into_iter().filter(|finding| !told(finding)).collect();
        if !uses.contains(&protocol) {
            new.iter_mut().for_each(excuse);
        }
        findings.extend(new);
    }
    DoctorReport { findings }
}

/// One protocol of an account, as if an endpoint used it.
fn patient(account: &Arc<Account>, protocol: Protocol) -> Option<ExaminedAccount> {
    let server = account.server(protocol)?.clone();
    let read_by = match protocol {
        Protocol::Imap => Some(ReadBy::Imap),
        Protocol::Pop3 => Some(ReadBy::Pop3),
        Protocol::Smtp => None,
    };
    let reading = |protocol| ProtocolMailboxes {
        protocol,
        server,
        mailboxes: Vec::new(),
    };
    Some(ExaminedAccount {
        account: account.clone(),
        reads: read_by.map(reading).into_iter().collect(),
        sends: read_by.is_none(),
    })
}

/// A failure of what nobody uses is only said.
fn excuse(finding: &mut Finding) {
    if let StepOutcome::Failed(trouble) = &finding.outcome {
        let mut trouble = trouble.clone();
        trouble.cure = format!("nothing, while no endpoint uses it; else: {}", trouble.cure);
        finding.outcome = StepOutcome::Warned(trouble);
    }
}
