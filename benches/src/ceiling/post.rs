//! POST over one connection that stays open.

use std::{
    io::{BufRead, BufReader, IoSlice, Read, Write},
    net::TcpStream,
};

use anyhow::{Context, Result, ensure};

/// A connection to the webhook.
#[derive(Debug)]
pub(super) struct Post {
    stream: BufReader<TcpStream>,
    path: String,
}

impl Post {
    /// Connects to `http://127.0.0.1:PORT/PATH`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub(super) fn connect(url: &str) -> Result<Self> {
        let (host, path) = url
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
            .context("the URL needs a path")?;
        let stream = TcpStream::connect(host).context("connect to the webhook")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            path: path.to_owned(),
        })
    }

    /// Sends one body and waits for its 2xx.
    ///
    /// # Errors
    /// When the answer is another one, or none.
    pub(super) fn send(&mut self, id: usize, body: &[u8]) -> Result<()> {
        let (path, length) = (&self.path, body.len());
        let head = format!(
            "POST /{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nwebhook-id: {id}\r\nContent-Length: {length}\r\n\r\n"
        );
        let socket = self.stream.get_mut();
        let sent = socket.write_vectored(&[IoSlice::new(head.as_bytes()), IoSlice::new(body)])?;
        socket.write_all(&head.as_bytes()[sent.min(head.len())..])?;
        socket.write_all(&body[sent.saturating_sub(head.len())..])?;
        self.answer()
    }

    fn answer(&mut self) -> Result<()> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        ensure!(line.starts_with("HTTP/1.1 2"), "the webhook answers {line:?}");
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
        }
        std::io::copy(&mut (&mut self.stream).take(length), &mut std::io::sink())?;
        Ok(())
    }
}
