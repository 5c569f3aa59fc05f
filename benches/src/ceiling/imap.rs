//! As little IMAP as the ceiling needs, read without copies: one command at a time, literals straight into their own bytes.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

/// Bytes read from the socket at once: TLS asks for 4 KiB at a time, which would cost a system call each.
const READ: usize = 256 << 10;

/// Where a mailbox is and how to sign in.
#[derive(Debug, Clone)]
pub struct Login {
    /// Port of a server on this machine, with implicit TLS.
    pub port: u16,
    /// PEM file of its authority.
    pub ca: std::path::PathBuf,
    /// User.
    pub user: String,
    /// Password.
    pub password: String,
}

/// A session.
#[derive(Debug)]
pub struct Imap {
    stream: BufReader<StreamOwned<ClientConnection, Socket>>,
    line: Vec<u8>,
    tag: u32,
}

impl Imap {
    /// Connects and signs in.
    ///
    /// # Errors
    /// When the server can't be reached, isn't trusted, or refuses.
    pub fn connect(login: &Login) -> Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", login.port)).context("connect to IMAP")?;
        socket.set_nodelay(true)?;
        let tls = ClientConnection::new(trusting(&login.ca)?, ServerName::try_from("localhost")?)?;
        let stream = StreamOwned::new(tls, Socket(BufReader::with_capacity(READ, socket)));
        let mut imap = Self {
            stream: BufReader::with_capacity(64 << 10, stream),
            line: Vec::new(),
            tag: 0,
        };
        imap.read_line()?;
        imap.command(&format!("LOGIN \"{}\" \"{}\"", login.user, login.password))?;
        Ok(imap)
    }

    /// Runs a command that has to succeed; returns its untagged lines.
    ///
    /// # Errors
    /// When it is refused or the connection breaks.
    pub fn command(&mut self, command: &str) -> Result<Vec<String>> {
        let tag = self.send(command)?;
        let mut lines = Vec::new();
        while !self.ended(&tag)? {
            lines.push(String::from_utf8_lossy(&self.line).into_owned());
        }
        Ok(lines)
    }

    /// Mails in a mailbox.
    ///
    /// # Errors
    /// When the command is refused or the connection breaks.
    pub fn count(&mut self, mailbox: &str) -> Result<usize> {
        let lines = self.command(&format!("STATUS {mailbox} (MESSAGES)"))?;
        let count = lines.iter().find_map(|line| number_after(line.as_bytes(), "MESSAGES "));
        count.context("no MESSAGES in STATUS")
    }

    /// Hands each mail of a UID set to `mail`, as it comes.
    ///
    /// # Errors
    /// When the command is refused, the connection breaks, or `mail` fails.
    pub fn fetch(&mut self, set: &str, mail: impl FnMut(usize, Vec<u8>) -> Result<()>) -> Result<()> {
        let tag = self.send(&fetch(set))?;
        self.fetched(&tag, mail)
    }

    /// Waits in IDLE (RFC 2177) for a mail, then fetches from `uid` on. What ends IDLE and what fetches goes out together.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn await_mail(&mut self, uid: usize, mail: impl FnMut(usize, Vec<u8>) -> Result<()>) -> Result<()> {
        let idle = self.send("IDLE")?;
        loop {
            self.read_line()?;
            if self.line.ends_with(b" EXISTS") {
                break;
            }
        }
        let tag = self.next_tag();
        let ending = format!("DONE\r\n{tag} {}\r\n", fetch(&format!("{uid}:*")));
        self.stream.get_mut().write_all(ending.as_bytes())?;
        while !self.ended(&idle)? {}
        self.fetched(&tag, mail)
    }

    fn fetched(&mut self, tag: &str, mut mail: impl FnMut(usize, Vec<u8>) -> Result<()>) -> Result<()> {
        while !self.ended(tag)? {
            let Some(length) = literal(&self.line) else { continue };
            let uid = number_after(&self.line, "UID ").context("no UID before the mail")?;
            let mut raw = vec![0; length];
            self.stream.read_exact(&mut raw)?;
            mail(uid, raw)?;
        }
        Ok(())
    }

    fn next_tag(&mut self) -> String {
        self.tag += 1;
        format!("c{}", self.tag)
    }

    fn send(&mut self, command: &str) -> Result<String> {
        let tag = self.next_tag();
        self.stream
            .get_mut()
            .write_all(format!("{tag} {command}\r\n").as_bytes())?;
        Ok(tag)
    }

    /// Reads a line; whether it ends the command of this tag, well.
    fn ended(&mut self, tag: &str) -> Result<bool> {
        self.read_line()?;
        match self.line.strip_prefix(tag.as_bytes()) {
            Some(status) if status.starts_with(b" OK") => Ok(true),
            Some(status) => bail!("the server says {}", String::from_utf8_lossy(status)),
            None => Ok(false),
        }
    }

    fn read_line(&mut self) -> Result<()> {
        self.line.clear();
        ensure!(
            self.stream.read_until(b'\n', &mut self.line)? > 0,
            "the server closed the session"
        );
        let text = self.line.trim_ascii_end().len();
        self.line.truncate(text);
        Ok(())
    }
}

fn fetch(set: &str) -> String {
    format!("UID FETCH {set} (UID BODY.PEEK[])")
}

/// The length of the literal that a line announces at its end.
fn literal(line: &[u8]) -> Option<usize> {
    let open = line.strip_suffix(b"}")?.iter().rposition(|&byte| byte == b'{')?;
    std::str::from_utf8(&line[open + 1..line.len() - 1]).ok()?.parse().ok()
}

fn number_after(line: &[u8], key: &str) -> Option<usize> {
    let at = line.windows(key.len()).position(|word| word == key.as_bytes())?;
    let digits = line[at + key.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    String::from_utf8(digits.copied().collect()).ok()?.parse().ok()
}

fn trusting(ca: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&fs::read(ca)?) {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// A socket that is read in large pieces.
#[derive(Debug)]
struct Socket(BufReader<TcpStream>);

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.get_mut().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_line_tells_uid_and_length() {
        let line = b"* 3 FETCH (UID 17 BODY[] {5909}";
        assert_eq!((literal(line), number_after(line, "UID ")), (Some(5909), Some(17)));
        assert_eq!(literal(b")"), None);
        assert_eq!(literal(b"* OK {x}"), None);
    }
}
