//! What a mail may cost, and when an action is tried again.

use std::time::Duration;

use super::{DAY, HOUR, INSTANT, MINUTE, SECOND};
use crate::config::{
    declare::{keys, usual},
    kind::{Bytes, Count, List, Time},
};

keys! {
    /// What a mail may cost before it is held. Depth and parts end where the mail parser's own limits are.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Limits: Default in "limits" "What a mail may cost; one that is over is held for a person to look at." {
        size: u64 = Bytes(1 << 10..=1 << 30), usual(50 << 20), "of the raw mail";
        depth: usize = Count(1..=64), usual(50), "nesting of parts";
        parts: usize = Count(1..=10_000), usual(1000), "";
        headers: usize = Count(1..=100_000), usual(1000), "header fields of the mail";
        attachments: usize = Count(1..=10_000), usual(200), "that are handed on";
        time: Duration = Time(INSTANT..=5 * MINUTE), usual(10 * SECOND), "for reading the mail";
    }
}

keys! {
    /// When an action is tried again. No waits at all is a wish that makes sense.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Retry: Default in "retry" "" {
        waits: Vec<Duration> = List(Time(INSTANT..=7 * DAY), 100),
            usual(vec![5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR]),
            "between attempts; [] means one attempt";
    }
}
