//! What an operator can do about a connection that can't be had. Pure.

use std::io;

use rustls::CertificateError;

use super::Error;

impl Error {
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
            Self::Name(_) => "write a host name or an IP address",
            Self::CaFile { .. } => "give a readable PEM file of CA certificates",
            Self::Setup(_) | Self::Http(_) => "report this: it should not happen",
        }
    }
}

fn handshake(error: &io::Error) -> &'static str {
    const ISSUER: &str =
        "if the server's CA is your own, name its certificate in ca_file; else somebody may sit in between";
    const PORT: &str =
        "no TLS is spoken there: check port, and tls (\"implicit\" on 993, 995, 465; \"starttls\" on 143, 110, 587)";
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => match why {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "use the host name that the certificate is for"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "have the server's certificate renewed, and check this machine's clock"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "check this machine's clock",
            _ => ISSUER,
        },
        Some(rustls::Error::InvalidMessage(_)) => PORT,
        None if error.kind() == io::ErrorKind::UnexpectedEof => PORT,
        _ => "check host, port and tls",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn cures() {
        let tls = |error: rustls::Error| Error::Tls {
            host: "h".into(),
            source: io::Error::new(io::ErrorKind::InvalidData, error),
        };
        let connect = |kind: io::ErrorKind| Error::Connect {
            host: "h".into(),
            port: 1,
            source: kind.into(),
        };
        let eof = Error::Tls {
            host: "h".into(),
            source: io::ErrorKind::UnexpectedEof.into(),
        };
        let invalid = rustls::InvalidMessage::InvalidContentType;
        let timeout = Error::Timeout {
            host: "h".into(),
            port: 1,
            after: Duration::ZERO,
        };
        for (error, words) in [
            (connect(io::ErrorKind::ConnectionRefused), "nothing listens"),
            (connect(io::ErrorKind::HostUnreachable), "firewall"),
            (timeout, "firewall"),
            (tls(CertificateError::UnknownIssuer.into()), "ca_file"),
            (tls(CertificateError::NotValidForName.into()), "host name"),
            (tls(CertificateError::Expired.into()), "renewed"),
            (tls(CertificateError::NotValidYet.into()), "clock"),
            (tls(invalid.into()), "starttls"),
            (eof, "starttls"),
            (tls(rustls::Error::General("?".into())), "check host"),
        ] {
            assert!(error.cure().contains(words), "{error}: {}", error.cure());
        }
    }
}
