use proptest::prelude::*;

use super::{super::example::is_possible, *};

const ALL: [PatternTarget; 6] = [
    PatternTarget::Address,
    PatternTarget::Domain,
    PatternTarget::Detail,
    PatternTarget::Subject,
    PatternTarget::FileName,
    PatternTarget::MediaType,
];

/// What is told of patterns that somebody may well write, and `""` of those that are right.
#[test]
fn what_can_match_nothing_is_told_with_what_to_write() {
    use PatternTarget::{Address, Detail, Domain, FileName, MediaType, Subject};
    for (against, pattern, cure) in [
        (Address, "*@supplier.example", ""),
        (Address, "*", ""),
        (Address, "*@*", ""),
        (Address, "ann@a.example", ""),
        (Address, "ann@localhost", ""),
        (Address, "*@*.us.example", ""),
        (Address, "*.us.example", ""),
        (Address, "*supplier*", ""),
        (Address, "ann.*@a.example", ""),
        (Address, "?nn@a.example", ""),
        (Address, "=ann@a.example", ""),
        (Address, "example.test", "write \"*@example.test\""),
        (Address, "@example.test", "write \"*@example.test\""),
        (Address, ".example.test", "write \"*@*.example.test\""),
        (Address, "*@.example.test", "write \"*@*.example.test\""),
        (Address, "orders", "write \"orders@*\""),
        (Address, "orders@", "write \"orders@*\""),
        (Address, "Ann <ann@a.example>", "write \"ann@a.example\""),
        (Address, "mailto:ann@a.example", "write \"ann@a.example\""),
        (
            Address,
            "ann@a.example;bob@b.example",
            "write [\"ann@a.example\", \"bob@b.example\"]",
        ),
        (
            Address,
            "ann@a.example, *@b.example",
            "write [\"ann@a.example\", \"*@b.example\"]",
        ),
        (Address, "*@{a,b}.example", "write [\"*@a.example\", \"*@b.example\"]"),
        (Address, "[aA]nn@a.example", "write \"ann@a.example\""),
        (Address, ".*@a\\.example", "write \"*@a.example\""),
        (Address, "^ann@a.example$", "write \"ann@a.example\""),
        (Address, "ann@a@b", "such as \"*@supplier.example\""),
        (Address, "ann smith@a.example", "such as \"*@supplier.example\""),
        (Address, "ann@a..example", "such as \"*@supplier.example\""),
        (Address, " ann@a.example", "write \"ann@a.example\""),
        (
            Address,
            "!*@spam.example",
            "write \"*@spam.example\" in deny of [senders]",
        ),
        (Address, "=*@x.example", "write \"*@x.example\""),
        (Subject, "!*spam*", "name what is meant, not what is not"),
        (Subject, "Rechnung|Invoice", "write [\"*Rechnung*\", \"*Invoice*\"]"),
        (Subject, "*Rechnung|Invoice*", "write [\"*Rechnung*\", \"*Invoice*\"]"),
        (Subject, "/rechnung/i", "write \"*rechnung*\""),
        (Subject, "/^re:/", "write \"*re:*\""),
        (Subject, "ERP|*", ""),
        (Subject, "Daily | weekly", ""),
        (Subject, "=a|b", ""),
        (FileName, "!*.exe", "in not_attachments of [when]"),
        (FileName, "in/*.pdf", "write \"*.pdf\""),
        (FileName, "C:\\in\\*.pdf", "write \"*.pdf\""),
        (Domain, "*.us.example", ""),
        (Domain, "us.example", ""),
        (Domain, "*", ""),
        (Domain, "ann@us.example", "write \"us.example\""),
        (Domain, "us example", "or \"*.supplier.example\""),
        (Domain, "https://us.example", "or \"*.supplier.example\""),
        (Domain, ".us.example", "or \"*.supplier.example\""),
        (Detail, "tickets", ""),
        (Detail, "bug-*", ""),
        (Detail, "*", ""),
        (Detail, "support+tickets@us.example", "write \"tickets\""),
        (Detail, "+tickets", "write \"tickets\""),
        (Detail, "a b", "or \"bug-*\""),
        (Detail, "a;b", "write [\"a\", \"b\"]"),
        (Subject, "*invoice*", ""),
        (Subject, "Invoice from *", ""),
        (Subject, "Daily report", ""),
        (Subject, "=status", ""),
        (Subject, "=[0-9] *", ""),
        (Subject, "[JIRA-12]*", ""),
        (Subject, "*[urgent]*", ""),
        (Subject, "Release v1.*", ""),
        (Subject, "Offer; part *", ""),
        (Subject, "*{x}*", ""),
        (Subject, "Rechnung*", ""),
        (
            Subject,
            "invoice",
            "write \"*invoice*\" for subjects that have it in them, or \"=invoice\" for exactly this",
        ),
        (Subject, "*[Ii]nvoice*", "write \"*invoice*\""),
        (Subject, "*[0-9]*", "write \"*?*\""),
        (Subject, "*{invoice,bill}*", "write [\"*invoice*\", \"*bill*\"]"),
        (Subject, "*invoice*;*bill*", "write [\"*invoice*\", \"*bill*\"]"),
        (Subject, ".*invoice.*", "write \"*invoice*\""),
        (Subject, "^INV-\\d+", "write \"INV-*\""),
        (Subject, "=?utf-8?q?x?=", "such as \"*invoice*\""),
        (Subject, "invoice* ", "write \"invoice*\""),
        (FileName, "*.pdf", ""),
        (FileName, "*", ""),
        (FileName, "*.tar.gz", ""),
        (FileName, "invoice.pdf", ""),
        (FileName, "=Makefile", ""),
        (FileName, "report[1].pdf", ""),
        (FileName, "Offer; part 2 *.pdf", ""),
        (FileName, "*.[pP][dD][fF]", "write \"*.pdf\""),
        (FileName, "*[0-9].pdf", "write \"*?.pdf\""),
        (FileName, "*.[!t]xt", "write \"*.?xt\""),
        (FileName, "*.{pdf,doc}", "write [\"*.pdf\", \"*.doc\"]"),
        (FileName, "*.pdf;*.doc", "write [\"*.pdf\", \"*.doc\"]"),
        (FileName, "*.pdf, *.doc", "write [\"*.pdf\", \"*.doc\"]"),
        (FileName, "*.pdf|*.doc", "write [\"*.pdf\", \"*.doc\"]"),
        (FileName, "a.pdf;b.doc", "write [\"a.pdf\", \"b.doc\"]"),
        (FileName, ".pdf", "write \"*.pdf\""),
        (
            FileName,
            "pdf",
            "write \"*.pdf\", or \"=pdf\" for a file that is called so",
        ),
        (
            FileName,
            "invoice",
            "write \"*invoice*\", or \"=invoice\" for a file that is called so",
        ),
        (
            FileName,
            "application/pdf",
            "write \"*.pdf\"; media types are matched by [inputs], with media_type",
        ),
        (
            FileName,
            "image/*",
            "write \"*.pdf\" and the like; media types are matched by [inputs], with media_type",
        ),
        (FileName, ".*\\.pdf", "write \"*.pdf\""),
        (MediaType, "application/pdf", ""),
        (MediaType, "image/*", ""),
        (MediaType, "*/*", ""),
        (MediaType, "pdf", "write \"application/pdf\""),
        (MediaType, "*.pdf", "write \"application/pdf\""),
        (MediaType, ".png", "write \"image/png\""),
        (MediaType, "image", "as in \"application/pdf\" or \"image/*\""),
        (MediaType, "text/plain; charset=utf-8", "write \"text/plain\""),
        (MediaType, "image/{png,jpeg}", "write [\"image/png\", \"image/jpeg\"]"),
    ] {
        let told = flaw(against, pattern);
        let says = told.as_ref().map_or("", |fault| fault.cure.as_str());
        let same = if cure.is_empty() {
            told.is_none()
        } else {
            says.ends_with(cure)
        };
        assert!(same, "{against:?} {pattern}: {told:?}");
    }
}

#[test]
fn what_a_cure_says_is_right_itself() {
    for (against, pattern) in [
        (PatternTarget::Address, "example.test"),
        (PatternTarget::Address, "orders"),
        (PatternTarget::Subject, "invoice"),
        (PatternTarget::FileName, "*.[pP][dD][fF]"),
        (PatternTarget::FileName, "*.{pdf,doc}"),
        (PatternTarget::MediaType, "pdf"),
    ] {
        let cure = flaw(against, pattern).unwrap().cure;
        let written: Vec<_> = cure.split('"').skip(1).step_by(2).collect();
        assert!(!written.is_empty(), "{cure}");
        for one in written {
            assert_eq!(flaw(against, one), None, "{one} of {cure}");
        }
    }
}

#[test]
fn exactly_is_exactly_but_for_case() {
    assert!(Glob::new("=Status *").matches("status *"));
    assert!(!Glob::new("=Status *").matches("status x"));
    assert!(Glob::new("Status *").matches("status x"));
}

proptest! {
    /// A pattern that is taken matches something that there can be.
    #[test]
    fn what_is_taken_can_match(
        pattern in r#"[=]?[a-bA*?@.+/;,|\[\]{}^\\ <>"%-]{1,9}"#,
        kind in 0..ALL.len(),
    ) {
        let against = ALL[kind];
        if flaw(against, &pattern).is_none() {
            let example = example(against, &pattern).unwrap();
            prop_assert!(Glob::new(&pattern).matches(&example), "{example}");
            prop_assert!(is_possible(against, &example), "{example}");
        }
    }

    /// What is refused has a cause and a cure, and no pattern is too odd to be judged.
    #[test]
    fn anything_is_judged(pattern in "\\PC{1,40}|[*]{1,600}|[*@]{1,80}", kind in 0..ALL.len()) {
        if let Some(fault) = flaw(ALL[kind], &pattern) {
            prop_assert!(!fault.cause.is_empty() && !fault.cure.is_empty());
        }
    }
}
