use proptest::prelude::*;
use toml::de::DeTable;

use super::*;
use crate::config::reference::is_known;

/// Line and column of the slip, what it is, and what to write.
fn told(text: &str) -> String {
    let (_, errors) = DeTable::parse_recoverable(text);
    let complaints: Vec<_> = errors
        .iter()
        .map(|error| ParseError {
            span: error.span().unwrap_or_default(),
            message: error.message(),
        })
        .collect();
    let (place, fault) = slip(text, &complaints, is_known).unwrap();
    let cause = fault.cause.strip_prefix("not TOML: ").unwrap();
    format!("{}:{} {cause}; {}", place.line, place.column, fault.cure)
}

#[test]
fn a_slip_is_told_where_it_was_made() {
    for (text, expected) in [
        (
            "[mailbox\naccount = \"a\"\n",
            "1:9 the name of a table has no ] at its end; write [mailbox]",
        ),
        (
            "mailbox]\naccount = \"a\"\n",
            "1:1 the name of a table has no [ in front; write [mailbox]",
        ),
        (
            "[[accounts.a]\nuser = \"x\"\n",
            "1:14 the name of a table has no ] at its end; write [[accounts.a]]",
        ),
        (
            "[when]\nfrom = [\"*@a\", \"*@b\"\nattachments = [\"*.pdf\"]\n[webhook]\nurl = \"x\"\n",
            "2:8 the list that begins here has no ] at its end; write ] behind its last entry",
        ),
        (
            "[command]\nargv = [\"/bin/true\", \"x\"\n",
            "2:8 the list that begins here has no ] at its end; write ] behind its last entry",
        ),
        (
            "[command]\nargv = [\n  \"/bin/true\",\n  \"x\"\n\n# why\ntimeout = \"5m\"\n[reply]\nto = \"sender\"\n",
            "2:8 the list that begins here has no ] at its end; write ] behind its last entry",
        ),
        (
            "[command]\nargv = [\"/bin/true\"\n\n[reply]\nto = \"sender\"\n",
            "2:8 the list that begins here has no ] at its end; write ] behind its last entry",
        ),
        (
            "[accounts.a]\nca = { file = \"ca.pem\"\nimap = { host = \"x\" }\n",
            "2:6 the table in braces that begins here has no } at its end; write } behind its last entry",
        ),
        (
            "[when]\nfrom = [\"*@a]\nplus = [\"x\"]\n",
            "2:14 a text has no quote at its end; write the quote that it begins with at its end, too",
        ),
        (
            "[mailbox]\naccount = \"a'\n",
            "2:14 a text has no quote at its end; write the quote that it begins with at its end, too",
        ),
        (
            "[mailbox]\naccount = contoso\n",
            "2:11 the text has no quotes; write account = \"…\"",
        ),
        (
            "[mailbox]\naccount =\nname = \"x\"\n",
            "2:10 there is no value; write account = \"…\"",
        ),
        (
            "[mailbox]\naccount = “contoso”\n",
            "2:11 the quotes are those of a word processor; write plain ones: account = \"…\"",
        ),
        (
            "enabled = True\n",
            "1:11 this is no value; write true or false, in small letters",
        ),
        (
            "enabled = yes\n",
            "1:11 this is no value; write enabled = true or enabled = false",
        ),
        (
            "[mailbox]\naccount \"a\"\n",
            "2:9 there is no = behind a name; write account = \"…\"",
        ),
        (
            "[mailbox]\naccount: \"a\"\n",
            "2:8 a setting is not written with a colon; write account = \"…\"",
        ),
        (
            "mailbox:\n  account: a\n",
            "1:8 a setting is not written with a colon; write [mailbox]",
        ),
        (
            "// why\nenabled = true\n",
            "1:1 this is no setting; begin a comment with #",
        ),
        (
            "{\n \"mailbox\": {}\n}\n",
            "1:1 this is JSON; write [mailbox] and the like in a line, and under it key = value",
        ),
        (
            "[mailbox]\nmy key = \"a\"\n",
            "2:4 a name has a blank in it; write it as it is known, with _ where there is a blank",
        ),
        (
            "[inputs]\nn = { match = \"(?<n>\\d+)\" }\n",
            "2:22 between \" and \" a \\ begins an escape, and this is none; write the text between single quotes: '…'",
        ),
        (
            "[when]\nfrom = [\"a\" \"b\"]\n",
            "2:13 there is no comma between two entries; write , between them",
        ),
        (
            "[when]\nfrom = \"a\", \"b\"\n",
            "2:11 there are several values; write a list: [\"…\", \"…\"]",
        ),
        (
            "name = \"a\" b\n",
            "1:12 the line goes on behind the value; write each setting in a line of its own; a comment begins with #",
        ),
        (
            "[accounts.office]\nuser = \"a\"\n\n[accounts.x]\n\n[ accounts.\"office\" ]\nuser = \"b\"\n",
            "6:12 [accounts.office] is there twice, in lines 1 and 6; make one of the two, and remove the other",
        ),
        (
            "[mailbox]\naccount = \"a\"\nname = \"b\"\naccount = \"c\"\n",
            "4:1 `mailbox.account` is there twice, in lines 2 and 4; make one of the two, and remove the other",
        ),
        (
            "[mailbox]\naccount = \"a\"\n[mailbox.account]\nuser = \"x\"\n",
            "3:10 [mailbox.account] is there twice, in lines 2 and 3; make one of the two, and remove the other",
        ),
        (
            "<<<<<<< HEAD\nenabled = true\n=======\nenabled = false\n>>>>>>> x\n",
            "1:1 a merge left its marks here; decide what is meant, and remove the lines with <<<<<<<, ======= and >>>>>>>",
        ),
    ] {
        assert_eq!(told(text), expected, "{text}");
    }
}

#[test]
fn no_more_of_a_line_is_shown_than_is_known_to_be_no_secret() {
    for (text, shown) in [
        ("[mailbox]\naccount = contoso\n", Some("account = contoso")),
        ("[mailbox\n", Some("[mailbox")),
        ("<<<<<<< HEAD\n", Some("<<<<<<< …")),
        ("[mailbox]\nacount = hunter2\n", Some("acount …")),
        ("[webhook.headers]\nto = hunter2\n", Some("to …")),
        ("[accounts.a]\nuser = ann\n", Some("user …")),
        ("mailbox:\n", Some("mailbox …")),
        ("[accounts.a]\npassword = hunter2\n", None),
        ("[accounts.a]\npasword = hunter2\n", None),
        ("pasword: hunter2\n", None),
        ("[when]\nfrom = [\n hunter2\n", None),
    ] {
        let (_, errors) = DeTable::parse_recoverable(text);
        let complaints: Vec<_> = errors
            .iter()
            .map(|error| ParseError {
                span: error.span().unwrap_or_default(),
                message: error.message(),
            })
            .collect();
        let look = slip(text, &complaints, is_known).unwrap().0.show();
        let line = look
            .as_ref()
            .and_then(|look| look.lines().next()?.split_once("| "))
            .map(|(_, line)| line);
        assert_eq!(line, shown, "{text}");
    }
}

proptest! {
    /// Whatever is wrong, one thing is told, at a line that there is.
    #[test]
    fn any_text_has_one_slip_at_most(text in "[\\[\\]{}=\"'a.,:#\n -]{0,60}") {
        let (_, errors) = DeTable::parse_recoverable(&text);
        let complaints: Vec<_> = errors
            .iter()
            .map(|error| ParseError { span: error.span().unwrap_or_default(), message: error.message() })
            .collect();
        let slip = slip(&text, &complaints, is_known);
        prop_assert_eq!(slip.is_some(), !complaints.is_empty());
        if let Some((place, fault)) = slip {
            prop_assert!((1..=text.lines().count().max(1) + 1).contains(&place.line));
            prop_assert!(!fault.cause.is_empty() && !fault.cure.is_empty());
        }
    }
}
