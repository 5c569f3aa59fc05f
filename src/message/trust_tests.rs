use proptest::prelude::*;

use super::*;

const OUTSIDE: &str = "from mail.a.example (mail.a.example [192.0.2.1])\r\n by ";
const MICROSOFT_EDGE: &str =
    "DB5EUR02FT012.mail.protection.outlook.com (10.13.58.1) with Microsoft SMTP Server id 15.20.1";
const PASS: &str = "spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=a.example; dkim=pass (signature was verified)\r\n header.d=a.example;dmarc=pass action=none\r\n header.from=a.example;compauth=pass reason=100";

fn received(by: &str) -> (&'static str, String) {
    ("Received", format!("{OUTSIDE}{by}; Mon, 5 Oct 2026 10:00:00 +0000"))
}

fn results(value: &str) -> (&'static str, String) {
    ("Authentication-Results", value.to_owned())
}

fn proofs(fields: &[(&'static str, String)], trust: &Trust) -> Vec<Proof> {
    let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
    sender(Ok("ann@a.example".into()), fields, trust).evidence.proofs
}

const ALL: [Proof; 3] = [Proof::Dmarc, Proof::Dkim, Proof::Spf];

#[test]
fn microsoft_names_nobody_and_stands_above_its_edge() {
    let hop = ("Received", "from DB9PR02.eurprd02.prod.outlook.com (2603:10a6::1)\r\n by AM0PR02.eurprd02.prod.outlook.com with HTTPS; Mon, 5 Oct 2026 10:00:01 +0000".to_owned());
    let header = [
        hop.clone(),
        ("X-MS-Exchange-Organization-SCL", "1".into()),
        results(PASS),
        (
            "Received-SPF",
            "Pass (protection.outlook.com: domain of a.example)".into(),
        ),
        received(MICROSOFT_EDGE),
        ("DKIM-Signature", "v=1".into()),
    ];
    assert_eq!(proofs(&header, &Trust::Microsoft), ALL);
    for trust in [
        Trust::Nobody,
        Trust::Google,
        Trust::Servers(vec!["mx.us.example".into()]),
    ] {
        assert_eq!(proofs(&header, &trust), [], "{trust:?}");
    }
    let forged_below = [
        hop.clone(),
        results("spf=fail smtp.mailfrom=a.example;dmarc=fail header.from=a.example"),
        received(MICROSOFT_EDGE),
        results(PASS),
    ];
    assert_eq!(proofs(&forged_below, &Trust::Microsoft), []);
    let forged_only = [hop.clone(), received("mail.elsewhere.example"), results(PASS)];
    assert_eq!(proofs(&forged_only, &Trust::Microsoft), []);
    let with_id = [hop, results(&format!("mx.attack.example; {PASS}")), results(PASS)];
    assert_eq!(proofs(&with_id, &Trust::Microsoft), []);
    // Nobody at Microsoft wrote results: those below its border, or in a mail that came past none, are the sender's.
    let border = received(MICROSOFT_EDGE);
    let posing = (
        "Received",
        format!("from x.mail.outlook.com (192.0.2.1) by {MICROSOFT_EDGE}; Mon, 5 Oct 2026 10:00:00 +0000"),
    );
    for forged in [
        vec![border.clone(), results(PASS)],
        vec![posing.clone(), results(PASS)],
        vec![posing, results(PASS), border.clone()],
        vec![results(PASS)],
        vec![results(PASS), received("mail.elsewhere.example")],
        vec![received("x.prod.outlook.com"), results(PASS), border],
    ] {
        assert_eq!(proofs(&forged, &Trust::Microsoft), [], "{forged:?}");
    }
    let lookalike = [received("mail.notoutlook.com"), results(PASS)];
    assert_eq!(proofs(&lookalike, &Trust::Microsoft), []);
}

#[test]
fn google_stands_below_its_own_hops() {
    let value = "mx.google.com;\r\n dkim=pass header.i=@a.example header.s=s1 header.b=dOyq8VQR;\r\n spf=pass (google.com: x) smtp.mailfrom=bounce@a.example;\r\n dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=a.example";
    let header = [
        ("Delivered-To", "us@us.example".into()),
        (
            "Received",
            "by 2002:a05:6402:1234:b0:1b8:3f8c:6d28 with SMTP id x; Mon, 5 Oct 2026 03:00:00 -0700 (PDT)".into(),
        ),
        ("ARC-Authentication-Results", format!("i=1; {value}")),
        ("Return-Path", "<bounce@a.example>".into()),
        received("mx.google.com with ESMTPS id y"),
        ("Received-SPF", "pass".into()),
        results(value),
        results("mx.google.com; dmarc=fail header.from=a.example"),
    ];
    assert_eq!(proofs(&header, &Trust::Google), ALL);
    let border = received("mx.google.com with ESMTPS id y");
    let other = [
        border.clone(),
        results(&value.replace("mx.google.com", "mx.gooogle.com")),
    ];
    assert_eq!(proofs(&other, &Trust::Google), []);
    assert_eq!(proofs(&[results(value)], &Trust::Google), [], "it came past no border");
    for host in ["10.evil.example", "2002:a.evil.example", "2002:b05::1", "11.0.0.1"] {
        assert_eq!(
            proofs(&[border.clone(), received(host), results(value)], &Trust::Google),
            [],
            "{host}"
        );
    }
    for host in ["10.1.2.3", "2002:a05:6402::1", "mx.google.com"] {
        assert_eq!(proofs(&[received(host), results(value)], &Trust::Google), ALL, "{host}");
    }
    let first_fails = [
        border,
        results("mx.google.com; dmarc=fail header.from=a.example"),
        results(value),
    ];
    assert_eq!(proofs(&first_fails, &Trust::Google), []);
}

#[test]
fn a_server_of_ones_own_is_known_by_its_name() {
    let trust = Trust::Servers(vec!["mx.us.example".into()]);
    let dmarc = "mx.us.example; dmarc=pass header.from=a.example";
    assert_eq!(
        proofs(&[results(dmarc), received("mx.us.example")], &trust),
        [Proof::Dmarc]
    );
    assert_eq!(
        proofs(&[received("mx.us.example"), results(dmarc)], &trust),
        [Proof::Dmarc]
    );
    assert_eq!(
        proofs(&[results(dmarc), received("inside.us.example")], &trust),
        [Proof::Dmarc]
    );
    assert_eq!(proofs(&[results(dmarc)], &trust), [], "it came past no border");
    assert_eq!(proofs(&[received("mail.a.example"), results(dmarc)], &trust), []);
    let comment = "from x (helo by mx.us.example)\r\n by mail.a.example";
    assert_eq!(proofs(&[("Received", comment.into()), results(dmarc)], &trust), []);
    assert_eq!(proofs(&[("Received", "no server".into()), results(dmarc)], &trust), []);
    let many: Vec<_> = (0..MOST_FIELDS)
        .map(|_| ("X-Filler", String::new()))
        .chain([results(dmarc)])
        .collect();
    assert_eq!(proofs(&many, &trust), []);
}

#[test]
fn a_verdict_is_of_the_domain_of_from() {
    let trust = Trust::Servers(vec!["mx.us.example".into()]);
    for (value, shown) in [
        ("dmarc=pass header.from=b.example", &[][..]),
        ("dmarc=pass", &[]),
        ("dmarc=bestguesspass header.from=a.example", &[]),
        (
            "dmarc=pass header.from=a.example; dmarc=fail header.from=a.example",
            &[],
        ),
        ("dmarc=pass header.from=A.Example", &[Proof::Dmarc]),
        ("dkim=pass header.d=b.example", &[]),
        ("dkim=fail header.d=a.example", &[]),
        (
            "dkim=pass header.d=b.example; dkim=pass header.d=a.example",
            &[Proof::Dkim],
        ),
        ("dkim=pass header.i=@a.example", &[Proof::Dkim]),
        ("dkim=pass header.d=\"a.example'b.example\"", &[]),
        ("dkim=pass header.d=example", &[]),
        ("dkim=pass header.d=sub.a.example", &[]),
        ("spf=pass smtp.mailfrom=x@a.example", &[Proof::Spf]),
        ("spf=pass smtp.mailfrom=b.example", &[]),
        ("spf=pass smtp.helo=a.example", &[]),
        ("spf=softfail smtp.mailfrom=a.example", &[]),
    ] {
        let found = proofs(
            &[results(&format!("mx.us.example; {value}")), received("mx.us.example")],
            &trust,
        );
        assert_eq!(found, shown, "{value}");
    }
    assert!(is_aligned("a.example", "b.a.example"));
    assert!(!is_aligned("a.example", "ba.example"));
}

#[test]
fn nobody_is_proven() {
    let (_, edge) = received(MICROSOFT_EDGE);
    let fields = [
        ("Authentication-Results", PASS.as_bytes()),
        ("Received", edge.as_bytes()),
    ];
    let found = sender(Err(InvalidFrom::Fields), fields.into_iter(), &Trust::Microsoft);
    assert_eq!(found.proven_by(), None);
    assert_eq!(found.evidence.dmarc.as_deref(), Some("pass"));
    let mut found = found;
    found.verified(&Evidence {
        proofs: vec![Proof::Dkim],
        ..Evidence::default()
    });
    assert_eq!(found.proven_by(), None);
}

proptest! {
    #[test]
    fn no_field_below_the_edge_proves_anything(name in "[A-Za-z-]{1,20}", value in ".{0,200}") {
        let header = [received("mx.elsewhere.example"), ("Authentication-Results", value.clone())];
        prop_assert_eq!(proofs(&header, &Trust::Microsoft), []);
        let fields = [(name.as_str(), value.as_bytes())];
        drop(sender(Ok("ann@a.example".into()), fields.into_iter(), &Trust::Microsoft));
    }
}
