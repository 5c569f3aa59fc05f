//! Something that a pattern matches: whether there can be anything. Pure.

use crate::addr_spec::{is_plain, normal_domain};

/// What a pattern is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternTarget {
    /// A mail address.
    Address,
    /// The domain of one.
    Domain,
    /// What stands between `+` and `@` in one.
    Detail,
    /// A subject.
    Subject,
    /// The name of an attachment.
    FileName,
    /// A media type.
    MediaType,
}

/// Something that a pattern matches, if it can match anything.
pub(super) fn example(against: PatternTarget, pattern: &str) -> Option<String> {
    let fits = |text: &String| is_possible(against, text);
    match pattern.strip_prefix('=') {
        Some(exact) => Some(exact.to_owned()).filter(fits),
        None => candidates(pattern).find(fits),
    }
}

/// Texts that a pattern matches: what `*` stands for is one letter or nothing, or what makes an address of the rest.
fn candidates(pattern: &str) -> impl Iterator<Item = String> {
    const INNER: [&str; 11] = [
        "@", "a@", "@a", "a@a", "a@a.", "@a.", ".a@a", ".a@a.", "a/a", "/a", "a/",
    ];
    let mut plain = pattern.replace('?', "a");
    while plain.contains("**") {
        plain = plain.replace("**", "*");
    }
    let stars = plain.matches('*').count();
    let filled = move |place: Option<usize>, with: &str, else_with: &str| {
        let mut index = 0;
        let mut text = String::new();
        for c in plain.chars() {
            match c {
                '*' => {
                    text.push_str(if place == Some(index) { with } else { else_with });
                    index += 1;
                }
                c => text.push(c),
            }
        }
        text
    };
    let simple = [filled(None, "", "a"), filled(None, "", "")];
    let inner = (0..stars).flat_map(|place| INNER.map(|with| (place, with)));
    simple
        .into_iter()
        .chain(inner.map(move |(place, with)| filled(Some(place), with, "a")))
}

/// Whether there can be a mail that has this.
pub(super) fn is_possible(against: PatternTarget, text: &str) -> bool {
    let tidy = !text.is_empty() && text.trim() == text;
    match against {
        PatternTarget::Address => is_plain(text),
        PatternTarget::Domain => text.split('.').all(|label| !label.is_empty()) && normal_domain(text).is_some(),
        PatternTarget::Detail => tidy && is_plain(&format!("a+{text}@a")),
        PatternTarget::Subject | PatternTarget::FileName => tidy,
        PatternTarget::MediaType => {
            let half =
                |half: &str| !half.is_empty() && half.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b';');
            text.split_once('/').is_some_and(|(top, sub)| half(top) && half(sub))
        }
    }
}
