//! The whole examination: every account once, every endpoint's action, some at once.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::{
    future::{BoxFuture, FutureExt},
    stream::{self, StreamExt},
};

use super::{DoctorReport, Finding, Issue, account, action, patient::patients, sign_in};
use crate::{
    auth::TokenStore,
    config::{Endpoint, EndpointName, uses},
};

/// Accounts and actions that are examined at once.
const AT_ONCE: usize = 8;

/// What is examined, and with what.
pub struct Examination {
    /// The endpoints.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// Where tokens of persons are kept.
    pub store: TokenStoreState,
    /// Mails that are left in the mailboxes of endpoints, where there was a first look.
    pub left: BTreeMap<EndpointName, u64>,
    /// Mails of endpoints whose work is over, and that have waited for their last touch for long.
    pub overdue: BTreeMap<EndpointName, u64>,
}

/// Where tokens of persons are kept. Only who can store a new refresh token may use the old one.
#[derive(Clone)]
pub enum TokenStoreState {
    /// Here.
    Open(Arc<dyn TokenStore>),
    /// Not to be had now, and why.
    Closed(Issue),
}

/// Whether these endpoints have accounts whose tokens are kept.
#[must_use]
pub fn needs_store(endpoints: &[Arc<Endpoint>]) -> bool {
    patients(endpoints, &BTreeMap::new())
        .iter()
        .any(|patient| sign_in::is_kept(&patient.account))
}

/// Examines, and tells `on` of each account and action when it is done, in the order of the report.
pub async fn examine(examination: &Examination, mut on: impl FnMut(&[Finding])) -> DoctorReport {
    let Examination {
        endpoints,
        store,
        left,
        overdue,
    } = examination;
    let mut patients = patients(endpoints, left);
    let readings = patients.iter_mut().flat_map(|patient| &mut patient.reads);
    for mailbox in readings.flat_map(|reading| &mut reading.mailboxes) {
        mailbox.overdue = overdue.get(&mailbox.endpoint).copied().unwrap_or(0);
    }
    let logins = sign_in::logins(&patients, |sign_in| uses(endpoints.iter(), sign_in), store);
    let accounts = patients
        .iter()
        .zip(&logins)
        .map(|(patient, login)| account::examine(patient, login, store).boxed());
    let actions = endpoints.iter().map(|endpoint| action::examine(endpoint).boxed());
    let all: Vec<BoxFuture<'_, Vec<Finding>>> = accounts.chain(actions).collect();
    let mut done = stream::iter(all).buffered(AT_ONCE);
    let mut report = DoctorReport::default();
    while let Some(findings) = done.next().await {
        on(&findings);
        report.findings.extend(findings);
    }
    report
}
