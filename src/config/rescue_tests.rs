use std::path::PathBuf;

use super::*;
use crate::secret::SecretRef;

#[test]
fn the_ledger_is_found_in_a_file_that_is_broken_elsewhere() {
    let usual = Service::on(1);
    let ledger = |path: &str| Service {
        ledger: PathBuf::from(path),
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
        assert_eq!(service(&sources).ledger, PathBuf::from("/var/x.db"));
    }
}
