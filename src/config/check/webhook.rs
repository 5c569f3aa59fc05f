//! A webhook: where it goes, what it carries.

use reqwest::{
    Url,
    header::{self, HeaderName},
};
use toml::de::DeValue;

use super::{HOUR, INSTANT, foreign, inputs::Named, tls::client_certificate};
use crate::{
    address,
    config::{
        Body, HeaderValue, Webhook,
        presence::Need,
        read::Value,
        table::Table,
        value::{choice, duration, flag, one_or_more, prose, roots, secret, size, text},
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

/// Reads `[webhook]`.
pub(in crate::config) fn webhook(table: &mut Table<'_>, inputs: &Named) -> Option<Webhook> {
    let bodies = [
        ("json", Body::Json),
        ("multipart", Body::Multipart),
        ("raw", Body::Raw),
        ("form", Body::Form),
    ];
    let allow_private_network = table.or("allow_private_network", false, flag);
    let url = table.must("url", "write url = \"https://…\"", |value| {
        url(&value, allow_private_network, inputs)
    });
    // Its default URL is never used.
    let usual = Webhook::new(String::new());
    let body = table.or("body", usual.body, choice(&bodies));
    if let Some(value) = table
        .value("body")
        .filter(|_| body == Body::Form && inputs.names.is_empty())
    {
        value.wrong::<()>(
            "is \"form\", but there is nothing to fill it in",
            "name inputs in [inputs]",
        );
    }
    Some(Webhook {
        body,
        secrets: table.or("secret", usual.secrets, one_or_more(signing_key)),
        headers: table.or("headers", usual.headers, |value| {
            value.table(|table| headers(table, inputs))
        }),
        timeout: table.or("timeout", usual.timeout, duration(INSTANT..=HOUR)),
        max_answer: table.or("max_answer", usual.max_answer, size(1..=100 << 20)),
        allow_private_network,
        ca_file: table.get("ca_file", roots),
        client: table.get("tls", client_certificate),
        url: url?,
    })
}

/// The place of a key that is one.
fn signing_key(value: Value<'_>) -> Option<SecretRef> {
    let place = secret(value.clone())?;
    value.need(Need::SigningKey(place.clone()));
    Some(place)
}

/// Nothing, where a text that goes as it is holds what somebody took for a placeholder.
pub(super) fn as_it_is(value: &Value<'_>, text: &str, inputs: &Named, cure: &str) -> Option<()> {
    match foreign::of_mails(text, inputs.names.iter().map(String::as_str)) {
        None => Some(()),
        Some(found) => value.wrong(
            format!("has {}, in place of which nothing is put", found.written),
            format!("write it without; {cure}"),
        ),
    }
}

const IN_THE_BODY: &str = "what is in the mail, and each of [inputs] by its name, is in the request's body";

fn url(value: &Value<'_>, allow_private: bool, inputs: &Named) -> Option<String> {
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
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let local = host == "localhost" || host.ends_with(".localhost");
    if !allow_private && (local || address::is_private_literal(&url)) {
        let cause = "leads into a private network, which mail from outside should not reach";
        return value.wrong(cause, "write allow_private_network = true if that is meant");
    }
    Some(text)
}

fn headers(table: &mut Table<'_>, inputs: &Named) -> Option<Vec<(String, HeaderValue)>> {
    let fields = table
        .entries()
        .into_iter()
        .map(|(name, value)| header_field(name, value, inputs));
    fields.collect::<Vec<_>>().into_iter().collect()
}

fn header_field(name: &str, value: Value<'_>, inputs: &Named) -> Option<(String, HeaderValue)> {
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
pub(super) fn setting(value: Value<'_>) -> Option<HeaderValue> {
    match value.raw {
        DeValue::Table(_) => secret(value).map(HeaderValue::Secret),
        _ => prose(value).map(HeaderValue::Plain),
    }
}
