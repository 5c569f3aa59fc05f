//! Which failures are our own: this machine has no more of something, and no server is to blame.

use std::{error::Error, io};

use rustix::io::Errno;

use crate::threads::NoThread;

/// What the system says where it has no more open files, memory or processes for us.
const SPENT: [Errno; 5] = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::AGAIN];

/// Whether this failure, or one that caused it, is our own.
#[must_use]
pub fn is_ours(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(is_spent) || error.is::<NoThread>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn is_spent(error: &io::Error) -> bool {
    let said = error.raw_os_error().map(Errno::from_raw_os_error);
    let inside = error.get_ref();
    said.is_some_and(|said| SPENT.contains(&said)) || inside.is_some_and(|inside| is_ours(inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net;

    #[test]
    fn what_this_machine_lacks_is_no_fault_of_a_server() {
        let failed = |source| net::ConnectError::Connect {
            host: "erp.example".into(),
            port: 443,
            source,
        };
        for (errno, ours) in [
            (Errno::MFILE, true),
            (Errno::NFILE, true),
            (Errno::NOMEM, true),
            (Errno::CONNREFUSED, false),
            (Errno::TIMEDOUT, false),
        ] {
            let error = failed(errno.into());
            assert_eq!(is_ours(&error), ours, "{error}");
            let wrapped = failed(io::Error::other(error));
            assert_eq!(is_ours(&wrapped), ours, "{wrapped}");
        }
    }
}
