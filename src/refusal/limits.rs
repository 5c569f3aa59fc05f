//! What servers say in words alone: that a limit is reached for a while, that a mail is too large, that a setting is wrong. Pure.
//!
//! Providers tell quotas by 550, 552 or 554, which by RFC 5321 are final, and few with an enhanced code of their own. Read in
//! 2026-11: Gmail `550 5.4.5 Daily user sending limit exceeded`; Exchange Online `554 5.2.0 … SubmissionQuotaExceededException`;
//! one.com `554 5.7.0 Your message could not be sent. The limit on the number of allowed outgoing messages was exceeded. Try again
//! later.`; cPanel's Exim `550 Domain x has exceeded the max emails per hour (313/250 (125%)) allowed. Message discarded.`; outMail `554
//! 5.7.1 … You have exceeded your Outmail quota`; authSMTP `552 Message would take you over your relay quota of 500`; QQ `550 Sender
//! frequency limited`; NetEase `554 MI:SFQ`; Zoho `550 5.4.6 Unusual sending activity detected. Please try after sometime`; Mailtrap
//! `550 5.7.0 Requested action not taken: too many emails per second`.

/// Words in which any of these stands. They are ASCII in small letters.
fn has(said: &str, words: &[&str]) -> bool {
    words.iter().any(|word| said.contains(word))
}

/// Whether the words (in small letters) are of a mail that is too large for the server or for who gets it.
pub(super) fn speaks_of_size(said: &str) -> bool {
    let of_message = [
        "message size",
        "message too",
        "mail size",
        "maximum size",
        "max size",
        "size limit",
        "mailsize",
        "maximum message",
        "too large",
        "too big",
        "larger than",
        "exceeds size",
        "exceeds the size",
        "exceeds the maximum",
        "exceeds maximum",
    ];
    has(said, &of_message) && !speaks_of_a_full_mailbox(said)
}

/// Whether the words are of what hangs on the mail: a kind of file that the server takes from nobody.
pub(super) fn speaks_of_files(said: &str) -> bool {
    has(
        said,
        &[
            "attachment",
            "file type",
            "filetype",
            "file extension",
            "executable",
            "potential security issue",
            "virus",
            "malware",
        ],
    )
}

/// Whether the words are of a mailbox without room, which its owner may empty.
pub(super) fn speaks_of_a_full_mailbox(said: &str) -> bool {
    let full = ["full", "quota", "size limit", "storage", "exceeded", "space"];
    has(said, &["mailbox", "inbox", "account that you tried", "storage"]) && has(said, &full)
        || has(said, &["over quota", "overquota", "insufficient system storage"])
}

/// Whether the words are of something that passes: a quota, a rate, a moment.
pub(super) fn speaks_of_a_limit(said: &str) -> bool {
    let plain = [
        "rate limit",
        "ratelimit",
        "rate-limit",
        "rate control",
        "throttl",
        "frequency limit",
        "too frequent",
        "too fast",
        "too quickly",
        "too many messages",
        "too many mails",
        "too many emails",
        "too many e-mails",
        "too many connections",
        "too many sessions",
        "too many concurrent",
        "too many submissions",
        "too many requests",
        "per second",
        "per minute",
        "per hour",
        "per day",
        "daily",
        "hourly",
        "quota",
        "again later",
        "later again",
        "try later",
        "retry later",
        "later time",
        "try after",
        "please wait",
        "temporar",
        "greylist",
        "graylist",
        "unusual sending",
        "unusual rate",
        "mi:sfq",
        "mi:dmc",
        "submissionquotaexceeded",
    ];
    // "The limit on the number of allowed outgoing messages was exceeded", "limit reached".
    let counted = has(said, &["limit"]) && has(said, &["exceed", "reached", "over "]);
    let of_the_mail = [
        "too large",
        "too big",
        "message size",
        "mail size",
        "mailsize",
        "hop count",
        "hops",
        "loop",
        "line length",
        "line too long",
        "spam score",
        "recipients per message",
        "too many recipients",
        "permanent",
    ];
    (has(said, &plain) || counted) && !has(said, &of_the_mail)
}

/// Whether the words are of the name that we gave at EHLO. Postfix says so at RCPT TO (`smtpd_delay_reject`).
pub(super) fn speaks_of_our_name(said: &str) -> bool {
    has(said, &["helo command rejected", "helo ", "ehlo ", "helo:", "ehlo:"])
}

/// Whether the words are of the account or its From address: nothing that is sent this way will be taken before somebody changes that.
pub(super) fn speaks_of_the_sender(said: &str) -> bool {
    let sender = has(
        said,
        &[
            "sender address",
            "from address",
            "mail from",
            "envelope sender",
            "sender is not",
            "sender not",
        ],
    );
    let refused = [
        "reject",
        "denied",
        "not allowed",
        "not owned",
        "not permitted",
        "not one of",
        "not match",
        "verified",
        "invalid",
    ];
    let relay = has(said, &["relay"])
        && has(
            said,
            &[
                "denied",
                "not permitted",
                "not allowed",
                "unable",
                "disallowed",
                "prohibited",
                "cannot",
                "not authorized",
            ],
        );
    let plain = [
        "not owned by",
        "sendasdenied",
        "send as this sender",
        "send on behalf",
        "not allowed to send",
        "not permitted to send",
        "not authorized to send",
        "not verified",
        "verified sender",
        "outgoing blocked",
        "bad outbound sender",
        "authentication required",
        "not authenticated",
        "must authenticate",
        "authenticate first",
        "blocked using",
        "spamhaus",
        "maximum credits",
        "account suspended",
        "account is suspended",
    ];
    (sender && has(said, &refused)) || relay || has(said, &plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_mailboxes_are_told_apart() {
        for (said, size, full) in [
            ("message size exceeds fixed limit", true, false),
            ("5.3.4 your message exceeded google's message size limits", true, false),
            ("message too large", true, false),
            ("mailbox size limit exceeded", false, true),
            ("the email account that you tried to reach is over quota", false, true),
            (
                "requested mail action aborted: exceeded storage allocation",
                false,
                true,
            ),
            ("mailbox full", false, true),
            ("no such user", false, false),
        ] {
            assert_eq!(
                (speaks_of_size(said), speaks_of_a_full_mailbox(said)),
                (size, full),
                "{said}"
            );
        }
    }
}
