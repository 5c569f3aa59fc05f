//! Providers whose servers and addresses are known.

use std::time::Duration;

use crate::config::{AuthorizationServer, Cloud, Provider, Rate, Server, Tls};

/// A known provider, and what an account says of itself there.
pub(super) enum Preset {
    /// Microsoft 365 and Outlook.com.
    Microsoft {
        cloud: Cloud,
        /// Personal accounts alone (`tenant = "consumers"`).
        personal: bool,
    },
    /// Google Workspace and Gmail.
    Google,
}

/// A provider's mail servers.
pub(super) struct Servers {
    pub(super) imap: Server,
    pub(super) pop3: Server,
    pub(super) smtp: Server,
}

impl Preset {
    /// The preset of an account's provider; of Microsoft's personal accounts only the servers differ.
    pub(super) fn of(provider: Provider) -> Option<Self> {
        match provider {
            Provider::Microsoft(cloud) => Some(Self::Microsoft { cloud, personal: false }),
            Provider::Google => Some(Self::Google),
            Provider::Other => None,
        }
    }

    pub(super) fn provider(&self) -> Provider {
        match self {
            Self::Microsoft { cloud, .. } => Provider::Microsoft(*cloud),
            Self::Google => Provider::Google,
        }
    }

    /// Microsoft: "POP, IMAP, and SMTP settings", "Authenticated client SMTP submission" (587 with STARTTLS only).
    /// Google: "Add Gmail to another client" (IMAP 993, POP3 995, SMTP 465 or 587). The national clouds' were not tried.
    pub(super) fn servers(&self) -> Servers {
        let server = |host: &str, port, tls| Server {
            host: host.to_owned(),
            port,
            tls,
        };
        let (imap, pop3, smtp) = match self {
            Self::Google => {
                return Servers {
                    imap: server("imap.gmail.com", 993, Tls::Implicit),
                    pop3: server("pop.gmail.com", 995, Tls::Implicit),
                    smtp: server("smtp.gmail.com", 465, Tls::Implicit),
                };
            }
            Self::Microsoft { personal: true, .. } => (
                "outlook.office365.com",
                "outlook.office365.com",
                "smtp-mail.outlook.com",
            ),
            Self::Microsoft { cloud, .. } => match cloud {
                Cloud::Global => ("outlook.office365.com", "outlook.office365.com", "smtp.office365.com"),
                Cloud::UsGovernment => ("outlook.office365.us", "outlook.office365.us", "smtp.office365.us"),
                Cloud::China => ("partner.outlook.cn", "partner.outlook.cn", "smtp.partner.outlook.cn"),
            },
        };
        Servers {
            imap: server(imap, 993, Tls::Implicit),
            pop3: server(pop3, 995, Tls::Implicit),
            smtp: server(smtp, 587, Tls::StartTls),
        }
    }

    /// Exchange Online takes 30 mails a minute from a mailbox ("Exchange Online limits", sending limits, as copies of that page have it
    /// in 2026). Google counts by the day only.
    pub(super) fn pace(&self) -> Option<Rate> {
        match self {
            Self::Microsoft { .. } => Some(Rate {
                count: 30,
                per: Duration::from_secs(60),
            }),
            Self::Google => None,
        }
    }

    /// Microsoft: "OAuth 2.0 authorization code flow", "OAuth 2.0 device authorization grant flow". Google: "OAuth 2.0 for mobile
    /// and desktop apps"; its device flow does not offer mail.
    pub(super) fn token_server(&self, tenant: &str) -> AuthorizationServer {
        match self {
            Self::Microsoft { cloud, .. } => {
                let base = format!("{}/{tenant}/oauth2/v2.0", cloud.authority());
                AuthorizationServer::Known {
                    token_url: format!("{base}/token"),
                    authorize_url: Some(format!("{base}/authorize")),
                    device_url: Some(format!("{base}/devicecode")),
                }
            }
            Self::Google => AuthorizationServer::Known {
                token_url: "https://oauth2.googleapis.com/token".to_owned(),
                authorize_url: Some("https://accounts.google.com/o/oauth2/v2/auth".to_owned()),
                device_url: None,
            },
        }
    }
}
