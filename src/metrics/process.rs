//! The process as Linux sees it, by the names that Prometheus' own clients use. Where there is no `/proc`, nothing is shown.

use std::{fmt, fs};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};
use rustix::{
    param::clock_ticks_per_second,
    time::{ClockId, clock_gettime},
};

/// Reads `/proc` each time that it is asked.
#[derive(Debug)]
pub(super) struct ProcessCollector;

/// What is shown; what could not be read is missing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct ProcessSample {
    cpu: Option<f64>,
    started: Option<f64>,
    resident: Option<i64>,
    virtual_memory: Option<i64>,
    open_fds: Option<i64>,
    max_fds: Option<i64>,
}

impl ProcessSample {
    fn now() -> Self {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let seconds = clock_ticks_per_second() as f64;
        let (status, stat) = (read("/proc/self/status"), read("/proc/self/stat"));
        let open = fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
        Self {
            cpu: ticks(&stat, &[14, 15]).map(|ticks| ticks / seconds),
            started: ticks(&stat, &[22]).map(|ticks| booted() + ticks / seconds),
            resident: kilobytes(&status, "VmRSS:"),
            virtual_memory: kilobytes(&status, "VmSize:"),
            // One of them was open for this look alone.
            open_fds: open.and_then(|open| i64::try_from(open.saturating_sub(1)).ok()),
            max_fds: max_fds(&read("/proc/self/limits")),
        }
    }
}

/// The sum of these fields of `/proc/PID/stat`, from 1 (proc(5)). The second may hold anything in parentheses.
fn ticks(stat: &str, fields: &[usize]) -> Option<f64> {
    let (_, after) = stat.rsplit_once(") ")?;
    let words: Vec<_> = after.split_whitespace().collect();
    let each = fields.iter().map(|field| words.get(field - 3)?.parse::<f64>().ok());
    each.sum()
}

/// When the machine started, in seconds since 1970: by its clocks, since a service may see no more of `/proc` than its own process.
fn booted() -> f64 {
    let seconds = |clock| {
        let time = clock_gettime(clock);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    seconds(ClockId::Realtime) - seconds(ClockId::Boottime)
}

/// A value of `/proc/PID/status`, in bytes.
fn kilobytes(status: &str, name: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let number: i64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    number.checked_mul(1024)
}

/// The soft limit; nothing where there is none.
fn max_fds(limits: &str) -> Option<i64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let seen = ProcessSample::now();
        if let Some(cpu) = seen.cpu {
            let help = "Total user and system CPU time spent in seconds.";
            let mut metric =
                encoder.encode_descriptor("process_cpu", help, Some(&Unit::Seconds), MetricType::Counter)?;
            metric.encode_counter::<NoLabelSet, _, f64>(&cpu, None)?;
        }
        let bytes = Some(&Unit::Bytes);
        let seconds = Some(&Unit::Seconds);
        gauge(
            &mut encoder,
            "process_start_time",
            "Start time of the process since unix epoch in seconds.",
            seconds,
            seen.started,
        )?;
        gauge(
            &mut encoder,
            "process_resident_memory",
            "Resident memory size in bytes.",
            bytes,
            seen.resident,
        )?;
        gauge(
            &mut encoder,
            "process_virtual_memory",
            "Virtual memory size in bytes.",
            bytes,
            seen.virtual_memory,
        )?;
        gauge(
            &mut encoder,
            "process_open_fds",
            "Number of open file descriptors.",
            None,
            seen.open_fds,
        )?;
        gauge(
            &mut encoder,
            "process_max_fds",
            "Maximum number of open file descriptors.",
            None,
            seen.max_fds,
        )
    }
}

fn gauge<V: EncodeGaugeValue>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: Option<V>,
) -> fmt::Result {
    match value {
        Some(value) => encoder
            .encode_descriptor(name, help, unit, MetricType::Gauge)?
            .encode_gauge(&value),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_understood() {
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 4 0 3000 1 2 18446744073709551615 1";
        assert_eq!(ticks(stat, &[14, 15]), Some(200.0));
        assert_eq!(ticks(stat, &[22]), Some(3000.0));
        assert_eq!(ticks("42 (a) S 1", &[14]), None);
        assert_eq!(ticks("", &[14]), None);
        let told = fs::read_to_string("/proc/stat").unwrap();
        let told = told.lines().find_map(|line| line.strip_prefix("btime ")).unwrap();
        let told: f64 = told.parse().unwrap();
        assert!((booted() - told).abs() < 2.0, "{} and not {told}", booted());
        let status = "Name:\tx\nVmSize:\t  2048 kB\nVmRSS:\t    12 kB\n";
        assert_eq!(kilobytes(status, "VmRSS:"), Some(12 << 10));
        assert_eq!(kilobytes(status, "VmSize:"), Some(2 << 20));
        assert_eq!(kilobytes(status, "VmSwap:"), None);
        let limits =
            "Max processes  5 6 processes\nMax open files            1024                 4096                 files\n";
        assert_eq!(max_fds(limits), Some(1024));
        assert_eq!(max_fds("Max open files  unlimited unlimited files"), None);
    }

    #[test]
    fn this_process_is_seen() {
        let seen = ProcessSample::now();
        assert!(seen.resident.is_some_and(|bytes| bytes > 1 << 20), "{seen:?}");
        assert!(
            seen.open_fds.is_some_and(|count| (3..100_000).contains(&count)),
            "{seen:?}"
        );
        assert!(seen.cpu.is_some() && seen.max_fds.is_some(), "{seen:?}");
        let started = seen.started.unwrap();
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        assert!(
            (0.0..86_400.0).contains(&(now.as_secs_f64() - started + 2.0)),
            "{seen:?}"
        );
    }
}
