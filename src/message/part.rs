//! What a part says of itself, whoever asks. Pure.

use mail_parser::MessagePart;

use super::{charset::CharsetHints, clean::clean, parameters::Parameters};

/// The name that a part's header gives it: that of Content-Disposition, else that of Content-Type.
pub(super) fn name(part: &MessagePart<'_>, clues: CharsetHints<'_>) -> Option<String> {
    let parameter = |field: &str, name: &str| {
        let field = part.headers().get(field)?;
        Parameters::read(field.raw_value()).get(name, clues)
    };
    parameter("Content-Disposition", "filename")
        .or_else(|| parameter("Content-Type", "name"))
        // What some programs mix up.
        .or_else(|| parameter("Content-Disposition", "name"))
        .or_else(|| parameter("Content-Type", "filename"))
}

pub(super) fn charset_of(part: &MessagePart<'_>) -> Option<String> {
    let field = part.headers().get("Content-Type")?;
    let charset = Parameters::read(field.raw_value()).get("charset", CharsetHints::default())?;
    Some(clean(&charset, 100)).filter(|charset| !charset.is_empty())
}

/// What it says that it is; one that says nothing fit is any bytes.
pub(super) fn media_type(part: &MessagePart<'_>) -> String {
    let declared = part
        .content_type()
        .and_then(|declared| Some((declared.ctype(), declared.subtype()?)));
    let declared = declared.filter(|(kind, subtype)| is_media_type(kind, subtype));
    match declared {
        Some((kind, subtype)) => format!("{kind}/{subtype}").to_ascii_lowercase(),
        // What a digest holds without saying so (RFC 2046 section 5.1.5).
        None if part.is_message() => "message/rfc822".to_owned(),
        None => "application/octet-stream".to_owned(),
    }
}

pub(super) fn is_media_type(kind: &str, subtype: &str) -> bool {
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
    };
    token(kind) && token(subtype) && kind.len() + subtype.len() < 127
}

/// Whether a part says that it is to be saved, not shown.
pub(super) fn is_attached(part: &MessagePart<'_>) -> bool {
    part.headers().get("Content-Disposition").is_some_and(|field| {
        let value = field.raw_value().trim_ascii();
        value
            .get(..10)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"attachment"))
    })
}

/// Whether a part is meant to be shown inside the HTML: by what it says, or as a picture beside its page that the page can name.
pub(super) fn is_inline(part: &MessagePart<'_>) -> bool {
    let beside = part
        .parent()
        .is_some_and(|parent| parent.is_content_type("multipart", "related"));
    part.is_inline() || beside && part.content_id().is_some() && !is_attached(part)
}
