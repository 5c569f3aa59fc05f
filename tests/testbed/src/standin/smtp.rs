//! Submission as Exchange Online and Gmail speak it. A mail that is accepted goes nowhere; what was said tells of it.

use anyhow::Result;

use super::{
    Standin,
    sasl::{challenge, is_xoauth2},
    wire::Wire,
};
use crate::{mailjob::Start, tls::Tls};

/// What the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpQuirk {
    /// Exchange Online on a good day (Microsoft, "Authenticate an IMAP, POP or SMTP connection using OAuth"); it doesn't
    /// offer CHUNKING here.
    Microsoft,
    /// Exchange Online refuses the token (the same page).
    MicrosoftRefused,
    /// An administrator switched submission off for all of the tenant (ten public sources).
    MicrosoftTenantDisabled,
    /// It is off for this mailbox (the same).
    MicrosoftMailboxDisabled,
    /// The sign-in went well, and the mail is refused as if there had been none: a missing permission to send
    /// (Microsoft's support pages).
    MicrosoftNotAuthenticated,
    /// A tenant without basic authentication: the answer to a password (techcommunity.microsoft.com 4114750). A token is fine.
    MicrosoftNoBasic,
    /// Gmail on a good day.
    Google,
    /// Gmail refuses the token by a challenge that waits for an empty line (Google, "OAuth 2.0 mechanism").
    GoogleRefused,
}

use SmtpQuirk as Quirk;

const HOST: &str = "AM0PR01CA0001.eurprd01.prod.exchangelabs.com";
const SWITCHED_OFF: &str = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the";
const HELP: &str = "Visit https://aka.ms/smtp_auth_disabled for more information.";

impl Quirk {
    fn is_google(self) -> bool {
        matches!(self, Self::Google | Self::GoogleRefused)
    }

    /// What is said to a token; `None` lets it in.
    fn refusal(self) -> Option<Vec<String>> {
        let line = match self {
            Self::Microsoft | Self::MicrosoftNotAuthenticated | Self::MicrosoftNoBasic | Self::Google => return None,
            Self::MicrosoftRefused => format!("535 5.7.3 Authentication unsuccessful [{HOST}]"),
            Self::MicrosoftTenantDisabled => format!("{SWITCHED_OFF} Tenant. {HELP} [{HOST}]"),
            Self::MicrosoftMailboxDisabled => format!("{SWITCHED_OFF} Mailbox. {HELP} [{HOST}]"),
            Self::GoogleRefused => return Some(google_refusal()),
        };
        Some(vec![line])
    }

    /// What is said to a password, which neither takes.
    fn password_refusal(self) -> Vec<String> {
        match self {
            Self::MicrosoftNoBasic => {
                vec!["550 5.7.30 Basic authentication is not supported for Client Submission.".to_owned()]
            }
            _ if self.is_google() => google_refusal(),
            _ => (self.refusal()).unwrap_or_else(|| vec![format!("535 5.7.3 Authentication unsuccessful [{HOST}]")]),
        }
    }
}

fn google_refusal() -> Vec<String> {
    let more = "535 5.7.8  https://support.google.com/mail/?p=BadCredentials standin - gsmtp";
    vec![
        "535-5.7.8 Username and Password not accepted. For more information, go to".to_owned(),
        more.to_owned(),
    ]
}

/// Starts one.
///
/// # Errors
/// When there is no port, or the certificate can't be read.
pub async fn start(tls: &Tls, start: Start, quirk: SmtpQuirk) -> Result<Standin> {
    Standin::start(tls, start, move |wire| serve(wire, quirk)).await
}

async fn serve(mut wire: Wire, quirk: Quirk) -> Result<()> {
    let greeting = if quirk.is_google() {
        "220 smtp.gmail.com ESMTP standin - gsmtp".to_owned()
    } else {
        format!("220 {HOST} Microsoft ESMTP MAIL Service ready")
    };
    wire.say(&[&greeting]).await?;
    let mut inside = false;
    loop {
        let line = wire.line().await?;
        let upper = line.to_ascii_uppercase();
        let verb = upper.split([' ', ':']).next().unwrap_or_default();
        match verb {
            "STARTTLS" if !wire.is_secure() => {
                wire.say(&["220 2.0.0 SMTP server ready"]).await?;
                wire = wire.secure().await?;
            }
            "EHLO" => greet(&mut wire).await?,
            "AUTH" if wire.is_secure() => inside = authenticate(&mut wire, quirk, &line).await?,
            "QUIT" => return wire.end(&["221 2.0.0 Service closing transmission channel"]).await,
            "MAIL" if !inside || quirk == Quirk::MicrosoftNotAuthenticated => {
                let refusal = format!("530 5.7.57 Client not authenticated to send mail. [{HOST}]");
                wire.say(&[&refusal]).await?;
            }
            "DATA" if inside => take(&mut wire).await?,
            "MAIL" | "RCPT" | "RSET" | "NOOP" => wire.say(&["250 2.1.0 OK"]).await?,
            _ => wire.say(&["503 5.5.2 Bad sequence of commands"]).await?,
        }
    }
}

async fn greet(wire: &mut Wire) -> Result<()> {
    let more = if wire.is_secure() {
        "250-AUTH LOGIN XOAUTH2"
    } else {
        "250-STARTTLS"
    };
    let lines = [
        "250-standin Hello [127.0.0.1]",
        "250-SIZE 157286400",
        "250-PIPELINING",
        "250-DSN",
        "250-ENHANCEDSTATUSCODES",
        more,
        "250-8BITMIME",
        "250 SMTPUTF8",
    ];
    wire.say(&lines).await
}

/// Whether the client is in.
async fn authenticate(wire: &mut Wire, quirk: Quirk, line: &str) -> Result<bool> {
    let mut words = line.split(' ').skip(1);
    let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
    if mechanism != "XOAUTH2" {
        let lines = quirk.password_refusal();
        wire.say(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        return Ok(false);
    }
    let response = match words.next() {
        Some(response) => response.to_owned(),
        None => {
            wire.say(&["334 "]).await?;
            wire.line().await?
        }
    };
    let refusal = if is_xoauth2(&response) {
        quirk.refusal()
    } else {
        Some(quirk.password_refusal())
    };
    let Some(lines) = refusal else {
        wire.say(&["235 2.7.0 Authentication successful"]).await?;
        return Ok(true);
    };
    if quirk.is_google() {
        wire.say(&[&format!("334 {}", challenge())]).await?;
        wire.line().await?;
    }
    wire.say(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    Ok(false)
}

async fn take(wire: &mut Wire) -> Result<()> {
    wire.say(&["354 Start mail input; end with <CRLF>.<CRLF>"]).await?;
    while wire.line().await? != "." {}
    wire.say(&["250 2.0.0 OK <standin> Queued mail for delivery"]).await
}
