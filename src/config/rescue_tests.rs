use super::*;
use crate::secret::SecretRef;

#[test]
fn the_ledger_is_found_in_a_file_that_is_broken_elsewhere() {
    let usual = Service::on(1);
    let ledger = |path: &str| Service {
        ledger: LedgerAddress::file(path),
        ..Service::on(1)
    };
    let table = [
        (
            "[service]\nledger = \"/var/x.db\"\n[accounts.a\nuser = 1",
            ledger("/var/x.db"),
        ),
        (
            "[accounts.a\n[service]\nmemory = ]\nledger = \"/var/x.db\" # here\n",
            ledger("/var/x.db"),
        ),
        ("service.ledger = \"/var/x.db\"\n[[[", ledger("/var/x.db")),
        (
            "[service] # ours\nledger = \"/var/x.db\"\nledgr = 5",
            ledger("/var/x.db"),
        ),
        ("[service]\nledger = 5\n", usual.clone()),
        ("[service]\nledger = \"/var/x.db\n", usual.clone()),
        ("[other]\nledger = \"/var/x.db\"\n", usual.clone()),
        ("", usual.clone()),
        (
            "[service]\nhealth = false\nkey = { file = \"/run/key\" }\njobs = -1\n",
            Service {
                health: None,
                key: Some(SecretRef::File("/run/key".into())),
                ..usual
            },
        ),
    ];
    for (text, expected) in table {
        assert_eq!(readable(Path::new("/etc/mailjob.toml"), text, 1), expected, "{text}");
    }
}

#[test]
fn it_is_read_in_any_encoding() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[service]\nledger = \"/var/x.db\"\n";
    let wide: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let mixed = [text.as_bytes(), &[0xff, 0xfe, 0x00]].concat();
    for bytes in [text.as_bytes().to_vec(), wide, mixed] {
        let file = folder.path().join("mailjob.toml");
        std::fs::write(&file, bytes).unwrap();
        let sources = Sources {
            endpoints: folder.path().to_owned(),
            config: Some(file),
        };
        assert_eq!(service(&sources).ledger, LedgerAddress::file("/var/x.db"));
    }
}

/// What a right file says, and what is left of it.
fn left(before: &str, after: Option<&str>) -> (Option<Lapse>, Service, Service) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailjob.toml");
    let sources = Sources {
        endpoints: folder.path().join("endpoints.d"),
        config: Some(file.clone()),
    };
    std::fs::create_dir(&sources.endpoints).unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "some").unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let load = || crate::config::load::load(&sources);
    std::fs::write(&file, before).unwrap();
    let loaded = load();
    assert_eq!(Lapse::of(&sources, &loaded), None);
    let right = quietly(&sources, &loaded);
    if let Some(text) = directions(&right) {
        std::fs::write(signpost(&sources), text).unwrap();
    }
    match after {
        Some(text) => std::fs::write(&file, text).unwrap(),
        None => std::fs::remove_file(&file).unwrap(),
    }
    let loaded = load();
    (Lapse::of(&sources, &loaded), right, quietly(&sources, &loaded))
}

#[test]
fn the_ledger_of_a_file_that_sets_nothing_any_more_is_found() {
    let whole = "[service]\nledger = \"/var/x y/\\\"q\\\".db\"\nkey = { file = \"key\" }\nhealth = \"127.0.0.1:9\"\n";
    let here = "[service]\nledger = \"sub/x.db\"\nkey = { env = \"PATH\" }\nhealth = false\n";
    for before in [whole, here] {
        for (after, expected) in [
            (Some(""), Lapse::Silent),
            (Some(" \n\n"), Lapse::Silent),
            (Some("# ledger = \"/var/y.db\"\n#\n"), Lapse::Silent),
            (Some("\u{feff}# nothing\n"), Lapse::Silent),
            (Some("[servce]\nledger = \"/var/y.db\"\n"), Lapse::Broken),
            (Some("[service\n"), Lapse::Broken),
            (None, Lapse::Broken),
        ] {
            let (lapse, right, found) = left(before, after);
            assert_eq!(lapse, Some(expected), "{after:?}");
            let place = |service: &Service| (service.ledger.clone(), service.key.clone(), service.health);
            assert_eq!(place(&found), place(&right), "{after:?}");
        }
    }
}

#[test]
fn what_a_file_says_counts_before_what_it_said() {
    let before = "[service]\nledger = \"/var/x.db\"\n";
    let (lapse, _, found) = left(before, Some("[service]\n"));
    assert_eq!(
        (lapse, found.ledger),
        (None, LedgerAddress::file("mailjob.db")),
        "all defaults, and meant"
    );
    let (_, _, found) = left(before, Some("[service]\nledger = \"/var/y.db\"\nmemory = ]\n"));
    assert_eq!(found.ledger, LedgerAddress::file("/var/y.db"));
    assert_eq!(
        directions(&Service::on(3)),
        None,
        "nothing is written where nothing is needed"
    );
}
