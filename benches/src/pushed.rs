//! The mailbox of the pushing server, and what it answers: values in, bytes out.

/// One mailbox.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    /// UID and bytes, in order.
    mails: Vec<(usize, Vec<u8>)>,
    added: usize,
    /// Mails of which the session knows.
    told: usize,
}

/// What is sent back.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// Whether the session ends.
    pub(crate) last: bool,
}

impl Mailbox {
    /// Adds a mail; nobody is told yet.
    pub(crate) fn add(&mut self, mail: Vec<u8>) {
        self.added += 1;
        self.mails.push((self.added, mail));
    }

    /// EXISTS, when there is something that the session does not know.
    pub(crate) fn news(&mut self) -> Option<Vec<u8>> {
        let count = self.mails.len();
        (count != std::mem::replace(&mut self.told, count)).then(|| format!("* {count} EXISTS\r\n").into_bytes())
    }

    /// Answers one command.
    pub(crate) fn answer(&mut self, tag: &str, command: &str) -> Reply {
        let (name, rest) = words(command);
        let mut bytes = Vec::new();
        let known = match name.as_str() {
            "CAPABILITY" => told(&mut bytes, "CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR IDLE UIDPLUS MOVE"),
            "LIST" => told(
                &mut bytes,
                &format!("LIST () \"/\" {}", rest.rsplit(' ').next().unwrap_or_default()),
            ),
            "SELECT" | "EXAMINE" => self.select(&mut bytes),
            "LOGIN" | "AUTHENTICATE" | "ID" | "CREATE" | "LOGOUT" => true,
            "NOOP" | "CHECK" => {
                bytes.extend(self.news().unwrap_or_default());
                true
            }
            "UID" => self.uid(rest, &mut bytes),
            _ => false,
        };
        if !known {
            bytes.clear();
        }
        let status = if known { "OK done" } else { "BAD what?" };
        bytes.extend_from_slice(format!("{tag} {status}\r\n").as_bytes());
        Reply {
            bytes,
            last: name == "LOGOUT",
        }
    }

    fn select(&mut self, bytes: &mut Vec<u8>) -> bool {
        self.told = self.mails.len();
        let (exists, next) = (self.told, self.added + 1);
        told(bytes, "FLAGS (\\Seen \\Flagged \\Deleted)");
        told(bytes, &format!("{exists} EXISTS"));
        told(bytes, "OK [UIDVALIDITY 1] valid");
        told(bytes, &format!("OK [UIDNEXT {next}] next"))
    }

    fn uid(&mut self, rest: &str, bytes: &mut Vec<u8>) -> bool {
        let (name, rest) = words(rest);
        let (set, items) = rest.split_once(' ').unwrap_or((rest, ""));
        match name.as_str() {
            "FETCH" => self
                .matching(set)
                .into_iter()
                .all(|index| self.fetch(index, items, bytes)),
            "SEARCH" => {
                let set = rest.rsplit(' ').next().unwrap_or_default();
                let found = self
                    .matching(set)
                    .into_iter()
                    .filter_map(|index| Some(self.mails.get(index)?.0.to_string()));
                let found: Vec<_> = found.collect();
                told(bytes, &format!("SEARCH {}", found.join(" ")))
            }
            "MOVE" | "EXPUNGE" => {
                for index in self.matching(set).into_iter().rev() {
                    self.mails.remove(index);
                    told(bytes, &format!("{} EXPUNGE", index + 1));
                }
                self.told = self.mails.len();
                true
            }
            "STORE" | "COPY" => true,
            _ => false,
        }
    }

    fn fetch(&self, index: usize, items: &str, bytes: &mut Vec<u8>) -> bool {
        let Some((uid, mail)) = self.mails.get(index) else {
            return false;
        };
        bytes.extend_from_slice(format!("* {} FETCH (UID {uid}", index + 1).as_bytes());
        for item in items.trim_matches(['(', ')']).split(' ') {
            match item.to_ascii_uppercase().as_str() {
                "UID" => {}
                "FLAGS" => bytes.extend_from_slice(b" FLAGS ()"),
                "RFC822.SIZE" => bytes.extend_from_slice(format!(" RFC822.SIZE {}", mail.len()).as_bytes()),
                "INTERNALDATE" => bytes.extend_from_slice(b" INTERNALDATE \"22-Nov-2026 10:00:00 +0000\""),
                other => match piece(other, mail) {
                    Some((name, piece)) => {
                        bytes.extend_from_slice(format!(" {name} {{{}}}\r\n", piece.len()).as_bytes());
                        bytes.extend_from_slice(piece);
                    }
                    None => return false,
                },
            }
        }
        bytes.extend_from_slice(b")\r\n");
        true
    }

    /// Places of the mails of a UID set. `n:*` always holds the last mail (RFC 9051 section 6.4.9).
    fn matching(&self, set: &str) -> Vec<usize> {
        let last = self.mails.last().map_or(0, |mail| mail.0);
        let number = |text: &str| if text == "*" { last } else { text.parse().unwrap_or(0) };
        let ranges: Vec<_> = set
            .split(',')
            .map(|range| {
                let (from, to) = range.split_once(':').unwrap_or((range, range));
                let (from, to) = (number(from), number(to));
                from.min(to)..=from.max(to)
            })
            .collect();
        let wanted = |mail: &(usize, Vec<u8>)| ranges.iter().any(|range| range.contains(&mail.0));
        self.mails
            .iter()
            .enumerate()
            .filter(|(_, mail)| wanted(mail))
            .map(|(index, _)| index)
            .collect()
    }
}

/// What `BODY.PEEK[]` or a part of it, such as `BODY.PEEK[]<0.1024>`, stands for: the name in the answer, and the bytes.
fn piece<'a>(item: &str, mail: &'a [u8]) -> Option<(String, &'a [u8])> {
    let part = item.strip_prefix("BODY.PEEK[]")?;
    if part.is_empty() {
        return Some(("BODY[]".to_owned(), mail));
    }
    let (from, count) = part.strip_prefix('<')?.strip_suffix('>')?.split_once('.')?;
    let (from, count): (usize, usize) = (from.parse().ok()?, count.parse().ok()?);
    let rest = mail.get(from..).unwrap_or_default();
    Some((format!("BODY[]<{from}>"), &rest[..count.min(rest.len())]))
}

fn words(line: &str) -> (String, &str) {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    (word.to_ascii_uppercase(), rest)
}

fn told(bytes: &mut Vec<u8>, line: &str) -> bool {
    bytes.extend_from_slice(format!("* {line}\r\n").as_bytes());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(mailbox: &mut Mailbox, command: &str) -> String {
        String::from_utf8(mailbox.answer("a", command).bytes).unwrap()
    }

    #[test]
    fn a_mail_comes_and_goes() {
        let mut mailbox = Mailbox::default();
        mailbox.add(b"first".to_vec());
        mailbox.add(b"second".to_vec());
        assert_eq!(mailbox.news().as_deref(), Some(&b"* 2 EXISTS\r\n"[..]));
        assert_eq!(mailbox.news(), None);
        let fetched = answer(&mut mailbox, "UID FETCH 2:* (UID RFC822.SIZE BODY.PEEK[])");
        assert_eq!(
            fetched,
            "* 2 FETCH (UID 2 RFC822.SIZE 6 BODY[] {6}\r\nsecond)\r\na OK done\r\n"
        );
        assert_eq!(
            answer(&mut mailbox, "UID MOVE 1 Processed"),
            "* 1 EXPUNGE\r\na OK done\r\n"
        );
        assert_eq!(
            answer(&mut mailbox, "uid fetch 9:* (UID)"),
            "* 1 FETCH (UID 2)\r\na OK done\r\n"
        );
        assert_eq!(answer(&mut mailbox, "UID FETCH 2 (ENVELOPE)"), "a BAD what?\r\n");
    }
}
