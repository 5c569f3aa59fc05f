use proptest::prelude::*;

use super::*;
use crate::{config::Limits, message};

const ID: &str = "01935b2a1c0070008000000000000001.reply@us.example";

/// As Postfix and most others write it.
const REPORT: &str = "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example (Mail Delivery System)\r\nTo: us@us.example\r\n\
    Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
    --b\r\nContent-Type: text/plain\r\n\r\nI'm sorry.\r\n\
    --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
    Final-Recipient: rfc822; ann@a.example\r\nOriginal-Recipient: rfc822;ann@alias.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\
    Diagnostic-Code: smtp; 550 5.1.1 <ann@a.example>:\r\n    User unknown\r\n\r\n";
const RFC822: &str = "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: Re: Order\r\nReferences: <x.reply@us.example>\r\n\
    Message-ID: <01935b2a1c0070008000000000000001.reply@us.example>\r\n\r\nMessage-ID: <other@us.example>\r\n--b--\r\n";
const HEADERS: &str = "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: Re: Order\r\nMessage-Id:\r\n \
    <01935b2a1c0070008000000000000001.reply@us.example>\r\n--b--\r\n";

async fn of(raw: impl Into<bytes::Bytes>) -> Option<Bounce> {
    let raw = raw.into();
    let limits = Limits::default();
    message::read(raw, limits, |mail| read(mail, &mail.head()))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_delivery_report_names_what_came_back_and_why() {
    for quoted in [RFC822, HEADERS] {
        let bounce = of(format!("{REPORT}{quoted}")).await.unwrap();
        assert_eq!(bounce.ids, [ID]);
        assert_eq!(bounce.recipients, ["ann@alias.example", "ann@a.example"]);
        assert_eq!(bounce.said, "550 5.1.1 <ann@a.example>: User unknown");
    }
    // Gmail and Exchange name it in their own header as well; some name it there alone.
    let answer = REPORT.replacen(
        "MIME-Version",
        &format!("In-Reply-To: <{ID}>\r\nReferences: <a@b> <{ID}>\r\nMIME-Version"),
        1,
    );
    assert_eq!(of(format!("{answer}--b--\r\n")).await.unwrap().ids, [ID]);
    let last = REPORT.replacen("MIME-Version", &format!("References: <a@b> <{ID}>\r\nMIME-Version"), 1);
    assert_eq!(of(format!("{last}--b--\r\n")).await.unwrap().ids, [ID]);
    // Lines end as they end.
    let lines = format!("{REPORT}{RFC822}").replace("\r\n", "\n");
    assert_eq!(of(lines).await.unwrap().ids, [ID]);
}

#[tokio::test]
async fn only_what_failed_for_good_is_a_bounce() {
    for (action, counts) in [
        ("failed", true),
        ("Failed", true),
        ("failure", true),
        ("failed (permanently)", true),
        ("delayed", false),
        ("delivered", false),
        ("relayed", false),
        ("expanded", false),
    ] {
        let raw = format!("{REPORT}{RFC822}").replace("Action: failed", &format!("Action: {action}"));
        assert_eq!(of(raw).await.is_some(), counts, "{action}");
    }
    let no_action = format!("{REPORT}{RFC822}").replace("Action: failed\r\n", "");
    assert!(of(no_action.clone()).await.is_some());
    assert!(of(no_action.replace("Status: 5", "Status: 4")).await.is_none());
    // One of two recipients.
    let two = "Final-Recipient: rfc822; bob@a.example\r\nAction: delivered\r\nStatus: 2.0.0\r\n\r\nFinal-Recipient: rfc822; ann";
    let raw = format!("{REPORT}{RFC822}").replacen("Final-Recipient: rfc822; ann", two, 1);
    assert_eq!(
        of(raw).await.unwrap().recipients,
        ["ann@alias.example", "ann@a.example"]
    );
    // A person forwards it.
    let person = format!("{REPORT}{RFC822}")
        .replace("Return-Path: <>\r\n", "")
        .replace("MAILER-DAEMON@mx.example (Mail Delivery System)", "ann@a.example")
        .replace("Auto-Submitted: auto-replied\r\n", "")
        .replace("multipart/report; report-type=delivery-status;", "multipart/mixed;");
    assert!(of(person).await.is_none());
}

#[tokio::test]
async fn receipts_complaints_and_holidays_are_none() {
    for kind in ["message/disposition-notification", "message/feedback-report"] {
        let raw = format!("{REPORT}{RFC822}").replace("message/delivery-status", kind);
        assert!(of(raw).await.is_none(), "{kind}");
    }
    let away = format!(
        "Return-Path: <>\r\nFrom: ann@a.example\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\nIn-Reply-To: <{ID}>\r\n\r\n\
         I am away. 550 mails wait.\r\n"
    );
    assert!(of(away).await.is_none());
}

const QMAIL: &str = "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: us@us.example\r\nSubject: failure notice\r\n\r\n\
    Hi. This is the qmail-send program at mx.example.\r\nI'm afraid I wasn't able to deliver your message to the following addresses.\r\n\r\n\
    <ann@a.example>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n\
    Return-Path: <us@us.example>\r\nMessage-ID: <01935b2a1c0070008000000000000001.reply@us.example>\r\nSubject: Re: Order\r\n\r\nText\r\n";
const EXIM: &str = "Return-path: <>\r\nX-Failed-Recipients: ann@a.example, bob@a.example\r\nAuto-Submitted: auto-replied\r\n\
    From: Mail Delivery System <Mailer-Daemon@mx.example>\r\nTo: us@us.example\r\nSubject: Mail delivery failed: returning message to sender\r\n\r\n\
    This message was created automatically by mail delivery software.\r\n\r\n  ann@a.example\r\n    host mx.a.example [192.0.2.1]\r\n\
    \x20   SMTP error from remote mail server after RCPT TO:<ann@a.example>:\r\n    550 5.1.1 no such user\r\n\r\n\
    ------ This is a copy of the message, including all the headers. ------\r\n\r\n\
    Message-Id: <01935b2a1c0070008000000000000001.reply@us.example>\r\nSubject: Re: Order\r\n\r\nText\r\n";
const EXCHANGE: &str = "From: postmaster@a.example\r\nTo: us@us.example\r\nSubject: Undeliverable: Re: Order\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
const EXCHANGE_TEXT: &str = "Your message wasn't delivered to anyone.\r\n\r\nRemote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound'\r\n\r\n\
    Original message headers:\r\n\r\n  Received: from x\r\n  Message-ID: <01935b2a1c0070008000000000000001.reply@us.example>\r\n";

#[tokio::test]
async fn bounces_in_words_quote_the_header() {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let exchange = format!("{EXCHANGE}{}\r\n", BASE64_STANDARD.encode(EXCHANGE_TEXT));
    for (raw, said, recipients) in [
        (
            QMAIL.to_owned(),
            "Sorry, no mailbox here by that name. (#5.1.1)",
            &[][..],
        ),
        (
            EXIM.to_owned(),
            "550 5.1.1 no such user",
            &["ann@a.example", "bob@a.example"],
        ),
        (
            exchange,
            "Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound'",
            &[],
        ),
        (
            QMAIL.replace(" (#5.1.1)", ""),
            "Hi. This is the qmail-send program at mx.example. I'm afraid I wasn't able to deliver your message \
            to the following addresses. <ann@a.example>:",
            &[],
        ),
    ] {
        let bounce = of(raw).await.unwrap();
        assert_eq!(
            (
                bounce.said.as_str(),
                bounce
                    .recipients
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .as_slice()
            ),
            (said, recipients)
        );
        assert_eq!(bounce.ids, [ID]);
    }
    let later = EXIM
        .replace("X-Failed-Recipients: ann@a.example, bob@a.example\r\n", "")
        .replace(
            "Mail delivery failed: returning message to sender",
            "Warning: message 1x delayed 24 hours",
        );
    assert!(of(later).await.is_none());
    let sendmail = QMAIL.replace("Hi. This", "** THIS IS A WARNING MESSAGE ONLY **\r\nHi. This");
    assert!(of(sendmail).await.is_none());
}

#[test]
fn codes_of_smtp_are_seen() {
    for (line, has) in [
        ("550 no", true),
        ("said: 554 5.7.1 no", true),
        ("(#5.1.1)", true),
        ("5.7.509.", true),
        ("450 4.1.1", false),
        ("in 2005, 5500 mails", false),
        ("5.1", false),
        ("192.0.2.5", false),
    ] {
        assert_eq!(has_code(line), has, "{line}");
    }
}

proptest! {
    #[test]
    fn words_stay_on_their_line_and_nothing_panics(raw in "(?s).{0,300}", words in "(?s).{0,900}") {
        let report = format!("{REPORT}{RFC822}").replace("smtp; 550 5.1.1", &words);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        if let Some(bounce) = runtime.block_on(of(report)) {
            prop_assert!(!bounce.said.chars().any(char::is_control));
            prop_assert!(bounce.said.chars().count() <= WORDS + 1);
        }
        let _ = (blocks(&raw), message_ids(&raw).count(), has_code(&raw), hinted(raw.as_bytes()));
    }
}
