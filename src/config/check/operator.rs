//! `[operator]`: who is told of what only a person can mend.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{DAY, HOUR, SECOND, mailbox::Accounts};
use crate::config::{
    Account, Operator, Template, TemplateFormat,
    given::{OPERATOR, Stray},
    sheet::{Checked, PlacedValue},
    table::Table,
    template::TemplateFlaw,
    value::{address, duration, one_or_more, prose, rate},
};

/// The most addresses that are told.
const MOST: usize = 100;

/// Reads `[operator]`. An account whose file of a secret is missing will do: what is missing may come, and a mail waits.
pub(super) fn operator(table: &mut Table<'_>, accounts: &BTreeMap<String, Checked<Arc<Account>>>) -> Option<Operator> {
    let sound = |part: &Checked<Arc<Account>>| part.value.clone().filter(|_| part.problems.is_empty());
    let by_name = accounts.iter().map(|(name, part)| (name.clone(), sound(part)));
    let accounts = Accounts {
        by_name: by_name.collect(),
        more: false,
        hello: None,
    };
    let to = table.must(
        "to",
        "write to = \"ops@example.com\", or a list of addresses",
        recipients,
    );
    let cure = "write account = \"…\" with a name from [accounts] that has an SMTP server; best one that isn't watched";
    let account = table.must("account", cure, |value| accounts.named(&value));
    let every = table.or("every", Operator::EVERY, duration(SECOND..=HOUR));
    let silent_after = table.or("silent_after", Operator::SILENT_AFTER, duration(SECOND..=DAY));
    let digest = table.or("digest", Operator::DIGEST, duration(Duration::ZERO..=DAY));
    let limit = table.or("limit", Operator::LIMIT, rate);
    let subject = table.or("subject", Operator::SUBJECT.to_owned(), template);
    let text = table.or("text", Operator::TEXT.to_owned(), template);
    let account = account?;
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
    Some(Operator {
        to: to?,
        account,
        every,
        silent_after,
        digest,
        limit,
        subject,
        text,
    })
}

/// A template that can be read, and asks for nothing that there is not.
fn template(value: PlacedValue<'_>) -> Option<String> {
    let source = prose(value.clone())?;
    match minijinja::Environment::new().template_from_str(&source) {
        Ok(_) => {
            let template = Template::new(TemplateFormat::Text, &source).ok();
            match template.and_then(|template| template.flaw(&OPERATOR, &[&[]])) {
                Some(TemplateFlaw::Stray(Stray { asked, cure })) if asked != "debug" => {
                    value.wrong(format!("asks for `{asked}`, which there is not"), cure)
                }
                // What it calls is known when it is filled in.
                _ => Some(source),
            }
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
