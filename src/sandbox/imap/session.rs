//! What a signed-in client sees: which mailbox is selected, which number each mail has, and what its commands come to.

use std::sync::Arc;

use bytes::Bytes;
use wildmatch::WildMatch;

use super::{
    answered::Answered,
    command::{FlagChange, ImapCommand, NumberSet, SearchTerm},
    fetch::{FetchItem, answer, fields, halves},
};
use crate::sandbox::{
    post_office::{NewsWait, PostOffice},
    trays::{INBOX, StoredMail, Tray},
};

/// A mailbox that is selected.
struct SelectedTray {
    name: String,
    read_only: bool,
    /// The UIDs that the client knows, by their numbers from 1.
    uids: Vec<u32>,
}

/// A session that is signed in.
pub(super) struct ImapSession {
    user: String,
    office: Arc<PostOffice>,
    selected: Option<SelectedTray>,
}

impl ImapSession {
    pub(super) fn new(user: String, office: Arc<PostOffice>) -> Self {
        Self {
            user,
            office,
            selected: None,
        }
    }

    pub(super) fn office(&self) -> &PostOffice {
        &self.office
    }

    /// It waits for news for as long as what is given lives.
    pub(super) fn waits(&self) -> NewsWait {
        self.office.wait(&self.user)
    }

    /// What changed in the selected mailbox since the client was told.
    pub(super) fn news(&mut self) -> Vec<u8> {
        let Some(selected) = &mut self.selected else {
            return Vec::new();
        };
        let now: Vec<u32> = self
            .office
            .look(&self.user, &selected.name, |tray| {
                tray.mails.iter().map(|mail| mail.uid).collect()
            })
            .unwrap_or_default();
        let mut said = Vec::new();
        // From the last to the first, so that the numbers of those before stay.
        for at in (0..selected.uids.len()).rev() {
            if selected.uids.get(at).is_some_and(|uid| now.binary_search(uid).is_err()) {
                selected.uids.remove(at);
                said.extend(format!("* {} EXPUNGE\r\n", at + 1).bytes());
            }
        }
        if now.len() > selected.uids.len() {
            said.extend(format!("* {} EXISTS\r\n", now.len()).bytes());
        }
        selected.uids = now;
        said
    }

    /// Does what a command asks for, and tells what changed.
    pub(super) fn answer(&mut self, command: ImapCommand) -> Answered {
        let mut answered = self.act(command);
        let news = self.news();
        answered.untagged.extend(news);
        answered
    }

    fn act(&mut self, command: ImapCommand) -> Answered {
        match command {
            ImapCommand::Noop | ImapCommand::Enable => Answered::ok("done"),
            ImapCommand::Namespace => Answered::ok("done").saying("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n"),
            ImapCommand::Select { mailbox, read_only } => self.select(&mailbox, read_only),
            ImapCommand::Create(mailbox) => match self.office.create(&self.user, &mailbox) {
                Ok(true) => Answered::ok("made"),
                Ok(false) => Answered::no("[ALREADYEXISTS] it is there"),
                Err(full) => Answered::no(format!("[OVERQUOTA] {full}")),
            },
            ImapCommand::List(pattern) => self.list(&pattern),
            ImapCommand::Status { mailbox, items } => self.status(&mailbox, &items),
            ImapCommand::Append { mailbox, flags, mail } => {
                match self.office.append(&self.user, &mailbox, flags, Bytes::from(mail)) {
                    Ok(Some((validity, uid))) => Answered::ok(format!("[APPENDUID {validity} {uid}] taken")),
                    Ok(None) => Answered::no("[TRYCREATE] there is no such mailbox"),
                    Err(full) => Answered::no(format!("[OVERQUOTA] {full}")),
                }
            }
            ImapCommand::Close { expunges } => {
                if expunges {
                    self.expunge(None);
                }
                self.selected = None;
                Answered::ok("closed")
            }
            ImapCommand::Search { by_uid, terms } => self.search(by_uid, &terms),
            ImapCommand::Store {
                by_uid,
                set,
                change,
                silent,
                flags,
            } => self.store(by_uid, &set, change, silent, &flags),
            ImapCommand::Copy {
                by_uid,
                set,
                mailbox,
                moves,
            } => self.copy(by_uid, &set, &mailbox, moves),
            ImapCommand::Expunge(set) => self.expunge(set.as_ref()),
            ImapCommand::Capability
            | ImapCommand::Logout
            | ImapCommand::Id
            | ImapCommand::Idle
            | ImapCommand::Fetch { .. }
            | ImapCommand::Login { .. }
            | ImapCommand::Authenticate { .. } => Answered::bad("not now"),
        }
    }

    fn select(&mut self, mailbox: &str, read_only: bool) -> Answered {
        self.selected = None;
        let facts = |tray: &Tray| {
            let uids: Vec<u32> = tray.mails.iter().map(|mail| mail.uid).collect();
            (uids, tray.uid_validity, tray.uid_next)
        };
        let Some((uids, validity, next)) = self.office.look(&self.user, mailbox, facts) else {
            return Answered::no("[NONEXISTENT] there is no such mailbox");
        };
        let said = format!(
            "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)\r\n* {} EXISTS\r\n* 0 RECENT\r\n\
             * OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft \\*)] flags are kept\r\n\
             * OK [UIDVALIDITY {validity}] valid\r\n* OK [UIDNEXT {next}] next\r\n",
            uids.len()
        );
        self.selected = Some(SelectedTray {
            name: mailbox.to_owned(),
            read_only,
            uids,
        });
        let code = if read_only { "[READ-ONLY]" } else { "[READ-WRITE]" };
        Answered::ok(format!("{code} selected")).saying(said)
    }

    fn list(&self, pattern: &str) -> Answered {
        if pattern.is_empty() {
            return Answered::ok("done").saying("* LIST (\\Noselect) \"/\" \"\"\r\n");
        }
        let wanted = WildMatch::new_case_insensitive(&pattern.replace('%', "*"));
        let mut said = String::new();
        for name in self.office.mailboxes(&self.user) {
            if wanted.matches(&name) {
                let name = name.replace('\\', "\\\\").replace('"', "\\\"");
                said.push_str(&format!("* LIST () \"/\" \"{name}\"\r\n"));
            }
        }
        Answered::ok("done").saying(said)
    }

    fn status(&self, mailbox: &str, items: &[String]) -> Answered {
        let count = |tray: &Tray| {
            let unseen = tray.mails.iter().filter(|mail| !has(mail, "\\Seen")).count();
            let value = |item: &String| match item.to_ascii_uppercase().as_str() {
                "MESSAGES" => Some(tray.mails.len().to_string()),
                "UIDNEXT" => Some(tray.uid_next.to_string()),
                "UIDVALIDITY" => Some(tray.uid_validity.to_string()),
                "UNSEEN" => Some(unseen.to_string()),
                "RECENT" => Some("0".to_owned()),
                _ => None,
            };
            let told: Option<Vec<_>> = items
                .iter()
                .map(|item| value(item).map(|value| format!("{item} {value}")))
                .collect();
            told
        };
        match self.office.look(&self.user, mailbox, count) {
            None => Answered::no("[NONEXISTENT] there is no such mailbox"),
            Some(None) => Answered::bad("such a status is not known"),
            Some(Some(told)) => {
                let name = mailbox.replace('\\', "\\\\").replace('"', "\\\"");
                Answered::ok("done").saying(format!("* STATUS \"{name}\" ({})\r\n", told.join(" ")))
            }
        }
    }

    /// The mails that a set names, with their numbers.
    fn named(&self, by_uid: bool, set: &NumberSet) -> Vec<(usize, StoredMail)> {
        let Some(selected) = &self.selected else {
            return Vec::new();
        };
        let mails = self.office.mails(&self.user, &selected.name);
        let last_uid = selected.uids.last().copied().unwrap_or(0);
        let last_number = u32::try_from(selected.uids.len()).unwrap_or(u32::MAX);
        mails
            .into_iter()
            .filter_map(|mail| {
                let number = selected.uids.binary_search(&mail.uid).ok()? + 1;
                let is_named = match by_uid {
                    true => set.has(mail.uid, last_uid),
                    false => set.has(u32::try_from(number).ok()?, last_number),
                };
                is_named.then_some((number, mail))
            })
            .collect()
    }

    fn all(&self) -> Vec<(usize, StoredMail)> {
        NumberSet::read("1:*")
            .map(|all| self.named(false, &all))
            .unwrap_or_default()
    }

    fn search(&self, by_uid: bool, terms: &[SearchTerm]) -> Answered {
        let Some(selected) = &self.selected else {
            return Answered::bad("select a mailbox first");
        };
        let last_uid = selected.uids.last().copied().unwrap_or(0);
        let last_number = u32::try_from(selected.uids.len()).unwrap_or(u32::MAX);
        let holds = |number: usize, mail: &StoredMail, term: &SearchTerm| match term {
            SearchTerm::All => true,
            SearchTerm::Flag(flag, wanted) => has(mail, flag) == *wanted,
            SearchTerm::Uids(set) => set.has(mail.uid, last_uid),
            SearchTerm::Numbers(set) => u32::try_from(number).is_ok_and(|number| set.has(number, last_number)),
            SearchTerm::Header(name, value) => fields(halves(&mail.bytes).0).any(|(field, text)| {
                let text = String::from_utf8_lossy(text).to_lowercase();
                field.eq_ignore_ascii_case(name) && text.contains(value.as_str())
            }),
        };
        let mut said = "* SEARCH".to_owned();
        for (number, mail) in self.all() {
            if terms.iter().all(|term| holds(number, &mail, term)) {
                let shown = if by_uid { u64::from(mail.uid) } else { number as u64 };
                said.push_str(&format!(" {shown}"));
            }
        }
        Answered::ok("done").saying(said + "\r\n")
    }

    /// The mails of which items are asked, with their numbers. One whose text is asked for counts as read from now on.
    pub(super) fn fetch(
        &mut self,
        by_uid: bool,
        set: &NumberSet,
        items: &[FetchItem],
    ) -> Result<Vec<(usize, StoredMail)>, Answered> {
        let Some(selected) = &self.selected else {
            return Err(Answered::bad("select a mailbox first"));
        };
        let mails = self.named(by_uid, set);
        if !selected.read_only && items.iter().any(FetchItem::reads) {
            let uids: Vec<_> = mails.iter().map(|(_, mail)| mail.uid).collect();
            self.change(&uids, FlagChange::Add, &["\\Seen".to_owned()]);
        }
        Ok(mails)
    }

    fn change(&self, uids: &[u32], change: FlagChange, flags: &[String]) {
        let Some(selected) = &self.selected else {
            return;
        };
        let is_one = |of: &[String], flag: &String| of.iter().any(|known| known.eq_ignore_ascii_case(flag));
        self.office.flag(&self.user, &selected.name, uids, |had| {
            let mut left: Vec<String> = match change {
                FlagChange::Set => Vec::new(),
                FlagChange::Add => had.to_vec(),
                FlagChange::Remove => had.iter().filter(|flag| !is_one(flags, flag)).cloned().collect(),
            };
            if change != FlagChange::Remove {
                for flag in flags {
                    if !is_one(&left, flag) {
                        left.push(flag.clone());
                    }
                }
            }
            left
        });
    }

    /// Why mails can't be changed now, if they can't.
    fn unchangeable(&self) -> Option<Answered> {
        match &self.selected {
            None => Some(Answered::bad("select a mailbox first")),
            Some(selected) if selected.read_only => Some(Answered::no("the mailbox was opened by EXAMINE")),
            Some(_) => None,
        }
    }

    fn store(&mut self, by_uid: bool, set: &NumberSet, change: FlagChange, silent: bool, flags: &[String]) -> Answered {
        if let Some(refusal) = self.unchangeable() {
            return refusal;
        }
        let uids: Vec<_> = self.named(by_uid, set).iter().map(|(_, mail)| mail.uid).collect();
        self.change(&uids, change, flags);
        let mut answered = Answered::ok("done");
        if !silent {
            for (number, mail) in self.named(by_uid, set) {
                answered = answered.saying(answer(number, &mail, &[FetchItem::Flags], by_uid));
            }
        }
        answered
    }

    fn copy(&mut self, by_uid: bool, set: &NumberSet, to: &str, moves: bool) -> Answered {
        if let Some(refusal) = self.unchangeable().filter(|_| moves || self.selected.is_none()) {
            return refusal;
        }
        let uids: Vec<_> = self.named(by_uid, set).iter().map(|(_, mail)| mail.uid).collect();
        let from = self.selected.as_ref().map(|selected| selected.name.as_str());
        match self.office.copy(&self.user, from.unwrap_or(INBOX), &uids, to, moves) {
            Ok(Some(copied)) if copied.uids.is_empty() => Answered::ok("nothing to do"),
            Ok(Some(copied)) => {
                let list = |of: fn(&(u32, u32)) -> u32| {
                    let uids: Vec<_> = copied.uids.iter().map(|pair| of(pair).to_string()).collect();
                    uids.join(",")
                };
                let validity = copied.uid_validity;
                let code = format!("[COPYUID {validity} {} {}]", list(|pair| pair.0), list(|pair| pair.1));
                match moves {
                    // RFC 6851 section 4.3: said before the mails are told to be gone.
                    true => Answered::ok("moved").saying(format!("* OK {code} moved\r\n")),
                    false => Answered::ok(format!("{code} copied")),
                }
            }
            Ok(None) => Answered::no("[TRYCREATE] there is no such mailbox"),
            Err(full) => Answered::no(format!("[OVERQUOTA] {full}")),
        }
    }

    fn expunge(&mut self, set: Option<&NumberSet>) -> Answered {
        if let Some(refusal) = self.unchangeable() {
            return refusal;
        }
        let named = match set {
            Some(set) => self.named(true, set),
            None => self.all(),
        };
        let deleted = named.iter().filter(|(_, mail)| has(mail, "\\Deleted"));
        let uids: Vec<_> = deleted.map(|(_, mail)| mail.uid).collect();
        if let Some(selected) = &self.selected {
            self.office.expunge(&self.user, &selected.name, &uids);
        }
        Answered::ok("done")
    }
}

fn has(mail: &StoredMail, flag: &str) -> bool {
    mail.flags.iter().any(|known| known.eq_ignore_ascii_case(flag))
}
