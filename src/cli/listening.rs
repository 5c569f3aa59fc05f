//! Whether `mailjob run` could listen at its health address, which other programs and a typing error keep it from.

use std::{io, net::SocketAddr};

use socket2::{Domain, Socket, Type};

use crate::{config::Service, ledger};

/// What keeps a start from listening at its health address, and what to do. That a process of this ledger listens there is as it should be.
/// Nothing listens for that.
pub(super) fn trouble(service: &Service) -> Option<(String, String)> {
    let address = service.health?;
    let error = bound(address).err()?;
    match error.kind() {
        io::ErrorKind::AddrInUse if ledger::is_in_use(&service.ledger) => None,
        kind => told(address, kind),
    }
}

/// Takes the address as a listener does, for a moment, and does not listen.
fn bound(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())
}

/// What is wrong in words, where it is the address that is wrong. Pure.
fn told(address: SocketAddr, kind: io::ErrorKind) -> Option<(String, String)> {
    let other = "choose another by health = \"…\" in [service], or switch it off with health = false";
    match kind {
        io::ErrorKind::AddrInUse => Some((
            format!("another program listens at the health address {address}, and a start is refused then"),
            format!("end that program, or {other}"),
        )),
        io::ErrorKind::AddrNotAvailable => Some((
            format!("the health address {address} is none of this machine's"),
            format!(
                "write an address of this machine, such as 127.0.0.1:{}, or 0.0.0.0 for all of them",
                address.port()
            ),
        )),
        io::ErrorKind::PermissionDenied => Some((
            format!("this user may not listen at the health address {address}"),
            other.to_owned(),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::config::LedgerAddress;

    #[test]
    fn an_address_that_is_taken_or_another_machines_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |address: &str| Service {
            ledger: LedgerAddress::file(folder.path().join("l.db")),
            health: Some(address.parse().unwrap()),
            ..Service::on(1)
        };
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = other.local_addr().unwrap().to_string();
        let (cause, cure) = trouble(&at(&taken)).unwrap();
        assert!(
            cause.contains(&taken) && cause.contains("another program listens"),
            "{cause}"
        );
        assert!(cure.contains("health = false"), "{cure}");
        drop(other);
        assert_eq!(trouble(&at(&taken)), None);
        // Of the addresses for documentation, no machine has one (RFC 5737).
        let (cause, _) = trouble(&at("192.0.2.1:8025")).unwrap();
        assert!(cause.contains("none of this machine's"), "{cause}");
        let off = Service {
            health: None,
            ..at(&taken)
        };
        assert_eq!(trouble(&off), None);
    }
}
