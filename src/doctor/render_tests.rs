use std::time::Duration;

use super::*;

fn finding(part: Option<&str>, stage: Stage, outcome: StepOutcome) -> Finding {
    Finding {
        subject: Subject {
            kind: SubjectKind::Account,
            name: "contoso".into(),
            part: part.map(str::to_owned),
        },
        stage,
        outcome,
        took: Duration::from_millis(12),
    }
}

fn trouble(what: &str, cure: &str) -> Issue {
    Issue {
        what: what.into(),
        cure: cure.into(),
    }
}

fn report() -> DoctorReport {
    let imap = Some("IMAP mail.example.com:993");
    DoctorReport {
        findings: vec![
            finding(
                None,
                Stage::Credential,
                StepOutcome::Passed("a password from secrets/contoso".into()),
            ),
            finding(imap, Stage::Dns, StepOutcome::Passed("192.0.2.1".into())),
            finding(
                imap,
                Stage::Tls,
                StepOutcome::Warned(trouble("the certificate ends", "renew it")),
            ),
            finding(
                imap,
                Stage::SignIn,
                StepOutcome::Failed(trouble("refused:\x1b[31m\r\n\u{202e}no", "check the user")),
            ),
            finding(
                imap,
                Stage::Capabilities,
                StepOutcome::Skipped("nobody is signed in".into()),
            ),
        ],
    }
}

#[test]
fn people_read_lines() {
    assert_eq!(
        lines(&report().findings),
        "account contoso\n\
        \x20 ✓ credential    a password from secrets/contoso\n\
         account contoso, IMAP mail.example.com:993\n\
        \x20 ✓ DNS           192.0.2.1\n\
        \x20 ! TLS           the certificate ends\n\
        \x20 ✗ sign-in       refused: [31m   no\n\
        \x20 – capabilities  skipped: nobody is signed in\n"
    );
    assert_eq!(
        cures(&report()),
        "\nwhat to do\n\
        \x20 account contoso, IMAP mail.example.com:993: TLS\n\
        \x20   renew it\n\
        \x20 account contoso, IMAP mail.example.com:993: sign-in\n\
        \x20   check the user\n\
         \n2 passed, 1 failed, 1 to look at, 1 skipped; no mail was touched\n"
    );
}

#[test]
fn what_is_well_needs_no_cure() {
    let report = DoctorReport {
        findings: vec![finding(None, Stage::Config, StepOutcome::Passed("right".into()))],
    };
    assert!(report.is_well());
    assert_eq!(cures(&report), "\n1 passed: all is well; no mail was touched\n");
    assert_eq!(cures(&DoctorReport::default()), "\nall is well; no mail was touched\n");
}

#[test]
fn machines_read_json() {
    let document: serde_json::Value = serde_json::from_str(&json(&report())).unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["well"], false);
    assert_eq!(document["findings"].as_array().unwrap().len(), 5);
    assert_eq!(
        document["findings"][3],
        serde_json::json!({
            "kind": "account", "name": "contoso", "part": "IMAP mail.example.com:993", "stage": "sign_in", "outcome": "failed",
            "detail": "refused:\u{1b}[31m\r\n\u{202e}no", "cure": "check the user", "milliseconds": 12,
        })
    );
    assert_eq!(document["findings"][0]["part"], serde_json::Value::Null);
    let warned = &document["findings"][2];
    assert_eq!(
        (&warned["outcome"], &warned["cure"]),
        (&"warned".into(), &"renew it".into())
    );
    assert_eq!(document["findings"][4]["outcome"], "skipped");
}
