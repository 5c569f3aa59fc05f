//! A report in words for people, or as JSON for machines. Pure.

use serde::Serialize;

use super::{DoctorReport, Finding, Issue, Stage, StepOutcome, Subject, SubjectKind};
use crate::message;

/// The version of the JSON document: it changes when a field is removed or means something else.
const VERSION: u32 = 1;

/// Characters of a line for people.
const LONGEST: usize = 4_000;

/// Findings for people: a line each, below what they are about.
#[must_use]
pub fn lines(findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut last: Option<&Subject> = None;
    for finding in findings {
        if last != Some(&finding.subject) {
            text.push_str(&clean(&finding.subject.to_string()));
            text.push('\n');
            last = Some(&finding.subject);
        }
        let (mark, words) = match &finding.outcome {
            StepOutcome::Passed(detail) => ('✓', detail.clone()),
            StepOutcome::Warned(trouble) => ('!', trouble.what.clone()),
            StepOutcome::Failed(trouble) => ('✗', trouble.what.clone()),
            StepOutcome::Skipped(why) => ('–', format!("skipped: {why}")),
        };
        text.push_str(&format!("  {mark} {:<12}  {}\n", finding.stage.name(), clean(&words)));
    }
    text
}

/// What to do, and how it stands, for people.
#[must_use]
pub fn cures(report: &DoctorReport) -> String {
    let mut text = String::new();
    let (mut failed, mut warned) = (0, 0);
    for finding in &report.findings {
        let Issue { cure, .. } = match &finding.outcome {
            StepOutcome::Failed(trouble) => {
                failed += 1;
                trouble
            }
            StepOutcome::Warned(trouble) => {
                warned += 1;
                trouble
            }
            StepOutcome::Passed(_) | StepOutcome::Skipped(_) => continue,
        };
        if failed + warned == 1 {
            text.push_str("\nwhat to do\n");
        }
        let (subject, stage) = (&finding.subject, finding.stage.name());
        text.push_str(&format!(
            "  {}\n    {}\n",
            clean(&format!("{subject}: {stage}")),
            clean(cure)
        ));
    }
    let skipped = report
        .findings
        .iter()
        .filter(|finding| matches!(finding.outcome, StepOutcome::Skipped(_)))
        .count();
    let passed = report.findings.len() - skipped - failed - warned;
    let counts = [
        (passed, "passed"),
        (failed, "failed"),
        (warned, "to look at"),
        (skipped, "skipped"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, what)| format!("{count} {what}")).collect();
    let counts = counts.join(", ");
    let verdict = match (failed, warned) {
        (0, 0) if counts.is_empty() => "all is well".to_owned(),
        (0, 0) => format!("{counts}: all is well"),
        _ => counts,
    };
    text.push_str(&format!("\n{verdict}; no mail was touched\n"));
    text
}

/// The report for machines: one JSON document.
#[must_use]
pub fn json(report: &DoctorReport) -> String {
    let document = FindingsDocument {
        version: VERSION,
        well: report.is_well(),
        findings: report.findings.iter().map(FindingRow::of).collect(),
    };
    // Values of these types are always JSON.
    message::clean::json_lines(&document).unwrap_or_default()
}

#[derive(Serialize)]
struct FindingsDocument<'a> {
    version: u32,
    well: bool,
    findings: Vec<FindingRow<'a>>,
}

#[derive(Serialize)]
struct FindingRow<'a> {
    kind: &'static str,
    name: &'a str,
    part: Option<&'a str>,
    stage: &'static str,
    outcome: &'static str,
    detail: &'a str,
    cure: Option<&'a str>,
    milliseconds: u64,
}

impl<'a> FindingRow<'a> {
    fn of(finding: &'a Finding) -> Self {
        let (outcome, detail, cure) = match &finding.outcome {
            StepOutcome::Passed(detail) => ("passed", detail, None),
            StepOutcome::Warned(trouble) => ("warned", &trouble.what, Some(&*trouble.cure)),
            StepOutcome::Failed(trouble) => ("failed", &trouble.what, Some(&*trouble.cure)),
            StepOutcome::Skipped(why) => ("skipped", why, None),
        };
        Self {
            kind: match finding.subject.kind {
                SubjectKind::File => "file",
                SubjectKind::Account => "account",
                SubjectKind::Endpoint => "endpoint",
                SubjectKind::Process => "process",
            },
            name: &finding.subject.name,
            part: finding.subject.part.as_deref(),
            stage: code(finding.stage),
            outcome,
            detail,
            cure,
            milliseconds: u64::try_from(finding.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// A stage's name for machines, which never changes.
fn code(stage: Stage) -> &'static str {
    match stage {
        Stage::Config => "config",
        Stage::Credential => "credential",
        Stage::Dns => "dns",
        Stage::Proxy => "proxy",
        Stage::Tcp => "tcp",
        Stage::Tls => "tls",
        Stage::SignIn => "sign_in",
        Stage::Capabilities => "capabilities",
        Stage::Mailbox => "mailbox",
        Stage::Action => "action",
        Stage::OpenFiles => "open_files",
        Stage::Listener => "health_address",
        Stage::Ledger => "ledger",
    }
}

/// What a server or a file says can't disturb a terminal.
fn clean(text: &str) -> String {
    message::clean::clean(text, LONGEST)
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
