//! The way to a server: DNS, TCP, and what TLS told.

use std::net::SocketAddr;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::net::TcpStream;

use super::{
    Issue, Stage, StepOutcome,
    notes::{LONGEST, Notes},
};
use crate::{
    config::{Server, Tls},
    net::{self, Handshake, Traffic, proxy},
};

/// A certificate that ends within so many days is told of: most are renewed a month before.
const SOON: TimeDelta = TimeDelta::days(14);

/// Which of a name's addresses may be used.
pub(super) type AddressFilter<'a> = &'a (dyn Fn(Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Issue> + Sync);

/// Finds a server and connects to it, by the proxy where there is one.
pub(super) async fn reach(
    notes: &mut Notes,
    server: &Server,
    traffic: Traffic,
    allowed: AddressFilter<'_>,
) -> Option<TcpStream> {
    match net::via(traffic, server) {
        Ok(None) => {}
        Ok(Some(via)) => {
            let led = async {
                let socket = net::through(&via, traffic, server, LONGEST).await;
                Ok((socket.map_err(|error| of_net(&error))?, via.to_string()))
            };
            return notes.step(Stage::Proxy, LONGEST, led).await;
        }
        Err(error) => {
            notes.note(Stage::Proxy, StepOutcome::Failed(of_net(&error)));
            return None;
        }
    }
    let beside = |mut trouble: Issue| {
        if traffic == Traffic::Mail && proxy::routes().is_for_https_alone() {
            trouble.cure.push_str("; HTTPS_PROXY is for https alone: where mail servers too are reached by a proxy, set ALL_PROXY or write [net] proxy");
        }
        trouble
    };
    let found = notes.step(Stage::Dns, LONGEST, async {
        let found = net::resolve(server, LONGEST)
            .await
            .map_err(|error| beside(of_net(&error)))?;
        let addresses = allowed(found)?;
        let told: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
        Ok((addresses, told.join(", ")))
    });
    let Some(addresses) = found.await else {
        notes.skip(&[Stage::Tcp], "there is no address");
        return None;
    };
    let connected = notes.step(Stage::Tcp, LONGEST, async {
        let connected = net::dial(server, addresses, LONGEST).await.map_err(|error| {
            let mut trouble = of_net(&error);
            if let Some(other) = other_port(server) {
                trouble.cure = format!("{}; {other}", trouble.cure);
            }
            beside(trouble)
        })?;
        let told = connected
            .peer_addr()
            .map_or_else(|_| "connected".to_owned(), |peer| peer.to_string());
        Ok((connected, told))
    });
    connected.await
}

/// What a handshake told, in a few words.
pub(super) fn told(handshake: &Handshake) -> String {
    match handshake.certificate_ends {
        Some(ends) => format!("{}, certificate good until {}", handshake.version, ends.format("%F")),
        None => handshake.version.to_owned(),
    }
}

/// Tells of a certificate that ends soon.
pub(super) fn look_ahead(notes: &mut Notes, handshake: &Handshake, now: DateTime<Utc>) {
    if let Some(ends) = handshake.certificate_ends.filter(|ends| *ends < now + SOON) {
        notes.note(
            Stage::Tls,
            StepOutcome::Warned(Issue {
                what: format!("the server's certificate ends on {}", ends.format("%F %H:%M UTC")),
                cure: "see that whoever runs the server renews it".to_owned(),
            }),
        );
    }
}

/// Where else mail servers listen, where nobody does at the usual port of one kind.
fn other_port(server: &Server) -> Option<&'static str> {
    match (server.tls, server.port) {
        (Tls::Implicit, 465) => {
            Some("465 is the default of smtp; many servers take mail at 587 only: write port = 587, tls = \"starttls\"")
        }
        (Tls::StartTls, 587) => Some("some servers take mail at 465 only: write port = 465, tls = \"implicit\""),
        (Tls::Implicit, 993) => Some("some servers have IMAP at 143 only: write port = 143, tls = \"starttls\""),
        (Tls::Implicit, 995) => Some("some servers have POP3 at 110 only: write port = 110, tls = \"starttls\""),
        _ => None,
    }
}

pub(super) fn of_net(error: &net::ConnectError) -> Issue {
    let what = match error {
        // Its own words end with the cure.
        net::ConnectError::Resolve { host, source } => format!("{host} can't be resolved: {source}"),
        error => error.to_string(),
    };
    Issue {
        what,
        cure: error.cure().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Subject, SubjectKind};

    #[test]
    fn the_other_port_of_a_mail_server_is_named() {
        let server = |port, tls| Server {
            host: "mail.example.com".into(),
            port,
            tls,
        };
        let smtp = other_port(&server(465, Tls::Implicit)).unwrap();
        assert!(smtp.contains("port = 587, tls = \"starttls\""), "{smtp}");
        assert!(other_port(&server(587, Tls::StartTls)).unwrap().contains("465"));
        assert_eq!(other_port(&server(2525, Tls::StartTls)), None);
    }

    #[test]
    fn a_certificate_that_ends_soon_is_told_of() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for (days, warned) in [(-1, true), (13, true), (15, false)] {
            let mut notes = Notes::about(Subject {
                kind: SubjectKind::Account,
                name: "a".into(),
                part: None,
            });
            let handshake = Handshake {
                version: "TLS 1.3",
                certificate_ends: Some(now + TimeDelta::days(days)),
            };
            look_ahead(&mut notes, &handshake, now);
            assert_eq!(notes.end().len(), usize::from(warned), "{days}");
        }
    }
}
