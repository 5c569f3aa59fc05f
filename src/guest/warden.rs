//! The process that starts guests, one after the other, and sees to it that nothing of them is left.
//!
//! It has one thread of its own and no runtime. Each guest is started by a thread that first gave up what the guest may not do: that is a
//! thread's own in Linux, goes over to what it starts, and ends with it.

use std::{
    ffi::OsStr,
    fs,
    io::{self, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use landlock::{RulesetCreated, RulesetStatus};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg},
    process::{
        DumpableBehavior, Pid, PidfdFlags, Resource, Rlimit, Signal, geteuid, getpid, getrlimit, kill_process_group,
        pidfd_open, set_child_subreaper, set_dumpable_behavior, setrlimit, setsid,
    },
};

use super::{
    confine::{ConfinementRules, give_up_privileges},
    frame::{self, NOTE, Note},
    kin,
    terms::{GuestLimits, SpawnRequest, Terms},
};

/// The argument that makes this program a warden.
pub const ARGUMENT: &str = "warden";

/// How often a guest's processes and memory are looked at.
const LOOK: Duration = Duration::from_millis(25);
/// How often it is looked whether a guest ended, where the kernel can't tell (before Linux 5.3).
const ASK: Duration = Duration::from_millis(5);

/// Serves us at standard input until that closes.
#[must_use]
pub fn serve() -> u8 {
    let socket = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from);
    match socket.and_then(|socket| served(&socket)) {
        Ok(()) => 0,
        Err(_) => {
            kin::end(getpid(), |_, _| {});
            1
        }
    }
}

fn served(mut socket: &UnixStream) -> io::Result<()> {
    // Started as the leader of a group, it can't begin a session: then it has ours, and nothing depends on it.
    let _session = setsid();
    set_child_subreaper(Some(getpid()))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let Some((terms, _)) = receive(socket)? else {
        return Ok(());
    };
    let terms = Terms::decode(&terms).ok_or(io::ErrorKind::InvalidData)?;
    limit(&terms)?;
    let mut rules = terms.confinement.clone().map(ConfinementRules::new);
    while let Some((order, pipes)) = receive(socket)? {
        let order = SpawnRequest::decode(&order).ok_or(io::ErrorKind::InvalidData)?;
        match start(&terms, rules.as_mut(), order, pipes) {
            Ok(guest) => watch(socket, guest, terms.limits)?,
            Err(note) => {
                kin::end(getpid(), |_, _| {});
                socket.write_all(&[note.bytes(), Note::Gone.bytes()].concat())?;
            }
        }
    }
    Ok(())
}

/// A frame and the descriptors that came with it; `None` when nobody is there any more.
fn receive(mut socket: &UnixStream) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut descriptors = Vec::new();
    let mut first = [0];
    while first != [frame::FRAME] {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut into = [IoSliceMut::new(&mut first)];
        if recvmsg(socket, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes == 0 {
            return Ok(None);
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
    }
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > frame::MOST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length];
    socket.read_exact(&mut bytes)?;
    Ok(Some((bytes, descriptors)))
}

/// Lowers our limits, and so those of all guests, for good.
fn limit(terms: &Terms) -> io::Result<()> {
    let limits = terms.limits;
    let user = terms.user.map_or_else(|| geteuid().as_raw(), |user| user.id);
    // The kernel counts a user's processes, whoever started them, and root's never: this bounds how fast one grows between two looks.
    let crowd = limits
        .processes
        .map(|most| kin::of_user(user) + most.saturating_mul(4) + 256);
    let given = [
        (Resource::Nproc, crowd.filter(|_| user != 0)),
        (Resource::Data, limits.memory),
        (Resource::Fsize, limits.file_size),
        (Resource::Nofile, limits.open_files),
        (Resource::Core, Some(0)),
    ];
    for (resource, most) in given {
        let Some(most) = most else { continue };
        let now = getrlimit(resource);
        let most = now.maximum.map_or(most, |maximum| maximum.min(most));
        setrlimit(
            resource,
            Rlimit {
                current: Some(most),
                maximum: Some(most),
            },
        )?;
    }
    Ok(())
}

/// Starts the guest from a thread that has given up what the guest may not have.
fn start(
    terms: &Terms,
    rules: Option<&mut ConfinementRules>,
    order: SpawnRequest,
    pipes: Vec<OwnedFd>,
) -> Result<Pid, Note> {
    let rules = rules.map(|rules| rules.of(order.folder.as_deref()));
    let rules = rules.transpose().map_err(|_| Note::Unconfined)?;
    let user = terms.user;
    let starting = thread::Builder::new().spawn(move || {
        if let Some(rules) = rules {
            give_up_privileges();
            confine(rules)?;
        }
        let mut command = Command::new(&order.program);
        let mut pipes = pipes.into_iter();
        let mut pipe = || pipes.next().map_or_else(Stdio::null, Stdio::from);
        command
            .args(&order.arguments)
            .env_clear()
            .envs(order.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(pipe())
            .stderr(pipe())
            .process_group(0);
        if let Some(folder) = &order.folder {
            command.current_dir(folder);
        }
        if let Some(user) = user {
            command.uid(user.id).gid(user.group);
        }
        // Who ended is buried by `kin`, by its number.
        command.spawn().map(|child| Pid::from_child(&child)).map_err(failed)
    });
    let starting = starting.map_err(failed)?;
    starting.join().unwrap_or(Err(Note::Failed(0)))
}

/// Gives up, for this thread, what the rules don't grant. A kernel that can't has been told of before.
fn confine(rules: RulesetCreated) -> Result<(), Note> {
    match rules.restrict_self() {
        Ok(status) if status.ruleset == RulesetStatus::NotEnforced || status.no_new_privs => Ok(()),
        Ok(_) | Err(_) => Err(Note::Unconfined),
    }
}

fn failed(error: io::Error) -> Note {
    Note::Failed(error.raw_os_error().unwrap_or(0))
}

/// Follows the guest until nothing of it is left.
fn watch(mut socket: &UnixStream, guest: Pid, limits: GuestLimits) -> io::Result<()> {
    socket.write_all(&Note::Started(guest.as_raw_nonzero().get()).bytes())?;
    let ended = pidfd_open(guest, PidfdFlags::empty()).ok();
    let mut watched = WatchedGuest {
        guest,
        has_ended: false,
        notes: Vec::new(),
    };
    let mut looked = Instant::now();
    let looked_at = limits.memory.is_some() || limits.processes.is_some();
    loop {
        let pause = match &ended {
            None => Some(ASK),
            Some(_) => (looked_at || watched.has_ended).then_some(LOOK),
        };
        let heard = wait(socket, ended.as_ref().filter(|_| !watched.has_ended), pause)?;
        if heard {
            let mut asked = [0];
            match socket.read(&mut asked)? {
                // We are gone: so is the guest.
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ if asked == [frame::TERM] => {
                    let _gone = kill_process_group(guest, Signal::TERM);
                }
                _ => watched.end(),
            }
        }
        let mut is_left = watched.bury();
        if is_left && looked_at && !watched.has_ended && looked.elapsed() >= LOOK {
            watched.look(limits);
            is_left = watched.bury();
            looked = Instant::now();
        }
        if !is_left {
            watched.notes.extend(Note::Gone.bytes());
        }
        if !watched.notes.is_empty() {
            socket.write_all(&std::mem::take(&mut watched.notes))?;
        }
        if !is_left {
            return Ok(());
        }
    }
}

/// Waits until we say something, the guest ends, or a pause is over; whether we said something.
fn wait(socket: &UnixStream, ended: Option<&OwnedFd>, pause: Option<Duration>) -> io::Result<bool> {
    let pause = pause.map(|pause| Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(pause.subsec_nanos()),
    });
    let mut descriptors = vec![PollFd::new(socket, PollFlags::IN)];
    descriptors.extend(ended.map(|ended| PollFd::new(ended, PollFlags::IN)));
    match poll(&mut descriptors, pause.as_ref()) {
        Err(rustix::io::Errno::INTR) => return Ok(false),
        polled => polled?,
    };
    Ok(descriptors.first().is_some_and(|socket| !socket.revents().is_empty()))
}

/// A guest that is followed.
struct WatchedGuest {
    guest: Pid,
    has_ended: bool,
    notes: Vec<u8>,
}

impl WatchedGuest {
    /// Buries what has ended. Whether something is left.
    fn bury(&mut self) -> bool {
        let Self {
            guest,
            has_ended,
            notes,
        } = self;
        kin::bury(|pid, status| {
            if pid == *guest {
                *has_ended = true;
                notes.extend(Note::Exited(status.as_raw()).bytes());
            }
        })
    }

    /// Kills all of it.
    fn end(&mut self) {
        let Self {
            guest,
            has_ended,
            notes,
        } = self;
        kin::end(getpid(), |pid, status| {
            if pid == *guest {
                *has_ended = true;
                notes.extend(Note::Exited(status.as_raw()).bytes());
            }
        });
    }

    /// Kills it where it takes more than it may.
    fn look(&mut self, limits: GuestLimits) {
        let (threads, bytes) = kin::taken(&kin::descendants(getpid()));
        let excess = if limits.processes.is_some_and(|most| threads > most) {
            Note::TooMany
        } else if limits.memory.is_some_and(|most| bytes > most) {
            Note::TooLarge
        } else {
            return;
        };
        self.notes.extend(excess.bytes());
        // All of a group at once, before it grows further; what left the group is found then.
        let _gone = kill_process_group(self.guest, Signal::KILL);
        self.end();
    }
}

/// Whether a process with this command line is a warden: its second argument says so. Pure.
pub(super) fn is_warden(process: Pid) -> bool {
    let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0)
        .any(|argument| OsStr::new(ARGUMENT).as_encoded_bytes() == argument)
}

const _: () = assert!(NOTE == 5, "notes are written whole: a pipe's worth never blocks");
