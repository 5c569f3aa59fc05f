//! What an operator can do about a connection that can't be had. Pure.

use std::{error::Error as StdError, io};

use rustls::{AlertDescription, CertificateError};

use super::{ConnectError, trust::Untrusted};

impl ConnectError {
    /// What to do about it.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Resolve { .. } => "check the host name, and this machine's DNS",
            Self::Connect { source, .. } => match source.kind() {
                io::ErrorKind::ConnectionRefused => "nothing listens there: check host and port",
                _ => "check host and port, and whether a firewall lets this machine out",
            },
            Self::Timeout { .. } => {
                "check host and port, and whether a firewall lets this machine out: it drops what it forbids"
            }
            Self::Tls { source, .. } => handshake(source),
            Self::WaitsForTls { .. } => IMPLICIT,
            Self::Name(_) => "write a host name or an IP address",
            Self::CaFile { .. } => "give a readable PEM file of CA certificates",
            Self::Client { .. } => {
                "give readable PEM files in tls = { cert, key }: the certificate with its chain, and the key that belongs to it, of mode 0600"
            }
            Self::Proxy(error) => error.cure(),
            Self::Setup(_) | Self::Http(_) => "report this: it should not happen",
        }
    }
}

/// What is wrong, and what to do about it where the words don't say that.
#[must_use]
pub fn with_cure(error: &ConnectError) -> String {
    match error {
        ConnectError::Resolve { .. } => error.to_string(),
        error => format!("{error}; {}", error.cure()),
    }
}

const PORT: &str =
    "no TLS is spoken there: check port, and tls (\"implicit\" on 993, 995, 465; \"starttls\" on 143, 110, 587)";

const IMPLICIT: &str = "write tls = \"implicit\" for this server, or the port where it takes STARTTLS (143 for IMAP, 110 for POP3, 587 for SMTP)";

const LEFT: &str = "the server left in the middle of the handshake: try again later; if it stays, no TLS is spoken there: check port, and tls (\"implicit\" on 993, 995, 465; \"starttls\" on 143, 110, 587)";

const OUTDATED: &str = "the server has only outdated TLS (1.1 or older, or ciphers with RSA key exchange, DHE or CBC): have its administrator switch on TLS 1.3, or TLS 1.2 with ECDHE and AES-GCM; where it wants a client's certificate, write tls = { cert, key }";

/// What TLS says, in words that are fit for an operator.
pub(super) fn said(error: &io::Error) -> String {
    match refusal(error) {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) => other.0.to_string(),
        Some(rustls::Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion)) => {
            format!("{error}: the server has nothing in common with TLS 1.2 (ECDHE, AEAD) and 1.3")
        }
        _ => error.to_string(),
    }
}

/// The end of a connection without the end of TLS. Rustls gives an address in its manual, which is of no use to an operator.
pub(super) fn in_words(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), without_manual(&error.to_string())),
        _ => error,
    }
}

/// The words of an error without addresses in a library's manual.
fn without_manual(words: &str) -> String {
    let words: Vec<_> = words.split(' ').filter(|word| !word.starts_with(MANUAL)).collect();
    words.join(" ").trim_end_matches(':').to_owned()
}

const MANUAL: &str = "https://docs.rs/";

/// What to do where an error is one of TLS that only an operator can mend, wherever it stands among its causes; else nothing.
#[must_use]
pub fn tls_cure(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(refusal)
            .or_else(|| error.downcast_ref());
        if let Some(refusal) = inner {
            return by_refusal(refusal);
        }
        cause = error.source();
    }
    None
}

/// Whether a handshake that failed was answered in TLS.
pub(super) fn speaks_tls(error: &io::Error) -> bool {
    refusal(error).is_some_and(|refusal| !matches!(refusal, rustls::Error::InvalidMessage(_)))
}

fn refusal(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner
        .downcast_ref::<rustls::Error>()
        .or_else(|| refusal(inner.downcast_ref::<io::Error>()?))
}

impl ConnectError {
    /// What is wrong without the name of where, and without a cure.
    pub(super) fn cause(&self) -> String {
        match self {
            Self::Resolve { source, .. } => format!("its name can't be resolved: {source}"),
            Self::Connect { source, .. } => source.to_string(),
            other => other.to_string(),
        }
    }

    /// Whether a connection was there and broke, in the middle of the handshake too.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let Self::Tls { source, .. } = self else { return false };
        let broke = matches!(
            source.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::TimedOut
        );
        broke && refusal(source).is_none()
    }

    /// Whether nobody gets through to the server now, as while it starts anew: it is tried again soon.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Resolve { .. } | Self::Connect { .. } | Self::Timeout { .. } => true,
            Self::Tls { .. } => self.is_lost(),
            Self::Proxy(error) => !error.needs_person(),
            Self::Name(_)
            | Self::CaFile { .. }
            | Self::Client { .. }
            | Self::Setup(_)
            | Self::WaitsForTls { .. }
            | Self::Http(_) => false,
        }
    }

    /// Whether it stays so until a person has acted, here or at the server: a certificate that isn't trusted, a file that can't be used.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        match self {
            Self::Name(_) | Self::CaFile { .. } | Self::Client { .. } | Self::Setup(_) | Self::WaitsForTls { .. } => {
                true
            }
            Self::Tls { .. } => !self.is_lost(),
            Self::Proxy(error) => error.needs_person(),
            Self::Resolve { .. } | Self::Connect { .. } | Self::Timeout { .. } | Self::Http(_) => false,
        }
    }
}

fn handshake(error: &io::Error) -> &'static str {
    match refusal(error) {
        Some(refusal) => by_refusal(refusal).unwrap_or("check host, port and tls"),
        None if matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
        ) =>
        {
            LEFT
        }
        None => "check host, port and tls",
    }
}

fn by_refusal(refusal: &rustls::Error) -> Option<&'static str> {
    Some(match refusal {
        rustls::Error::InvalidCertificate(why) => certificate(why),
        rustls::Error::InvalidMessage(_) => PORT,
        rustls::Error::PeerIncompatible(_) => OUTDATED,
        rustls::Error::AlertReceived(alert) => return by_alert(*alert),
        _ => return None,
    })
}

fn certificate(why: &CertificateError) -> &'static str {
    const ISSUER: &str =
        "if the server's CA is your own, name its certificate in ca_file; else somebody may sit in between";
    match why {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "use the host name that the certificate is for"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "have the server's certificate renewed, and check this machine's clock"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "check this machine's clock",
        CertificateError::Other(other) => other.0.downcast_ref::<Untrusted>().map_or(
            "the server's certificate is of a form that nobody trusts any more (X.509 version 1?): have a new one made",
            Untrusted::cure,
        ),
        CertificateError::BadEncoding => "the server's certificate is broken: have a new one made",
        // Issued by a CA that has a known name and another key, as after it was made anew.
        CertificateError::BadSignature => {
            "the CA that issued the certificate has the name of one that is trusted here, and another key: if it is your own, name its \
             present certificate in ca_file; else somebody may sit in between"
        }
        _ => ISSUER,
    }
}

/// What the server says to us.
fn by_alert(alert: AlertDescription) -> Option<&'static str> {
    Some(match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            "the server wants a client's certificate: write tls = { cert = \"…\", key = \"…\" }"
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        // Whose issuer has the name of one that it knows, and another key.
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => {
            "the server does not take our client's certificate: check tls = { cert, key }, its end, and whether the server trusts its issuer"
        }
        AlertDescription::HandshakeFailure
        | AlertDescription::ProtocolVersion
        | AlertDescription::InsufficientSecurity => OUTDATED,
        AlertDescription::NoApplicationProtocol => {
            "the server speaks HTTP/2 only, and mailjob HTTP/1.1: have it offer http/1.1 too"
        }
        AlertDescription::UnrecognisedName => "the server does not know this host name: check host",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn cures() {
        let tls = |error: rustls::Error| ConnectError::Tls {
            host: "h".into(),
            source: io::Error::new(io::ErrorKind::InvalidData, error),
        };
        let alert = |alert| tls(rustls::Error::AlertReceived(alert));
        let connect = |kind: io::ErrorKind| ConnectError::Connect {
            host: "h".into(),
            port: 1,
            source: kind.into(),
        };
        let eof = ConnectError::Tls {
            host: "h".into(),
            source: io::ErrorKind::UnexpectedEof.into(),
        };
        let reset = ConnectError::Tls {
            host: "h".into(),
            source: io::ErrorKind::ConnectionReset.into(),
        };
        assert!(eof.is_lost() && reset.is_lost());
        for (error, away, person) in [
            (&eof, true, false),
            (&reset, true, false),
            (&connect(io::ErrorKind::ConnectionRefused), true, false),
            (&tls(CertificateError::UnknownIssuer.into()), false, true),
            (&tls(CertificateError::BadSignature.into()), false, true),
            (&tls(rustls::InvalidMessage::InvalidContentType.into()), false, true),
            (&alert(AlertDescription::UnknownCA), false, true),
            (&ConnectError::Name("?".into()), false, true),
        ] {
            assert_eq!((error.is_away(), error.needs_person()), (away, person), "{error}");
        }
        for error in [
            CertificateError::UnknownIssuer.into(),
            rustls::Error::General("?".into()),
        ] {
            assert!(!tls(error).is_lost());
        }
        let invalid = rustls::InvalidMessage::InvalidContentType;
        let timeout = ConnectError::Timeout {
            host: "h".into(),
            port: 1,
            after: Duration::ZERO,
        };
        for (error, words) in [
            (connect(io::ErrorKind::ConnectionRefused), "nothing listens"),
            (connect(io::ErrorKind::HostUnreachable), "firewall"),
            (timeout, "firewall"),
            (
                ConnectError::WaitsForTls {
                    host: "h".into(),
                    port: 993,
                },
                "implicit",
            ),
            (tls(CertificateError::UnknownIssuer.into()), "ca_file"),
            (tls(CertificateError::NotValidForName.into()), "host name"),
            (tls(CertificateError::Expired.into()), "renewed"),
            (tls(CertificateError::NotValidYet.into()), "clock"),
            (tls(CertificateError::BadEncoding.into()), "new one"),
            (tls(CertificateError::BadSignature.into()), "ca_file"),
            (tls(invalid.into()), "starttls"),
            (eof, "starttls"),
            (reset, "try again later"),
            (tls(rustls::Error::General("?".into())), "check host"),
            (alert(AlertDescription::HandshakeFailure), "outdated TLS"),
            (alert(AlertDescription::ProtocolVersion), "outdated TLS"),
            (
                tls(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13.into()),
                "outdated TLS",
            ),
            (alert(AlertDescription::CertificateRequired), "cert ="),
            (alert(AlertDescription::UnknownCA), "trusts its issuer"),
            (alert(AlertDescription::NoApplicationProtocol), "HTTP/2 only"),
        ] {
            assert!(error.cure().contains(words), "{error}: {}", error.cure());
        }
    }

    #[test]
    fn no_manual_of_a_library_is_named() {
        let words = "peer closed connection without sending TLS close_notify: https://docs.rs/rustls/latest/rustls/manual/#unexpected-eof";
        let plain = "peer closed connection without sending TLS close_notify";
        let error = in_words(io::Error::new(io::ErrorKind::UnexpectedEof, words));
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (io::ErrorKind::UnexpectedEof, plain)
        );
        let nested = format!("a: {words}: b https://docs.rs/");
        assert_eq!(without_manual(&nested), format!("a: {plain}: b"));
        assert_eq!(without_manual("see https://erp.example/"), "see https://erp.example/");
    }

    #[test]
    fn what_tls_says_is_found_among_the_causes() {
        let refusal = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        let nested = io::Error::other(io::Error::other(refusal.clone()));
        for error in [&refusal as &(dyn StdError + 'static), &nested] {
            assert!(tls_cure(error).is_some_and(|cure| cure.contains("client's certificate")));
        }
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(tls_cure(&reset), None);
    }
}
