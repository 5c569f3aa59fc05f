//! Who hears of the result and may answer, what happens to the mail in the end, and what it may cost.

use crate::config::key::{Allowed, Key, Section};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section::new("reply", REPLY_ABOUT, reply()),
        Section::new(
            "reply.languages.*",
            "The words for readers of a language; success and failure may be tables in it.",
            language(),
        )
        .off(),
        Section::new("conversation", CONVERSATION_ABOUT, conversation()).off(),
        Section::new(
            "settle",
            SETTLE_ABOUT,
            vec![
                Key::usual("done", fate(), "{ move = \"Processed\" }", "").by_pop3("\"delete\""),
                Key::usual("failed", fate(), "{ move = \"Failed\" }", "").by_pop3("\"keep\""),
                Key::usual(
                    "ignored",
                    fate(),
                    "\"keep\"",
                    "mails that no endpoint of the mailbox wants",
                ),
                Key::usual("refused", fate(), "\"keep\"", "of mails that [senders] refuses"),
            ],
        ),
    ]
}

const REPLY_ABOUT: &str = "\
Who hears of the result. Without this table nobody does. Nobody is ever answered who is a machine, a list or ourselves.";

fn reply() -> Vec<Key> {
    vec![
        Key::usual(
            "to",
            recipients(),
            "\"sender\"",
            "sender, from, an address, or a list of them, 100 at most; \"nobody\", \"\" or [] means none",
        ),
        Key::usual("cc", recipients(), "[]", "addresses that are named"),
        Key::usual("bcc", recipients(), "[]", "addresses that are not"),
        Key::never(
            "account",
            Allowed::Text,
            &[(
                "\"contoso\"",
                "whose SMTP server and From; the mailbox's own when nothing is written",
            )],
        ),
        Key::never(
            "from",
            Allowed::Text,
            &[(
                "\"Invoices <invoices@contoso.example>\"",
                "the account's address when nothing is written",
            )],
        ),
        Key::never(
            "reply_to",
            Allowed::Text,
            &[(
                "\"desk@contoso.example\"",
                "where answers to the reply go; to From when nothing is written",
            )],
        ),
        Key::never(
            "return_to",
            Allowed::Text,
            &[(
                "\"bounces@contoso.example\"",
                "where it comes back to when it can't be delivered; \"none\" for nowhere; the account's address when nothing is written",
            )],
        ),
        Key::never(
            "reply_to_domains",
            Allowed::one_or_more(Allowed::Text),
            &[(
                "[\"*.supplier.example\"]",
                "the sender is the mail's Reply-To where that is From's own mailbox, in one of these domains, or in From's domain where the mail is proven and the domain is no public mail provider's; else From; never a role address",
            )],
        ),
        Key::usual(
            "success",
            ending(),
            "true",
            "whether a done job is answered, or a table with its own to, cc, bcc, return_to, subject, text, html",
        ),
        Key::usual(
            "failure",
            ending(),
            "true",
            "whether a failed job is answered, or such a table",
        ),
        Key::usual(
            "tell",
            Allowed::Flag,
            "false",
            "whether the plain text with which a webhook refuses is told to the sender; the reply of a JSON answer always is",
        ),
        Key::usual(
            "charset",
            Allowed::Word(vec!["utf-8", "iso-2022-jp"]),
            "\"utf-8\"",
            "of subject and text: utf-8, or iso-2022-jp where all characters fit",
        ),
        Key::never("original_subject", Allowed::Flag, &[("true", "")]).below(ORIGINAL_SUBJECT),
        Key::usual(
            "original",
            Allowed::Word(vec!["none", "quote", "text", "rfc822"]),
            "\"none\"",
            "the mail goes back: none, quote (its text below ours), text (its text attached), rfc822 (attached as a whole)",
        ),
        Key::usual(
            "original_limit",
            Allowed::Size("1KiB".to_owned(), "100MiB".to_owned()),
            "\"64KiB\"",
            "of the mail that goes back; 10MiB with rfc822, where only the header of a larger one goes",
        ),
        Key::usual(
            "original_heading",
            template(),
            "\"{{ mail.from.address }} wrote{% if mail.date %} on {{ mail.date }}{% endif %}:\"",
            "above the quoted text",
        ),
        Key::never(
            "language",
            Allowed::Text,
            &[(
                "\"de\"",
                "always these words; when nothing is written: by the mail's Accept-Language and Content-Language",
            )],
        ),
        Key::never("subject", template(), &[("\"Re: {{ mail.topic }}\"", "")]).below(WORDS),
        Key::never("text", template(), &[(TEXT, "")]),
        Key::never(
            "html",
            template(),
            &[(
                "\"<p>{% if reason %}{{ reason.sentence }}{% else %}{{ answer.text | default('Done.') }}{% endif %}</p>\"",
                "beside the text, which is made of it when none is written",
            )],
        ),
    ]
}

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

fn language() -> Vec<Key> {
    vec![
        Key::usual("subject", template(), "\"Re: {{ mail.topic }}\"", ""),
        Key::usual(
            "text",
            template(),
            "\"{% if reason %}Ihre Mail konnte nicht bearbeitet werden. Nummer: {{ job }}{% else %}Ihre Mail wurde bearbeitet.{% endif %}\"",
            "",
        ),
        Key::never("html", template(), &[]),
        Key::never("success", worded(), &[]),
        Key::never("failure", worded(), &[]),
    ]
}

const CONVERSATION_ABOUT: &str = "\
Whether a done job's reply may be answered: the answer becomes a job that gets the earlier job's id and data. Without this table an
answer is a mail like any other, as are one from somebody else, one that comes too late, and one more than may be.";

fn conversation() -> Vec<Key> {
    vec![
        Key::usual(
            "expires",
            Allowed::Duration("1m".to_owned(), "365d".to_owned()),
            "\"14d\"",
            "after the reply was made",
        ),
        Key::usual(
            "from",
            Allowed::one_or_more(Allowed::Text),
            "\"recipients\"",
            "those to whom the reply went; or an address or a list of them, with the wildcards * and ?: [\"*@us.example\"]",
        ),
        Key::usual(
            "proof",
            Allowed::Word(vec!["required", "none"]),
            "\"required\"",
            "whether an answer counts only if DMARC, DKIM or SPF shows that it is of whom its From names; anybody can write a From",
        ),
        Key::usual(
            "once",
            Allowed::Flag,
            "true",
            "whether the first accepted answer is the last one; one whose job fails leaves its place to the next",
        ),
        Key::usual(
            "plus",
            Allowed::Flag,
            "true",
            "whether Reply-To is name+TOKEN@domain; false where the server knows no plus-addresses: then Message-ID alone says it",
        ),
        Key::usual(
            "answers",
            Allowed::Count(1, 1000),
            "20",
            "of people in a row, and to one reply with once = false",
        ),
        Key::never(
            "endpoint",
            Allowed::Text,
            &[(
                "\"approvals\"",
                "whose job an answer becomes: answers go to its mailbox; this endpoint when nothing is written",
            )],
        ),
    ]
}

const SETTLE_ABOUT: &str = "\
What happens to the mail in its mailbox in the end: keep, mark (as read), flag, delete, or { move = \"…\" } to a mailbox that is
made if it is missing. POP3 can only keep and delete: there it is done = \"delete\", failed = \"keep\" and ignored = \"keep\" when
nothing is written.";

/// An end of a mail.
fn fate() -> Allowed {
    Allowed::Either(vec![
        Allowed::Word(vec!["keep", "mark", "flag", "delete"]),
        Allowed::Table(vec![Key::must("move", Allowed::Text, "\"…\"", "")]),
    ])
}

/// Addresses, or words that stand for some; none at all.
fn recipients() -> Allowed {
    Allowed::Either(vec![Allowed::Prose, Allowed::list(Allowed::Text, 100)])
}

/// A template, or the file that it is in.
fn template() -> Allowed {
    Allowed::Either(vec![
        Allowed::Prose,
        Allowed::Table(vec![Key::must("file", Allowed::Text, "\"…\"", "")]),
    ])
}

/// Words of their own.
fn worded() -> Allowed {
    Allowed::Table(vec![
        Key::never("subject", template(), &[]),
        Key::never("text", template(), &[]),
        Key::never("html", template(), &[]),
    ])
}

/// Whether an ending is answered, and how it is.
fn ending() -> Allowed {
    Allowed::Either(vec![
        Allowed::Flag,
        Allowed::Table(vec![
            Key::never("to", recipients(), &[]),
            Key::never("cc", recipients(), &[]),
            Key::never("bcc", recipients(), &[]),
            Key::never("return_to", Allowed::Text, &[]),
            Key::never("subject", template(), &[]),
            Key::never("text", template(), &[]),
            Key::never("html", template(), &[]),
        ]),
    ])
}
