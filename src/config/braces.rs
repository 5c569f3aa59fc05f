//! Text with names in braces: `--number={number}`; `{{` and `}}` stand for a brace. Pure.

/// A piece of such a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPiece {
    /// As written.
    Text(String),
    /// What stood between braces.
    Name(String),
}

/// A brace without its partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("has a brace without its partner")]
pub struct Unpaired;

/// The pieces of a text. No text is empty, and no two follow one another.
///
/// # Errors
/// When a brace has no partner.
pub fn pieces(text: &str) -> Result<Vec<TextPiece>, Unpaired> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        plain.push_str(before);
        if let Some(after) = brace.strip_prefix("{{").or_else(|| brace.strip_prefix("}}")) {
            plain.push_str(brace.get(..1).unwrap_or_default());
            rest = after;
            continue;
        }
        let (name, after) = brace
            .strip_prefix('{')
            .and_then(|name| name.split_once('}'))
            .ok_or(Unpaired)?;
        if name.contains('{') {
            return Err(Unpaired);
        }
        if !plain.is_empty() {
            pieces.push(TextPiece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(TextPiece::Name(name.to_owned()));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(TextPiece::Text(plain));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> TextPiece {
        TextPiece::Text(text.into())
    }

    fn name(name: &str) -> TextPiece {
        TextPiece::Name(name.into())
    }

    #[test]
    fn texts_and_names() {
        for (written, expected) in [
            ("", Ok(vec![])),
            ("plain", Ok(vec![text("plain")])),
            ("{a}", Ok(vec![name("a")])),
            ("--n={a}.{b}", Ok(vec![text("--n="), name("a"), text("."), name("b")])),
            ("{{a}}", Ok(vec![text("{a}")])),
            ("{{{a}}}", Ok(vec![text("{"), name("a"), text("}")])),
            ("ü{ü}", Ok(vec![text("ü"), name("ü")])),
            ("{}", Ok(vec![name("")])),
            ("{a", Err(Unpaired)),
            ("a}", Err(Unpaired)),
            ("{a{b}", Err(Unpaired)),
        ] {
            assert_eq!(pieces(written), expected, "{written}");
        }
    }

    proptest! {
        #[test]
        fn escaped_text_is_itself(written in ".*") {
            let escaped = written.replace('{', "{{").replace('}', "}}");
            let expected = if written.is_empty() { vec![] } else { vec![text(&written)] };
            prop_assert_eq!(pieces(&escaped), Ok(expected));
        }

        #[test]
        fn any_text_ends(written in "[{}a]*") {
            drop(pieces(&written));
        }
    }
}
