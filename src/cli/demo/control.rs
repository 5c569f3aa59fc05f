//! What another terminal has a running demo do, by a socket that its user alone can reach.
//!
//! Each running demo has a socket, called by its process id, in a folder of the user: below `XDG_RUNTIME_DIR`, else in the temporary folder. One
//! that nobody listens at was left behind by a demo that was killed, and is removed.

use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    time::timeout,
};

/// The bytes of a request: a file of the largest size, in base64, and room for words.
const LONGEST: u64 = 16 << 20;
/// A file that is sent.
pub(super) const FILE: u64 = 10 << 20;
/// How long a request or its answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Demos that are looked for.
const DEMOS: usize = 100;
/// How often a folder is made that another demo removes at this moment.
const TRIES: u32 = 5;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub(super) enum DemoRequest {
    /// A mail comes.
    Mail {
        from: Option<String>,
        to: Option<String>,
        subject: Option<String>,
        text: Option<String>,
        /// A name and content in base64.
        file: Option<(String, String)>,
    },
    /// The boss answers the newest question.
    Answer { text: String },
    /// The webhook breaks.
    Break,
    /// It is mended.
    Mend,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DemoAnswer {
    pub(super) done: bool,
    pub(super) said: String,
}

/// Where the sockets of this user are.
fn folder() -> PathBuf {
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match runtime.filter(|folder| folder.is_absolute() && folder.is_dir()) {
        Some(folder) => folder.join("mailjob-demo"),
        None => env::temp_dir().join(format!("mailjob-demo-of-{}", user())),
    }
}

fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether it is a folder of this user that nobody else can use: the temporary folder is everybody's.
fn is_private(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == user() && found.mode() & 0o077 == 0)
}

/// A socket at which requests come. It is removed when this is dropped, and so is the folder, if no other is in it.
pub(super) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    pub(super) fn open() -> io::Result<Self> {
        let folder = folder();
        let path = folder.join(format!("{}.sock", std::process::id()));
        let mut tries = 0;
        loop {
            match fs::DirBuilder::new().mode(0o700).create(&folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            if folder.exists() && !is_private(&folder) {
                return Err(io::Error::other(format!(
                    "{} is there and not this user's alone: remove it",
                    folder.display()
                )));
            }
            // Of an earlier process with this number.
            drop(fs::remove_file(&path));
            tries += 1;
            match UnixListener::bind(&path) {
                Ok(listener) => return Ok(Self { listener, path }),
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Has each request done, one after the other.
    pub(super) async fn serve(self, act: impl Fn(DemoRequest) -> DemoAnswer) {
        loop {
            if let Ok((stream, _)) = self.listener.accept().await {
                // Who leaves or says nothing has nothing done.
                drop(timeout(PATIENCE, take(stream, &act)).await);
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
        if let Some(folder) = self.path.parent() {
            // It stays where another demo has its socket in it.
            drop(fs::remove_dir(folder));
        }
    }
}

async fn take(stream: UnixStream, act: &impl Fn(DemoRequest) -> DemoAnswer) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    (&mut stream).take(LONGEST).read_until(b'\n', &mut line).await?;
    let answer = match serde_json::from_slice(&line) {
        Ok(request) => act(request),
        Err(error) => DemoAnswer {
            done: false,
            said: format!("that can't be read: {error}"),
        },
    };
    let mut said = serde_json::to_vec(&answer)?;
    said.push(b'\n');
    stream.get_mut().write_all(&said).await?;
    stream.get_mut().shutdown().await
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoDemo {
    #[error("no demo runs: start one in another terminal by mailjob demo")]
    Nobody,
    #[error("no demo of process {0} runs; leave --demo out, and the newest one is meant")]
    NotThat(u32),
    #[error("the demo can't be asked: {0}; is it still there?")]
    Io(#[from] io::Error),
}

/// Has a running demo do something: that of a process, else the newest.
pub(super) async fn ask(process: Option<u32>, request: &DemoRequest) -> Result<DemoAnswer, NoDemo> {
    let mut stream = match process {
        Some(process) => {
            let path = folder().join(format!("{process}.sock"));
            let found = is_private(&folder()).then_some(path);
            let found = found.ok_or(NoDemo::NotThat(process))?;
            UnixStream::connect(found).await.map_err(|_| NoDemo::NotThat(process))?
        }
        None => newest().await.ok_or(NoDemo::Nobody)?,
    };
    let asked = async {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut said = Vec::new();
        stream.take(LONGEST).read_to_end(&mut said).await?;
        Ok::<_, io::Error>(serde_json::from_slice(&said)?)
    };
    let answered = timeout(PATIENCE, asked).await;
    Ok(answered.map_err(|late| NoDemo::Io(late.into()))??)
}

async fn newest() -> Option<UnixStream> {
    let folder = folder();
    if !is_private(&folder) {
        return None;
    }
    let entries = fs::read_dir(&folder).ok()?.filter_map(Result::ok).take(DEMOS);
    let mut sockets: Vec<_> = entries
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    sockets.sort();
    for (_, path) in sockets.iter().rev() {
        match UnixStream::connect(path).await {
            Ok(stream) => return Some(stream),
            Err(_) if !is_alive(path) => drop(fs::remove_file(path)),
            Err(_) => {}
        }
    }
    None
}

/// Whether the process lives after which a socket is called.
fn is_alive(socket: &Path) -> bool {
    let process = socket
        .file_stem()
        .and_then(|name| name.to_str())
        .and_then(|name| name.parse().ok());
    let process = process.and_then(rustix::process::Pid::from_raw);
    process.is_some_and(|process| rustix::process::test_kill_process(process).is_ok())
}
