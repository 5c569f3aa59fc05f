//! An SMTP server for tests that answers as it is told, under real TLS.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use mailjob_testbed::Tls as Authority;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    config::{Account, Auth, Provider, Server, Tls},
    job::NewReply,
    secret::SecretRef,
};

/// What the server does when a line comes; `.` stands for the end of a mail, `greeting` for the beginning.
pub(super) enum Act {
    /// What every server does.
    Usual,
    Say(&'static str),
    /// Closes the connection.
    Drop,
}

/// By the number of the connection, from 1, and the line.
type Script = dyn Fn(usize, &str) -> Act + Send + Sync;

/// All that the server saw.
#[derive(Default)]
pub(super) struct Seen {
    /// Lines by connection; each mail is one line `.`.
    pub(super) lines: Vec<Vec<String>>,
    /// Mails that were taken, their dots unstuffed.
    pub(super) mails: Vec<Vec<u8>>,
}

pub(super) struct Fake {
    pub(super) server: Server,
    pub(super) ca: PathBuf,
    pub(super) seen: Arc<Mutex<Seen>>,
    _folder: tempfile::TempDir,
}

const OFFERS: &str = "250-fake\r\n250-SIZE 1000000\r\n250-AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER\r\n250 8BITMIME";

impl Fake {
    pub(super) async fn start(tls: Tls, script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path()).unwrap();
        let certs = CertificateDer::pem_file_iter(&authority.cert)
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let key = PrivateKeyDer::from_pem_file(&authority.key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(certs, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let script: Arc<Script> = Arc::new(script);
        let notes = seen.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, notes, script) = (acceptor.clone(), notes.clone(), script.clone());
                let number = {
                    let mut seen = notes.lock().unwrap();
                    seen.lines.push(Vec::new());
                    seen.lines.len()
                };
                tokio::spawn(async move {
                    let talk = Talk { number, notes, script };
                    talk.serve(socket, tls, &acceptor).await
                });
            }
        });
        Self {
            server: Server {
                host: "localhost".into(),
                port,
                tls,
            },
            ca: authority.ca,
            seen,
            _folder: folder,
        }
    }

    pub(super) fn account(&self) -> Account {
        Account {
            name: "us".into(),
            sign_in: "us".into(),
            provider: Provider::Other,
            user: "invoices@us.example".into(),
            imap: Some(self.server.clone()),
            pop3: None,
            smtp: Some(self.server.clone()),
            auth: Auth::Password(SecretRef::Env("MAILJOB_NO_SUCH_VARIABLE".into())),
            ca_file: Some(self.ca.clone()),
            client: None,
            from: None,
            pace: None,
            hello: None,
            smtp_auth: true,
        }
    }

    /// The lines of a connection, from 1.
    pub(super) fn lines(&self, connection: usize) -> Vec<String> {
        self.seen.lock().unwrap().lines[connection - 1].clone()
    }

    pub(super) fn mails(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().mails.clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.lock().unwrap().lines.len()
    }
}

struct Talk {
    number: usize,
    notes: Arc<Mutex<Seen>>,
    script: Arc<Script>,
}

impl Talk {
    async fn serve(&self, socket: TcpStream, tls: Tls, acceptor: &TlsAcceptor) -> std::io::Result<()> {
        match tls {
            Tls::Implicit => self
                .talk(&mut BufReader::new(acceptor.accept(socket).await?), true)
                .await
                .map(drop),
            Tls::StartTls => {
                let mut plain = BufReader::new(socket);
                if self.talk(&mut plain, true).await? {
                    self.talk(&mut BufReader::new(acceptor.accept(plain.into_inner()).await?), false)
                        .await?;
                }
                Ok(())
            }
        }
    }

    /// Until the client goes; `true` when TLS is to start.
    async fn talk<S>(&self, stream: &mut BufReader<S>, greet: bool) -> std::io::Result<bool>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut line = "greeting".to_owned();
        let mut next = greet;
        loop {
            if !std::mem::replace(&mut next, true) || self.act(stream, &line).await? {
                line.clear();
                if stream.read_line(&mut line).await? == 0 {
                    return Ok(false);
                }
                line.truncate(line.trim_end().len());
                self.notes.lock().unwrap().lines[self.number - 1].push(line.clone());
            } else {
                return Ok(line == "STARTTLS");
            }
        }
    }

    /// `false` to end this talk.
    async fn act<S>(&self, stream: &mut BufReader<S>, line: &str) -> std::io::Result<bool>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let said = match (self.script)(self.number, line) {
            Act::Drop => return Ok(false),
            Act::Say(text) => text,
            Act::Usual => match line.split(' ').next().unwrap() {
                "greeting" => "220 fake ESMTP",
                "EHLO" => OFFERS,
                "AUTH" => "235 2.7.0 welcome",
                "DATA" => "354 go",
                "STARTTLS" => "220 go",
                "QUIT" => "221 bye",
                "." => "250 2.0.0 queued",
                _ => "250 2.0.0 ok",
            },
        };
        stream.write_all(format!("{said}\r\n").as_bytes()).await?;
        stream.flush().await?;
        if said.starts_with("354") {
            return self.take(stream).await;
        }
        Ok(line != "QUIT" && !(line == "STARTTLS" && said.starts_with("220")))
    }

    async fn take<S>(&self, stream: &mut BufReader<S>) -> std::io::Result<bool>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut mail = Vec::new();
        loop {
            let mut line = Vec::new();
            if stream.read_until(b'\n', &mut line).await? == 0 {
                return Ok(false);
            }
            if line == b".\r\n" {
                break;
            }
            mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        {
            let mut seen = self.notes.lock().unwrap();
            seen.lines[self.number - 1].push(".".into());
            seen.mails.push(mail);
        }
        Box::pin(self.act(stream, ".")).await
    }
}

pub(super) fn reply(recipients: &[&str]) -> NewReply {
    NewReply {
        conversation: None,
        account: "us".into(),
        message_id: "1.reply@us.example".into(),
        sender: "invoices@us.example".into(),
        recipients: recipients.iter().map(|r| (*r).to_owned()).collect(),
        bytes: Bytes::from_static(b"Subject: x\r\n\r\n.\r\n..dots\r\nend\r\n"),
    }
}
