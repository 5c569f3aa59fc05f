//! A webhook: where it goes, what it carries.

use std::{path::PathBuf, time::Duration};

use reqwest::{
    Url,
    header::{self, HeaderName},
};
use toml::de::DeValue;

use super::{
    HOUR, INSTANT, SECOND, foreign,
    inputs::NamedInputs,
    tls::{ClientCertificate, TlsFiles},
};
use crate::{
    address,
    config::{
        declare::{implied, keys, must, never, usual},
        key::{Allowed, Section},
        kind::{Bytes, Flag, OneOf, Roots, Time},
        presence::Need,
        sheet::PlacedValue,
        table::Table,
        value::{one_or_more, prose, secret, text},
    },
    secret::SecretRef,
};

/// Header fields that are ours or the connection's.
const TAKEN: [HeaderName; 8] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
];

/// Prefixes of our own fields: Standard Webhooks, and CloudEvents' HTTP binding.
const TAKEN_PREFIXES: [&str; 2] = ["webhook-", "ce-"];

/// Header fields whose value is a secret by its nature.
const SECRET: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"];

keys! {
    /// An HTTP POST.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Webhook: Default in "webhook" "What is done with the mail: a webhook or a command." reads(inputs: &NamedInputs) {
        url: String = Allowed::Text => |value| url(&value, inputs),
            must("write url = \"https://…\"", "\"https://erp.example/hooks/invoice\""), "http or https; without user and password";
        body: BodyFormat = OneOf(&[("json", BodyFormat::Json), ("multipart", BodyFormat::Multipart), ("raw", BodyFormat::Raw), ("form", BodyFormat::Form)]),
            usual(BodyFormat::Json), "", below("\
json: the parsed mail, attachments in base64; multipart: the same with attachments as parts; raw: the mail as it came; form: a field or
a file for each input.");
        /// Empty: unsigned.
        secrets("secret"): Vec<SecretRef> = Allowed::one_or_more(Allowed::Secret) => one_or_more(signing_key),
            never("{ file = \"/run/secrets/invoices-webhook\" }"),
            "signs by Standard Webhooks; a list while the key is rotated, each signs";
        headers: Vec<(String, HeaderValue)> = Allowed::Elsewhere => |value| value.table(|table| headers(table, inputs)),
            implied(""), "further header fields; values may be secrets", apart();
        timeout: Duration = Time(INSTANT..=HOUR), usual(30 * SECOND), "of the whole exchange";
        max_answer: u64 = Bytes(1..=100 << 20), usual(10 << 20),
            "of the answer that is read; of a larger one nothing goes back, and sender and operator are told";
        allow_private_network: bool = Flag, usual(false), "whether the address may be private, loopback or link-local";
        ca_file: Option<PathBuf> = Roots, never("\"ca.pem\""), "further trusted roots, or the server's own certificate";
        client("tls"): Option<ClientCertificate> = ClientCertificate::allowed() => |value| value.table(ClientCertificate::read),
            never("{ cert = \"client.pem\", key = \"client.key\" }"),
            "what proves mailjob to a server that asks for a client's certificate; read anew for each connection";
    }
}

/// What a webhook's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// The parsed mail with its attachments in base64.
    Json,
    /// The parsed mail as part `mail`, each attachment a part of its own.
    Multipart,
    /// The mail as it came, `message/rfc822`.
    Raw,
    /// A form: a field for each named input, a file for each attachment among them.
    Form,
}

impl Webhook {
    /// A webhook of which nothing but the URL is written.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self { url, ..Self::default() }
    }

    /// The URL without its query, which may hold a key.
    #[must_use]
    pub fn place(&self) -> &str {
        self.url.split_once('?').map_or(&*self.url, |(place, _)| place)
    }

    /// What TLS with its server is made with.
    #[must_use]
    pub fn tls(&self) -> TlsFiles<'_> {
        TlsFiles {
            ca_file: self.ca_file.as_deref(),
            client: self.client.as_ref(),
        }
    }
}

/// A header field's or a variable's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// As written.
    Plain(String),
    /// From a file or the environment.
    Secret(SecretRef),
}

/// The header fields as the reference shows them.
pub(in crate::config) fn headers_section() -> Section {
    let samples = "#[webhook.headers]
#X-Tenant = \"contoso\" # text as written, or the place of a secret; not Host, Content-*, webhook-*, ce-*
#Authorization = { file = \"/run/secrets/erp\" } # the whole value: Bearer …";
    Section::open("webhook.headers", "", Allowed::setting(), samples)
}

/// Reads `[webhook]`, and whether what it says goes together.
pub(in crate::config) fn webhook(table: &mut Table<'_>, inputs: &NamedInputs) -> Option<Webhook> {
    let webhook = Webhook::read(table, inputs);
    let is_form = |value: &PlacedValue<'_>| matches!(value.raw, DeValue::String(word) if word == "form");
    if let Some(body) = table
        .value("body")
        .filter(|body| is_form(body) && inputs.names.is_empty())
    {
        let cause = "is \"form\", but there is nothing to fill it in";
        body.wrong::<()>(cause, "name inputs in [inputs]");
    }
    let leads_in = |webhook: &Webhook| !webhook.allow_private_network && is_private(&webhook.url);
    if let Some(url) = table.value("url").filter(|_| webhook.as_ref().is_some_and(leads_in)) {
        let cause = "leads into a private network, which mail from outside should not reach";
        return url.wrong(cause, "write allow_private_network = true if that is meant");
    }
    webhook
}

/// Whether a URL names this machine or a private address. What a name leads to is seen when it is called.
fn is_private(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost") || address::is_private_literal(&url)
}

/// The place of a key that is one.
fn signing_key(value: PlacedValue<'_>) -> Option<SecretRef> {
    let place = secret(value.clone())?;
    value.need(Need::SigningKey(place.clone()));
    Some(place)
}

/// Nothing, where a text that goes as it is holds what somebody took for a placeholder.
pub(super) fn as_it_is(value: &PlacedValue<'_>, text: &str, inputs: &NamedInputs, cure: &str) -> Option<()> {
    match foreign::of_mails(text, inputs.names.iter().map(String::as_str)) {
        None => Some(()),
        Some(found) => value.wrong(
            format!("has {}, in place of which nothing is put", found.written),
            format!("write it without; {cure}"),
        ),
    }
}

const IN_THE_BODY: &str = "what is in the mail, and each of [inputs] by its name, is in the request's body";

fn url(value: &PlacedValue<'_>, inputs: &NamedInputs) -> Option<String> {
    let text = text(value.clone())?;
    as_it_is(value, &text, inputs, IN_THE_BODY)?;
    let url = match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        Ok(_) => return value.wrong("is neither http nor https", "write url = \"https://…\""),
        Err(error) => return value.wrong(format!("is no URL: {error}"), "write url = \"https://…\""),
    };
    if !url.username().is_empty() || url.password().is_some() {
        let cure = "write the URL without it, and [webhook.headers] with Authorization = { file = \"…\" }";
        return value.wrong_secret("holds a user or password; this file may end up in a repository", cure);
    }
    Some(text)
}

fn headers(table: &mut Table<'_>, inputs: &NamedInputs) -> Option<Vec<(String, HeaderValue)>> {
    let fields = table
        .entries()
        .into_iter()
        .map(|(name, value)| header_field(name, value, inputs));
    fields.collect::<Vec<_>>().into_iter().collect()
}

fn header_field(name: &str, value: PlacedValue<'_>, inputs: &NamedInputs) -> Option<(String, HeaderValue)> {
    let Ok(field) = HeaderName::from_bytes(name.as_bytes()) else {
        return value.wrong("has a name that no header field can have", "use letters, digits and -");
    };
    if TAKEN.contains(&field) || TAKEN_PREFIXES.iter().any(|prefix| field.as_str().starts_with(prefix)) {
        return value.wrong("is a field that mailjob writes itself", "remove it");
    }
    let content = setting(value.clone())?;
    match &content {
        HeaderValue::Plain(_) if SECRET.contains(&field.as_str()) => {
            // The same words as for every other secret that is written out.
            secret(value)?;
        }
        HeaderValue::Plain(text) if header::HeaderValue::from_str(text).is_err() => {
            return value.wrong("has a line break or another control character", "write it without");
        }
        HeaderValue::Plain(text) => as_it_is(&value, text, inputs, IN_THE_BODY)?,
        HeaderValue::Secret(_) => {}
    }
    Some((name.to_owned(), content))
}

/// Text as written, or the place of a secret.
pub(super) fn setting(value: PlacedValue<'_>) -> Option<HeaderValue> {
    match value.raw {
        DeValue::Table(_) => secret(value).map(HeaderValue::Secret),
        _ => prose(value).map(HeaderValue::Plain),
    }
}
