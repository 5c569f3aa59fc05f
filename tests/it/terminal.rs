//! What commands print on a terminal: with colours or without, as wide as it is, and in the characters of its locale. By `script`, which gives a
//! program a terminal.

use std::process::{Command, Stdio};

/// What a line of a shell prints on a terminal, with these variables and no other that says how.
fn printed(line: &str, variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let line = line.replace("mailjob ", concat!(env!("CARGO_BIN_EXE_mailjob"), " "));
    let mut command = Command::new("script");
    for name in [
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "LC_ALL",
        "LC_CTYPE",
        "LANG",
        "COLUMNS",
    ] {
        command.env_remove(name);
    }
    let output = command
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .current_dir(folder.path())
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn colours_are_left_out_where_nobody_wants_them() {
    // No such folder: it says so in its log, and ends.
    let run = "mailjob run --endpoints none --config none.toml";
    assert!(printed(run, &[]).contains('\u{1b}'));
    for variables in [[("NO_COLOR", "1")], [("TERM", "dumb")], [("CLICOLOR", "0")]] {
        let text = printed(run, &variables);
        assert!(
            text.contains("ERROR") && !text.contains('\u{1b}'),
            "{variables:?}: {text:?}"
        );
    }
}

#[test]
fn help_is_as_wide_as_the_terminal() {
    for command in ["send", "jobs list", "run"] {
        let text = printed(
            &format!("stty cols 72 rows 24; mailjob {command} --help"),
            &[("NO_COLOR", "1")],
        );
        let widest = text.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
        assert!(text.contains("Usage:") && widest <= 72, "{command}: {widest}\n{text}");
    }
    assert!(printed("mailjob run --help", &[]).contains("MAILJOB_LOG"));
}

#[test]
fn a_locale_of_ascii_gets_ascii() {
    let check = "mkdir endpoints.d; printf '[mailbox.account]\\nuser = \"a@b.example\"\\npassword = { env = \"HOME\" }\\nimap = { host = \"b.example\" }\\n[command]\\nargv = [\"/bin/true\"]\\n' >endpoints.d/a.toml; mailjob check";
    let wide = printed(check, &[("LANG", "C.UTF-8")]);
    assert!(wide.contains(" → /bin/true"), "{wide}");
    let narrow = printed(check, &[("LANG", "C")]);
    assert!(narrow.contains(" -> /bin/true") && narrow.is_ascii(), "{narrow}");
}
