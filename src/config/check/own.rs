//! What stands at the top of an endpoint file.

use crate::config::{
    Endpoint,
    declare::{keys, usual},
    kind::{Count, Flag, Prose},
};

keys! {
    /// What stands at the top of the file.
    pub(in crate::config) struct OwnKeys in "" "" {
        description: String = Prose, usual(String::new()), "for people";
        enabled: bool = Flag, usual(true), "false: its file is checked, but it does not run and its jobs wait";
        concurrency: usize = Count(1..=1000), usual(Endpoint::CONCURRENCY), "jobs of this endpoint that run at once";
    }
}
