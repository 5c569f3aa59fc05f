//! What a server can do (CAPA, RFC 2449). Pure.

use std::time::Duration;

/// The longest time between two sign-ins that a server is believed to want.
const LONGEST: Duration = Duration::from_secs(3600);

/// What a server can do, as far as we use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Pop3Capabilities {
    pub(super) stls: bool,
    pub(super) plain: bool,
    pub(super) xoauth2: bool,
    pub(super) oauthbearer: bool,
    /// How long one sign-in has to come after another.
    pub(super) login_delay: Option<Duration>,
}

impl Pop3Capabilities {
    /// Notes a line of the list: a word, in any case, and its parameters.
    pub(super) fn note(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let word = words.next().unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "STLS" => self.stls = true,
            "SASL" => words.for_each(|mechanism| self.offers(mechanism)),
            "LOGIN-DELAY" => {
                let seconds = words.next().and_then(|seconds| seconds.parse().ok());
                self.login_delay = seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST));
            }
            _ => {}
        }
    }

    fn offers(&mut self, mechanism: &str) {
        match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => self.plain = true,
            "XOAUTH2" => self.xoauth2 = true,
            "OAUTHBEARER" => self.oauthbearer = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Pop3Capabilities {
        let mut capabilities = Pop3Capabilities::default();
        for line in lines {
            capabilities.note(line);
        }
        capabilities
    }

    #[test]
    fn lists_of_servers() {
        let none = Pop3Capabilities::default();
        let delayed = |seconds| Pop3Capabilities {
            login_delay: Some(Duration::from_secs(seconds)),
            ..none
        };
        for (lines, expected) in [
            (&[][..], none),
            (&["TOP", "UIDL", "", " "], none),
            // Dovecot 2.3.19 before TLS, and Exchange Online (2026-11).
            (
                &[
                    "CAPA",
                    "TOP",
                    "UIDL",
                    "RESP-CODES",
                    "PIPELINING",
                    "AUTH-RESP-CODE",
                    "STLS",
                    "USER",
                    "SASL PLAIN LOGIN",
                ],
                Pop3Capabilities {
                    stls: true,
                    plain: true,
                    ..none
                },
            ),
            (
                &["TOP", "UIDL", "SASL PLAIN XOAUTH2", "USER"],
                Pop3Capabilities {
                    plain: true,
                    xoauth2: true,
                    ..none
                },
            ),
            (
                &["sasl oauthbearer"],
                Pop3Capabilities {
                    oauthbearer: true,
                    ..none
                },
            ),
            (&["SASL", "STLSX", "XSASL PLAIN"], none),
            (&["LOGIN-DELAY 900"], delayed(900)),
            (&["LOGIN-DELAY 120 USER"], delayed(120)),
            (&["LOGIN-DELAY 99999999"], delayed(3600)),
            (&["LOGIN-DELAY -1"], none),
            (&["LOGIN-DELAY"], none),
        ] {
            assert_eq!(of(lines), expected, "{lines:?}");
        }
    }
}
