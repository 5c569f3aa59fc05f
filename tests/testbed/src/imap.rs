//! Looks into a mailbox past every protection: Dovecot's own IMAP process on a pipe, signed in already.
//!
//! For tests that ask what a mailbox holds, byte by byte. What is under test has a client of its own.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// A session of one user.
pub(crate) struct Session {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    _imap: Child,
}

/// One untagged response: its text, in which a literal stands as `{n}`, and its literals.
pub(crate) struct Response {
    pub(crate) text: String,
    pub(crate) literals: Vec<Vec<u8>>,
}

impl Session {
    /// Starts one by the configuration file of a running Dovecot.
    pub(crate) async fn start(conf: &str, user: &str) -> Result<Self> {
        let mut imap = Command::new("doveadm")
            .args(["-c", conf, "exec", "imap", "-u", user])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start doveadm")?;
        let stdin = imap.stdin.take().context("no stdin")?;
        let stdout = BufReader::new(imap.stdout.take().context("no stdout")?);
        let mut session = Self {
            stdin,
            stdout,
            _imap: imap,
        };
        let greeting = session.response().await?.text;
        ensure!(greeting.starts_with("* PREAUTH"), "Dovecot greets {greeting:?}");
        Ok(session)
    }

    /// Runs one command that has to succeed, and returns its untagged responses.
    pub(crate) async fn command(&mut self, line: &str) -> Result<Vec<Response>> {
        self.stdin.write_all(format!("t {line}\r\n").as_bytes()).await?;
        self.responses(line).await
    }

    /// Whether there is such a mailbox.
    pub(crate) async fn has(&mut self, mailbox: &str) -> Result<bool> {
        let listed = self.command(&format!("LIST \"\" {}", quoted(mailbox))).await?;
        Ok(!listed.is_empty())
    }

    /// One of a mailbox's numbers.
    pub(crate) async fn status(&mut self, mailbox: &str, item: &str) -> Result<u32> {
        let responses = self.command(&format!("STATUS {} ({item})", quoted(mailbox))).await?;
        let key = format!("({item} ");
        let value = responses.iter().find_map(|response| word_after(&response.text, &key));
        Ok(value.with_context(|| format!("no {item} in STATUS"))?.parse()?)
    }

    /// Stores a mail, whose literal the server takes without being asked (RFC 7888).
    pub(crate) async fn append(&mut self, mailbox: &str, flags: &str, mail: &[u8]) -> Result<()> {
        let line = format!("APPEND {} ({flags}) {{{}+}}", quoted(mailbox), mail.len());
        self.stdin.write_all(format!("t {line}\r\n").as_bytes()).await?;
        self.stdin.write_all(mail).await?;
        self.stdin.write_all(b"\r\n").await?;
        self.responses(&line).await.map(drop)
    }

    async fn responses(&mut self, line: &str) -> Result<Vec<Response>> {
        let mut responses = Vec::new();
        loop {
            let response = self.response().await?;
            if let Some(status) = response.text.strip_prefix("t ") {
                ensure!(status.starts_with("OK"), "{line}: {status}");
                return Ok(responses);
            }
            responses.push(response);
        }
    }

    async fn response(&mut self) -> Result<Response> {
        let (mut text, mut literals) = (String::new(), Vec::new());
        loop {
            let before = text.len();
            ensure!(
                self.stdout.read_line(&mut text).await? > 0,
                "Dovecot closed the session after {text:?}"
            );
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
            let Some(length) = literal_length(&text[before..]) else {
                return Ok(Response { text, literals });
            };
            let mut literal = vec![0; length];
            self.stdout.read_exact(&mut literal).await?;
            literals.push(literal);
        }
    }
}

/// The length of the literal that a line announces at its end.
fn literal_length(line: &str) -> Option<usize> {
    line.strip_suffix('}')?.rsplit_once('{')?.1.parse().ok()
}

/// A quoted string, for names without control characters or letters beyond ASCII.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The word that follows `key` in a response, without brackets.
pub(crate) fn word_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(key)?;
    rest.trim_start().split([' ', ')', ']']).next()
}
