//! Mails that are signed or encrypted: what is only signed is opened, what is encrypted is recognised. No signature is verified.

use mail_parser::{Message, MessagePart};

use super::{
    charset::CharsetHints,
    clean::clean,
    cms::{Envelope, look},
    transfer::body,
    view::name,
};

/// How a mail is signed or encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// S/MIME (RFC 8551).
    Smime,
    /// OpenPGP, as parts (RFC 3156) or in the text.
    Pgp,
}

impl Scheme {
    /// `smime` or `pgp`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Smime => "smime",
            Self::Pgp => "pgp",
        }
    }
}

/// Bytes of a text in which encryption is looked for.
const BEGINNING: usize = 2_000;

/// The mail inside one whose content is wrapped in its signature; `None` for others.
pub(super) fn signed_content(message: &Message<'_>) -> Option<Vec<u8>> {
    match envelope(message)? {
        Envelope::Signed(content) => Some(content),
        Envelope::Encrypted => None,
    }
}

fn envelope(message: &Message<'_>) -> Option<Envelope> {
    let root = message.root_part();
    let named = || name(&root, CharsetHints::default()).is_some_and(|name| name.to_ascii_lowercase().ends_with(".p7m"));
    let is_envelope = is_pkcs7(&root, "mime") || (root.is_content_type("application", "octet-stream") && named());
    is_envelope.then(|| look(&body(&root).bytes)).flatten()
}

/// Whether a part is of PKCS #7, under its name of today or that of old.
fn is_pkcs7(part: &MessagePart<'_>, what: &str) -> bool {
    part.is_content_type("application", &format!("pkcs7-{what}"))
        || part.is_content_type("application", &format!("x-pkcs7-{what}"))
}

/// How a mail's content is encrypted; `None` when it can be read.
pub(super) fn encryption(message: &Message<'_>) -> Option<Scheme> {
    let root = message.root_part();
    let declared = root.content_type();
    let said = declared.as_ref().and_then(|declared| declared.attribute("smime-type"));
    let said = said.map(|said| clean(said, 100).to_ascii_lowercase());
    let enveloped = is_pkcs7(&root, "mime") && said.is_some_and(|said| said.ends_with("enveloped-data"));
    if enveloped || envelope(message) == Some(Envelope::Encrypted) {
        return Some(Scheme::Smime);
    }
    if root.is_content_type("multipart", "encrypted") || is_mangled(message) {
        return Some(Scheme::Pgp);
    }
    let text = message.root().text_body().next()?.text_prefix_bytes(BEGINNING)?;
    let armoured = text.trim_start().as_bytes().starts_with(ARMOUR);
    armoured.then_some(Scheme::Pgp)
}

/// PGP/MIME as Exchange hands it on: `multipart/mixed` with an empty text before the two parts of RFC 3156 (seen 2010 to 2026).
fn is_mangled(message: &Message<'_>) -> bool {
    let root = message.root_part();
    if !root.is_content_type("multipart", "mixed") {
        return false;
    }
    let is_version = |part: &MessagePart<'_>| {
        part.is_content_type("application", "pgp-encrypted")
            || name(part, CharsetHints::default())
                .is_some_and(|name| name.to_ascii_lowercase().contains("version identification"))
    };
    let is_armoured =
        |part: &MessagePart<'_>| !part.is_multipart() && body(part).bytes.trim_ascii_start().starts_with(ARMOUR);
    let parts: Vec<_> = root.children().collect();
    parts.len() <= 4 && parts.iter().any(is_version) && parts.iter().any(is_armoured)
}

/// The beginning of what is encrypted by OpenPGP, as text (RFC 9580 section 6.2.1).
const ARMOUR: &[u8] = b"-----BEGIN PGP MESSAGE-----";

/// How a mail that anybody can read is signed, by parts beside its content.
pub(super) fn signature(message: &Message<'_>) -> Option<Scheme> {
    message.root().parts().find_map(|part| of_signature(&part))
}

/// The scheme of a part that is nothing but the signature of those beside it.
pub(super) fn of_signature(part: &MessagePart<'_>) -> Option<Scheme> {
    let beside = part.parent()?.is_content_type("multipart", "signed");
    if !beside {
        return None;
    }
    let pgp = part.is_content_type("application", "pgp-signature");
    let smime = is_pkcs7(part, "signature");
    smime.then_some(Scheme::Smime).or(pgp.then_some(Scheme::Pgp))
}

/// Which piece of a mail this is that was sent in several (RFC 2046 section 5.2.2): `2 of 3`, `2` where nobody says of how many.
pub(super) fn piece(message: &Message<'_>) -> Option<String> {
    let root = message.root_part();
    if !root.is_content_type("message", "partial") {
        return None;
    }
    let declared = root.content_type()?;
    let number = |name| {
        declared
            .attribute(name)
            .and_then(|value| value.trim().parse::<u32>().ok())
    };
    Some(match (number("number"), number("total")) {
        (Some(number), Some(total)) => format!("{number} of {total}"),
        (Some(number), None) => number.to_string(),
        (None, _) => "unknown".to_owned(),
    })
}

/// Whether a part is a winmail.dat.
pub(super) fn is_winmail(part: &MessagePart<'_>) -> bool {
    part.is_content_type("application", "ms-tnef")
        || part.is_content_type("application", "vnd.ms-tnef")
        || name(part, CharsetHints::default()).is_some_and(|name| is_winmail_name(&name))
}

/// `winmail.dat`, and what programs make of it that save it twice.
fn is_winmail_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.starts_with("winmail") && lower.ends_with(".dat") || lower == "win.dat"
}

#[cfg(test)]
#[path = "sealed_tests.rs"]
mod tests;
