//! What the action gets by name, as the reference has it.

use crate::config::key::{Allowed, Section};

const ABOUT: &str = "\
What the action gets by name: in the payload as inputs.NAME, in a form, in arguments as {NAME}, in the environment as
MAILJOB_INPUT_NAME. Names: a to z, 0 to 9 and _. Each is made of one thing; a sender whose mail lacks a required one is told so.
AEM's %SUBJECT% is field = \"subject\", %BODY% is \"body\", %HEADER% is \"headers\", %SENDER% is \"sender\".";

pub(super) fn section() -> Section {
    let examples = [
        [
            "queue",
            "{ value = 3 }",
            "the same for each mail: text, a number, true or false, or a list of these",
        ],
        [
            "subject",
            "{ field = \"subject\" }",
            "or body (the text, else the HTML as text), text, html, headers, sender, from, to, cc, reply_to, date, message_id, size",
        ],
        [
            "order",
            "{ header = \"X-Order\", label = \"The order number\" }",
            "a header field; label is what the sender knows it as",
        ],
        [
            "number",
            "{ match = 'INV-(?<number>\\d+)', in = \"subject\", group = \"number\", type = \"integer\" }",
            "in subject or body; without group: all named groups. type of what a mail says: text, number, integer, boolean",
        ],
        [
            "topic",
            "{ plus = true }",
            "the detail of the plus-address: of support+bug@contoso.example it is bug",
        ],
        [
            "invoice",
            "{ attachments = [\"*.pdf\"], media_type = [\"application/pdf\"], as = \"one\", required = true }",
            "as: one, list or map (by name); media_type: as declared and by content",
        ],
        [
            "scans",
            "{ attachments = [\"*.tif\", \"*.jpg\"], as = \"list\", min = 1, max = 20 }",
            "min above 0 is required; a mail with more than max fails",
        ],
    ];
    Section::open("inputs", ABOUT, &input(), &examples)
}

fn input() -> Allowed {
    Allowed::any_of(&[
        ("value", Allowed::one_or_more(Allowed::Plain)),
        ("field", Allowed::Text),
        ("header", Allowed::Text),
        ("match", Allowed::Text),
        ("in", Allowed::Word(vec!["subject", "body"])),
        ("group", Allowed::Text),
        ("plus", Allowed::Flag),
        ("attachments", Allowed::one_or_more(Allowed::Text)),
        ("media_type", Allowed::one_or_more(Allowed::Text)),
        ("as", Allowed::Word(vec!["one", "list", "map"])),
        ("min", Allowed::Count(0, 10_000)),
        ("max", Allowed::Count(0, 10_000)),
        ("required", Allowed::Flag),
        ("type", Allowed::Word(vec!["text", "number", "integer", "boolean"])),
        ("label", Allowed::Text),
    ])
}
