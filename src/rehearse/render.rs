//! A report for people. Pure.

use super::{RehearsalReport, RehearsedReply, ReplyPreview, page::RehearsalPage, words};
use crate::{
    dispatch::rehearsal::{
        ConditionReport, Excerpt, HandedAttachment, Plan, PlannedHeader, ProcessPlan, Rehearsal, RequestPlan,
    },
    job::Outcome,
    message::{Address, Automatic, Head, trust::Sender},
};

/// Everything, in the order in which it would happen.
#[must_use]
pub fn page(report: &RehearsalReport) -> String {
    let mut page = RehearsalPage::default();
    page.heading(&format!(
        "mail of {} bytes at endpoint {}",
        report.size, report.endpoint
    ));
    if let Some(route) = report.route.as_ref().filter(|route| route.endpoints.len() > 1) {
        page.pair("mailbox", &words::route(route));
    }
    match &report.rehearsal {
        Ok(rehearsal) => read(&mut page, rehearsal),
        Err(outcome) => page.pair("not read", words::hindrance(outcome).2),
    }
    if let Some(replies) = &report.replies {
        reply(&mut page, "reply on success", &replies.success);
        reply(&mut page, "reply on failure", &replies.failure);
    } else {
        page.heading("reply");
        page.line("none: only what an action did or refused is answered");
    }
    mailbox(&mut page, report);
    page.heading(&verdict(report));
    page.text()
}

fn read(page: &mut RehearsalPage, rehearsal: &Rehearsal) {
    head(page, &rehearsal.head);
    sender(page, &rehearsal.sender);
    if rehearsal.verified_later && rehearsal.sender.proven_by().is_none() {
        page.pair(
            "",
            "a job would ask DNS, which may prove the sender; a rehearsal asks nobody",
        );
    }
    attachments(page, &rehearsal.attachments);
    filter(page, rehearsal);
    page.heading("answer");
    page.line(&match rehearsal.head.automatic.map(Automatic::code) {
        None => "the mail's header says nothing against one".to_owned(),
        Some(code) => format!("never: {} ({code}, RFC 3834)", words::silence(code)),
    });
    split(page, rehearsal);
    page.heading("action, at the first attempt; id and times are made up");
    match &rehearsal.plan {
        Ok(Plan::Request(plan)) => request(page, plan),
        Ok(Plan::Process(plan)) => process(page, plan),
        Ok(Plan::Nothing) => page.line("asks nobody"),
        Err(_) => page.line("gets nothing"),
    }
}

fn head(page: &mut RehearsalPage, head: &Head) {
    let list = |addresses: &[Address]| {
        let shown: Vec<_> = addresses.iter().take(MOST).map(words::address).collect();
        match addresses.len().saturating_sub(MOST) {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    };
    for (name, addresses) in [
        ("from", &head.from),
        ("reply-to", &head.reply_to),
        ("to", &head.to),
        ("cc", &head.cc),
    ] {
        if !addresses.is_empty() || name == "from" {
            page.pair(name, &list(addresses));
        }
    }
    page.pair("subject", &head.subject);
    if let Some(date) = &head.date {
        page.pair("date", &date.to_rfc3339());
    }
    if let Some(id) = &head.message_id {
        page.pair("message-id", id);
    }
}

/// The jobs of the attachments, and the inputs of the first or only job.
fn split(page: &mut RehearsalPage, rehearsal: &Rehearsal) {
    if !rehearsal.parts.is_empty() {
        page.heading("one job for each attachment; here is the first one");
        for name in &rehearsal.parts {
            page.line(name);
        }
    }
    if !rehearsal.inputs.is_empty() {
        page.heading("inputs");
        for (name, value) in &rehearsal.inputs {
            page.pair(name, &value.to_string());
        }
    }
}

/// Addresses that are shown of a list.
const MOST: usize = 10;

fn sender(page: &mut RehearsalPage, sender: &Sender) {
    let evidence = &sender.evidence;
    let result = |name: &str, result: &Option<String>| Some(format!("{name} {}", result.as_deref()?));
    let results = [
        result("dmarc", &evidence.dmarc),
        result("dkim", &evidence.dkim),
        result("spf", &evidence.spf),
    ];
    let results: Vec<_> = results.into_iter().flatten().collect();
    let said = match (results.as_slice(), evidence.sources.as_slice()) {
        ([], _) | (_, []) => "no believed server says anything".to_owned(),
        (results, sources) => format!("{} says: {}", sources.join(", "), results.join(", ")),
    };
    let who = match (&sender.address, sender.proven_by()) {
        (Err(odd), _) => format!("nobody: {}", odd.why()),
        (Ok(address), Some(proof)) => format!("{address}, proven by {}", proof.name()),
        (Ok(address), None) => format!("{address}, not proven"),
    };
    page.pair("sender", &format!("{who}; {said}"));
}

fn attachments(page: &mut RehearsalPage, attachments: &[HandedAttachment]) {
    let handed_on = attachments.iter().filter(|file| file.handed_on).count();
    page.pair(
        "attachments",
        &format!("{}, {handed_on} meant to be handed on", attachments.len()),
    );
    for file in attachments {
        let mark = if file.handed_on { '✓' } else { '–' };
        let named = match &file.name {
            Some(name) if *name != file.safe_name => format!(", sent as {name:?}"),
            _ => String::new(),
        };
        let HandedAttachment {
            safe_name,
            media_type,
            size,
            why,
            ..
        } = file;
        page.line(&format!(
            "  {mark} {safe_name}  {media_type}, {size} bytes{named}: {why}"
        ));
    }
}

fn filter(page: &mut RehearsalPage, rehearsal: &Rehearsal) {
    page.heading("filter");
    for ConditionReport { part, holds, why } in &rehearsal.conditions {
        let mark = if *holds { '✓' } else { '✗' };
        page.line(&format!("{mark} {part:<12}  {why}"));
    }
    let failed = rehearsal.conditions.iter().any(|condition| !condition.holds);
    page.line(match (rehearsal.conditions.as_slice(), failed) {
        ([], _) => "names no condition: every mail is meant",
        (_, false) => "the mail is meant",
        (_, true) => "the mail is not meant",
    });
}

fn request(page: &mut RehearsalPage, plan: &RequestPlan) {
    page.line(&format!("POST {}", plan.url));
    for (name, value) in &plan.headers {
        let value = match value {
            PlannedHeader::Text(text) => text.clone(),
            PlannedHeader::Secret(secret) => format!("[a secret, from {}]", words::place(secret)),
            PlannedHeader::Signature(keys) => {
                let places: Vec<_> = keys.iter().map(words::place).collect();
                format!("[made with the key from {}]", places.join(" and from "))
            }
        };
        page.line(&format!("{name}: {value}"));
    }
    excerpt(page, "body", &plan.body);
    if let Some(why) = &plan.refused {
        page.line(&format!("✗ it would not go: {why}"));
    }
}

fn process(page: &mut RehearsalPage, plan: &ProcessPlan) {
    for (place, argument) in plan.argv.iter().enumerate() {
        page.line(&format!("argv[{place}]  {argument}"));
    }
    page.line("environment");
    for (name, origin) in &plan.environment {
        page.line(&format!("  {name}  {}", words::origin(origin)));
    }
    page.line("folder");
    for (path, size) in &plan.files {
        match size {
            Some(size) => page.line(&format!("  {path}  {size} bytes")),
            None => page.line(&format!("  {path}")),
        }
    }
    excerpt(page, "message.json", &plan.message);
}

fn excerpt(page: &mut RehearsalPage, name: &str, excerpt: &Excerpt) {
    let Excerpt { shown, size } = excerpt;
    page.line(&if excerpt.is_whole() {
        format!("{name}, {size} bytes:")
    } else {
        format!(
            "{name}, the first {} of {size} bytes (all of them with --body):",
            shown.len()
        )
    });
    match excerpt.text() {
        Some(text) => page.block(text),
        None => page.block(&String::from_utf8_lossy(shown)),
    }
}

fn reply(page: &mut RehearsalPage, heading: &str, told: &ReplyPreview) {
    page.heading(heading);
    match told {
        ReplyPreview::Nothing(code) => page.line(&format!("none: {} ({code})", words::silence(code))),
        ReplyPreview::Letter(letter) => {
            let RehearsedReply {
                account,
                sender,
                recipients,
                subject,
                headers,
                text,
                html,
                files,
                notes,
                answerable,
            } = letter;
            page.pair("account", account);
            page.pair(
                "sender",
                if sender.is_empty() {
                    "<>: what can't be delivered is lost"
                } else {
                    sender
                },
            );
            page.pair("recipients", &recipients.join(", "));
            page.pair("subject", subject);
            page.pair("answers", &words::answers(answerable.as_deref()));
            for (name, value) in headers {
                page.line(&format!("{name}: {value}"));
            }
            page.block(text);
            if let Some(html) = html {
                page.line("the same in HTML:");
                page.block(html);
            }
            for (name, media_type, size) in files {
                page.line(&format!("attached: {name}  {media_type}, {size} bytes"));
            }
            for note in notes {
                page.line(&format!("✗ {note}"));
            }
        }
    }
}

fn mailbox(page: &mut RehearsalPage, report: &RehearsalReport) {
    page.heading("the mail in the mailbox");
    let settle = &report.settle;
    match report.hindrance() {
        None => {
            page.pair("done", &words::fate(&settle.done));
            page.pair("failed", &words::fate(&settle.failed));
        }
        Some(Outcome::Ignored { .. }) => page.pair("ignored", &words::fate(&settle.ignored)),
        Some(Outcome::Failed { .. }) => page.pair("failed", &words::fate(&settle.failed)),
        Some(Outcome::Held { .. }) => page.pair("held", words::HELD),
        Some(_) => page.pair("waiting", words::WAITING),
    }
}

fn verdict(report: &RehearsalReport) -> String {
    match report.hindrance().map(words::hindrance) {
        None => "the job would run; nothing was done".to_owned(),
        Some((what, code, why)) => format!("the job would be {what} ({code}): {why}; nothing was done"),
    }
}
