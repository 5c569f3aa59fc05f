use proptest::prelude::*;

use super::*;

fn show(value: &str) -> Option<String> {
    let Results { id, results } = parse(value)?;
    let results = results.iter().map(|finding| {
        let properties = finding
            .properties
            .iter()
            .map(|(name, value)| format!(" {name}={value}"));
        format!(
            "{}={}{}",
            finding.method,
            finding.result,
            properties.collect::<String>()
        )
    });
    Some(format!(
        "{} | {}",
        id.as_deref().unwrap_or("-"),
        results.collect::<Vec<_>>().join("; ")
    ))
}

#[test]
fn well_formed_fields_are_read() {
    for (value, read) in [
        (
            " spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=contoso.example; dkim=pass (signature was verified)\r\n header.d=contoso.example;dmarc=pass action=none header.from=contoso.example;compauth=pass reason=100",
            "- | spf=pass smtp.mailfrom=contoso.example; dkim=pass header.d=contoso.example; dmarc=pass action=none header.from=contoso.example; compauth=pass reason=100",
        ),
        (
            "mx.google.com;\r\n       dkim=pass header.i=@a.example header.s=s1 header.b=dOyq8VQR;\r\n       spf=pass (google.com: domain of b@a.example designates 192.0.2.1 as permitted sender) smtp.mailfrom=\"b+c=d@a.example\";\r\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=a.example",
            "mx.google.com | dkim=pass header.i=@a.example header.s=s1 header.b=dOyq8VQR; spf=pass smtp.mailfrom=b+c=d@a.example; dmarc=pass header.from=a.example",
        ),
        ("mx.us.example; none", "mx.us.example | "),
        (
            "MX.us.example 1; DKIM/1=Pass Header.D=a.example;",
            "mx.us.example | dkim=pass header.d=a.example",
        ),
        (
            "mx.us.example (a (nested; \\) dmarc=pass) comment); dmarc=fail header.from=a.example",
            "mx.us.example | dmarc=fail header.from=a.example",
        ),
    ] {
        assert_eq!(show(value).as_deref(), Some(read), "{value}");
    }
}

#[test]
fn what_is_not_well_formed_says_nothing() {
    for value in [
        "",
        ";",
        "none",
        "mx.us.example",
        "mx.us.example;",
        "mx.us.example; spf=pass smtp.mailfrom=x@legit.example(.attack.example; dmarc=pass",
        "mx.us.example; dkim=pass header.d=legit.example)",
        "mx.us.example; dmarc",
        "mx.us.example; dmarc=",
        "mx.us.example; =pass",
        "mx.us.example; dmarc=pass header.from",
        "mx.us.example; dmarc==pass",
        "mx.us.example; dmarc=pass; ; spf=pass",
        "mx.us.example; dmarc=\"pass header.from=a.example",
        "mx.us.example; dmarc=pass <x>",
        "mx.us.example; dmarc=pa\0ss",
    ] {
        assert_eq!(show(value), None, "{value}");
    }
    let long = format!("mx.us.example; dmarc=pass ({})", "x".repeat(LONGEST));
    assert_eq!(parse(&long), None);
    let many = format!("mx.us.example{}", "; dkim=pass".repeat(MOST_RESULTS + 1));
    assert_eq!(parse(&many), None);
}

#[test]
fn a_property_that_is_there_twice_says_nothing() {
    let results = parse("x.example; dmarc=pass header.from=a.example header.from=b.example").unwrap();
    assert_eq!(results.results[0].property("header.from"), None);
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(value in ".{0,300}|[a-z.;= ()\"\\\\]{0,300}") {
        drop(parse(&value));
    }

    /// No comment and no quoted value of a sender's can bring in a result.
    #[test]
    fn nothing_comes_out_of_comments_and_quotes(text in "[a-z.;= ]{0,80}") {
        let value = format!("mx.us.example; spf=fail ({text}) smtp.mailfrom=\"{text}\"");
        let results = parse(&value).unwrap();
        prop_assert_eq!(results.results.len(), 1);
        prop_assert_eq!(results.results[0].property("smtp.mailfrom"), Some(text.as_str()));
    }
}
