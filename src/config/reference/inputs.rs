//! How a mail becomes jobs, and what their action gets by name.

use crate::config::key::{Allowed, Key, Section};

pub(super) fn sections() -> Vec<Section> {
    vec![Section::new("inputs", INPUTS_ABOUT, inputs()).off().opened(input())]
}

const INPUTS_ABOUT: &str = "\
What the action gets by name: in the payload as inputs.NAME, in a form, in arguments as {NAME}, in the environment as
MAILJOB_INPUT_NAME. Names: a to z, 0 to 9 and _. Each is made of one thing; a sender whose mail lacks a required one is told so.
AEM's %SUBJECT% is field = \"subject\", %BODY% is \"body\", %HEADER% is \"headers\", %SENDER% is \"sender\".";

fn inputs() -> Vec<Key> {
    vec![
        Key::usual(
            "queue",
            input(),
            "{ value = 3 }",
            "the same for each mail: text, a number, true or false, or a list of these",
        ),
        Key::usual(
            "subject",
            input(),
            "{ field = \"subject\" }",
            "or body (the text, else the HTML as text), text, html, headers, sender, from, to, cc, reply_to, date, message_id, size",
        ),
        Key::usual(
            "order",
            input(),
            "{ header = \"X-Order\", label = \"The order number\" }",
            "a header field; label is what the sender knows it as",
        ),
        Key::usual(
            "number",
            input(),
            "{ match = 'INV-(?<number>\\d+)', in = \"subject\", group = \"number\", type = \"integer\" }",
            "in subject or body; without group: all named groups. type of what a mail says: text, number, integer, boolean",
        ),
        Key::usual(
            "topic",
            input(),
            "{ plus = true }",
            "the detail of the plus-address: of support+bug@contoso.example it is bug",
        ),
        Key::usual(
            "invoice",
            input(),
            "{ attachments = [\"*.pdf\"], media_type = [\"application/pdf\"], as = \"one\", required = true }",
            "as: one, list or map (by name); media_type: as declared and by content",
        ),
        Key::usual(
            "scans",
            input(),
            "{ attachments = [\"*.tif\", \"*.jpg\"], as = \"list\", min = 1, max = 20 }",
            "min above 0 is required; a mail with more than max fails",
        ),
    ]
}

fn input() -> Allowed {
    Allowed::Table(vec![
        Key::never("value", Allowed::one_or_more(Allowed::Plain), &[]),
        Key::never("field", Allowed::Text, &[]),
        Key::never("header", Allowed::Text, &[]),
        Key::never("match", Allowed::Text, &[]),
        Key::never("in", Allowed::Word(vec!["subject", "body"]), &[]),
        Key::never("group", Allowed::Text, &[]),
        Key::never("plus", Allowed::Flag, &[]),
        Key::never("attachments", Allowed::one_or_more(Allowed::Text), &[]),
        Key::never("media_type", Allowed::one_or_more(Allowed::Text), &[]),
        Key::never("as", Allowed::Word(vec!["one", "list", "map"]), &[]),
        Key::never("min", Allowed::Count(0, 10_000), &[]),
        Key::never("max", Allowed::Count(0, 10_000), &[]),
        Key::never("required", Allowed::Flag, &[]),
        Key::never("type", Allowed::Word(vec!["text", "number", "integer", "boolean"]), &[]),
        Key::never("label", Allowed::Text, &[]),
    ])
}
