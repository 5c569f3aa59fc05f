//! Text from a mail, made fit for one line of a log, a header field or a page. Pure.

/// Replaces every character that could break a line, steer a terminal or turn the reading direction by a space, trims,
/// and cuts after `max` characters (the cut is marked by `…`).
#[must_use]
pub fn clean(text: &str, max: usize) -> String {
    let text = text.trim_matches(|c: char| c.is_whitespace() || is_unfit(c));
    let mut cleaned = String::with_capacity(text.len().min(max.saturating_mul(4)));
    for (count, c) in text.chars().enumerate() {
        if count == max {
            cleaned.push('…');
            break;
        }
        cleaned.push(if is_unfit(c) { ' ' } else { c });
    }
    cleaned
}

/// Text of several lines without control characters but line feeds and tabs; line ends become `\n`, the end is trimmed.
#[must_use]
pub fn clean_lines(text: &str) -> String {
    let lines = text.replace("\r\n", "\n");
    let unfit = |c: char| is_unfit(c) && c != '\n' && c != '\t';
    lines.replace(unfit, " ").trim_end().to_owned()
}

/// An identifier (Message-ID, Content-ID) without white space, control characters and angle brackets: servers and
/// mail-parser hand over folded ones with their line breaks inside.
#[must_use]
pub fn clean_id(id: &str) -> String {
    id.chars()
        .filter(|&c| !(c.is_whitespace() || is_unfit(c) || c == '<' || c == '>'))
        .take(MAX_ID)
        .collect()
}

/// Characters kept of an identifier: a line's length in RFC 5322 section 2.1.1.
const MAX_ID: usize = 998;

/// Control characters, line and paragraph separators, and the embeddings, overrides and isolates of bidirectional text.
pub(super) fn is_unfit(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_line_of_harmless_text_comes_out() {
        for (text, cleaned) in [
            ("plain", "plain"),
            (" x\r\nBcc: evil@e.example ", "x  Bcc: evil@e.example"),
            ("\u{1b}]0;title\u{7}red", "]0;title red"),
            ("abc\u{202e}fdp.exe", "abc fdp.exe"),
            ("nul\0inside", "nul inside"),
            ("日本語", "日本語"),
            ("\r\n\t ", ""),
        ] {
            assert_eq!(clean(text, 100), cleaned, "{text:?}");
        }
        assert_eq!(clean("abcdef", 3), "abc…");
        assert_eq!(clean("abc", 3), "abc");
        assert_eq!(clean_lines("a\r\n\tb\u{1b}[1m\0\n\n"), "a\n\tb [1m");
        assert_eq!(clean_id("<a\r\n b@c>"), "ab@c");
    }

    proptest! {
        #[test]
        fn nothing_unfit_survives(text in "\\PC*|.*|(?s).*", max in 0usize..50) {
            let cleaned = clean(&text, max);
            prop_assert!(!cleaned.chars().any(is_unfit));
            prop_assert!(cleaned.chars().count() <= max + 1);
        }
    }
}
