//! Who hears of the result and may answer, what happens to the mail in the end, and what it may cost.

use super::{Key, Section, Shape};

pub(super) const SECTIONS: &[Section] = &[
    Section::new("reply", REPLY_ABOUT, REPLY),
    Section::new(
        "reply.languages.*",
        "The words for readers of a language; success and failure may be tables in it.",
        LANGUAGE,
    )
    .off(),
    Section::new("conversation", CONVERSATION_ABOUT, CONVERSATION).off(),
    Section::new(
        "settle",
        SETTLE_ABOUT,
        &[
            Key::usual("done", FATE, "{ move = \"Processed\" }", "").by_pop3("\"delete\""),
            Key::usual("failed", FATE, "{ move = \"Failed\" }", "").by_pop3("\"keep\""),
            Key::usual(
                "ignored",
                FATE,
                "\"keep\"",
                "mails that no endpoint of the mailbox wants",
            ),
            Key::usual("refused", FATE, "\"keep\"", "of mails that [senders] refuses"),
        ],
    ),
    Section::new(
        "limits",
        "What a mail may cost; one that is over is held for a person to look at.",
        &[
            Key::usual("size", Shape::Size("1KiB", "1GiB"), "\"50MiB\"", "of the raw mail"),
            Key::usual("depth", Shape::Count(1, 64), "50", "nesting of parts"),
            Key::usual("parts", Shape::Count(1, 10_000), "1000", ""),
            Key::usual("headers", Shape::Count(1, 100_000), "1000", "header fields of the mail"),
            Key::usual("attachments", Shape::Count(1, 10_000), "200", "that are handed on"),
            Key::usual("time", Shape::Duration("10ms", "5m"), "\"10s\"", "for reading the mail"),
        ],
    ),
];

const REPLY_ABOUT: &str = "\
Who hears of the result. Without this table nobody does. Nobody is ever answered who is a machine, a list or ourselves.";

const REPLY: &[Key] = &[
    Key::usual(
        "to",
        RECIPIENTS,
        "\"sender\"",
        "sender, from, an address, or a list of them, 100 at most; \"nobody\", \"\" or [] means none",
    ),
    Key::usual("cc", RECIPIENTS, "[]", "addresses that are named"),
    Key::usual("bcc", RECIPIENTS, "[]", "addresses that are not"),
    Key::never(
        "account",
        Shape::Text,
        &[(
            "\"contoso\"",
            "whose SMTP server and From; the mailbox's own when nothing is written",
        )],
    ),
    Key::never(
        "from",
        Shape::Text,
        &[(
            "\"Invoices <invoices@contoso.example>\"",
            "the account's address when nothing is written",
        )],
    ),
    Key::never(
        "reply_to",
        Shape::Text,
        &[(
            "\"desk@contoso.example\"",
            "where answers to the reply go; to From when nothing is written",
        )],
    ),
    Key::never(
        "return_to",
        Shape::Text,
        &[(
            "\"bounces@contoso.example\"",
            "where it comes back to when it can't be delivered; \"none\" for nowhere; the account's address when nothing is written",
        )],
    ),
    Key::never(
        "reply_to_domains",
        Shape::OneOrMore(&Shape::Text),
        &[(
            "[\"*.supplier.example\"]",
            "the sender is the mail's Reply-To where that is From's own mailbox, in one of these domains, or in From's domain where the mail is proven and the domain is no public mail provider's; else From; never a role address",
        )],
    ),
    Key::usual(
        "success",
        ENDING,
        "true",
        "whether a done job is answered, or a table with its own to, cc, bcc, return_to, subject, text, html",
    ),
    Key::usual(
        "failure",
        ENDING,
        "true",
        "whether a failed job is answered, or such a table",
    ),
    Key::usual(
        "tell",
        Shape::Flag,
        "false",
        "whether the plain text with which a webhook refuses is told to the sender; the reply of a JSON answer always is",
    ),
    Key::usual(
        "charset",
        Shape::Word(&["utf-8", "iso-2022-jp"]),
        "\"utf-8\"",
        "of subject and text: utf-8, or iso-2022-jp where all characters fit",
    ),
    Key::never("original_subject", Shape::Flag, &[("true", "")]).below(ORIGINAL_SUBJECT),
    Key::usual(
        "original",
        Shape::Word(&["none", "quote", "text", "rfc822"]),
        "\"none\"",
        "the mail goes back: none, quote (its text below ours), text (its text attached), rfc822 (attached as a whole)",
    ),
    Key::usual(
        "original_limit",
        Shape::Size("1KiB", "100MiB"),
        "\"64KiB\"",
        "of the mail that goes back; 10MiB with rfc822, where only the header of a larger one goes",
    ),
    Key::usual(
        "original_heading",
        TEMPLATE,
        "\"{{ mail.from.address }} wrote{% if mail.date %} on {{ mail.date }}{% endif %}:\"",
        "above the quoted text",
    ),
    Key::never(
        "language",
        Shape::Text,
        &[(
            "\"de\"",
            "always these words; when nothing is written: by the mail's Accept-Language and Content-Language",
        )],
    ),
    Key::never("subject", TEMPLATE, &[("\"Re: {{ mail.topic }}\"", "")]).below(WORDS),
    Key::never("text", TEMPLATE, &[(TEXT, "")]),
    Key::never(
        "html",
        TEMPLATE,
        &[(
            "\"<p>{% if reason %}{{ reason.sentence }}{% else %}{{ answer.text | default('Done.') }}{% endif %}</p>\"",
            "beside the text, which is made of it when none is written",
        )],
    ),
];

const ORIGINAL_SUBJECT: &str = "\
true: the subject is the mail's own after Re:, whatever templates there are; false: it never is; when nothing is written: where no
subject is.";

const WORDS: &str = "\
The words, as templates of minijinja; or { file = \"reply.txt\" }. What a template may ask for: mail (subject, topic: the subject without
Re:, from and each of to and cc: name, address; date, message_id, text), job, endpoint, answer (text, data, files: name, size,
media_type), reason (code, sentence; of a failure only), tell, inputs, now. Writing what is missing makes the template fail, and then the
words are these, which are the usual ones: ask with {% if … %} or default(…). In html every value is escaped.";

const TEXT: &str = "\
'''
{% if reason -%}
Your mail could not be handled:
{{ reason.sentence }}.
{% if tell %}
{{ tell }}
{% endif %}
If you ask about it, please give this number:
{{ job }}
{%- elif answer.text -%}
{{ answer.text }}
{%- elif answer.files -%}
Your mail was handled. The result is attached:
{% for file in answer.files %}
{{ \"  \" ~ file.name }}
{%- endfor %}
{%- else -%}
Your mail was handled.
{%- endif %}
'''";

const LANGUAGE: &[Key] = &[
    Key::usual("subject", TEMPLATE, "\"Re: {{ mail.topic }}\"", ""),
    Key::usual(
        "text",
        TEMPLATE,
        "\"{% if reason %}Ihre Mail konnte nicht bearbeitet werden. Nummer: {{ job }}{% else %}Ihre Mail wurde bearbeitet.{% endif %}\"",
        "",
    ),
    Key::never("html", TEMPLATE, &[]),
    Key::never("success", WORDED, &[]),
    Key::never("failure", WORDED, &[]),
];

const CONVERSATION_ABOUT: &str = "\
Whether a done job's reply may be answered: the answer becomes a job that gets the earlier job's id and data. Without this table an
answer is a mail like any other, as are one from somebody else, one that comes too late, and one more than may be.";

const CONVERSATION: &[Key] = &[
    Key::usual(
        "expires",
        Shape::Duration("1m", "365d"),
        "\"14d\"",
        "after the reply was made",
    ),
    Key::usual(
        "from",
        Shape::OneOrMore(&Shape::Text),
        "\"recipients\"",
        "those to whom the reply went; or an address or a list of them, with the wildcards * and ?: [\"*@us.example\"]",
    ),
    Key::usual(
        "proof",
        Shape::Word(&["required", "none"]),
        "\"required\"",
        "whether an answer counts only if DMARC, DKIM or SPF shows that it is of whom its From names; anybody can write a From",
    ),
    Key::usual(
        "once",
        Shape::Flag,
        "true",
        "whether the first accepted answer is the last one; one whose job fails leaves its place to the next",
    ),
    Key::usual(
        "plus",
        Shape::Flag,
        "true",
        "whether Reply-To is name+TOKEN@domain; false where the server knows no plus-addresses: then Message-ID alone says it",
    ),
    Key::usual(
        "answers",
        Shape::Count(1, 1000),
        "20",
        "of people in a row, and to one reply with once = false",
    ),
    Key::never(
        "endpoint",
        Shape::Text,
        &[(
            "\"approvals\"",
            "whose job an answer becomes: answers go to its mailbox; this endpoint when nothing is written",
        )],
    ),
];

const SETTLE_ABOUT: &str = "\
What happens to the mail in its mailbox in the end: keep, mark (as read), flag, delete, or { move = \"…\" } to a mailbox that is
made if it is missing. POP3 can only keep and delete: there it is done = \"delete\", failed = \"keep\" and ignored = \"keep\" when
nothing is written.";

/// An end of a mail.
const FATE: Shape = Shape::Either(&[
    Shape::Word(&["keep", "mark", "flag", "delete"]),
    Shape::Table(&[Key::must("move", Shape::Text, "\"…\"", "")]),
]);

/// Addresses, or words that stand for some; none at all.
const RECIPIENTS: Shape = Shape::Either(&[Shape::Prose, Shape::List(&Shape::Text, 100)]);

/// A template, or the file that it is in.
const TEMPLATE: Shape = Shape::Either(&[
    Shape::Prose,
    Shape::Table(&[Key::must("file", Shape::Text, "\"…\"", "")]),
]);

/// Words of their own.
const WORDED: Shape = Shape::Table(&[
    Key::never("subject", TEMPLATE, &[]),
    Key::never("text", TEMPLATE, &[]),
    Key::never("html", TEMPLATE, &[]),
]);

/// Whether an ending is answered, and how it is.
const ENDING: Shape = Shape::Either(&[
    Shape::Flag,
    Shape::Table(&[
        Key::never("to", RECIPIENTS, &[]),
        Key::never("cc", RECIPIENTS, &[]),
        Key::never("bcc", RECIPIENTS, &[]),
        Key::never("return_to", Shape::Text, &[]),
        Key::never("subject", TEMPLATE, &[]),
        Key::never("text", TEMPLATE, &[]),
        Key::never("html", TEMPLATE, &[]),
    ]),
]);
