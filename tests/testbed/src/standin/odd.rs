//! IMAP servers as users met them, with one mail in INBOX: odd lines, odd sign-ins, and some that talk without end.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::Result;

use super::{Standin, wire::Wire};
use crate::{mailjob::Start, tls::Tls};

/// What the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OddQuirk {
    /// DavMail before Exchange: two blanks before a large number of mails (davmail issues 41, 122 and 343).
    DavMailExists,
    /// Telekom Hungary: two blanks between capabilities (bichon issues 197 and 221).
    DoubleBlank,
    /// Zarafa: a mail without a date (K-9 issue 1819).
    ZarafaNil,
    /// GreenMail: no blank before the literal of a part.
    GreenMailBlank,
    /// Lone line feeds, tabs, lower case, blanks at ends, and lines that nobody knows, some of them deep.
    Babbles,
    /// Tencent Exmail: all of a mail for a part of it (imapflow pull 396).
    Exmail,
    /// Tells the right size, and gives half of the mail, however it is asked.
    Halves,
    /// Says OK to UID MOVE, and moves nothing.
    LyingMove,
    /// IceWarp has enough of us: a greeting without its star, and the end (MailKit issue 1073).
    IceWarp,
    /// Offers PLAIN and says NO to it; LOGIN works (curl issue 8979).
    LoginOnly,
    /// The same, as a wrong password.
    LoginOnlyFailed,
    /// The same with BAD (K-9 pull 2650).
    LoginOnlyBad,
    /// Offers initial responses and knows none.
    NoInitialResponse,
    /// Lets nobody in, and quotes what it was told.
    Echo,
    /// Answers every FETCH with mails without end.
    FloodsFetch,
    /// Talks without end in IDLE.
    FloodsIdle,
    /// Talks without end after each command.
    FloodsAll,
}

use OddQuirk as Quirk;

impl Quirk {
    fn is_deaf_to_plain(self) -> Option<&'static str> {
        match self {
            Self::LoginOnly => Some("NO unsupported authentication mechanism"),
            Self::LoginOnlyFailed => Some("NO [AUTHENTICATIONFAILED] no such mechanism"),
            Self::LoginOnlyBad => Some("BAD command unknown"),
            _ => None,
        }
    }
}

/// Its mail.
const ODD_MAIL: &str = "From: bob@example.test\r\nSubject: odd\r\nMessage-ID: <odd@example.test>\r\n\r\n((((\r\n";

/// The mail of a server: Exmail's is larger than a part.
#[must_use]
pub fn odd_mail(quirk: OddQuirk) -> String {
    let lines = if quirk == Quirk::Exmail { 40_000 } else { 0 };
    format!(
        "{ODD_MAIL}{}",
        "A line of a mail that is long enough.\r\n".repeat(lines)
    )
}

/// Starts one.
///
/// # Errors
/// When there is no port, or the certificate can't be read.
pub async fn start(tls: &Tls, quirk: OddQuirk) -> Result<Standin> {
    let gone = Arc::<AtomicBool>::default();
    Standin::start(tls, Start::Implicit, move |wire| serve(wire, quirk, gone.clone())).await
}

async fn serve(mut wire: Wire, quirk: Quirk, gone: Arc<AtomicBool>) -> Result<()> {
    if quirk == Quirk::IceWarp {
        return wire.end(&[" NO LOGOUT Too many connections from your address"]).await;
    }
    wire.say(&["* OK ready"]).await?;
    loop {
        let line = wire.line().await?;
        let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
        let upper = command.to_ascii_uppercase();
        if upper.starts_with("AUTHENTICATE") || upper.starts_with("LOGIN") {
            sign_in(&mut wire, quirk, tag, command).await?;
            continue;
        }
        if quirk == Quirk::FloodsAll && !upper.starts_with("CAPABILITY") {
            return flood(&mut wire, |_| "* OK [ALERT] still here\r\n".to_owned()).await;
        }
        if quirk == Quirk::FloodsFetch && upper.starts_with("UID FETCH") {
            let mail = |n: u32| format!("* {n} FETCH (UID {n} RFC822.SIZE 3 BODY[]<0> {{3}}\r\nabc)\r\n");
            return flood(&mut wire, mail).await;
        }
        if upper == "IDLE" {
            wire.say(&["+ idling"]).await?;
            if quirk == Quirk::FloodsIdle {
                return flood(&mut wire, |n| format!("* OK still here {n}\r\n")).await;
            }
            wire.line().await?;
        }
        let leaves = if quirk == Quirk::LyingMove {
            "UID STORE 7"
        } else {
            "UID MOVE 7"
        };
        if upper.starts_with(leaves) {
            gone.store(true, Ordering::SeqCst);
        }
        let mut said = answer(quirk, &upper, gone.load(Ordering::SeqCst));
        let verb = if quirk == Quirk::Babbles { "ok" } else { "OK" };
        said.push_str(&format!("{tag} {verb} done\r\n"));
        if quirk == Quirk::Babbles {
            let deep = format!("* 1 FETCH (BODYSTRUCTURE {}{})\n", "(".repeat(9000), ")".repeat(9000));
            said = format!("\n* X-\u{1b}[31mGARBAGE ((\"\n* 5 NEWS\n* OK [\u{e9}]\u{e9}t\u{e9}\r\n{deep}{said}");
        }
        wire.send(said.as_bytes()).await?;
        if upper == "LOGOUT" {
            return wire.end(&[]).await;
        }
    }
}

async fn sign_in(wire: &mut Wire, quirk: Quirk, tag: &str, command: &str) -> Result<()> {
    let is_plain = command.to_ascii_uppercase().starts_with("AUTHENTICATE PLAIN");
    let with_response = command.split_whitespace().count() > 2;
    if quirk == Quirk::Echo {
        return wire.say(&[&format!("{tag} NO bad: {tag} {command}")]).await;
    }
    if let Some(refusal) = quirk.is_deaf_to_plain().filter(|_| is_plain) {
        return wire.say(&[&format!("{tag} {refusal}")]).await;
    }
    if is_plain && with_response && quirk == Quirk::NoInitialResponse {
        return wire.say(&[&format!("{tag} BAD too many arguments")]).await;
    }
    if is_plain && !with_response {
        wire.say(&["+ "]).await?;
        wire.line().await?;
    }
    wire.say(&[&format!("{tag} OK in")]).await
}

/// Says so without end, until the client leaves.
async fn flood(wire: &mut Wire, line: impl Fn(u32) -> String) -> Result<()> {
    let mut n = 7;
    loop {
        let mut said = String::new();
        while said.len() < 60_000 {
            said.push_str(&line(n));
            n += 1;
        }
        wire.send(said.as_bytes()).await?;
    }
}

/// What it says before the end of a command.
fn answer(quirk: Quirk, command: &str, gone: bool) -> String {
    let mails = u32::from(!gone);
    let exists = match quirk {
        Quirk::DavMailExists => format!("*  {mails} EXISTS\r\n"),
        Quirk::Babbles => format!("*\t{mails}  exists  \n"),
        _ => format!("* {mails} EXISTS\r\n"),
    };
    let verb = command.split(' ').next().unwrap_or_default();
    match verb {
        "CAPABILITY" if quirk == Quirk::DoubleBlank => {
            "* CAPABILITY IMAP4rev1  SASL-IR  AUTH=PLAIN   IDLE  MOVE \r\n".to_owned()
        }
        "CAPABILITY" => "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN IDLE MOVE\r\n".to_owned(),
        "SELECT" | "EXAMINE" => format!("{exists}* OK [UIDVALIDITY 9] x\r\n* OK [UIDNEXT 8] x\r\n"),
        "UID" if command.starts_with("UID FETCH") && !gone => fetch(quirk, command),
        "LOGOUT" => "* BYE\r\n".to_owned(),
        _ => String::new(),
    }
}

fn fetch(quirk: Quirk, command: &str) -> String {
    let mail = odd_mail(quirk);
    let size = mail.len();
    let date = match quirk {
        Quirk::ZarafaNil => "NIL",
        _ => "\"29-Nov-2026 10:00:00 +0000\"",
    };
    let body = command.split("BODY.PEEK[]").nth(1).map(|part| {
        let part = part.strip_prefix('<').filter(|_| quirk != Quirk::Exmail);
        let offset = part
            .and_then(|part| part.split('.').next()?.parse().ok())
            .unwrap_or(0_usize);
        let end = if quirk == Quirk::Halves { size / 2 } else { size };
        let piece = mail.get(offset.min(end)..end).unwrap_or_default();
        let origin = part.map_or_else(String::new, |_| format!("<{offset}>"));
        let blank = if quirk == Quirk::GreenMailBlank { "" } else { " " };
        format!(
            " INTERNALDATE {date} BODY[]{origin}{blank}{{{}}}\r\n{piece}",
            piece.len()
        )
    });
    let uid = if quirk == Quirk::Babbles { "uid   7" } else { "UID 7" };
    let end = if quirk == Quirk::Babbles { " ) \n" } else { ")\r\n" };
    format!("* 1 FETCH ({uid} RFC822.SIZE {size}{}{end}", body.unwrap_or_default())
}
