//! Text whose lines flow (RFC 3676): what a program folded is one line again. Pure.

/// The text without its soft line breaks. `delete_space`: the blank that marks one is no part of the text (DelSp).
pub(super) fn unfold(text: &str, delete_space: bool) -> String {
    let mut unfolded = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let end = line.len() - line.trim_end_matches(['\r', '\n']).len();
        let (line, end) = line.split_at_checked(line.len() - end).unwrap_or((line, ""));
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let content = line.get(depth..).unwrap_or_default();
        // Section 4.4: a line that begins with a blank, `>` or `From ` was given one more.
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_signature = content == "-- ";
        // A blank line ends a paragraph, whatever came before it.
        let joins = open == Some(depth) && !is_signature && !content.is_empty();
        if !joins {
            if open.is_some() {
                unfolded.push('\n');
            }
            quote(&mut unfolded, depth);
        }
        let soft = content.ends_with(' ') && !is_signature && !end.is_empty();
        if soft {
            unfolded.push_str(if delete_space {
                content.strip_suffix(' ').unwrap_or(content)
            } else {
                content
            });
            open = Some(depth);
        } else {
            unfolded.push_str(content);
            unfolded.push_str(end);
            open = None;
        }
    }
    unfolded
}

/// The marks of a quote, and a blank, as people write them.
fn quote(unfolded: &mut String, depth: usize) {
    unfolded.extend(std::iter::repeat_n('>', depth));
    if depth > 0 {
        unfolded.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::unfold;

    #[test]
    fn lines_that_were_folded_are_one() {
        for (text, delete, expected) in [
            ("one \ntwo\n", false, "one two\n"),
            ("one \r\ntwo\r\n", false, "one two\r\n"),
            ("月末の \nと\n", true, "月末のと\n"),
            ("a\nb\n", false, "a\nb\n"),
            ("> one \n> two\nthree\n", false, "> one two\nthree\n"),
            ("> one \n>> two\n", false, "> one \n>> two\n"),
            ("one \n-- \nAnn\n", false, "one \n-- \nAnn\n"),
            (" >no quote\n", false, ">no quote\n"),
            (" From us\n", false, "From us\n"),
            ("end ", false, "end "),
            ("a \n\nb", false, "a \n\nb"),
            ("", false, ""),
        ] {
            assert_eq!(unfold(text, delete), expected, "{text:?}");
        }
    }
}
