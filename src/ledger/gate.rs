//! How often something may happen. Types only.

use chrono::{DateTime, Utc};

use crate::config::Rate;

/// Something that may happen only so often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// What, and whose: equal keys are counted together.
    pub key: String,
    /// How often.
    pub rate: Rate,
    /// What is kept with a reply that found no room here: why nobody was answered.
    pub code: &'static str,
}

/// Whether a job may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, and is counted.
    Now,
    /// It has a place kept for it at this time.
    At(DateTime<Utc>),
}
