//! How a client proves who it is to the token server.

use chrono::NaiveDate;
use toml::de::DeValue;

use crate::config::{
    ClientProof, SendSecret,
    presence::Need,
    sheet::PlacedValue,
    table::Table,
    value::{path, roots, secret, secret_line},
};

/// Reads the client's proof: a secret, a certificate, a federated token, or none.
pub(super) fn proof(table: &mut Table<'_>, send: SendSecret) -> Option<ClientProof> {
    let client_secret = table.value("client_secret");
    let expires = table.value("client_secret_expires");
    let certificate = table.value("certificate");
    let key = table.value("certificate_key");
    let federated = table.value("federated_token");
    if let Some((one, other)) = two_of([&client_secret, &certificate, &federated]) {
        let cause = format!("stands beside `{}`; a client proves itself in one way", other.path);
        return one.wrong_secret(cause, "keep one of them");
    }
    if let (Some(expires), None) = (&expires, &client_secret) {
        return expires.wrong("has no use without client_secret", "remove it");
    }
    if let (Some(key), None) = (&key, &certificate) {
        return key.wrong_secret("has no use without certificate", "add certificate = \"client.pem\"");
    }
    match (client_secret, certificate, federated) {
        (Some(value), ..) => {
            let expires = match expires {
                Some(value) => Some(date(&value)?),
                None => None,
            };
            let secret = secret_line(value)?;
            Some(ClientProof::Secret { secret, send, expires })
        }
        (None, Some(value), _) => {
            let Some(key) = key else {
                table.lacks_key("certificate_key", "write certificate_key = { file = \"client.key\" }");
                return None;
            };
            let certificate = roots(value);
            let key = secret(key);
            Some(ClientProof::Certificate {
                certificate: certificate?,
                key: key?,
            })
        }
        (None, None, Some(value)) => {
            let file = path(value.clone())?;
            value.need(Need::Token(file.clone()));
            Some(ClientProof::Federated(file))
        }
        (None, None, None) => Some(ClientProof::Public),
    }
}

/// Two values of which only one should be there.
pub(super) fn two_of<'v, 'a>(
    ways: [&'v Option<PlacedValue<'a>>; 3],
) -> Option<(&'v PlacedValue<'a>, &'v PlacedValue<'a>)> {
    let mut given = ways.into_iter().flatten();
    given.next().zip(given.next())
}

/// A day, as TOML writes it or as text.
fn date(value: &PlacedValue<'_>) -> Option<NaiveDate> {
    const CURE: &str = "write the day on which it ends, e.g. 2027-05-31";
    let text = match value.raw {
        DeValue::Datetime(date) => date.to_string(),
        DeValue::String(text) => text.to_string(),
        _ => return value.wrong("is no date", CURE),
    };
    let day = text.get(..10).unwrap_or(&text);
    day.parse()
        .ok()
        .or_else(|| value.wrong(format!("is \"{text}\", which is no date"), CURE))
}
