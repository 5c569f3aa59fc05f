//! A server that follows a script, for tests: it says what stands there, and insists on being asked what stands there.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex, split},
    task::JoinHandle,
    time::timeout,
};
use wildmatch::WildMatch;

/// The server's task.
pub(crate) struct Server(JoinHandle<()>);

impl Server {
    /// Waits for the end of the script; panics with the line where the client did something else.
    pub(crate) async fn finished(self) {
        timeout(Duration::from_secs(3600), self.0)
            .await
            .expect("the script has an end")
            .unwrap();
    }
}

/// Plays a script, a line each:
///
/// - `S: text` is said, with CRLF; `$` at its beginning stands for the tag of the client's last command
/// - `B: text` is said without CRLF, `N: text` with LF alone
/// - `C: pattern` is awaited, without its tag; `*` stands for anything
/// - `L: pattern` is awaited as a whole line
/// - `A: line => text` is said from here on whenever that line comes and is not awaited
/// - `WAIT n` lets n seconds pass
/// - `EOF` closes the connection
///
/// After the last line the server is silent.
pub(crate) fn play(script: &str) -> (DuplexStream, Server) {
    play_lines(
        script
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect(),
    )
}

/// As [`play`], for scripts whose lines hold line ends.
pub(crate) fn play_lines(script: Vec<String>) -> (DuplexStream, Server) {
    let (ours, theirs) = duplex(1 << 16);
    (ours, Server(tokio::spawn(follow(theirs, script))))
}

async fn follow(stream: DuplexStream, script: Vec<String>) {
    let (read, mut write) = split(stream);
    let mut read = BufReader::new(read);
    let mut tag = String::new();
    let mut answers = Vec::new();
    for (n, line) in script.iter().enumerate() {
        let (what, text) = line.split_once(' ').unwrap_or((line, ""));
        match what {
            "S:" => {
                let text = text
                    .strip_prefix('$')
                    .map_or(text.to_owned(), |rest| format!("{tag}{rest}"));
                // A client that left is no fault of the script.
                write.write_all(format!("{text}\r\n").as_bytes()).await.ok();
            }
            "B:" => {
                write.write_all(text.as_bytes()).await.ok();
            }
            "N:" => {
                write.write_all(format!("{text}\n").as_bytes()).await.ok();
            }
            "A:" => answers.push(text.split_once(" => ").unwrap()),
            "C:" | "L:" => {
                let got = loop {
                    let mut got = String::new();
                    read.read_line(&mut got).await.unwrap();
                    let answer = answers.iter().find(|(line, _)| *line == got.trim_end());
                    match answer.filter(|(line, _)| text != *line) {
                        Some((_, answer)) => write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap(),
                        None => break got,
                    }
                };
                let got = got
                    .strip_suffix("\r\n")
                    .unwrap_or_else(|| panic!("line {n}: want {text:?}, the client left"));
                let got = if what == "C:" {
                    let (first, rest) = got
                        .split_once(' ')
                        .unwrap_or_else(|| panic!("line {n}: {got:?} has no tag"));
                    tag = first.to_owned();
                    rest
                } else {
                    got
                };
                assert!(
                    WildMatch::new(text).matches(got),
                    "line {n}: want {text:?}, got {got:?}"
                );
            }
            "WAIT" => tokio::time::sleep(Duration::from_secs(text.parse().unwrap())).await,
            "EOF" => return,
            other => panic!("line {n}: {other:?}"),
        }
    }
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(100_000)).await;
        drop((read, write));
    });
}
