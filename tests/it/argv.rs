//! A program beside the endpoint's file, named as people name it: what `check`, `doctor` and `rehearse` call good is what `run` starts,
//! from wherever the folder of endpoints is named.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use mailjob_testbed::{Mailjob, Options, SignIn, Start, World};

use crate::letters::letter;

const USER: &str = "ada@example.test";
const PATIENCE: Duration = Duration::from_secs(120);

/// Says what it was given, and tries what it may not.
const SCRIPT: &str = "#!/bin/sh\n\
    cat \"$1\" >>\"$2/said\" && test -f message.eml && echo done >>\"$2/said\"\n\
    cat \"$(dirname \"$1\")/ada.toml\" >>\"$2/said\" 2>/dev/null || echo kept >>\"$2/said\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_program_beside_its_file_runs_as_it_was_checked() {
    let world = World::start(Options::default()).await.unwrap();
    let mut mailjob = Mailjob::new(&world, env!("CARGO_BIN_EXE_mailjob")).unwrap();
    mailjob
        .account(&world, "ada", USER, SignIn::Password, Start::Implicit)
        .await
        .unwrap();
    let shared = world.dir().join("shared");
    fs::create_dir(&shared).unwrap();
    let beside = mailjob.dir().join("endpoints.d");
    fs::write(beside.join("convert.sh"), SCRIPT).unwrap();
    fs::set_permissions(beside.join("convert.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(beside.join("data.txt"), "data\n").unwrap();
    fs::write(mailjob.dir().join("mail.eml"), letter(1)).unwrap();
    mailjob.env("MAILJOB_ENDPOINTS", "endpoints.d");
    mailjob.env("MAILJOB_CONFIG", "mailjob.toml");
    let endpoint = |argv: &str| {
        format!(
            "[mailbox]\naccount = \"ada\"\nbacklog = \"process\"\n[command]\nargv = [{argv}, \"./data.txt\", {shared:?}]\nwrite = [{shared:?}]\n"
        )
    };
    for (count, argv) in [(1, "\"./convert.sh\""), (2, "\"/bin/sh\", \"./convert.sh\"")] {
        mailjob.endpoint("ada", &endpoint(argv)).unwrap();
        for (command, said) in [
            (&["check"][..], "no problems"),
            (&["doctor", "ada"], "it was not started"),
            (&["rehearse", "ada", "mail.eml"], "convert.sh"),
        ] {
            let output = mailjob.command(command).output().await.unwrap();
            let out = String::from_utf8_lossy(&output.stdout);
            let err = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && out.contains(said), "{command:?}: {out}{err}");
        }
        let mut run = mailjob.command(&["run"]).spawn().unwrap();
        world.dovecot.deliver(USER, &letter(count)).await.unwrap();
        world
            .dovecot
            .wait_for(USER, "Processed", count, PATIENCE)
            .await
            .unwrap();
        let said = fs::read_to_string(shared.join("said")).unwrap();
        assert_eq!(said, "data\ndone\nkept\n".repeat(count));
        run.kill().await.unwrap();
    }
}
