//! Whether a sign-in is right, as Cyrus and Courier ask it: over sockets of their own, answered here.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

use crate::dovecot::PASSWORD;

/// Answers for as long as it lives.
#[derive(Debug)]
pub(super) struct Passwords(JoinHandle<()>);

impl Drop for Passwords {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Passwords {
    /// As saslauthd, for Cyrus: everybody with the testbed's password is welcome.
    pub(super) fn saslauthd(socket: &Path) -> Result<Self> {
        let listener = listen(socket)?;
        Ok(Self(tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Whoever asks wrongly is not answered.
                tokio::spawn(sasl(client));
            }
        })))
    }

    /// As Courier's authdaemond: everybody with the testbed's password has a Maildir in a folder of that name in `homes`.
    pub(super) fn authdaemond(socket: &Path, homes: &Path, owner: (u32, u32)) -> Result<Self> {
        let (listener, homes) = (listen(socket)?, homes.to_owned());
        Ok(Self(tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(authdaemon(client, homes.clone(), owner));
            }
        })))
    }
}

fn listen(socket: &Path) -> Result<UnixListener> {
    let listener = UnixListener::bind(socket).with_context(|| format!("listen at {}", socket.display()))?;
    fs::set_permissions(socket, Permissions::from_mode(0o777))?;
    Ok(listener)
}

/// User, password, service and realm, each with its length before it; so is the answer.
async fn sasl(mut client: UnixStream) -> Result<()> {
    let mut fields = Vec::new();
    for _ in 0..4 {
        let mut field = vec![0; client.read_u16().await?.into()];
        client.read_exact(&mut field).await?;
        fields.push(field);
    }
    let right = fields.get(1).is_some_and(|password| password == PASSWORD.as_bytes());
    let answer: &[u8] = if right { b"\0\x02OK" } else { b"\0\x02NO" };
    Ok(client.write_all(answer).await?)
}

/// Some variables of the session, `AUTH` with the length of what follows, and in it a line each: service, kind, user, password.
async fn authdaemon(client: UnixStream, homes: PathBuf, owner: (u32, u32)) -> Result<()> {
    let mut client = BufReader::new(client);
    let length = loop {
        let mut line = String::new();
        client.read_line(&mut line).await?;
        if let Some(length) = line.strip_prefix("AUTH ") {
            break length.trim().parse()?;
        }
        anyhow::ensure!(!line.is_empty(), "no question");
    };
    let mut asked = vec![0; length];
    client.read_exact(&mut asked).await?;
    let asked = String::from_utf8_lossy(&asked);
    let lines: Vec<_> = asked.lines().collect();
    let answer = match lines.as_slice() {
        [_, "login", user, PASSWORD] => {
            let home = super::courier::home(&homes, user, owner)?;
            let (uid, gid) = owner;
            // USERNAME would be a user of the machine.
            format!(
                "UID={uid}\nGID={gid}\nHOME={home}\nADDRESS={user}\nNAME={user}\nMAILDIR={home}/Maildir\n.\n",
                home = home.display()
            )
        }
        _ => "FAIL\n".to_owned(),
    };
    Ok(client.get_mut().write_all(answer.as_bytes()).await?)
}
