//! Providers whose servers and addresses are known.

use std::time::Duration;

use crate::config::{AuthorizationServer, Cloud, Provider, Rate, Server, Tls};

impl Provider {
    /// Where mail is read by IMAP and by POP3, and where it is submitted; `personal` accounts of Microsoft's have another server for that.
    ///
    /// Microsoft: "POP, IMAP, and SMTP settings", "Authenticated client SMTP submission" (587 with STARTTLS only).
    /// Google: "Add Gmail to another client" (IMAP 993, POP3 995, SMTP 465 or 587). The national clouds' were not tried.
    pub(super) fn servers(self, personal: bool) -> [Option<Server>; 3] {
        let server = |host: &str, port, tls| {
            let host = host.to_owned();
            Some(Server { host, port, tls })
        };
        let (reads, sends) = match self {
            Self::Other => return [None, None, None],
            Self::Google => {
                return [
                    server("imap.gmail.com", 993, Tls::Implicit),
                    server("pop.gmail.com", 995, Tls::Implicit),
                    server("smtp.gmail.com", 465, Tls::Implicit),
                ];
            }
            Self::Microsoft(_) if personal => ("outlook.office365.com", "smtp-mail.outlook.com"),
            Self::Microsoft(Cloud::Global) => ("outlook.office365.com", "smtp.office365.com"),
            Self::Microsoft(Cloud::UsGovernment) => ("outlook.office365.us", "smtp.office365.us"),
            Self::Microsoft(Cloud::China) => ("partner.outlook.cn", "smtp.partner.outlook.cn"),
        };
        [
            server(reads, 993, Tls::Implicit),
            server(reads, 995, Tls::Implicit),
            server(sends, 587, Tls::StartTls),
        ]
    }

    /// Exchange Online takes 30 mails a minute from a mailbox ("Exchange Online limits", sending limits, as copies of that page have it
    /// in 2026). Google counts by the day only.
    pub(super) fn pace(self) -> Option<Rate> {
        let per = Duration::from_secs(60);
        matches!(self, Self::Microsoft(_)).then_some(Rate { count: 30, per })
    }

    /// Microsoft: "OAuth 2.0 authorization code flow", "OAuth 2.0 device authorization grant flow". Google: "OAuth 2.0 for mobile
    /// and desktop apps"; its device flow does not offer mail.
    pub(super) fn token_server(self, tenant: &str) -> Option<AuthorizationServer> {
        match self {
            Self::Microsoft(cloud) => {
                let base = format!("{}/{tenant}/oauth2/v2.0", cloud.authority());
                Some(AuthorizationServer::Known {
                    token_url: format!("{base}/token"),
                    authorize_url: Some(format!("{base}/authorize")),
                    device_url: Some(format!("{base}/devicecode")),
                })
            }
            Self::Google => Some(AuthorizationServer::Known {
                token_url: "https://oauth2.googleapis.com/token".to_owned(),
                authorize_url: Some("https://accounts.google.com/o/oauth2/v2/auth".to_owned()),
                device_url: None,
            }),
            Self::Other => None,
        }
    }
}
