//! A server that should speak first and says nothing: whether it waits for TLS instead.
//!
//! Who asks for STARTTLS at a port where TLS begins with the first byte waits for a greeting, while the server waits for a handshake: a minute
//! of silence that says nothing of TLS. So the server is asked beside, on a connection of its own, whether it speaks TLS; the one that waits
//! goes on waiting, since a greeting may come late, and speaking before it is held against whoever does (Postfix's postscreen).

use std::time::Duration;

use tokio::{net::TcpStream, time::timeout};

use super::{ConnectError, connect, cure::speaks_tls};
use crate::config::Server;

/// How long a greeting is waited for before that is asked.
const PATIENCE: Duration = Duration::from_secs(5);
/// On the port where servers take mail from one another: greetings come late there on purpose, mostly after six seconds.
const PATIENCE_25: Duration = Duration::from_secs(20);
/// For the question.
const LONGEST: Duration = Duration::from_secs(10);

/// Waits until a server that speaks first has said something, or does not seem to want to: then the caller's own time-out counts.
///
/// # Errors
/// [`ConnectError::WaitsForTls`] where it speaks TLS from the first byte.
pub async fn heard(socket: &TcpStream, server: &Server) -> Result<(), ConnectError> {
    let patience = if server.port == 25 { PATIENCE_25 } else { PATIENCE };
    heard_within(socket, server, patience).await
}

pub(super) async fn heard_within(socket: &TcpStream, server: &Server, patience: Duration) -> Result<(), ConnectError> {
    if timeout(patience, socket.readable()).await.is_ok() {
        return Ok(());
    }
    tokio::select! {
        // An end of the connection as well.
        _ = socket.readable() => Ok(()),
        waits = waits_for_tls(server) => match waits {
            true => Err(ConnectError::WaitsForTls {
                host: server.host.clone(),
                port: server.port,
            }),
            false => Ok(()),
        }
    }
}

/// Whether it answers a handshake, however that ends. Nothing else is said.
async fn waits_for_tls(server: &Server) -> bool {
    // By the same way, which may be a proxy's.
    match connect(server, None, LONGEST).await {
        Ok(_) => true,
        Err(ConnectError::Tls { source, .. }) => speaks_tls(&source),
        Err(_) => false,
    }
}
