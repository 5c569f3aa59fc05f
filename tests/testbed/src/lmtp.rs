//! Delivers mails as another mail server would: over LMTP (RFC 2033).

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// A session with a server that takes mails.
#[derive(Debug)]
pub(crate) struct Lmtp {
    stream: BufReader<TcpStream>,
}

impl Lmtp {
    /// Connects.
    pub(crate) async fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .context("connect to LMTP")?;
        stream.set_nodelay(true)?;
        let mut lmtp = Self {
            stream: BufReader::new(stream),
        };
        lmtp.expect("220").await?;
        lmtp.send(b"LHLO testbed.example.test\r\n").await?;
        lmtp.expect("250").await?;
        Ok(lmtp)
    }

    /// Delivers one mail; when this returns, the mailbox has it.
    ///
    /// The envelope's sender is what a leading Return-Path says (which a mail on its way has not yet), else From.
    pub(crate) async fn deliver(&mut self, user: &str, mail: &[u8]) -> Result<()> {
        let (sender, mail) = envelope(mail);
        // Both commands and DATA in one go: PIPELINING (RFC 2920), which Dovecot offers.
        self.send(format!("MAIL FROM:<{sender}>\r\nRCPT TO:<{user}>\r\nDATA\r\n").as_bytes())
            .await?;
        self.expect("250").await?;
        self.expect("250").await?;
        self.expect("354").await?;
        self.send(&dot_stuffed(mail)).await?;
        self.expect("250").await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    async fn expect(&mut self, code: &str) -> Result<()> {
        loop {
            let mut line = String::new();
            ensure!(
                self.stream.read_line(&mut line).await? > 0,
                "LMTP closed the connection"
            );
            ensure!(line.starts_with(code), "LMTP: expected {code}, got {line:?}");
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }
}

/// The envelope's sender and the mail without the field that told it.
fn envelope(mail: &[u8]) -> (String, &[u8]) {
    let first = mail.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    match header_value(first, "return-path:") {
        Some(path) => (address(&path), &mail[first.len()..]),
        None => {
            let mut lines = mail
                .split(|byte| *byte == b'\n')
                .take_while(|line| !line.starts_with(b"\r"));
            let from = lines.find_map(|line| header_value(line, "from:"));
            (address(&from.unwrap_or_default()), mail)
        }
    }
}

fn header_value(line: &[u8], name: &str) -> Option<String> {
    let (field, value) = line.split_at_checked(name.len())?;
    field
        .eq_ignore_ascii_case(name.as_bytes())
        .then(|| String::from_utf8_lossy(value).trim().to_owned())
}

/// The address in `Name <address>`, or the whole where there are no brackets; empty when it can't be one.
fn address(value: &str) -> String {
    let inner = value.rsplit_once('<').map_or(value, |(_, rest)| rest);
    let address = inner.trim_end_matches('>').trim();
    let plain = address
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>');
    if plain { address.to_owned() } else { String::new() }
}

/// The mail as it goes over the wire, its end included (RFC 5321 section 4.5.2).
fn dot_stuffed(mail: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(mail.len() + 64);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    if !wire.ends_with(b"\r\n") {
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_sender_comes_from_the_mail() {
        let bounce = b"Return-Path: <>\r\nFrom: MAILER-DAEMON <daemon@example.test>\r\n\r\nhello\r\n";
        let (sender, rest) = envelope(bounce);
        assert_eq!((sender.as_str(), rest.starts_with(b"From:")), ("", true));
        assert_eq!(
            envelope(b"Subject: x\r\nFrom: A <a@example.test>\r\n\r\n").0,
            "a@example.test"
        );
        assert_eq!(envelope(b"Subject: x\r\n\r\nFrom: a@example.test\r\n").0, "");
    }

    #[test]
    fn a_line_that_is_a_dot_does_not_end_the_mail() {
        assert_eq!(dot_stuffed(b"a\r\n.\r\n..b"), b"a\r\n..\r\n...b\r\n.\r\n");
    }
}
