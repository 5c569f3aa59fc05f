use super::*;
use crate::config::{check::Accounts, load::load};

fn claims(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let shared = "[accounts.a]\nuser = \"ada\"\npassword = { env = \"PATH\" }\nimap = { host = \"mail.example\" }\n";
    let config = folder.path().join("mailjob.toml");
    std::fs::write(&config, shared).unwrap();
    let loaded = load(&crate::config::load::Sources {
        endpoints: folder.path().to_owned(),
        config: Some(config),
    });
    assert_eq!(loaded.problems, []);
    let accounts = Accounts {
        by_name: loaded
            .accounts
            .iter()
            .map(|(name, account)| (name.clone(), Some(account.clone())))
            .collect(),
        more: false,
        hello: None,
    };
    let name = EndpointName::new("x").unwrap();
    match claim(&name, Path::new("x.toml"), text, &accounts, None) {
        MailboxClaim::Endpoint(_) => unreachable!(),
        MailboxClaim::Mailbox(mailbox) => format!("mailbox {}", mailbox.name),
        MailboxClaim::At(id) => format!("at {}", id_name(&id)),
        MailboxClaim::Beside(id) => format!("any beside {}", id_name(&id)),
        MailboxClaim::Anywhere => "anywhere".to_owned(),
    }
}

fn id_name(id: &MailboxId) -> String {
    let text = format!("{id:?}");
    text.split('"').rev().nth(1).unwrap().to_owned()
}

#[test]
fn a_broken_file_claims_no_mailbox_that_it_may_not_mean() {
    let table = [
        // All of it stands there.
        (
            "[mailbox]\naccount = \"a\"\n[webhok]\nurl = \"https://x/\"\n",
            "mailbox INBOX",
        ),
        (
            "[mailbox]\naccount = \"a\"\nname = \"Orders\"\n[webhook]\nurl = 5\n",
            "mailbox Orders",
        ),
        (
            "[webhook]\nurl = \"https://x/\"\nlimt = 1\n[mailbox]\naccount = \"a\"\n",
            "mailbox INBOX",
        ),
        (
            "[mailbox]\naccount = \"a\"\nname = \"Orders\"\n[when\nfrom = []\n",
            "mailbox Orders",
        ),
        (
            "[mailbox]\naccount = \"a\"\n[when]\nfrom = [\"x\"\n[webhook]\nurl = \"\"",
            "mailbox INBOX",
        ),
        // How it is watched is not known.
        (
            "[mailbox]\naccount = \"a\"\nevery = 5\n[webhook]\nurl = \"https://x/\"\n",
            "at INBOX",
        ),
        // Whose it is and what it is called is said; what else is wrong there says nothing of that.
        (
            "[mailbox]\naccount = \"a\"\nname = \"Orders\"\nnonsense = true\n[webhook]\nurl = \"https://x/\"\n",
            "at Orders",
        ),
        (
            "[mailbox]\naccount = \"a\"\nname = \"Orders\"\nevry = \"5m\"\n[webhook]\nurl = \"https://x/\"\n",
            "at Orders",
        ),
        (
            "[mailbox]\naccount = \"a\"\nname = \"Orders\"\nusr = \"bob\"\n[webhook]\nurl = \"https://x/\"\n",
            "anywhere",
        ),
        // What it is called is not known.
        (
            "[mailbox]\naccount = \"a\"\nnmae = \"Orders\"\n[webhook]\nurl = \"https://x/\"\n",
            "any beside INBOX",
        ),
        (
            "[mailbox]\naccount = \"a\"\nfolder = \"Orders\"\n[webhook]\nurl = \"https://x/\"\n",
            "any beside INBOX",
        ),
        (
            "[mailbox]\naccount = \"a\"\nname = 5\n[webhook]\nurl = \"https://x/\"\n",
            "any beside INBOX",
        ),
        (
            "mailbox = { account = \"a\", every = 5, nmae = \"Orders\" }\n[webhook]\nurl = \"https://x/\"\n",
            "anywhere",
        ),
        // A slip elsewhere, or in a line that does not say which one it is.
        (
            "[webhook]\nurl = \"https://x/\n[mailbox]\naccount = \"a\"\n[when]\n",
            "mailbox INBOX",
        ),
        (
            "[when]\nfrom = [\"x\"\n[mailbox] # ours\naccount = \"a\"\nname = \"Orders\"\n\n[webhook]\nurl = \"https://x/\"\n",
            "mailbox Orders",
        ),
        (
            "[mailbox]\naccount = \"a\"\nevery = 5m\n[webhook]\nurl = \"https://x/\"\n",
            "at INBOX",
        ),
        (
            "[mailbox]\naccount = \"a\"\nname = Orders\n[webhook]\nurl = \"https://x/\"\n",
            "any beside INBOX",
        ),
        (
            "[mailbox]\naccount = \"a\"\nname Orders\n[webhook]\nurl = \"https://x/\"\n",
            "anywhere",
        ),
        (
            "[webhook]\nurl = \"\"\"https://x/\n[mailbox]\naccount = \"a\"\n[when]\n",
            "anywhere",
        ),
        (
            "[webhook\n[mailbox]\naccount = \"a\"\n[when]\n[mailbox]\naccount = \"b\"\n[when]\n",
            "anywhere",
        ),
        (
            "[webhook\n[mailbox]\naccount = \"a\"\n[mailbox.account]\nuser = \"b\"\n[when]\n",
            "anywhere",
        ),
        // More of it may be missing.
        ("[mailbox]\naccount = \"a\"\n", "anywhere"),
        (
            "[webhook]\nurl = 5\n[mailbox]\naccount = \"a\"\nname = \"Ord",
            "anywhere",
        ),
        (
            "[mailbox]\naccount = \"a\nname = \"Orders\"\n[webhook]\nurl = \"https://x/\"\n",
            "anywhere",
        ),
        (
            "[mailbox\naccount = \"a\"\nname = \"Orders\"\n[webhook]\nurl = \"https://x/\"\n",
            "anywhere",
        ),
        // It can't be said whose.
        (
            "[mailbox]\naccount = \"b\"\n[webhook]\nurl = \"https://x/\"\n",
            "anywhere",
        ),
        (
            "[mailbox]\nacount = \"a\"\n[webhook]\nurl = \"https://x/\"\n",
            "anywhere",
        ),
        ("", "anywhere"),
        ("\u{0}\u{1}", "anywhere"),
    ];
    for (text, expected) in table {
        assert_eq!(claims(text), expected, "{text}");
    }
}

#[test]
fn who_names_what_he_means_owns_it() {
    let with = |set: fn(&mut Filter)| {
        let mut filter = Filter::default();
        set(&mut filter);
        filter.owns()
    };
    assert!(!with(|_| {}));
    assert!(with(|filter| filter.from = vec!["*@x.example".to_owned()]));
    assert!(with(|filter| filter.subject = vec!["*order*".to_owned()]));
    assert!(with(|filter| filter.attachments = vec!["*.pdf".to_owned()]));
    assert!(with(|filter| filter.plus = vec!["orders".to_owned()]));
    assert!(!with(|filter| filter.from = vec!["*".to_owned()]));
    assert!(!with(
        |filter| filter.subject = vec!["*order*".to_owned(), "**".to_owned()]
    ));
    assert!(!with(|filter| filter.max_size = Some(5)));
    assert!(!with(|filter| filter.not_attachments = vec!["*.exe".to_owned()]));
    assert!(!with(|filter| filter.encrypted = true));
}
