//! All that descends from a process: found by `/proc`, stopped, killed and buried.

use std::{collections::HashSet, fs, io, thread, time::Duration};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait},
};

/// The longest pause between two looks at what does not vanish.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The direct children of a process.
pub(super) fn children(parent: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(pids) => found.extend(pids.split_whitespace().filter_map(pid)),
            // A thread that ended meanwhile; or a kernel that was built without this file.
            Err(error) if error.kind() == io::ErrorKind::NotFound && thread.path().exists() => return searched(parent),
            Err(_) => {}
        }
    }
    found
}

/// The direct children of a process, by a look at every process.
fn searched(parent: Pid) -> Vec<Pid> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| pid(entry.file_name().to_str()?));
    let is_child = |child: &Pid| {
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        parent_in(&stat) == Some(parent)
    };
    all.filter(is_child).collect()
}

/// The parent in the words of `/proc/…/stat`; the program's name in there may be anything. Pure.
fn parent_in(stat: &str) -> Option<Pid> {
    stat.rsplit_once(") ")?.1.split(' ').nth(1).and_then(pid)
}

fn pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok()?)
}

/// All that descends from a process.
pub(super) fn descendants(ancestor: Pid) -> HashSet<Pid> {
    let mut found = HashSet::new();
    let mut next = children(ancestor);
    while let Some(pid) = next.pop() {
        if found.insert(pid) {
            next.extend(children(pid));
        }
    }
    found
}

/// What processes take: how many threads, and bytes of memory that they share with nobody's files.
pub(super) fn taken(processes: &HashSet<Pid>) -> (u64, u64) {
    let (mut threads, mut bytes) = (0, 0);
    let page = rustix::param::page_size() as u64;
    for process in processes {
        threads += fs::read_dir(format!("/proc/{process}/task")).map_or(1, |tasks| tasks.count() as u64);
        let sizes = fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
        let mut sizes = sizes.split(' ').skip(1).map(|size| size.parse().unwrap_or(0_u64));
        let (resident, shared) = (sizes.next().unwrap_or(0), sizes.next().unwrap_or(0));
        bytes += resident.saturating_sub(shared).saturating_mul(page);
    }
    (threads, bytes)
}

/// How many processes and threads a user has.
pub(super) fn of_user(user: u32) -> u64 {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter(|entry| entry.file_name().to_str().and_then(pid).is_some());
    let threads = |status: &str| {
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))?
                .split_whitespace()
                .next()
        };
        let is_theirs = field("Uid:")?.parse() == Ok(user);
        field("Threads:")?.parse::<u64>().ok().filter(|_| is_theirs)
    };
    all.filter_map(|entry| threads(&fs::read_to_string(entry.path().join("status")).ok()?))
        .sum()
}

/// Buries children that have ended. Whether there are others; `buried` gets each with its status.
pub(super) fn bury(mut buried: impl FnMut(Pid, WaitStatus)) -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => buried(pid, status),
            Ok(None) => return true,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Stops all that descends from a process until no more appear, then kills it: who is stopped can't fork.
fn kill(ancestor: Pid) {
    let mut stopped = HashSet::new();
    loop {
        let found = descendants(ancestor);
        let fresh: Vec<_> = found.difference(&stopped).copied().collect();
        if fresh.is_empty() {
            break;
        }
        for pid in &fresh {
            signal(*pid, Signal::STOP);
        }
        stopped.extend(fresh);
    }
    for pid in stopped {
        signal(pid, Signal::KILL);
    }
}

/// Kills and buries everything that descends from this process, which has to be its reaper, and returns when nothing is left. What hangs in
/// the kernel is waited for.
pub(super) fn end(ourselves: Pid, mut buried: impl FnMut(Pid, WaitStatus)) {
    let mut pause = Duration::from_micros(200);
    loop {
        kill(ourselves);
        if !bury(&mut buried) {
            return;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Kills all that descends from a child of ours, and the child.
pub(super) fn end_child(child: Pid) {
    signal(child, Signal::STOP);
    kill(child);
    signal(child, Signal::KILL);
}

fn signal(pid: Pid, signal: Signal) {
    // One that is gone needs none; one of another user, after setuid, can't be had.
    let _gone = kill_process(pid, signal);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_read_whatever_the_name_of_the_program() {
        assert_eq!(parent_in("12 (sh) S 7 12 12 0"), pid("7"));
        assert_eq!(parent_in("12 (a) S 9 (x) R 7 12 12 0"), pid("7"));
        assert_eq!(parent_in(""), None);
        assert_eq!(parent_in("12 (sh) S"), None);
    }

    #[test]
    fn both_ways_find_the_same_child() {
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let ourselves = rustix::process::getpid();
        let id = Pid::from_child(&child);
        assert!(children(ourselves).contains(&id) && searched(ourselves).contains(&id));
        assert!(descendants(ourselves).contains(&id));
        assert!(taken(&HashSet::from([id])).0 == 1);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
