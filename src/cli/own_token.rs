//! The token by which a Mailjob of this machine knows programs of its own user, and whether it may be shown to who listens.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::{
    config::Service,
    secret::{Secret, SecretError, SecretRef, kept},
};

/// Where the system tells which sockets there are.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];
/// The state of a socket that listens, in those tables.
const LISTENS: &str = "0A";

/// Why there is no token to show.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoToken {
    /// It can't be read.
    #[error(
        "the token in {path} can't be read: {why}; run this as the user that runs Mailjob. A start of mailjob run makes a file right that is its own"
    )]
    Unreadable {
        /// Its file.
        path: PathBuf,
        /// What is said.
        why: SecretError,
    },
    /// Who listens could be anybody.
    #[error(
        "user {other} of this machine listens at {address}, not user {owner} whose token lies in {path}: is that another program? The token is not shown to it"
    )]
    Stranger {
        /// Where.
        address: SocketAddr,
        /// Who listens.
        other: u32,
        /// Whose the token is.
        owner: u32,
        /// Its file.
        path: PathBuf,
    },
}

/// The token of this machine for who listens at this address, which is one of this machine. Reads files.
///
/// # Errors
/// When it can't be read, or somebody else listens there.
pub(super) fn for_address(service: &Service, address: SocketAddr) -> Result<Secret, NoToken> {
    let path = kept::token_path(service.ledger.absolute().base());
    let token = SecretRef::File(path.clone()).read();
    let token = token.map_err(|why| NoToken::Unreadable {
        path: path.clone(),
        why,
    })?;
    let owner = owner(&path);
    match listeners(address)
        .into_iter()
        .zip(owner)
        .find(|(uid, owner)| uid != owner && *uid != 0)
    {
        Some((other, owner)) => Err(NoToken::Stranger {
            address,
            other,
            owner,
            path,
        }),
        None => Ok(token),
    }
}

fn owner(path: &Path) -> Option<u32> {
    std::fs::metadata(path).ok().map(|file| file.uid())
}

/// The users whose sockets may answer at this address.
pub(super) fn listeners(address: SocketAddr) -> Vec<u32> {
    let tables = TABLES.iter().filter_map(|table| std::fs::read_to_string(table).ok());
    tables.flat_map(|table| listening(&table, address)).collect()
}

/// The same of one table. Pure.
fn listening(table: &str, address: SocketAddr) -> Vec<u32> {
    let uid = |line: &str| {
        let mut cells = line.split_whitespace();
        let place = cells.nth(1).and_then(place)?;
        let state = cells.nth(1)?;
        let uid = cells.nth(3)?.parse().ok()?;
        let ip = place.ip().to_canonical();
        let is_there = place.port() == address.port() && (ip.is_unspecified() || ip == address.ip().to_canonical());
        (is_there && state == LISTENS).then_some(uid)
    };
    table.lines().filter_map(uid).collect()
}

/// `0100007F:1F59`: words of four bytes, each in the machine's order.
fn place(cell: &str) -> Option<SocketAddr> {
    let (ip, port) = cell.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let word = u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok()?;
        Some(u32::from_be_bytes(word.to_ne_bytes()))
    };
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from_bits(word(0)?).into(),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bits = words.iter().fold(0u128, |bits, word| (bits << 32) | u128::from(*word));
            Ipv6Addr::from_bits(bits).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::config::LedgerAddress;

    #[test]
    fn the_tables_of_sockets_say_who_listens() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            \x20  0: 0100007F:1F59 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0\n\
            \x20  1: 00000000:1F59 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 1 1 0 100 0 0 10 0\n\
            \x20  2: 0100007F:1F59 0100007F:ABCD 01 00000000:00000000 00:00000000 00000000   500        0 1 1 0 100 0 0 10 0\n\
            \x20  3: 0200007F:1F59 00000000:0000 0A 00000000:00000000 00:00000000 00000000   501        0 1 1 0 100 0 0 10 0\n\
            \x20  4: 0100007F:1F5A 00000000:0000 0A 00000000:00000000 00:00000000 00000000   502        0 1 1 0 100 0 0 10 0\n\
            \x20  5: 0000000000000000FFFF00000100007F:1F59 00000000000000000000000000000000:0000 0A 0:0 00:0 0  7 0 1\n\
            \x20  6: 00000000000000000000000001000000:1F59 00000000000000000000000000000000:0000 0A 0:0 00:0 0  8 0 1\n\
            nonsense\n";
        if cfg!(target_endian = "little") {
            assert_eq!(listening(table, "127.0.0.1:8025".parse().unwrap()), [1000, 999, 7]);
            assert_eq!(listening(table, "[::1]:8025".parse().unwrap()), [999, 8]);
        }
    }

    #[test]
    fn the_token_is_shown_to_its_owners_program_only() {
        let folder = tempfile::tempdir().unwrap();
        let service = Service {
            ledger: LedgerAddress::file(folder.path().join("mailjob.db")),
            ..Service::on(1)
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let unreadable = for_address(&service, address).unwrap_err();
        assert!(matches!(unreadable, NoToken::Unreadable { .. }), "{unreadable}");
        kept::machine_token(service.ledger.base()).unwrap();
        assert!(for_address(&service, address).is_ok());
        assert_eq!(listeners(address), [owner(folder.path()).unwrap()]);
        let token = folder.path().join("mailjob.token");
        assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
