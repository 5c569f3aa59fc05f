//! One client's connection: lines in, lines out, with TLS from the start or from STARTTLS on.

use std::sync::PoisonError;

use anyhow::{Result, ensure};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::Said;

/// No line of a client is longer.
const LINE: u64 = 64 << 10;

enum Stream {
    Plain(BufReader<TcpStream>),
    Tls(Box<BufReader<TlsStream<TcpStream>>>),
}

/// A connection.
pub(crate) struct Wire {
    stream: Stream,
    acceptor: TlsAcceptor,
    said: Said,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, acceptor: TlsAcceptor, said: Said) -> Self {
        let stream = Stream::Plain(BufReader::new(stream));
        Self { stream, acceptor, said }
    }

    /// The TLS handshake; everything goes through TLS then.
    pub(crate) async fn secure(self) -> Result<Self> {
        let Stream::Plain(plain) = self.stream else {
            anyhow::bail!("TLS already")
        };
        ensure!(plain.buffer().is_empty(), "the client spoke before TLS");
        let tls = self.acceptor.accept(plain.into_inner()).await?;
        let stream = Stream::Tls(Box::new(BufReader::new(tls)));
        Ok(Self { stream, ..self })
    }

    /// Whether TLS protects it.
    pub(crate) fn is_secure(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// The client's next line, without its end; it is kept for the test.
    pub(crate) async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = match &mut self.stream {
            Stream::Plain(stream) => stream.take(LINE).read_line(&mut line).await?,
            Stream::Tls(stream) => stream.take(LINE).read_line(&mut line).await?,
        };
        ensure!(read > 0, "the client left");
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line.clone());
        Ok(line)
    }

    /// Says some lines; each gets its end.
    pub(crate) async fn say(&mut self, lines: &[&str]) -> Result<()> {
        let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        self.send(text.as_bytes()).await
    }

    /// Sends bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes).await?,
            Stream::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
            }
        }
        Ok(())
    }

    /// Says the last lines and ends the connection in order; dropped instead, it just breaks off.
    pub(crate) async fn end(&mut self, lines: &[&str]) -> Result<()> {
        self.say(lines).await?;
        match &mut self.stream {
            Stream::Plain(stream) => stream.shutdown().await?,
            Stream::Tls(stream) => stream.shutdown().await?,
        }
        Ok(())
    }
}
