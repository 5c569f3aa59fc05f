//! What a process has used so far, from `/proc`.

use std::fs;

use anyhow::{Context, Result};

/// The kernel's `USER_HZ`: the unit of CPU time in `/proc`, the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// What a process has used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// CPU seconds of the process itself.
    pub cpu: f64,
    /// CPU seconds of its children that were waited for.
    pub children: f64,
    /// Resident memory now, in KiB.
    pub rss: u64,
    /// The most that it ever was (`VmHWM`), in KiB.
    pub peak: u64,
    /// Bytes that it sent to the disk.
    pub written: u64,
}

impl Usage {
    /// Of a process that is running; `self` is a name, too.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of(pid: &str) -> Result<Self> {
        let read =
            |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).with_context(|| format!("process {pid}"));
        let (stat, status, io) = (read("stat")?, read("status")?, read("io")?);
        // The second field is the program's name in parentheses, in which anything may be.
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace()
            .collect();
        let ticks = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<f64>().ok())
                .unwrap_or_default()
        };
        Ok(Self {
            cpu: (ticks(11) + ticks(12)) / TICKS,
            children: (ticks(13) + ticks(14)) / TICKS,
            rss: value(&status, "VmRSS:"),
            peak: value(&status, "VmHWM:"),
            written: value(&io, "write_bytes:"),
        })
    }
}

fn value(file: &str, key: &str) -> u64 {
    let line = file.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}
