//! Mails that tests send.

/// A short mail of the sender, with its number in the subject and the Message-ID.
pub(crate) fn letter(number: usize) -> Vec<u8> {
    format!(
        "From: Sender <sender@example.test>\r\nTo: job@example.test\r\nSubject: Letter {number}\r\n\
         Message-ID: <letter-{number}@example.test>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\nPlease do this.\r\n"
    )
    .into_bytes()
}
