use serde_json::{Value as Json, json};

use super::*;
use crate::{
    config::{FileInput, Literal, Pattern, Shape},
    dispatch::tests::with_work,
};

const ORDER: &str = "From: Ann <ann@supplier.example>\r\nTo: orders+blue@us.example, b@us.example\r\n\
    Subject: Order INV-0042 of 12.5 kg\r\nX-Urgent: Yes\r\nMessage-ID: <1@supplier.example>\r\n\
    Date: Mon, 16 Nov 2026 09:30:00 +0100\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/html\r\n\r\n<p>Customer: <b>4711</b></p>\r\n\
    --b\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Disposition: attachment\r\n\r\n%PDF-1.4 a\r\n\
    --b\r\nContent-Type: application/octet-stream; name=\"B.PDF\"\r\nContent-Disposition: attachment\r\n\r\n%PDF-1.4 b\r\n\
    --b\r\nContent-Type: application/pdf; name=\"evil.pdf\"\r\nContent-Disposition: attachment\r\n\r\nMZ no pdf\r\n\
    --b\r\nContent-Type: text/xml; name=\"job.ddx\"\r\nContent-Disposition: attachment\r\n\r\n<?xml version=\"1.0\"?><DDX/>\r\n--b--\r\n";

fn input(source: InputSource) -> Input {
    Input {
        label: None,
        required: true,
        source,
    }
}

fn found(pattern: &str, place: MatchIn, group: Option<&str>) -> Match {
    Match {
        pattern: Pattern::new(pattern).unwrap(),
        place,
        group: group.map(str::to_owned),
    }
}

fn files(glob: &str, shape: Shape) -> FileInput {
    FileInput {
        names: vec![glob.into()],
        media_types: Vec::new(),
        shape,
        min: 1,
        max: if shape == Shape::One { 1 } else { 9 },
    }
}

/// What one input of that source comes to, or the sentence for the sender.
async fn one(input: Input) -> Result<Option<Json>, String> {
    with_work(ORDER, move |work| {
        let material = Material {
            mail: work.mail,
            head: work.head,
            attachments: &work.attachments,
            ours: "orders@us.example",
        };
        let given = given(&Inputs::from([("order".to_owned(), input)]), &material);
        given
            .map(|given| given[0].value.as_ref().map(InputValue::json))
            .map_err(|unmet| unmet.tell)
    })
    .await
}

#[tokio::test]
async fn every_source_has_its_value() {
    let field = |field| InputSource::Field(field, InputType::Text);
    let subject = r"INV-(?<number>\d+) of (?<weight>[\d.]+)";
    let number = || found(subject, MatchIn::Subject, Some("number"));
    let pdfs = || files("*.pdf", Shape::List);
    let real = FileInput {
        media_types: vec!["application/pdf".into()],
        ..pdfs()
    };
    for (source, expected) in [
        (InputSource::Value(Literal::Integer(3)), json!(3)),
        (
            InputSource::Value(Literal::List(vec![Literal::Boolean(true), Literal::Number(0.5)])),
            json!([true, 0.5]),
        ),
        (field(MailField::Subject), json!("Order INV-0042 of 12.5 kg")),
        (field(MailField::Sender), json!("ann@supplier.example")),
        (field(MailField::From), json!(["ann@supplier.example"])),
        (field(MailField::To), json!(["orders+blue@us.example", "b@us.example"])),
        (field(MailField::Date), json!("2026-11-16T08:30:00Z")),
        (field(MailField::MessageId), json!("1@supplier.example")),
        (field(MailField::Size), json!(ORDER.len())),
        (
            InputSource::Field(MailField::Header("x-urgent".into()), InputType::Boolean),
            json!(true),
        ),
        (InputSource::Match(number(), InputType::Text), json!("0042")),
        (InputSource::Match(number(), InputType::Integer), json!(42)),
        (
            InputSource::Match(found(subject, MatchIn::Subject, Some("weight")), InputType::Number),
            json!(12.5),
        ),
        (
            InputSource::Match(found(subject, MatchIn::Subject, None), InputType::Text),
            json!({ "number": "0042", "weight": "12.5" }),
        ),
        (
            InputSource::Match(
                found(r"Customer: (?<id>\d+)", MatchIn::Body, Some("id")),
                InputType::Integer,
            ),
            json!(4711),
        ),
        (InputSource::Plus(InputType::Text), json!("blue")),
        (InputSource::Attachments(files("*.ddx", Shape::One)), json!("job.ddx")),
        (InputSource::Attachments(pdfs()), json!(["a.pdf", "B.PDF", "evil.pdf"])),
        (InputSource::Attachments(real), json!(["a.pdf", "B.PDF"])),
        (
            InputSource::Attachments(files("*.p*", Shape::Map)),
            json!({ "a.pdf": "a.pdf", "B.PDF": "B.PDF", "evil.pdf": "evil.pdf" }),
        ),
    ] {
        assert_eq!(one(input(source.clone())).await, Ok(Some(expected)), "{source:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_in_the_operators_words() {
    let subject = |kind| {
        InputSource::Match(
            found(r"of (?<weight>[\d.]+ \w+)", MatchIn::Subject, Some("weight")),
            kind,
        )
    };
    let many = |min, max| {
        InputSource::Attachments(FileInput {
            min,
            max,
            ..files("*.pdf", Shape::List)
        })
    };
    for (source, expected) in [
        (
            InputSource::Field(MailField::Cc, InputType::Text),
            "The order is missing: the mail has no recipient in Cc.",
        ),
        (
            InputSource::Field(MailField::Header("X-No".into()), InputType::Text),
            "The order is missing: the mail has no header field X-No.",
        ),
        (
            InputSource::Match(found("(?<n>nowhere)", MatchIn::Body, Some("n")), InputType::Text),
            "The order is missing: it was not found in the text.",
        ),
        (
            subject(InputType::Number),
            "The order must be a number, but is \"12.5 kg\".",
        ),
        (
            subject(InputType::Integer),
            "The order must be a whole number, but is \"12.5 kg\".",
        ),
        (
            subject(InputType::Boolean),
            "The order must be yes or no, but is \"12.5 kg\".",
        ),
        (
            InputSource::Attachments(files("*.doc", Shape::One)),
            "The order is missing: attach a file that is named like *.doc.",
        ),
        (
            InputSource::Attachments(files("*.pdf", Shape::One)),
            "The order takes one file that is named like *.pdf, but there are 3.",
        ),
        (
            many(4, 9),
            "The order needs 4 files that are named like *.pdf, but there are 3.",
        ),
        (
            many(1, 2),
            "The order takes 2 files at most that are named like *.pdf, but there are 3.",
        ),
    ] {
        let input = Input {
            label: Some("The order".into()),
            ..input(source.clone())
        };
        assert_eq!(one(input).await, Err(expected.to_owned()), "{source:?}");
    }
    let unlabelled = one(input(InputSource::Field(MailField::Cc, InputType::Text))).await;
    assert_eq!(
        unlabelled,
        Err("\"order\" is missing: the mail has no recipient in Cc.".to_owned())
    );
}

#[tokio::test]
async fn what_is_not_required_may_be_missing() {
    let optional = |source| Input {
        required: false,
        ..input(source)
    };
    let none = |shape| {
        InputSource::Attachments(FileInput {
            min: 0,
            ..files("*.doc", shape)
        })
    };
    for (source, expected) in [
        (InputSource::Field(MailField::Cc, InputType::Text), None),
        (none(Shape::One), None),
        (none(Shape::List), Some(json!([]))),
        (none(Shape::Map), Some(json!({}))),
    ] {
        assert_eq!(one(optional(source.clone())).await, Ok(expected), "{source:?}");
    }
}

#[test]
fn words_for_yes_and_no() {
    for (text, expected) in [
        ("TRUE", Some(true)),
        ("yes", Some(true)),
        ("0", Some(false)),
        ("No", Some(false)),
        ("maybe", None),
    ] {
        assert_eq!(boolean(text), expected, "{text}");
    }
    assert!(convert("1e999", InputType::Number).is_err() && convert("NaN", InputType::Number).is_err());
}
