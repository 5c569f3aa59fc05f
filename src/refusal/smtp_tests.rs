use super::*;

/// The answer to a sign-in, and words of the diagnosis.
pub(super) const SMTP: &[(MailHost, u16, &str, &str)] = &[
    (
        MailHost::Other,
        535,
        "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled",
        "Set-TransportConfig",
    ),
    (
        MailHost::Exchange,
        535,
        "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled",
        "off for this mailbox",
    ),
    (
        MailHost::Exchange,
        535,
        "5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator.",
        "security defaults of the tenant",
    ),
    (
        MailHost::Exchange,
        535,
        "5.7.139 Authentication unsuccessful, basic authentication is disabled.",
        "use OAuth",
    ),
    (
        MailHost::Exchange,
        535,
        "5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully.",
        "sign-in logs",
    ),
    (
        MailHost::Exchange,
        535,
        "5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
        "token are wrong",
    ),
    (
        MailHost::Exchange,
        535,
        "5.7.139 Authentication unsuccessful",
        "Set-CASMailbox",
    ),
    (
        MailHost::Exchange,
        535,
        "5.7.3 Authentication unsuccessful",
        "SMTP.SendAsApp",
    ),
    // GreenMail's and Axigen's words are not Exchange's.
    (
        MailHost::Other,
        535,
        "5.7.3 Authentication unsuccessful",
        "check both; many",
    ),
    (
        MailHost::Exchange,
        530,
        "5.7.57 Client not authenticated to send mail.",
        "submission service",
    ),
    (
        MailHost::Exchange,
        550,
        "5.7.30 Basic authentication is not supported for Client Submission.",
        "use OAuth",
    ),
    (
        MailHost::Exchange,
        454,
        "4.7.0 Temporary authentication failure",
        "just now",
    ),
    (
        MailHost::Exchange,
        432,
        "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
        "three",
    ),
    (
        MailHost::Gmail,
        535,
        "5.7.8 Username and Password not accepted. … gsmtp",
        "app passwords only",
    ),
    (
        MailHost::Other,
        534,
        "5.7.9 Application-specific password required. https://support.google.com/…",
        "apppasswords",
    ),
    (
        MailHost::Other,
        534,
        "5.7.14 Please log in via your web browser https://support.google.com/…",
        "browser",
    ),
    (
        MailHost::Gmail,
        454,
        "4.7.0 Too many login attempts, please try again later. gsmtp",
        "too many sign-ins",
    ),
    (
        MailHost::Other,
        535,
        "5.7.8 Error: authentication failed",
        "check both; many",
    ),
    (
        MailHost::Other,
        530,
        "5.7.0 Authentication required",
        "submission service",
    ),
    (MailHost::Other, 534, "5.7.9 Stronger", "stronger"),
    (MailHost::Other, 538, "5.7.11 Encryption", "TLS first"),
    (MailHost::Other, 421, "4.3.2 busy", "later"),
    (MailHost::Other, 500, "5.5.1 what?", "check both; many"),
];

pub(super) fn at(host: MailHost, stage: SmtpStage, code: u16, said: &str) -> Diagnosis {
    let enhanced = said.split(' ').next().filter(|word| word.split('.').count() == 3);
    smtp(host, stage, code, enhanced, said)
}

#[test]
fn refusals_of_a_submission_s_sign_in() {
    for (host, code, said, words) in SMTP {
        let Diagnosis { what, cure, .. } = at(*host, SmtpStage::SignIn, *code, said);
        assert!(
            format!("{what}: {cure}").contains(words),
            "{code} {said}: {what}: {cure}"
        );
    }
}

#[test]
fn who_must_act_when_a_mail_is_not_taken() {
    use MailHost::{Exchange, Gmail, Other};
    use Remedy::{Never, Operator, Smaller, Wait};
    use SmtpStage::{Data, End, Mail, Recipient};
    for (host, stage, text, remedy) in [
        // Quotas and rates of the account, told by codes that are final by RFC 5321.
        (
            Gmail,
            Mail,
            "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to https://support.google.com gsmtp",
            Wait,
        ),
        (
            Gmail,
            End,
            "550 5.4.5 Daily SMTP relay sending limit exceeded for customer. gsmtp",
            Wait,
        ),
        (
            Exchange,
            End,
            "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception with message The message can't be submitted because the sender's submission quota was exceeded.",
            Wait,
        ),
        (
            Exchange,
            End,
            "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
            Wait,
        ),
        (Exchange, Mail, "550 5.5.0 throttled", Wait),
        (Exchange, Recipient, "550 5.5.0 mailbox unavailable", Never),
        (
            Exchange,
            Recipient,
            "550 5.2.122 The recipient has exceeded their limit for messages per hour",
            Wait,
        ),
        (
            Exchange,
            End,
            "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
            Wait,
        ),
        (
            Other,
            End,
            "554 5.7.0 Your message could not be sent. The limit on the number of allowed outgoing messages was exceeded. Try again later.",
            Wait,
        ),
        (Other, End, "554 5.7.0 try again later", Wait),
        (
            Other,
            Recipient,
            "550 Domain us.example has exceeded the max emails per hour (313/250 (125%)) allowed. Message discarded.",
            Wait,
        ),
        (
            Other,
            Recipient,
            "554 5.7.1 <ann@a.example>: Recipient address rejected: You have exceeded your Outmail quota",
            Wait,
        ),
        (
            Other,
            End,
            "552 Message would take you over your relay quota of 500 Current quota used: 487",
            Wait,
        ),
        (
            Other,
            Mail,
            "550 Sender frequency limited. http://service.mail.qq.com/…",
            Wait,
        ),
        (Other, Recipient, "554 MI:SFQ 163 smtp5", Wait),
        (
            Other,
            End,
            "550 5.4.6 Unusual sending activity detected. Please try after sometime",
            Wait,
        ),
        (
            Other,
            End,
            "550 5.7.0 Requested action not taken: too many emails per second",
            Wait,
        ),
        (Other, Mail, "550 5.7.1 Rate limit exceeded for us@us.example", Wait),
        (
            Other,
            End,
            "454 Throttling failure: Daily message quota exceeded.",
            Wait,
        ),
        (Other, End, "554 4.3.0 temporary trouble", Wait),
        (Other, Mail, "450 4.7.1 greylisted", Wait),
        // A mailbox without room.
        (Other, Recipient, "552 5.2.2 Mailbox full", Wait),
        (
            Other,
            Recipient,
            "552 Requested mail action aborted: exceeded storage allocation",
            Wait,
        ),
        (
            Gmail,
            Recipient,
            "552 5.2.2 The email account that you tried to reach is over quota.",
            Wait,
        ),
        (
            Other,
            Recipient,
            "550 <ann@a.example>: mailbox size limit exceeded",
            Wait,
        ),
        // Too large, or with something that is not taken.
        (Other, Mail, "552 5.3.4 Message size exceeds fixed limit", Smaller),
        (Other, End, "552 5.3.4 Error: message file too big", Smaller),
        (Other, End, "552 Message too large", Smaller),
        (
            Other,
            Recipient,
            "552 5.2.3 Message exceeds the recipient's limit",
            Smaller,
        ),
        (
            Gmail,
            End,
            "552 5.2.3 Your message exceeded Google's message size limits. gsmtp",
            Smaller,
        ),
        (
            Exchange,
            End,
            "550 5.3.4 ROUTING.SizeLimit; message size exceeds fixed maximum size for route",
            Smaller,
        ),
        (
            Gmail,
            End,
            "552 5.7.0 This message was blocked because its content presents a potential security issue. gsmtp",
            Smaller,
        ),
        (Other, End, "554 5.7.1 Executable attachments are not allowed", Smaller),
        // What the operator has to change.
        (
            Exchange,
            End,
            "554 5.2.252 SendAsDenied; a@example.com not allowed to send as b@example.com",
            Operator,
        ),
        (
            Exchange,
            End,
            "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
            Operator,
        ),
        (Exchange, Mail, "550 5.1.8 Access denied, bad outbound sender", Operator),
        (
            Other,
            Recipient,
            "553 5.7.1 <us@us.example>: Sender address rejected: not owned by user them@us.example",
            Operator,
        ),
        (
            Other,
            Recipient,
            "554 5.7.1 <ann@a.example>: Relay access denied",
            Operator,
        ),
        (Other, Recipient, "550 relay not permitted", Operator),
        (
            Other,
            End,
            "554 Message rejected: Email address is not verified.",
            Operator,
        ),
        (
            Other,
            Mail,
            "550 The from address does not match a verified Sender Identity.",
            Operator,
        ),
        (
            Other,
            Recipient,
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
            Operator,
        ),
        (
            Other,
            Recipient,
            "504 5.5.2 <mailjob-0>: Helo command rejected: need fully-qualified hostname",
            Operator,
        ),
        // Final.
        (
            Other,
            Recipient,
            "550 5.1.1 no such user; check the address and try again later",
            Never,
        ),
        (
            Gmail,
            Recipient,
            "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address gsmtp",
            Never,
        ),
        (
            Gmail,
            Recipient,
            "550 5.2.1 The email account that you tried to reach is disabled. gsmtp",
            Never,
        ),
        (
            Other,
            Recipient,
            "550 <daily-quota@a.example>: Recipient address rejected: User unknown",
            Never,
        ),
        (Other, Recipient, "550 5.7.1 denied", Never),
        (Other, Mail, "550 no", Never),
        (Other, Data, "554 no valid recipients", Never),
        (Other, End, "554 5.7.1 spam", Never),
        (Other, End, "550 5.4.6 hop count exceeded", Never),
        (Other, Mail, "501 5.5.4 syntax", Never),
    ] {
        let (code, said) = text.split_once(' ').unwrap();
        let found = at(host, stage, code.parse().unwrap(), said);
        assert_eq!(found.remedy, remedy, "{stage} {text}: {found:?}");
    }
}

#[test]
fn a_form_is_told_from_a_credential() {
    for (code, said, form) in [
        (
            535,
            "5.7.8 Error: authentication failed: Invalid base64 data in initial response",
            true,
        ),
        (500, "Line too long", true),
        (501, "5.5.2 Cannot Base64-decode client response", true),
        (503, "5.5.1 bad sequence", true),
        (504, "5.7.4 Unrecognized authentication type", true),
        (535, "5.7.8 Error: authentication failed", false),
        (535, "5.7.3 Authentication unsuccessful", false),
        (534, "5.7.9 stronger", false),
        (454, "4.7.0 malformed or not", false),
    ] {
        assert_eq!(is_of_form(code, said.split(' ').next(), said), form, "{code} {said}");
    }
}
