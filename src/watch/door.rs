//! The way to a server, and the credential for it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::timeout;

use super::{error::WatchError, mechanism::MailboxSignIn};
use crate::{
    auth::{Credential, Login},
    config::{Mailbox, WatchPlan},
    net::{ConnectTurn, Connects},
    refusal::MailHost,
};

/// From the first packet to the opened mailbox.
pub(super) const CONNECT: Duration = Duration::from_secs(90);

/// How long a connection may wait behind others to its host: 1,000 mailboxes come up in that time.
const TURN: Duration = Duration::from_secs(300);

/// Where credentials come from, and when they may be shown.
#[async_trait]
pub(super) trait CredentialSource: Send + Sync {
    /// Waits while as many connections to this host are in the making as may be.
    async fn turn(&self) -> Option<ConnectTurn>;
    /// A credential that is good now.
    async fn credential(&self) -> Result<Credential, WatchError>;
    /// The server did not take this one.
    fn rejected(&self, credential: &Credential);
    /// Somebody got through to the server, and in.
    fn reached(&self);
}

/// The way to a server that speaks over wires of this kind.
#[async_trait]
pub(super) trait Connector<W>: CredentialSource {
    /// A connection under TLS on which capabilities can be asked.
    async fn connect(&self) -> Result<W, WatchError>;
}

/// The door of an account.
pub(super) struct AccountConnector {
    pub(super) inlet: Arc<WatchPlan>,
    pub(super) login: Arc<Login>,
    pub(super) connects: Connects,
}

#[async_trait]
impl CredentialSource for AccountConnector {
    async fn turn(&self) -> Option<ConnectTurn> {
        Some(self.connects.turn(&self.inlet.mailbox.server.host).await)
    }

    async fn credential(&self) -> Result<Credential, WatchError> {
        Ok(self.login.credential().await?)
    }

    fn rejected(&self, credential: &Credential) {
        self.login.rejected(credential);
    }

    fn reached(&self) {
        self.connects.reached(&self.inlet.mailbox.server);
    }
}

/// Who signs in to a mailbox.
pub(super) fn who<'a>(mailbox: &'a Mailbox, credential: &'a Credential) -> MailboxSignIn<'a> {
    MailboxSignIn {
        user: &mailbox.account.user,
        credential,
        host: &mailbox.server.host,
        port: mailbox.server.port,
        whose: MailHost::of(mailbox.account.provider, &mailbox.server),
    }
}

/// Waits for its turn, connects and signs in within 90 s; `open` does what comes after the connection.
///
/// An access token that is refused is replaced once: it may have been revoked. A password is not tried twice, since that locks accounts.
pub(super) async fn admitted<W, T, F>(
    door: &dyn Connector<W>,
    open: impl Fn(W, Credential) -> F,
) -> Result<T, WatchError>
where
    F: Future<Output = Result<T, WatchError>>,
{
    let mut last = false;
    loop {
        let credential = door.credential().await?;
        let turn = timeout(TURN, door.turn()).await.map_err(|_| WatchError::Endless {
            command: "waiting behind other connections to the host, which did not get through,",
            after: TURN,
        })?;
        let opened = async {
            let wire = door.connect().await.map_err(WatchError::before_greeting)?;
            open(wire, credential.clone()).await
        };
        // In a box of its own: while it waits behind others, a connection takes next to nothing.
        let opened = timeout(CONNECT, Box::pin(opened))
            .await
            .unwrap_or(Err(WatchError::Endless {
                command: "connecting",
                after: CONNECT,
            }));
        drop(turn);
        match opened {
            Err(error @ WatchError::Credential { .. }) if error.patience().is_none() => {
                door.rejected(&credential);
                if last || matches!(credential, Credential::Password(_)) {
                    return Err(error);
                }
                last = true;
            }
            opened => {
                if opened.is_ok() {
                    door.reached();
                }
                return opened;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::{
        secret::Secret,
        watch::error::{Negative, Refusal, Words},
    };

    /// A door behind which nobody is let in.
    struct Shut {
        credential: Credential,
        knocks: AtomicUsize,
        rejected: AtomicUsize,
    }

    #[async_trait]
    impl CredentialSource for Shut {
        async fn turn(&self) -> Option<ConnectTurn> {
            None
        }

        async fn credential(&self) -> Result<Credential, WatchError> {
            Ok(self.credential.clone())
        }

        fn rejected(&self, _: &Credential) {
            self.rejected.fetch_add(1, Ordering::Relaxed);
        }

        fn reached(&self) {}
    }

    #[async_trait]
    impl Connector<()> for Shut {
        async fn connect(&self) -> Result<(), WatchError> {
            self.knocks.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_token_is_replaced_once_and_a_password_is_said_once() {
        let secret = || Secret::from("canary");
        let throttled = "Request is throttled. Suggested Backoff Time: 1000 milliseconds";
        for (credential, said, knocks, rejected) in [
            (Credential::Bearer(secret()), "no", 2, 2),
            (Credential::Password(secret()), "no", 1, 1),
            (Credential::Bearer(secret()), throttled, 1, 0),
        ] {
            let shut = Shut {
                credential,
                knocks: AtomicUsize::new(0),
                rejected: AtomicUsize::new(0),
            };
            let refuse = async |(), _| {
                Err::<(), _>(WatchError::Credential {
                    mechanism: "PLAIN",
                    host: MailHost::default(),
                    answer: Refusal {
                        status: Negative::No,
                        code: None,
                        text: Words::new(said),
                    },
                })
            };
            let error = admitted(&shut, refuse).await.unwrap_err();
            assert!(matches!(error, WatchError::Credential { .. }), "{error:?}");
            let counted = [&shut.knocks, &shut.rejected].map(|count| count.load(Ordering::Relaxed));
            assert_eq!(counted, [knocks, rejected], "{said}");
        }
    }
}
