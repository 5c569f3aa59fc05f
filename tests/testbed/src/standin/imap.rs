//! IMAP as Exchange Online and Gmail speak it, with an empty INBOX. Gmail's offers OAUTHBEARER, as it does, and takes XOAUTH2.

use anyhow::Result;

use super::{
    Standin,
    sasl::{challenge, is_xoauth2},
    wire::Wire,
};
use crate::{mailjob::Start, tls::Tls};

/// What the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImapQuirk {
    /// Exchange Online on a good day: no CONDSTORE, no SPECIAL-USE (MailKit issue 1494; seen 2018 to 2025).
    Microsoft,
    /// Exchange Online takes the token, and says at the next command that it didn't: the mailbox is not reachable for this
    /// user or application (MailKit issues 1494 and 1496).
    MicrosoftNotConnected,
    /// Exchange Online refuses the token (Microsoft, "Authenticate an IMAP, POP or SMTP connection using OAuth").
    MicrosoftRefused,
    /// Exchange Online wants to be left alone for five minutes (imapsync issues 198 and 272).
    MicrosoftThrottled,
    /// Gmail on a good day.
    Google,
    /// Gmail refuses the token by a challenge that waits for an empty line (Google, "OAuth 2.0 mechanism"; imapflow).
    GoogleRefused,
    /// Gmail has 15 sessions of this account already (public code that handles it).
    GoogleTooMany,
    /// Gmail wants the user to sign in with a browser first (public code that handles it).
    GoogleWebLogin,
}

use ImapQuirk as Quirk;

impl Quirk {
    fn is_google(self) -> bool {
        matches!(
            self,
            Self::Google | Self::GoogleRefused | Self::GoogleTooMany | Self::GoogleWebLogin
        )
    }

    fn greeting(self) -> &'static str {
        if self.is_google() {
            "* OK Gimap ready for requests from 127.0.0.1 standin"
        } else {
            "* OK The Microsoft Exchange IMAP4 service is ready. [UwB0AGEAbgBkAGkAbgA=]"
        }
    }

    /// Capabilities before and after signing in.
    fn capabilities(self, inside: bool) -> &'static str {
        match (self.is_google(), inside) {
            (false, false) => {
                "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"
            }
            (false, true) => {
                "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES \
                 CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE CHILDREN IDLE NAMESPACE LITERAL+"
            }
            (true, false) => {
                "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 XYZZY SASL-IR AUTH=XOAUTH2 \
                 AUTH=PLAIN AUTH=PLAIN-CLIENTTOKEN AUTH=OAUTHBEARER"
            }
            (true, true) => {
                "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS MOVE CONDSTORE ESEARCH \
                 UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE APPENDLIMIT=35651584"
            }
        }
    }
}

/// Starts one.
///
/// # Errors
/// When there is no port, or the certificate can't be read.
pub async fn start(tls: &Tls, start: Start, quirk: ImapQuirk) -> Result<Standin> {
    Standin::start(tls, start, move |wire| serve(wire, quirk)).await
}

/// How a session goes on after a command.
enum Next {
    Outside,
    Inside,
    Over,
}

async fn serve(mut wire: Wire, quirk: Quirk) -> Result<()> {
    wire.say(&[quirk.greeting()]).await?;
    let mut inside = false;
    loop {
        let line = wire.line().await?;
        let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
        let upper = command.to_ascii_uppercase();
        if upper == "STARTTLS" && !wire.is_secure() {
            wire.say(&[&format!("{tag} OK Begin TLS negotiation now.")]).await?;
            wire = wire.secure().await?;
            continue;
        }
        let next = if inside {
            command_inside(&mut wire, quirk, tag, &upper).await?
        } else {
            command_outside(&mut wire, quirk, tag, command, &upper).await?
        };
        match next {
            Next::Outside => {}
            Next::Inside => inside = true,
            Next::Over => return wire.end(&[]).await,
        }
    }
}

async fn command_outside(wire: &mut Wire, quirk: Quirk, tag: &str, command: &str, upper: &str) -> Result<Next> {
    if upper.starts_with("AUTHENTICATE XOAUTH2") {
        let response = match command.splitn(3, ' ').nth(2) {
            Some(response) => response.to_owned(),
            None => {
                wire.say(&["+ "]).await?;
                wire.line().await?
            }
        };
        return authenticate(wire, quirk, tag, is_xoauth2(&response)).await;
    }
    if upper.starts_with("AUTHENTICATE") || upper.starts_with("LOGIN") {
        // Neither takes a password any more.
        wire.say(&[&refusal(quirk, tag)]).await?;
        return Ok(Next::Outside);
    }
    anywhere(wire, quirk, tag, upper, false).await
}

fn refusal(quirk: Quirk, tag: &str) -> String {
    if quirk.is_google() {
        format!("{tag} NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)")
    } else {
        format!("{tag} NO AUTHENTICATE failed.")
    }
}

async fn authenticate(wire: &mut Wire, quirk: Quirk, tag: &str, well_formed: bool) -> Result<Next> {
    match quirk {
        Quirk::Microsoft | Quirk::MicrosoftNotConnected if well_formed => {
            wire.say(&[&format!("{tag} OK AUTHENTICATE completed.")]).await?;
            Ok(Next::Inside)
        }
        Quirk::Google if well_formed => {
            let capabilities = format!("* CAPABILITY {}", quirk.capabilities(true));
            wire.say(&[&capabilities, &format!("{tag} OK authenticated (Success)")])
                .await?;
            Ok(Next::Inside)
        }
        Quirk::MicrosoftThrottled => {
            let wait = "Request is throttled. Suggested Backoff Time: 299961 milliseconds";
            wire.say(&[&format!("{tag} NO {wait}"), "* BYE Connection closed. 14"])
                .await?;
            Ok(Next::Over)
        }
        Quirk::GoogleTooMany => {
            let answer = format!("{tag} NO [ALERT] Too many simultaneous connections. (Failure)");
            wire.say(&[&answer]).await?;
            Ok(Next::Outside)
        }
        Quirk::GoogleWebLogin => {
            let url = "https://accounts.google.com/signin/continue?sarp=1";
            let answer = format!("{tag} NO [WEBALERT {url}] Web login required.");
            wire.say(&[&answer]).await?;
            Ok(Next::Outside)
        }
        Quirk::Microsoft | Quirk::MicrosoftNotConnected | Quirk::MicrosoftRefused => {
            wire.say(&[&refusal(quirk, tag)]).await?;
            Ok(Next::Outside)
        }
        Quirk::Google | Quirk::GoogleRefused => {
            wire.say(&[&format!("+ {}", challenge())]).await?;
            // Nothing is said before the client has answered.
            wire.line().await?;
            wire.say(&[&refusal(quirk, tag)]).await?;
            Ok(Next::Outside)
        }
    }
}

async fn command_inside(wire: &mut Wire, quirk: Quirk, tag: &str, upper: &str) -> Result<Next> {
    if quirk == Quirk::MicrosoftNotConnected {
        let answer = format!("{tag} BAD User is authenticated but not connected.");
        wire.say(&[&answer, "* BYE Connection closed. 14"]).await?;
        return Ok(Next::Over);
    }
    let (verb, _) = upper.split_once(' ').unwrap_or((upper, ""));
    let untagged: &[&str] = match verb {
        "NAMESPACE" => &["* NAMESPACE ((\"\" \"/\")) NIL NIL"],
        "LIST" => &["* LIST (\\HasNoChildren) \"/\" INBOX"],
        "SELECT" | "EXAMINE" => &[
            "* 0 EXISTS",
            "* 0 RECENT",
            "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)",
            "* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)] Permanent flags",
            "* OK [UIDVALIDITY 14] UIDVALIDITY value",
            "* OK [UIDNEXT 1] The next unique identifier value",
        ],
        "STATUS" => &["* STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 14)"],
        "SEARCH" => &["* SEARCH"],
        "UID" if upper.starts_with("UID SEARCH") => &["* SEARCH"],
        "UID" | "FETCH" | "CHECK" | "CLOSE" | "UNSELECT" | "CREATE" | "SUBSCRIBE" => &[],
        "IDLE" => return idle(wire, tag).await,
        _ => return anywhere(wire, quirk, tag, upper, true).await,
    };
    wire.say(untagged).await?;
    let code = if verb == "SELECT" { "[READ-WRITE] " } else { "" };
    wire.say(&[&format!("{tag} OK {code}{verb} completed.")]).await?;
    Ok(Next::Inside)
}

async fn idle(wire: &mut Wire, tag: &str) -> Result<Next> {
    wire.say(&["+ IDLE accepted, awaiting DONE command."]).await?;
    wire.line().await?;
    wire.say(&[&format!("{tag} OK IDLE completed.")]).await?;
    Ok(Next::Inside)
}

/// Commands of every state.
async fn anywhere(wire: &mut Wire, quirk: Quirk, tag: &str, upper: &str, inside: bool) -> Result<Next> {
    let (verb, _) = upper.split_once(' ').unwrap_or((upper, ""));
    let untagged = match verb {
        "CAPABILITY" if wire.is_secure() => format!("* CAPABILITY {}", quirk.capabilities(inside)),
        "CAPABILITY" => "* CAPABILITY IMAP4 IMAP4rev1 LOGINDISABLED STARTTLS".to_owned(),
        "ID" => "* ID (\"name\" \"standin\")".to_owned(),
        "NOOP" => String::new(),
        "LOGOUT" => "* BYE Logging out.".to_owned(),
        _ => {
            wire.say(&[&format!("{tag} BAD Command Error. 12")]).await?;
            return Ok(if inside { Next::Inside } else { Next::Outside });
        }
    };
    if !untagged.is_empty() {
        wire.say(&[&untagged]).await?;
    }
    wire.say(&[&format!("{tag} OK {verb} completed.")]).await?;
    Ok(match verb {
        "LOGOUT" => Next::Over,
        _ if inside => Next::Inside,
        _ => Next::Outside,
    })
}
