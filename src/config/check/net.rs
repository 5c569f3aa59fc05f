//! `[net]`: the proxy, and who is reached without it.

use crate::{
    config::{
        Bypass, Net, NoBypass, Proxy, ProxyChoice,
        declare::{keys, never},
        key::Allowed,
        kind::SecretLine,
        rule::Rule,
        sheet::PlacedValue,
        table::Table,
        value::{at_most, list, parsed, text},
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
        password("proxy_password"): Option<SecretRef> = SecretLine, never("{ file = \"/run/secrets/proxy\" }"),
            "goes with proxy_user; a changed file counts from the next connection on";
        no_proxy: Option<Vec<Bypass>> = Allowed::list(Allowed::Text, MOST) => |value| at_most(MOST, &value).and_then(list(bypass)), never("[\"corp.example\", \"10.0.0.0/8\", \"erp.example:8443\"]"),
            "reached without: hosts with all below them, addresses, networks, \"*\"; up to 1000; what NO_PROXY says when nothing is written";
    }
    rules &[
        Rule::With(
            &["proxy_user"], "proxy", "write proxy = \"http://host:port\" beside proxy_user and proxy_password, or remove them",
        ),
        Rule::With(&["proxy_user"], "proxy_password", "write proxy_password = { file = \"…\" } beside proxy_user"),
        Rule::With(&["proxy_password"], "proxy_user", "write proxy_user = \"…\" beside proxy_password"),
    ]
}

/// Reads `[net]`, and whether what it says goes together.
pub(super) fn net(table: &mut Table<'_>) -> Option<Net> {
    let said = NetKeys::read(table)?;
    let proxy = match said.proxy.unwrap_or_default() {
        ProxyChoice::Through(proxy) => ProxyChoice::Through(Proxy {
            sign_in: said.user.zip(said.password),
            ..proxy
        }),
        other => {
            if other == ProxyChoice::None && (said.user.is_some() || said.password.is_some()) {
                let cause = "`net.proxy_user` and `net.proxy_password` have no use beside proxy = \"none\"";
                table.lacks(cause, "remove them, or name a proxy");
            }
            other
        }
    };
    let no_proxy = said.no_proxy;
    Some(Net { proxy, no_proxy })
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

fn bypass(value: PlacedValue<'_>) -> Option<Bypass> {
    parsed(&value, ("server", &NoBypass.to_string()), |entry| entry.parse().ok())
}
