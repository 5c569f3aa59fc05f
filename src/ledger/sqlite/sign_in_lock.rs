//! One at a time uses a sign-in's refresh token, whichever process he is of: a lease by its name.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep};

use crate::{
    backoff::Backoff,
    ledger::{Error, Lease, rules::leases::LeaseAttempt},
};

/// How long a turn is waited for: longer than the lease of one who died over it.
pub(in crate::ledger) const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The pauses between two looks.
const PAUSES: Backoff = Backoff::doubling(Duration::from_millis(5), Duration::from_millis(250));

/// Waits for the turn of a sign-in, which `ask` tries to take. Asked again and again: whoever gives up waiting leaves nothing behind.
pub(in crate::ledger) async fn take<'a>(
    name: &str,
    longest: Duration,
    ask: impl Fn() -> BoxFuture<'a, Result<LeaseAttempt, Error>> + Send,
) -> Result<Lease, Error> {
    let until = Instant::now() + longest;
    let mut looks = 0;
    loop {
        match ask().await? {
            LeaseAttempt::Taken(lease) => return Ok(lease),
            LeaseAttempt::Busy(holder) if Instant::now() >= until => {
                return Err(Error::SignInBusy {
                    name: name.to_owned(),
                    holder,
                    waited: longest,
                });
            }
            LeaseAttempt::Busy(_) => {
                looks += 1;
                sleep(PAUSES.after(looks)).await;
            }
        }
    }
}
