//! What the kernel refuses a guest, and that the usual programs run nevertheless.

use std::{fs, path::Path, sync::Arc};

use tokio::io::AsyncReadExt;

use super::{shell, told};
use crate::guest::*;

#[tokio::test]
async fn a_confined_guest_has_its_folder_and_what_was_listed() {
    if !confine::is_possible() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let place = place.path().canonicalize().unwrap();
    let at = |name: &str| place.join(name);
    for folder in ["shared", "shared/secrets", "given", "work", "others"] {
        fs::create_dir(at(folder)).unwrap();
    }
    for file in [
        "shared/open",
        "shared/m.db",
        "shared/m.db-wal",
        "shared/secrets/key",
        "given/a",
        "others/mail",
    ] {
        fs::write(at(file), "canary").unwrap();
    }
    std::os::unix::fs::symlink(at("shared/m.db"), at("shared/link")).unwrap();
    for file in ["shared/secrets/script", "shared/secrets/a.toml"] {
        fs::write(at(file), "canary").unwrap();
    }
    let confinement = Confinement {
        read: vec![at("shared")],
        // One by one they may be read, also in a folder of ours; but not what is ours itself.
        named: ["secrets/script", "secrets/a.toml", "m.db"]
            .map(|file| at("shared").join(file))
            .to_vec(),
        write: vec![at("given")],
        private: Arc::new(Private {
            paths: vec![at("shared/secrets")],
            families: vec![at("shared/m.")],
        }),
        network: false,
    };
    let terms = Arc::new(Terms {
        confinement: Some(confinement),
        ..Terms::default()
    });
    let guests = Guests::default();
    let work = at("work");
    let said = async |script: &str| told(&guests, &terms, script, Some(&work)).await;
    for refused in [
        "shared/m.db",
        "shared/m.db-wal",
        "shared/secrets/key",
        "shared/secrets/a.toml",
        "shared/link",
        "others/mail",
    ] {
        let path = at(refused);
        let path = path.display();
        assert_eq!(
            said(&format!("cat {path} 2>/dev/null || echo refused")).await,
            "refused",
            "{refused}"
        );
        assert_eq!(
            said(&format!("(echo x >{path}) 2>/dev/null || echo refused")).await,
            "refused",
            "{refused}"
        );
        // Neither by another name nor by moving it away.
        assert_eq!(
            said(&format!(
                "ln {path} x 2>/dev/null || mv {path} y 2>/dev/null || echo refused"
            ))
            .await,
            "refused"
        );
    }
    assert_eq!(
        said(&format!("cat {}", at("shared/secrets/script").display())).await,
        "canary"
    );
    let shared = at("shared");
    let script = format!(
        "cat {0}/open; (echo x >{0}/open) 2>/dev/null || echo refused",
        shared.display()
    );
    assert_eq!(said(&script).await, "canaryrefused");
    let given = at("given");
    assert_eq!(
        said(&format!("echo x >{0}/b && cat {0}/a {0}/b", given.display())).await,
        "canaryx"
    );
    assert_eq!(
        said("echo x >a; mkdir b; mv a b/a; cat b/a; cat /etc/hostname >/dev/null && echo y").await,
        "x\ny"
    );
    // Our memory, our environment, and we ourselves.
    let us = std::process::id();
    assert_eq!(
        said(&format!("cat /proc/{us}/environ 2>/dev/null || echo refused")).await,
        "refused"
    );
    assert_eq!(
        said(&format!("kill -0 {us} 2>/dev/null || echo refused")).await,
        "refused"
    );
    assert_eq!(
        said("kill -9 $PPID 2>/dev/null || echo refused").await,
        "refused",
        "its warden"
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = format!("(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo there || echo refused");
    let connect = format!("bash -c '{connect}'");
    assert_eq!(said(&connect).await, "refused");
    let open = Arc::new(Terms {
        confinement: Some(Confinement {
            network: true,
            ..Confinement::default()
        }),
        ..Terms::default()
    });
    assert_eq!(told(&guests, &open, &connect, Some(&work)).await, "there");
}

/// What commands are written in works with the limits and rights that they have by default.
#[tokio::test]
async fn the_usual_programs_run() {
    let guests = Guests::default();
    let home = guests.home().await.unwrap();
    let limits = GuestLimits {
        memory: Some(2 << 30),
        processes: Some(512),
        file_size: Some(1 << 30),
        open_files: Some(1024),
    };
    let terms = Arc::new(Terms {
        limits,
        confinement: Some(Confinement {
            network: true,
            ..Confinement::default()
        }),
        user: None,
    });
    for (program, script) in [
        ("/bin/bash", "cat <(echo fine) <<<x"),
        (
            "/usr/bin/perl",
            "perl -MFile::Temp -e '($f, $n) = File::Temp::tempfile(DIR => \".\"); print \"fine\"'",
        ),
        (
            "/usr/bin/python3",
            "/usr/bin/python3 -c 'import tempfile, subprocess, ssl; f = tempfile.TemporaryFile(); print(subprocess.check_output([\"echo\", \"fine\"]).decode())'",
        ),
        (
            "/usr/bin/node",
            "node -e 'require(\"fs\").writeFileSync(\"a\", \"\"); console.log(\"fine\")'",
        ),
        ("/usr/bin/java", "java -version 2>&1 | grep -q -i runtime && echo fine"),
        (
            "/usr/bin/curl",
            "curl --silent --version >/dev/null && curl --silent file:///etc/hostname >/dev/null && echo fine",
        ),
        (
            "/usr/bin/pdftotext",
            "pdftotext -v 2>&1 | grep -q pdftotext && echo fine",
        ),
        (
            "/usr/bin/soffice",
            "soffice --headless --version >/dev/null && echo fine",
        ),
        ("/usr/bin/openssl", "openssl rand -hex 4 >/dev/null && echo fine"),
    ] {
        if !Path::new(program).exists() {
            continue;
        }
        let work = home.work_folder().unwrap();
        let script = format!("export HOME=$PWD TMPDIR=$PWD; {script}");
        let order = SpawnRequest {
            program: "/bin/bash".into(),
            ..shell(&script, Some(work.path()))
        };
        let mut guest = guests.start(&terms, &order).await.unwrap();
        let (mut said, mut complaints) = (String::new(), String::new());
        guest.stdout.take().unwrap().read_to_string(&mut said).await.unwrap();
        guest
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut complaints)
            .await
            .unwrap();
        assert_eq!(said.trim(), "fine", "{program}: {complaints}");
    }
}

/// The folder of a guest before is none of the next one's, whoever its warden is.
#[tokio::test]
async fn one_guest_has_nothing_of_another() {
    if !confine::is_possible() {
        return;
    }
    let guests = Guests::default();
    let home = guests.home().await.unwrap();
    let terms = Arc::new(Terms {
        confinement: Some(Confinement::default()),
        ..Terms::default()
    });
    let (one, other) = (home.work_folder().unwrap(), home.work_folder().unwrap());
    fs::write(other.path().join("message.eml"), "canary").unwrap();
    let script = format!(
        "cat {}/message.eml 2>/dev/null || echo refused; ls .. 2>/dev/null || echo refused",
        other.path().display()
    );
    assert_eq!(
        told(&guests, &terms, &script, Some(one.path())).await,
        "refused\nrefused"
    );
}
