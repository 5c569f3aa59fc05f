//! How things stand: a picture that is replaced as a whole, so that no scrape sees half of it, nor an endpoint that is gone.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeGaugeValue},
    metrics::MetricType,
    registry::Unit,
};

use super::sign_ins::gauge;

/// How things stand now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Picture {
    /// Each mailbox that is watched.
    pub mailboxes: Vec<MailboxNow>,
    /// The codes of all states.
    pub states: Vec<&'static str>,
    /// The state of each endpoint.
    pub endpoints: BTreeMap<String, &'static str>,
    /// Jobs by endpoint and state.
    pub jobs: Vec<(String, &'static str, u64)>,
    /// When the oldest job of an endpoint became due that is not run yet, in seconds since 1970.
    pub oldest_due: Vec<(String, f64)>,
    /// Since when webhooks are down, by endpoint, in seconds since 1970.
    pub webhooks_down: Vec<(String, f64)>,
    /// Replies by account and state.
    pub replies: Vec<(String, String, u64)>,
    /// Problems of the configuration.
    pub problems: u64,
    /// Bytes of the ledger.
    pub ledger_size: Option<u64>,
    /// Bytes that are free on its disk.
    pub ledger_free: Option<u64>,
    /// The room for mails and results in memory: bytes in all, bytes that are taken, and who waits for some.
    pub memory: Option<(u64, u64, u64)>,
}

/// A mailbox as it is now. Times are seconds since 1970; what isn't known isn't shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailboxNow {
    /// The account that opens it.
    pub account: String,
    /// Its name at the server.
    pub mailbox: String,
    /// Whether it is in reach, as far as is known.
    pub up: bool,
    /// When it was last looked at with success.
    pub looked: Option<i64>,
    /// When a mail was last taken.
    pub took: Option<i64>,
    /// Mails that the server told of and that are not taken yet.
    pub untaken: u64,
    /// Mails that lay there before it was watched and are left.
    pub left: u64,
    /// Mails that are over and whose last touch the server refuses.
    pub unsettled: u64,
    /// Whether somebody else works at it with a ledger of its own.
    pub second_ledger: bool,
}

/// Where the picture hangs. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct SharedPicture(Arc<Mutex<Picture>>);

impl SharedPicture {
    /// Shows this one, and no other.
    pub fn show(&self, picture: Picture) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = picture;
    }
}

impl Collector for SharedPicture {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let picture = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut mailboxes = MailboxEncoder(&mut encoder, &picture);
        mailboxes.show(
            (
                "mailbox_up",
                "Whether the mailbox is in reach, or rests until its next look.",
                None,
            ),
            |now| Some(i64::from(now.up)),
        )?;
        mailboxes.show(
            (
                "mailbox_last_look_timestamp",
                "When the mailbox was last looked at with success.",
                Some(Unit::Seconds),
            ),
            |now| now.looked,
        )?;
        mailboxes.show(
            (
                "mailbox_last_mail_timestamp",
                "When a mail was last taken from the mailbox.",
                Some(Unit::Seconds),
            ),
            |now| now.took,
        )?;
        mailboxes.show(
            (
                "mailbox_untaken_mails",
                "Mails that the server told of and that are not taken yet.",
                None,
            ),
            |now| i64::try_from(now.untaken).ok(),
        )?;
        mailboxes.show(
            (
                "mailbox_left_mails",
                "Mails that lay in the mailbox before it was watched and are left there.",
                None,
            ),
            |now| i64::try_from(now.left).ok(),
        )?;
        mailboxes.show(
            (
                "mailbox_unsettled_mails",
                "Mails that are over and that the server refuses to move, mark or delete.",
                None,
            ),
            |now| i64::try_from(now.unsettled).ok(),
        )?;
        mailboxes.show(
            (
                "mailbox_second_ledger",
                "Whether another Mailjob works at the mailbox with a ledger of its own: mails are done twice.",
                None,
            ),
            |now| Some(i64::from(now.second_ledger)),
        )?;
        endpoints(&mut encoder, &picture)?;
        ledger(&mut encoder, &picture)?;
        memory(&mut encoder, &picture)
    }
}

/// Name, help and unit.
type MetricName = (&'static str, &'static str, Option<Unit>);

struct MailboxEncoder<'a, 'b>(&'a mut DescriptorEncoder<'b>, &'a Picture);

impl MailboxEncoder<'_, '_> {
    fn show(&mut self, named: MetricName, value: impl Fn(&MailboxNow) -> Option<i64>) -> fmt::Result {
        let (name, help, unit) = named;
        let mut metric = self.0.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
        for now in &self.1.mailboxes {
            let labels = [("account", now.account.as_str()), ("mailbox", now.mailbox.as_str())];
            if let Some(value) = value(now) {
                gauge(&mut metric, &labels, value)?;
            }
        }
        Ok(())
    }
}

fn endpoints(encoder: &mut DescriptorEncoder<'_>, picture: &Picture) -> fmt::Result {
    let help = "The state of each endpoint: 1 for the one that it is in.";
    let mut metric = encoder.encode_descriptor("endpoint_state", help, None, MetricType::Gauge)?;
    for (endpoint, now) in &picture.endpoints {
        for state in &picture.states {
            let labels = [("endpoint", endpoint.as_str()), ("state", state)];
            gauge(&mut metric, &labels, i64::from(state == now))?;
        }
    }
    let help = "Jobs that have not ended, and those that failed, by state.";
    let mut metric = encoder.encode_descriptor("jobs", help, None, MetricType::Gauge)?;
    for (endpoint, state, count) in &picture.jobs {
        let labels = [("endpoint", endpoint.as_str()), ("state", state)];
        gauge(&mut metric, &labels, number(*count))?;
    }
    let help = "When the oldest job became due that is not run yet.";
    let name = "jobs_oldest_due_timestamp";
    let mut metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
    for (endpoint, due) in &picture.oldest_due {
        metric
            .encode_family(&[("endpoint", endpoint.as_str())])?
            .encode_gauge(due)?;
    }
    let help = "Since when the webhook is down; nothing where it is up.";
    let name = "webhook_down_since_timestamp";
    let mut metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
    for (endpoint, since) in &picture.webhooks_down {
        metric
            .encode_family(&[("endpoint", endpoint.as_str())])?
            .encode_gauge(since)?;
    }
    let help = "Replies that were not sent, or came back, by state.";
    let mut metric = encoder.encode_descriptor("replies", help, None, MetricType::Gauge)?;
    for (account, state, count) in &picture.replies {
        let labels = [("account", account.as_str()), ("state", state)];
        gauge(&mut metric, &labels, number(*count))?;
    }
    let help = "Problems of the configuration; mailjob check prints them.";
    one(
        encoder,
        ("configuration_problems", help, None),
        &number(picture.problems),
    )
}

fn ledger(encoder: &mut DescriptorEncoder<'_>, picture: &Picture) -> fmt::Result {
    if let Some(size) = picture.ledger_size {
        let help = "Size of the ledger's file and of its log.";
        one(encoder, ("ledger_size", help, Some(Unit::Bytes)), &number(size))?;
    }
    if let Some(free) = picture.ledger_free {
        let help = "What is free on the ledger's disk.";
        one(encoder, ("ledger_disk_free", help, Some(Unit::Bytes)), &number(free))?;
    }
    Ok(())
}

fn memory(encoder: &mut DescriptorEncoder<'_>, picture: &Picture) -> fmt::Result {
    let Some((all, taken, waiting)) = picture.memory else {
        return Ok(());
    };
    let help = "What mails and results may take in memory: [service] memory.";
    one(encoder, ("memory_budget", help, Some(Unit::Bytes)), &number(all))?;
    let help = "What jobs hold of it.";
    one(encoder, ("memory_taken", help, Some(Unit::Bytes)), &number(taken))?;
    let help = "Jobs and large replies that wait for room in memory.";
    one(encoder, ("memory_waiting", help, None), &number(waiting))
}

fn one(encoder: &mut DescriptorEncoder<'_>, named: MetricName, value: &impl EncodeGaugeValue) -> fmt::Result {
    let (name, help, unit) = named;
    encoder
        .encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?
        .encode_gauge(value)
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
