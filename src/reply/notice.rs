//! A mail of ours to the operator: plain text, one session, one answer. Nothing is queued; whoever sends it tries again.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use mail_builder::{
    MessageBuilder,
    headers::{address::Address, date::Date, raw::Raw},
};

use super::{fates::DeliveryOutcome, inspect::is_sound, smtp::SmtpSession, trouble::SmtpError};
use crate::{
    auth::{AuthVerdict, Login},
    config::Account,
    job::NewReply,
    message::{LOOP_MARK, clean::clean},
};

/// Characters kept of a subject.
const MAX_SUBJECT: usize = 200;

/// What the operator is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Letters and digits that are the same whenever the same thing is told: the mail's Message-ID.
    pub id: String,
    /// Who is told.
    pub to: Vec<String>,
    /// Without line ends.
    pub subject: String,
    /// Lines ended by `\n`.
    pub text: String,
    /// When it was written.
    pub at: DateTime<Utc>,
}

/// Why a notice was not sent.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
pub struct NoticeError {
    /// What to do about it.
    pub verdict: AuthVerdict,
    said: String,
}

impl NoticeError {
    fn new(verdict: AuthVerdict, said: impl Into<String>) -> Self {
        let said = said.into();
        Self { verdict, said }
    }
}

impl From<SmtpError> for NoticeError {
    fn from(trouble: SmtpError) -> Self {
        Self::new(trouble.verdict(), trouble.to_string())
    }
}

/// Submits a notice by this account; the server's words. May be dropped at any time: then the server may have it or not.
///
/// # Errors
/// When there is no sign-in, no connection, or the server did not take it.
pub async fn send_notice(account: &Account, login: &Login, notice: &Notice) -> Result<String, NoticeError> {
    let unfit = || {
        NoticeError::new(
            AuthVerdict::SlowDown,
            "the account has no SMTP server or no address to send from",
        )
    };
    let (Some(server), Some(from)) = (&account.smtp, account.from.as_deref()) else {
        return Err(unfit());
    };
    let mail = compose(&account.name, from, notice).ok_or_else(unfit)?;
    let mut session = SmtpSession::admitted(account, server, login).await?;
    let fate = session.submit(&mail).await?.into_one();
    session.quit().await;
    match fate {
        DeliveryOutcome::Sent(said) => Ok(said),
        DeliveryOutcome::Later(later) => Err(NoticeError::new(AuthVerdict::Reconnect, later.why)),
        DeliveryOutcome::Refused(said) | DeliveryOutcome::Smaller(said) => {
            Err(NoticeError::new(AuthVerdict::SlowDown, said))
        }
    }
}

/// The mail. Pure.
fn compose(account: &str, from: &str, notice: &Notice) -> Option<NewReply> {
    let (_, domain) = from.rsplit_once('@')?;
    let message_id = format!("{}.notice@{domain}", notice.id);
    let to: Vec<_> = notice
        .to
        .iter()
        .map(|to| Address::new_address(None::<&str>, to.as_str()))
        .collect();
    let text: String = notice.text.chars().filter(|&c| c == '\n' || !c.is_control()).collect();
    let subject = clean(&notice.subject, MAX_SUBJECT).replace("=?", "= ?");
    // Folding keeps single spaces only.
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let bytes = MessageBuilder::new()
        .from(Address::new_address(None::<&str>, from))
        .to(Address::new_list(to))
        .date(Date::new(notice.at.timestamp()))
        .message_id(message_id.as_str())
        .subject(subject)
        // RFC 3834 section 5; and Exchange's own word for the same.
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .header("X-Auto-Response-Suppress", Raw::new("All"))
        .header(LOOP_MARK, Raw::new("notice"))
        .text_body(text.replace('\n', "\r\n"))
        .write_to_vec()
        .ok()?;
    is_sound(&bytes).then(|| NewReply {
        conversation: None,
        account: account.to_owned(),
        message_id,
        sender: from.to_owned(),
        recipients: notice.to.clone(),
        bytes: Bytes::from(bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(subject: &str, text: &str) -> Notice {
        Notice {
            id: "0123abcd".into(),
            to: vec!["ops@example.com".into(), "night@example.com".into()],
            subject: subject.into(),
            text: text.into(),
            at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        }
    }

    #[test]
    fn a_notice_is_plain_text_that_no_machine_answers() {
        let mail = compose(
            "office",
            "mailjob@example.com",
            &notice("[mailjob] contoso", "one\ntwo\n"),
        )
        .unwrap();
        let text = String::from_utf8(mail.bytes.to_vec()).unwrap();
        assert_eq!(
            text,
            "From: <mailjob@example.com>\r\nTo: <ops@example.com>, <night@example.com>\r\nDate: Fri, 15 Jan 2027 08:00:00 +0000\r\n\
             Message-ID: <0123abcd.notice@example.com>\r\nSubject: [mailjob] contoso\r\nAuto-Submitted: auto-generated\r\n\
             X-Auto-Response-Suppress: All\r\nX-Mailjob-Job: notice\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\none\r\ntwo\r\n"
        );
        assert_eq!(
            (mail.sender.as_str(), mail.recipients.len()),
            ("mailjob@example.com", 2)
        );
    }

    #[test]
    fn what_a_server_said_can_t_break_out() {
        let hostile = notice("a\r\nBcc: <x@y>\r\n\r\nb", "words\r\n.\r\nMAIL FROM:<x@y>\0\u{85}\n");
        let mail = compose("office", "mailjob@example.com", &hostile).unwrap();
        let text = String::from_utf8(mail.bytes.to_vec()).unwrap();
        assert!(text.contains("\r\nSubject: a Bcc: <x@y> b\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\nwords\r\n.\r\nMAIL FROM:<x@y>\r\n"), "{text}");
        assert!(compose("office", "nobody", &hostile).is_none());
    }
}
