//! What the doctor says.

use mailjob_testbed::Mailjob;
use serde_json::Value;

/// What a command printed, and its exit code.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The findings of this stage, from a JSON document.
    pub(crate) fn stage(&self, stage: &str) -> Vec<Value> {
        let document: Value = serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}{}", self.out, self.err));
        let findings = document["findings"].as_array().unwrap().clone();
        findings
            .into_iter()
            .filter(|finding| finding["stage"] == stage)
            .collect()
    }

    /// Asserts that this stage of a part that begins so failed, with words of what and cure.
    pub(crate) fn failed(&self, stage: &str, part: &str, what: &str, cure: &str) {
        let found = self.stage(stage);
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let matching = found.iter().find(|finding| text(finding, "part").starts_with(part));
        let finding = matching.unwrap_or_else(|| panic!("no {stage} of {part:?}: {}", self.out));
        assert_eq!(finding["outcome"], "failed", "{finding}");
        let (said, advised) = (text(finding, "detail"), text(finding, "cure"));
        assert!(
            said.contains(what) && advised.contains(cure),
            "{what:?}, {cure:?}: {finding}"
        );
        assert_eq!(self.code, 1, "{}", self.err);
    }

    /// What became of each stage of a part that begins so.
    pub(crate) fn outcomes(&self, part: &str) -> Vec<(String, String)> {
        let document: Value = serde_json::from_str(&self.out).unwrap();
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let findings = document["findings"].as_array().unwrap();
        let ours = findings
            .iter()
            .filter(|finding| text(finding, "part").starts_with(part));
        ours.map(|finding| (text(finding, "stage"), text(finding, "outcome")))
            .collect()
    }
}

/// Runs a command of the program. Neither what it prints nor what it complains of may hold a secret.
pub(crate) async fn run(mailjob: &Mailjob, arguments: &[&str]) -> Said {
    let output = mailjob.command(arguments).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said {
        code: output.status.code().unwrap(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    };
    assert_eq!(mailjob.leaks(&format!("{}{}", said.out, said.err)), [""; 0]);
    said
}
