//! The names that we give at EHLO. Pure, but for asking the machine for its own.
//!
//! RFC 5321 section 4.1.4 wants the host's name, or an address literal where it has none. Servers refuse literals
//! (smtp-relay.gmail.com), bare host names (Postfix with `reject_non_fqdn_helo_hostname`) and names without an address; so what is
//! refused is followed by the next.

use std::net::IpAddr;

use crate::{addr_spec::normal_domain, config::Account};

/// The names of this machine for an account's server, the best first: what the operator wrote, its own full name, the address that the
/// connection comes from, and the domain that the account sends from.
pub(super) fn names(account: &Account, machine: Option<&str>, local: Option<IpAddr>) -> Vec<String> {
    let own = machine.and_then(full_name);
    let literal = local.map(literal);
    let from = account.from.as_deref().unwrap_or(&account.user);
    let domain = from.rsplit_once('@').and_then(|(_, domain)| full_name(domain));
    let mut names: Vec<String> = Vec::new();
    for name in [account.hello.clone(), own, literal, domain].into_iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// This machine's name as it has it itself.
pub(super) fn machine() -> Option<String> {
    let system = rustix::system::uname();
    system.nodename().to_str().ok().map(str::to_owned)
}

/// A name of two labels at least, which is nobody's placeholder.
fn full_name(name: &str) -> Option<String> {
    let name = normal_domain(name.trim_end_matches('.'))?;
    let (_, last) = name.rsplit_once('.')?;
    let placeholder = ["localdomain", "local", "localhost", "internal", "lan"].contains(&last);
    let number = last.bytes().all(|b| b.is_ascii_digit());
    (!placeholder && !number && !name.contains('_')).then_some(name)
}

/// RFC 5321 section 4.1.3.
fn literal(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Auth, Provider};

    fn account(hello: Option<&str>, user: &str) -> Account {
        Account {
            name: "us".into(),
            sign_in: "us".into(),
            provider: Provider::Other,
            user: user.into(),
            imap: None,
            pop3: None,
            smtp: None,
            auth: Auth::Password(crate::secret::SecretRef::Env("X".into())),
            ca_file: None,
            client: None,
            from: None,
            pace: None,
            hello: hello.map(str::to_owned),
            smtp_auth: true,
        }
    }

    #[test]
    fn the_best_name_comes_first() {
        let four = Some("192.0.2.7".parse().unwrap());
        let six = Some("2001:db8::7".parse().unwrap());
        let mapped = Some("::ffff:192.0.2.7".parse().unwrap());
        for (hello, machine, local, expected) in [
            (
                None,
                Some("mx.us.example"),
                four,
                &["mx.us.example", "[192.0.2.7]", "us.example"][..],
            ),
            (None, Some("mailjob-0"), four, &["[192.0.2.7]", "us.example"]),
            (
                None,
                Some("host.localdomain"),
                six,
                &["[IPv6:2001:db8::7]", "us.example"],
            ),
            (
                None,
                Some("ip-10-0-0-1.eu.compute.internal"),
                mapped,
                &["[192.0.2.7]", "us.example"],
            ),
            (
                None,
                Some("MX.Bücher.Example."),
                None,
                &["mx.xn--bcher-kva.example", "us.example"],
            ),
            (
                Some("mail.us.example"),
                Some("mailjob-0"),
                four,
                &["mail.us.example", "[192.0.2.7]", "us.example"],
            ),
            (Some("us.example"), None, None, &["us.example"]),
        ] {
            assert_eq!(
                names(&account(hello, "invoices@us.example"), machine, local),
                expected,
                "{machine:?}"
            );
        }
        assert_eq!(
            names(&account(None, "SRV\\invoices"), Some("a\r\nb.example"), four),
            ["[192.0.2.7]"]
        );
    }
}
