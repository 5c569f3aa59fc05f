//! Mails of one name: which of them were done, only their bytes tell.

use std::collections::HashSet;

use tokio::time::Instant;

use super::{
    check::{BYTES, CHECKED, Checks, TIME, whole},
    maildrop::{KnownMail, MaildropPlan, Namesakes, UntakenMail, VerifiedExtent},
    wire::Pop3Connection,
};
use crate::{
    ledger::Fingerprint,
    watch::{error::WatchError, source::StepContext},
};

/// Reads mails of one name, so that it is known which is which; `only`: those of these mails of the ledger.
pub(super) async fn tell(
    mut wire: Pop3Connection,
    on: &StepContext<'_>,
    found: &mut MaildropPlan,
    checks: &mut Checks,
    only: Option<&HashSet<u32>>,
) -> Result<Pop3Connection, WatchError> {
    let until = Instant::now() + TIME;
    let (mut left, mut checked, mut bytes) = (Vec::new(), 0, 0);
    for group in std::mem::take(&mut found.namesakes) {
        let wanted = only.is_none_or(|uids| group.known.iter().any(|(uid, _)| uids.contains(uid)));
        if !wanted || checks.rests(&group.name) {
            found.namesakes.push(group);
            continue;
        }
        let mut numbers = group.numbers.clone();
        checks.turn(&mut numbers);
        let mut read = Vec::new();
        checks.trying = Some(group.name.clone());
        for number in &numbers {
            if checked >= CHECKED || bytes > BYTES || Instant::now() >= until {
                break;
            }
            let mail;
            (wire, mail) = whole(wire, *number, on.inlet.size).await?;
            checked += 1;
            if let Some(mail) = mail {
                bytes += mail.bytes;
                read.push((*number, mail.sha256));
            }
        }
        checks.answered();
        let apart = tell_apart(&group, &read);
        for (uid, number, print) in apart.there {
            let known = KnownMail {
                name: group.name.clone(),
                number,
                print,
                proof: VerifiedExtent::Whole,
            };
            found.there.insert(uid, known);
            checks.proved(uid);
        }
        let new = apart.new.into_iter().map(|number| UntakenMail {
            name: group.name.clone(),
            number,
            again: None,
        });
        found.new.extend(new);
        left.extend(apart.left);
    }
    if !left.is_empty() {
        on.ledger.maildrop_left(&on.watched(), left).await?;
    }
    Ok(wire)
}

/// Which mails of one name are which.
#[derive(Debug, Default, PartialEq, Eq)]
struct NamesakeSplit {
    there: Vec<(u32, u32, Fingerprint)>,
    new: Vec<u32>,
    left: Vec<u32>,
}

/// Tells mails of one name apart by what was read of them: the server's numbers, and hashes.
fn tell_apart(group: &Namesakes, read: &[(u32, [u8; 32])]) -> NamesakeSplit {
    let all = read.len() == group.numbers.len();
    let mut known = group.known.clone();
    let mut apart = NamesakeSplit::default();
    for (number, sha256) in read {
        match known.iter().position(|(_, print)| print.sha256 == Some(*sha256)) {
            Some(at) => {
                let (uid, print) = known.remove(at);
                apart.there.push((uid, *number, print));
            }
            None => apart.new.push(*number),
        }
    }
    // Some of which nothing was read are never to be taken. Nobody can say which of the others they are; the first come first.
    let unread: Vec<u32> = known
        .iter()
        .filter(|(_, print)| print.sha256.is_none())
        .map(|(uid, _)| *uid)
        .collect();
    if !unread.is_empty() {
        if all {
            apart.new.sort_unstable();
            apart.new = apart.new.split_off(unread.len().min(apart.new.len()));
        } else {
            apart.new.clear();
        }
    }
    if all {
        let read = known.iter().filter(|(_, print)| print.sha256.is_some());
        apart.left = read.map(|(uid, _)| *uid).collect();
    }
    apart
}

#[cfg(test)]
#[path = "namesakes_tests.rs"]
mod tests;
