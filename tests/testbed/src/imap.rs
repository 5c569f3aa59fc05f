//! Looks into a mailbox: past every protection over Dovecot's own IMAP process on a pipe, signed in already; at servers of other makes
//! as their user.
//!
//! For tests that ask what a mailbox holds, byte by byte. What is under test has a client of its own.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

/// A session of one user.
pub(crate) struct Session {
    input: Box<dyn AsyncWrite + Send + Unpin>,
    output: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    /// Dovecot's process, where this is its pipe.
    _imap: Option<Child>,
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
        let input = Box::new(imap.stdin.take().context("no stdin")?);
        let output = BufReader::new(Box::new(imap.stdout.take().context("no stdout")?) as Box<_>);
        let mut session = Self {
            input,
            output,
            _imap: Some(imap),
        };
        let greeting = session.response().await?.text;
        ensure!(greeting.starts_with("* PREAUTH"), "Dovecot greets {greeting:?}");
        Ok(session)
    }

    /// Signs in to a server of this machine, without TLS.
    pub(crate) async fn sign_in(port: u16, user: &str, password: &str) -> Result<Self> {
        let (output, input) = TcpStream::connect(("127.0.0.1", port)).await?.into_split();
        let mut session = Self {
            input: Box::new(input),
            output: BufReader::new(Box::new(output) as Box<_>),
            _imap: None,
        };
        let greeting = session.response().await?.text;
        ensure!(greeting.starts_with("* OK"), "the server greets {greeting:?}");
        let login = format!("LOGIN {} {}", quoted(user), quoted(password));
        session.command(&login).await?;
        Ok(session)
    }

    /// The mails of the mailbox that is selected, with these items besides UID and flags.
    pub(crate) async fn stored(&mut self, items: &str) -> Result<Vec<Stored>> {
        let responses = self.command(&format!("UID FETCH 1:* (UID FLAGS {items})")).await?;
        let fetched = responses
            .into_iter()
            .filter(|response| response.text.contains(" FETCH ("));
        fetched.map(Stored::from_response).collect()
    }

    /// Runs one command that has to succeed, and returns its untagged responses.
    pub(crate) async fn command(&mut self, line: &str) -> Result<Vec<Response>> {
        self.input.write_all(format!("t {line}\r\n").as_bytes()).await?;
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
        self.input.write_all(format!("t {line}\r\n").as_bytes()).await?;
        self.input.write_all(mail).await?;
        self.input.write_all(b"\r\n").await?;
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
                self.output.read_line(&mut text).await? > 0,
                "the server closed the session after {text:?}"
            );
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
            let Some(length) = literal_length(&text[before..]) else {
                return Ok(Response { text, literals });
            };
            let mut literal = vec![0; length];
            self.output.read_exact(&mut literal).await?;
            literals.push(literal);
        }
    }
}

/// A mail in the store.
pub(crate) struct Stored {
    pub(crate) uid: u32,
    pub(crate) flags: String,
    pub(crate) raw: Vec<u8>,
}

impl Stored {
    fn from_response(mut response: Response) -> Result<Self> {
        let text = &response.text;
        let uid = word_after(text, "UID ").context("no UID")?.parse()?;
        let flags = text.split_once("FLAGS (").and_then(|(_, rest)| rest.split_once(')'));
        // \Recent belongs to the session, and nobody can store it.
        let flags = flags
            .map_or("", |(flags, _)| flags)
            .split(' ')
            .filter(|flag| *flag != "\\Recent");
        let flags = flags.collect::<Vec<_>>().join(" ");
        let raw = response.literals.pop().unwrap_or_default();
        Ok(Self { uid, flags, raw })
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
