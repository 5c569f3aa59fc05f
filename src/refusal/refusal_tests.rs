use super::*;

#[path = "token_tests.rs"]
mod tokens;

use tokens::TOKENS;

/// The protocol, what the server said, and words of the diagnosis.
const SIGN_INS: &[(Protocol, &str, &str)] = &[
    (
        Protocol::Imap,
        "BAD User is authenticated but not connected.",
        "FullAccess",
    ),
    (Protocol::Imap, "NO AUTHENTICATE failed.", "New-ServicePrincipal"),
    (Protocol::Imap, "NO LOGIN failed.", "no passwords"),
    (
        Protocol::Imap,
        "NO Request is throttled. Suggested Backoff Time: 1000 milliseconds",
        "throttles",
    ),
    (
        Protocol::Pop3,
        "-ERR Authentication failure: unknown user name or bad password.",
        "POP.AccessAsUser.All",
    ),
    (
        Protocol::Imap,
        r#"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure) {"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#,
        "access token",
    ),
    (
        Protocol::Imap,
        "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)",
        "app password",
    ),
    (
        Protocol::Imap,
        "NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)",
        "apppasswords",
    ),
    (Protocol::Imap, "NO [WEBALERT] Web login required.", "browser"),
    (
        Protocol::Imap,
        "NO [ALERT] Please log in via your web browser: https://support.google.com/…",
        "browser",
    ),
    (
        Protocol::Imap,
        "NO [ALERT] Too many simultaneous connections. (Failure)",
        "15",
    ),
    (
        Protocol::Imap,
        "NO [ALERT] Your account is not enabled for IMAP use.",
        "switched off",
    ),
    (
        Protocol::Pop3,
        "-ERR [SYS/PERM] Your account is not enabled for POP access.",
        "switched off",
    ),
    (Protocol::Imap, "Account exceeded command or bandwidth limits.", "a day"),
    (
        Protocol::Imap,
        "NO [AUTHENTICATIONFAILED] Authentication failed.",
        "whether IMAP is enabled",
    ),
    (
        Protocol::Imap,
        "NO [AUTHENTICATIONFAILED] Authentication failed.",
        "password",
    ),
    (
        Protocol::Pop3,
        "-ERR [AUTH] Authentication failed.",
        "whether POP3 is enabled",
    ),
    (Protocol::Pop3, "-ERR [AUTH] Authentication failed.", "password"),
];

#[test]
fn refusals_of_a_sign_in() {
    for (protocol, said, words) in SIGN_INS {
        // At a host of nobody's, only what names a provider is that provider's.
        let host = match said.contains("status") || said.contains("[") || said.contains("Account exceeded") {
            true => MailHost::Gmail,
            false => MailHost::Exchange,
        };
        let Diagnosis { what, cure, .. } = sign_in(host, *protocol, said);
        assert!(format!("{what}: {cure}").contains(words), "{said}: {what}: {cure}");
    }
}

/// The answer to a sign-in, and words of the diagnosis.
const SMTP: &[(MailHost, u16, &str, &str)] = &[
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
        "check user name and password",
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
        "check user name and password",
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
    (MailHost::Other, 500, "5.5.1 what?", "check user name and password"),
];

fn at(host: MailHost, stage: Stage, code: u16, said: &str) -> Diagnosis {
    let enhanced = said.split(' ').next().filter(|word| word.split('.').count() == 3);
    smtp(host, stage, code, enhanced, said)
}

#[test]
fn refusals_of_a_submission_s_sign_in() {
    for (host, code, said, words) in SMTP {
        let Diagnosis { what, cure, .. } = at(*host, Stage::SignIn, *code, said);
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
    use Stage::{Data, End, Mail, Recipient};
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
fn whose_host_it_is_decides_whose_words_they_are() {
    // GreenMail 2.1.8.
    for protocol in [Protocol::Imap, Protocol::Pop3] {
        for said in [
            "NO LOGIN failed. Invalid login/password",
            "NO AUTHENTICATE failed.",
            "-ERR Authentication failure: unknown user name or bad password.",
        ] {
            let found = sign_in(MailHost::Other, protocol, said);
            assert!(!found.what.contains("Exchange"), "{said}: {found:?}");
            assert!(found.cure.contains("password"), "{said}: {found:?}");
            assert!(
                sign_in(MailHost::Exchange, protocol, said).what.contains("Exchange"),
                "{said}"
            );
        }
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

#[test]
fn how_long_a_server_wants_to_be_left_alone() {
    let throttled = |text: &str| {
        sign_in(
            MailHost::Exchange,
            Protocol::Imap,
            &format!("NO Request is throttled. {text}"),
        )
        .waits
    };
    for (text, seconds) in [
        ("Suggested Backoff Time: 90000 milliseconds", Some(90)),
        (
            "Suggested Backoff Time: 99999999999999999999999 milliseconds",
            Some(300),
        ),
        ("Suggested Backoff Time: soon", Some(300)),
        ("", None),
    ] {
        assert_eq!(throttled(text), seconds.map(Duration::from_secs), "{text}");
    }
    let limit = sign_in(
        MailHost::Other,
        Protocol::Imap,
        "Account exceeded command or bandwidth limits",
    );
    assert_eq!(limit.waits, Some(LONGEST));
    assert!(at(MailHost::Exchange, Stage::SignIn, 432, "4.3.2 …").waits.is_some());
}

#[test]
fn numbers_are_found_in_any_text() {
    for (said, expected) in [
        ("bad_token: AADSTS50173: …", Some("AADSTS50173")),
        ("é AADSTS65001é", Some("AADSTS65001")),
        ("AADSTS", None),
        ("AADSTSx1", None),
        ("AADSTS99999999999999999999", Some("AADSTS99999999999999999999")),
        ("", None),
    ] {
        assert_eq!(number(said), expected, "{said}");
        assert!(!token("invalid_grant", said).what.is_empty());
    }
}

#[test]
fn every_row_is_a_clause() {
    let tokens = TOKENS.iter().map(|(code, said, _)| token(code, said));
    let sign_ins = [MailHost::Exchange, MailHost::Gmail, MailHost::Other];
    let sign_ins = sign_ins.into_iter().flat_map(|host| {
        SIGN_INS
            .iter()
            .map(move |(protocol, said, _)| sign_in(host, *protocol, said))
    });
    let smtp = SMTP
        .iter()
        .map(|(host, code, said, _)| at(*host, Stage::SignIn, *code, said));
    for Diagnosis { what, cure, .. } in tokens.chain(sign_ins).chain(smtp) {
        for text in [what, cure] {
            assert!(!text.is_empty() && !text.ends_with('.') && text.len() < 600, "{text}");
        }
    }
}
