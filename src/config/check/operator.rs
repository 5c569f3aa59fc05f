//! `[operator]`: who is told of what only a person can mend.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{DAY, HOUR, MINUTE, SECOND, mailbox::Accounts};
use crate::config::{
    Account, Rate, Template, TemplateFormat,
    declare::{keys, usual, usual_as, vital, wanted},
    given::{self, OPERATOR},
    key::Allowed,
    kind::Time,
    sheet::{Checked, PlacedValue},
    table::Table,
    template::TemplateFlaw,
    value::{address, one_or_more, prose, rate},
};

/// The most addresses that are told.
const MOST: usize = 100;

keys! {
    /// Who hears of what only a person can mend, and whose server takes the mail.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Operator in "operator" "\
Who is told by mail: when a sign-in needs a person or works again, when a client's secret, a certificate or a sign-in will end in
30, 14, 7 and 1 days, when a mailbox can't be read and when it can again, when a file of the configuration is broken, when jobs are
held or fail, and when replies are refused. Without [operator] that is only logged." reads(accounts: &Accounts) {
        to: Vec<String> = Allowed::one_or_more(Allowed::Text) => recipients, wanted(
            "write to = \"ops@example.com\", or a list of addresses", "\"ops@example.com\"", &[],
        ), "an address, or a list of up to 100";
        account: Arc<Account> = Allowed::Text => |value| accounts.named(&value), vital(
            "write account = \"…\" with a name from [accounts] that has an SMTP server; best one that isn't watched", "\"office\"",
        ), "sends it; needs smtp. Best one that isn't watched: it must work when the watched one's sign-in does not";
        every: Duration = Time(SECOND..=HOUR), usual(Self::EVERY), "how often it is looked whether there is news";
        silent_after: Duration = Time(SECOND..=DAY), usual(Self::SILENT_AFTER), "how long a mailbox may be out of reach before that is told";
        digest: Duration = Time(Duration::ZERO..=DAY), usual(Self::DIGEST),
            "between two mails at least: what comes in between is gathered; 0s sends each look's news at once";
        limit: Rate = Allowed::Text => rate, usual_as(Self::LIMIT, "\"12/h\""),
            "mails at most; what is over goes with the next one. A number and s, m, h or d";
        subject: String = Allowed::Prose => template, usual_as(Self::SUBJECT.to_owned(), "\"[mailjob] {{ headline }}\""), "", below("\
Templates (minijinja). Known: headline, news (each with name, kind, headline, since, why, cure, words), closing, host, ledger. One
that can't be filled in gives way to the one below.");
        text: String = Allowed::Prose => template, usual_as(Self::TEXT.to_owned(), "\"{% for item in news %}{{ item.words }}\\n\\n{% endfor %}This was written by Mailjob on {{ host }}, ledger {{ ledger }}.\\n{{ closing }}\\n\""), "";
    }
}

impl Operator {
    /// The time between two looks when nothing is written.
    pub const EVERY: Duration = MINUTE;
    /// How long a mailbox may be out of reach when nothing is written.
    pub const SILENT_AFTER: Duration = Duration::from_secs(15 * 60);
    /// The time between two mails when nothing is written.
    pub const DIGEST: Duration = Duration::from_secs(15 * 60);
    /// How many mails may go when nothing is written.
    pub const LIMIT: Rate = Rate { count: 12, per: HOUR };
    /// The subject when nothing is written.
    pub const SUBJECT: &str = "[mailjob] {{ headline }}";
    /// The text when nothing is written.
    pub const TEXT: &str = "{% for item in news %}{{ item.words }}\n\n{% endfor %}\
        This was written by Mailjob on {{ host }}, ledger {{ ledger }}.\n{{ closing }}\n";

    /// An operator of whom nothing more is known.
    #[must_use]
    pub fn new(to: Vec<String>, account: Arc<Account>) -> Self {
        Self {
            to,
            account,
            every: Self::EVERY,
            silent_after: Self::SILENT_AFTER,
            digest: Self::DIGEST,
            limit: Self::LIMIT,
            subject: Self::SUBJECT.to_owned(),
            text: Self::TEXT.to_owned(),
        }
    }
}

/// Reads `[operator]`. An account whose file of a secret is missing will do: what is missing may come, and a mail waits.
pub(super) fn operator(table: &mut Table<'_>, accounts: &BTreeMap<String, Checked<Arc<Account>>>) -> Option<Operator> {
    let sound = |part: &Checked<Arc<Account>>| part.value.clone().filter(|_| part.problems.is_empty());
    let by_name = accounts.iter().map(|(name, part)| (name.clone(), sound(part)));
    let accounts = Accounts {
        by_name: by_name.collect(),
        more: false,
        hello: None,
    };
    let operator = Operator::read(table, &accounts)?;
    let account = &operator.account;
    let name = &account.name;
    if account.smtp.is_none() {
        let cause = format!("the operator can't be told: the account \"{name}\" has no SMTP server");
        table.lacks(cause, "add smtp = { host = \"…\" } to the account, or name another one");
    }
    if account.from.is_none() {
        let cause =
            format!("mail to the operator has no sender: the user of the account \"{name}\" is no mail address");
        table.lacks(cause, "add from = \"name@domain\" to the account");
    }
    Some(operator)
}

/// A template that can be read, and asks for nothing that there is not.
fn template(value: PlacedValue<'_>) -> Option<String> {
    let source = prose(value.clone())?;
    match minijinja::Environment::new().template_from_str(&source) {
        Ok(_) => {
            let template = Template::new(TemplateFormat::Text, &source).ok();
            let mut strays = match template.and_then(|template| template.flaw(&OPERATOR, &[&[]])) {
                Some(TemplateFlaw::Strays(strays)) => strays,
                // What it calls is known when it is filled in.
                Some(TemplateFlaw::Unknown(_)) | None => BTreeSet::new(),
            };
            strays.retain(|stray| stray.asked != "debug");
            if strays.is_empty() {
                return Some(source);
            }
            let (cause, cure) = given::told(&strays);
            value.wrong(cause, cure)
        }
        Err(error) => {
            let line = error
                .line()
                .map(|line| format!(" in its line {line}"))
                .unwrap_or_default();
            let what = error
                .detail()
                .map(str::to_owned)
                .unwrap_or_else(|| error.kind().to_string());
            value.wrong(
                format!("is no template: {what}{line}"),
                "write text with {{ … }} and {% … %} as minijinja has them, or remove the key",
            )
        }
    }
}

fn recipients(value: PlacedValue<'_>) -> Option<Vec<String>> {
    if value.items().len() > MOST {
        return value.wrong(
            format!("has more than {MOST} addresses"),
            "write the address of a mailing list",
        );
    }
    one_or_more(address)(value)
}
