//! `[net]`: the proxy, and who is reached without it.

use crate::{
    config::{
        Bypass, Net, Proxy, ProxyChoice,
        declare::{keys, never},
        key::Allowed,
        sheet::PlacedValue,
        table::Table,
        value::{list, secret_line, text},
    },
    secret::SecretRef,
};

/// Entries of `no_proxy` at most.
const MOST: usize = 1_000;

keys! {
    /// `[net]` as it is written.
    pub(in crate::config) struct NetKeys in "net" "\
The proxy by which one leaves this network: for token servers, webhooks, IMAP, POP3 and SMTP alike. Without [net], or without the key, the
usual variables count, in capitals or not: HTTPS_PROXY for https, HTTP_PROXY for http, ALL_PROXY for all that has none of its own and so
for mail servers too, NO_PROXY. This machine itself (localhost, 127.0.0.0/8, ::1) is never reached by a proxy. Names are for the proxy to
resolve, and where it leads is its own to allow: allow_private_network judges written addresses alone then. Takes effect at the next start." {
        proxy: Option<ProxyChoice> = Allowed::Text => proxy, never("\"http://proxy.example:3128\""),
            "asked by CONNECT, for http webhooks by whole URLs; or \"socks5://proxy.example:1080\"; or \"none\", whatever the variables say";
        user("proxy_user"): Option<String> = Allowed::Text => user, never("\"mailjob\""), "where the proxy asks who one is; goes with proxy_password";
        password("proxy_password"): Option<SecretRef> = Allowed::Secret => secret_line, never("{ file = \"/run/secrets/proxy\" }"),
            "goes with proxy_user; a changed file counts from the next connection on";
        no_proxy: Option<Vec<Bypass>> = Allowed::list(Allowed::Text, MOST) => bypasses, never("[\"corp.example\", \"10.0.0.0/8\", \"erp.example:8443\"]"),
            "reached without: hosts with all below them, addresses, networks, \"*\"; up to 1000; what NO_PROXY says when nothing is written";
    }
}

/// Reads `[net]`, and whether what it says goes together.
pub(super) fn net(table: &mut Table<'_>) -> Option<Net> {
    let NetKeys {
        proxy,
        user,
        password,
        no_proxy,
    } = NetKeys::read(table)?;
    let is_written = table.value("proxy").is_some();
    let has_sign_in = user.is_some() || password.is_some();
    let through = match proxy {
        Some(ProxyChoice::Through(proxy)) => proxy,
        other => {
            if has_sign_in && !is_written {
                let cure = "write proxy = \"http://host:port\" beside proxy_user and proxy_password, or remove them";
                table.lacks_key("proxy", cure);
            } else if has_sign_in && other.is_some() {
                let cause = "`net.proxy_user` and `net.proxy_password` have no use beside proxy = \"none\"";
                table.lacks(cause, "remove them, or name a proxy");
            }
            let proxy = other.unwrap_or_default();
            return Some(Net { proxy, no_proxy });
        }
    };
    let sign_in = match (user, password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        (Some(_), None) => {
            table.lacks_key(
                "proxy_password",
                "write proxy_password = { file = \"…\" } beside proxy_user",
            );
            None
        }
        (None, Some(_)) => {
            table.lacks_key("proxy_user", "write proxy_user = \"…\" beside proxy_password");
            None
        }
    };
    Some(Net {
        proxy: ProxyChoice::Through(Proxy { sign_in, ..through }),
        no_proxy,
    })
}

/// The URL of a proxy, or `none`.
fn proxy(value: PlacedValue<'_>) -> Option<ProxyChoice> {
    const CURE: &str = "write \"http://host:port\", \"socks5://host:port\", or \"none\"";
    let written = text(value.clone())?;
    if written == "none" {
        return Some(ProxyChoice::None);
    }
    // The text itself is not shown: it may hold a password.
    if written.contains('@') {
        return value.wrong_secret(
            "holds a user name or password",
            "write proxy = \"http://host:port\" with proxy_user = \"…\" and proxy_password = { file = \"…\" } beside it",
        );
    }
    match Proxy::at(&written) {
        Some(proxy) => Some(ProxyChoice::Through(proxy)),
        None if written.starts_with("https://") => value.wrong(
            "names a proxy that is spoken to by TLS, which Mailjob does not do",
            CURE,
        ),
        None => value.wrong(format!("is \"{written}\", which is no proxy"), CURE),
    }
}

fn user(value: PlacedValue<'_>) -> Option<String> {
    let user = text(value.clone())?;
    match user.len() > 255 || user.contains(':') {
        true => value.wrong(
            "is over 255 bytes or has a `:`, which proxies can't take",
            "write the user name alone",
        ),
        false => Some(user),
    }
}

fn bypasses(value: PlacedValue<'_>) -> Option<Vec<Bypass>> {
    let all = list(bypass)(value.clone())?;
    match all.len() > MOST {
        true => value.wrong(
            format!("has more than {MOST} entries"),
            "write networks and domains in place of hosts",
        ),
        false => Some(all),
    }
}

fn bypass(value: PlacedValue<'_>) -> Option<Bypass> {
    let entry = text(value.clone())?;
    entry.parse().map_or_else(
        |cure: crate::config::NoBypass| value.wrong(format!("is \"{entry}\", which is no server"), cure.to_string()),
        Some,
    )
}
