//! What a submission server offers after EHLO, and how a mail begins there. Pure.

use super::{fates::DeliveryOutcome, letter::MessageFacts, wire::SmtpReply};
use crate::{addr_spec::is_reachable, job::NewReply};

/// What the server offers after EHLO.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    pub(super) starttls: bool,
    /// SIZE, and the limit with it (RFC 1870); 0 where none is told.
    pub(super) size: Option<u64>,
    /// Whether a mail may have bytes above 127 (RFC 6152).
    pub(super) eight_bit: bool,
    /// Whether an address may have letters that are not ASCII (RFC 6531).
    pub(super) smtputf8: bool,
    /// Mechanisms of AUTH (RFC 4954).
    pub(super) auth: Vec<String>,
}

impl Offers {
    pub(super) fn read(answer: &SmtpReply) -> Self {
        let mut offers = Self::default();
        // The first line is the server's name.
        for line in answer.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            // Old servers write `AUTH=LOGIN`.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("STARTTLS") => offers.starttls = true,
                Some("SIZE") => offers.size = Some(words.next().and_then(|most| most.parse().ok()).unwrap_or(0)),
                Some("8BITMIME") => offers.eight_bit = true,
                Some("SMTPUTF8") => offers.smtputf8 = true,
                Some("AUTH") => {
                    for name in words {
                        if !offers.auth.iter().any(|known| known == name) {
                            offers.auth.push(name.to_owned());
                        }
                    }
                }
                _ => {}
            }
        }
        offers
    }

    /// Whether an address can be named here; or why not.
    pub(super) fn can_reach(&self, address: &str) -> Result<(), &'static str> {
        match address.is_ascii() || self.smtputf8 {
            true => Ok(()),
            false => Err(
                "this address has letters that are not ASCII, for which the server has no way (SMTPUTF8): write to it by other means, or send by a server that has",
            ),
        }
    }

    /// The command that begins a reply (RFC 1870, RFC 6152, RFC 6531); or why this server can't have it, which is known before a byte is
    /// sent.
    pub(super) fn mail_from(&self, reply: &NewReply, letter: MessageFacts) -> Result<String, DeliveryOutcome> {
        // The composer never makes such a reply; the ledger may hold what another version made.
        // An empty sender is `<>`: nowhere to come back to.
        let sender = Some(&reply.sender).filter(|sender| !sender.is_empty());
        if !letter.has_only_crlf || !reply.recipients.iter().chain(sender).all(|a| is_reachable(a)) {
            return Err(DeliveryOutcome::Refused(
                "the stored reply is not fit to be sent".to_owned(),
            ));
        }
        let bytes = letter.size;
        let mut command = format!("MAIL FROM:<{}>", reply.sender);
        match self.size {
            // 0 is no limit (RFC 1870 section 4).
            Some(most @ 1..) if bytes > most => {
                return Err(DeliveryOutcome::Smaller(format!(
                    "too large: the reply has {bytes} bytes, the server takes {most}"
                )));
            }
            Some(_) => command.push_str(&format!(" SIZE={bytes}")),
            None => {}
        }
        match (letter.is_ascii, self.eight_bit) {
            (true, _) => {}
            (false, true) => command.push_str(" BODY=8BITMIME"),
            // RFC 6152 section 3: not under any circumstances.
            (false, false) => {
                return Err(DeliveryOutcome::Refused(
                    "the reply has 8-bit text, which the server does not take".to_owned(),
                ));
            }
        }
        self.can_reach(&reply.sender)
            .map_err(|why| DeliveryOutcome::Refused(why.to_owned()))?;
        // Where the server has no SMTPUTF8, those who need it are not named.
        if self.smtputf8 && !reply.recipients.iter().chain(sender).all(|address| address.is_ascii()) {
            command.push_str(" SMTPUTF8");
        }
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::letter::ReplyContent, *};

    fn reply(text: &str) -> NewReply {
        NewReply {
            bytes: bytes::Bytes::copy_from_slice(text.as_bytes()),
            ..super::super::server_tests::reply(&["ann@a.example"])
        }
    }

    fn offers(lines: &[&str]) -> Offers {
        let lines = [&["fake"], lines].concat();
        Offers::read(&SmtpReply {
            code: 250,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        })
    }

    #[test]
    fn how_a_mail_begins() {
        let short = "Subject: x\r\n\r\nx\r\n";
        let wide = "Subject: x\r\n\r\n\u{fc}\r\n";
        let from = "MAIL FROM:<invoices@us.example>";
        for (lines, mail, expected) in [
            (&[][..], short, Ok(from.to_owned())),
            (&["SIZE"], short, Ok(format!("{from} SIZE=17"))),
            (&["SIZE 0"], short, Ok(format!("{from} SIZE=17"))),
            (&["SIZE 17"], short, Ok(format!("{from} SIZE=17"))),
            (
                &["SIZE 16"],
                short,
                Err("too large: the reply has 17 bytes, the server takes 16"),
            ),
            (&["8BITMIME"], short, Ok(from.to_owned())),
            (
                &["8BITMIME", "SIZE 99"],
                wide,
                Ok(format!("{from} SIZE=18 BODY=8BITMIME")),
            ),
            (
                &[],
                wide,
                Err("the reply has 8-bit text, which the server does not take"),
            ),
            (&[], "a\nb", Err("the stored reply is not fit to be sent")),
        ] {
            let found = offers(lines)
                .mail_from(&reply(mail), ReplyContent::here(reply(mail).bytes).facts())
                .map_err(|fate| match fate {
                    DeliveryOutcome::Smaller(why) | DeliveryOutcome::Refused(why) => why,
                    other => panic!("{other:?}"),
                });
            assert_eq!(found, expected.map_err(str::to_owned), "{lines:?}");
        }
    }
}
