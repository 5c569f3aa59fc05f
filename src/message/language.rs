//! The languages that a mail's sender reads, by its header. Pure.

/// Languages kept.
const MOST: usize = 20;
/// Bytes of a field that are looked at.
const MAX_FIELD: usize = 1000;

/// Languages by the raw fields of a header, the preferred ones first, in lower case: those of Accept-Language (RFC 3282 section 3),
/// then those of Content-Language.
pub(super) fn languages<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<String> {
    let (mut accepted, mut written) = (Vec::new(), Vec::new());
    for (name, value) in fields {
        let found = match () {
            () if name.eq_ignore_ascii_case("Accept-Language") => &mut accepted,
            () if name.eq_ignore_ascii_case("Content-Language") => &mut written,
            () => continue,
        };
        let value = String::from_utf8_lossy(value.get(..MAX_FIELD).unwrap_or(value));
        found.extend(value.split(',').filter_map(range));
    }
    // The sort is stable: what is wanted alike stays in its order.
    accepted.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    let all = accepted.into_iter().chain(written);
    let wanted = all.filter(|(_, weight)| *weight > 0).map(|(tag, _)| tag);
    let mut kept: Vec<String> = Vec::new();
    for tag in wanted {
        if kept.len() < MOST && !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    kept
}

/// A language and its weight in thousandths.
fn range(text: &str) -> Option<(String, u32)> {
    let mut parts = text.split(';');
    let tag = parts.next()?.trim();
    let quality = parts.find_map(|part| part.trim().strip_prefix("q="));
    let weight = match quality {
        Some(quality) => thousandths(quality.trim())?,
        None => 1000,
    };
    is_tag(tag).then(|| (tag.to_ascii_lowercase(), weight))
}

/// `1`, `0.8`, `0.85` or the like (RFC 9110 section 12.4.2).
fn thousandths(quality: &str) -> Option<u32> {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let digits = format!("{fraction:0<3}");
    let fraction: u32 = digits.get(..3).filter(|_| digits.len() == 3)?.parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" => (fraction == 0).then_some(1000),
        _ => None,
    }
}

fn is_tag(tag: &str) -> bool {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    tag.len() <= 35 && tag.split('-').all(part)
}

/// The first of these that is known: as it is, or with parts taken off its end (RFC 4647 section 3.4). All in lower case.
#[must_use]
pub fn lookup<'a, T>(wanted: &[String], known: impl Fn(&str) -> Option<&'a T>) -> Option<&'a T> {
    wanted.iter().find_map(|wanted| {
        let mut range = wanted.as_str();
        loop {
            if let Some(found) = known(range) {
                return Some(found);
            }
            let (shorter, _) = range.rsplit_once('-')?;
            // A single letter or digit goes with what followed it.
            range = match shorter.rsplit_once('-') {
                Some((rest, single)) if single.len() == 1 => rest,
                _ => shorter,
            };
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_preferred_ones_come_first() {
        for (fields, expected) in [
            (
                &[("Accept-Language", "de-DE, en-US;q=0.7, en;q=0.3")][..],
                &["de-de", "en-us", "en"][..],
            ),
            (
                &[("accept-language", "en;q=0.5,\r\n fr;q=0.85, de")],
                &["de", "fr", "en"],
            ),
            (&[("Content-Language", "ja"), ("Accept-Language", "fr")], &["fr", "ja"]),
            (&[("Content-Language", "de, de")], &["de"]),
            (
                &[("Accept-Language", "*, de;q=0, x y, \"q\", fr;q=2, it;q=1.000")],
                &["it"],
            ),
            (&[("Subject", "de")], &[]),
        ] {
            let raw = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
            assert_eq!(languages(raw), expected, "{fields:?}");
        }
    }

    #[test]
    fn lookup_takes_parts_off_the_end() {
        let known = ["de", "pt-br", "zh-hant"];
        let find = |wanted: &[&str]| {
            let wanted: Vec<_> = wanted.iter().map(|tag| (*tag).to_owned()).collect();
            lookup(&wanted, |tag| known.iter().find(|known| **known == tag)).copied()
        };
        for (wanted, found) in [
            (&["de-de"][..], Some("de")),
            (&["zh-hant-cn-x-private1-private2"], Some("zh-hant")),
            (&["zh-hans"], None),
            (&["fr", "pt-br"], Some("pt-br")),
            (&["en", "de-x-y"], Some("de")),
            (&[], None),
        ] {
            assert_eq!(find(wanted), found, "{wanted:?}");
        }
    }

    proptest! {
        #[test]
        fn any_field_reads(value in ".{0,60}|[a-z;=,q.0-9 -]{0,60}") {
            let found = languages([("Accept-Language", value.as_bytes())].into_iter());
            prop_assert!(found.iter().all(|tag| is_tag(tag)));
            prop_assert!(lookup(&found, |_| None::<&()>).is_none());
        }
    }
}
