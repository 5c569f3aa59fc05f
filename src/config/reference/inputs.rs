//! How a mail becomes jobs, and what their action gets by name.

use super::{Key, Section, Shape};

pub(super) const SECTIONS: &[Section] = &[
    Section::new("jobs", JOBS_ABOUT, JOBS),
    Section::new("inputs", INPUTS_ABOUT, INPUTS).off().open(&INPUT),
];

const JOBS_ABOUT: &str = "\
How one mail becomes jobs. One of which a job is for each attachment is ignored when none is handed on. Its own job waits for those
of the attachments; a held one keeps it waiting.";

const JOBS: &[Key] = &[
    Key::usual(
        "per",
        Shape::Word(&["mail", "attachment"]),
        "\"mail\"",
        "mail, or attachment: one job for each that is handed on",
    ),
    Key::usual(
        "reply",
        Shape::Word(&["each", "combined"]),
        "\"each\"",
        "with attachment: each result has its own reply, or combined: one reply has a section and the files of each",
    ),
    Key::usual("partial", Shape::Word(&["failed", "done"]), "\"failed\"", "").below(PARTIAL),
];

const PARTIAL: &str = "\
With attachment: a mail of which a part failed has failed; or done: it is done when one part is. The files of a combined reply go with
a done mail only; for a failed one it says which parts failed and why.";

const INPUTS_ABOUT: &str = "\
What the action gets by name: in the payload as inputs.NAME, in a form, in arguments as {NAME}, in the environment as
MAILJOB_INPUT_NAME. Names: a to z, 0 to 9 and _. Each is made of one thing; a sender whose mail lacks a required one is told so.
AEM's %SUBJECT% is field = \"subject\", %BODY% is \"body\", %HEADER% is \"headers\", %SENDER% is \"sender\".";

const INPUTS: &[Key] = &[
    Key::usual(
        "queue",
        INPUT,
        "{ value = 3 }",
        "the same for each mail: text, a number, true or false, or a list of these",
    ),
    Key::usual(
        "subject",
        INPUT,
        "{ field = \"subject\" }",
        "or body (the text, else the HTML as text), text, html, headers, sender, from, to, cc, reply_to, date, message_id, size",
    ),
    Key::usual(
        "order",
        INPUT,
        "{ header = \"X-Order\", label = \"The order number\" }",
        "a header field; label is what the sender knows it as",
    ),
    Key::usual(
        "number",
        INPUT,
        "{ match = 'INV-(?<number>\\d+)', in = \"subject\", group = \"number\", type = \"integer\" }",
        "in subject or body; without group: all named groups. type of what a mail says: text, number, integer, boolean",
    ),
    Key::usual(
        "topic",
        INPUT,
        "{ plus = true }",
        "the detail of the plus-address: of support+bug@contoso.example it is bug",
    ),
    Key::usual(
        "invoice",
        INPUT,
        "{ attachments = [\"*.pdf\"], media_type = [\"application/pdf\"], as = \"one\", required = true }",
        "as: one, list or map (by name); media_type: as declared and by content",
    ),
    Key::usual(
        "scans",
        INPUT,
        "{ attachments = [\"*.tif\", \"*.jpg\"], as = \"list\", min = 1, max = 20 }",
        "min above 0 is required; a mail with more than max fails",
    ),
];

const INPUT: Shape = Shape::Table(&[
    Key::never("value", Shape::OneOrMore(&Shape::Plain), &[]),
    Key::never("field", Shape::Text, &[]),
    Key::never("header", Shape::Text, &[]),
    Key::never("match", Shape::Text, &[]),
    Key::never("in", Shape::Word(&["subject", "body"]), &[]),
    Key::never("group", Shape::Text, &[]),
    Key::never("plus", Shape::Flag, &[]),
    Key::never("attachments", Shape::OneOrMore(&Shape::Text), &[]),
    Key::never("media_type", Shape::OneOrMore(&Shape::Text), &[]),
    Key::never("as", Shape::Word(&["one", "list", "map"]), &[]),
    Key::never("min", Shape::Count(0, 10_000), &[]),
    Key::never("max", Shape::Count(0, 10_000), &[]),
    Key::never("required", Shape::Flag, &[]),
    Key::never("type", Shape::Word(&["text", "number", "integer", "boolean"]), &[]),
    Key::never("label", Shape::Text, &[]),
]);
