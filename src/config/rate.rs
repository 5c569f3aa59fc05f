//! How often something may happen in a time. Pure.

use std::{fmt, str::FromStr, time::Duration};

/// At most `count` in any span of `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// One at least.
    pub count: u32,
    /// A second, a minute, an hour or a day.
    pub per: Duration,
}

/// The spans that a rate may have.
const SPANS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];

/// What a rate looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a number and a span such as \"30/m\" or \"100/h\"; the spans are s, m, h and d")]
pub struct NoRate;

impl FromStr for Rate {
    type Err = NoRate;

    fn from_str(text: &str) -> Result<Self, NoRate> {
        let (count, span) = text.split_once('/').ok_or(NoRate)?;
        let digits = count.trim();
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let count = digits.parse().ok().filter(|count| plain && *count > 0).ok_or(NoRate)?;
        let known = SPANS.iter().find(|(name, _)| *name == span.trim());
        let (_, seconds) = known.ok_or(NoRate)?;
        let per = Duration::from_secs(*seconds);
        Ok(Self { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = SPANS.iter().find(|(_, seconds)| *seconds == self.per.as_secs());
        let span = span.map_or("s", |(name, _)| name);
        write!(f, "{}/{span}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_shown_alike() {
        for (text, count, seconds) in [
            ("30/m", 30, 60),
            ("1/s", 1, 1),
            ("100/h", 100, 3600),
            ("5/d", 5, 86_400),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.count, rate.per.as_secs()), (count, seconds));
            assert_eq!(rate.to_string(), text);
        }
        for text in [
            "",
            "30",
            "/m",
            "0/m",
            "-1/m",
            "+1/m",
            "30/",
            "30/w",
            "30/5m",
            "1.5/h",
            "99999999999/h",
        ] {
            assert_eq!(text.parse::<Rate>(), Err(NoRate), "{text}");
        }
    }
}
