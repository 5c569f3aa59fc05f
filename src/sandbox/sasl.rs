//! What a client says when it signs in (RFC 4616, RFC 7628, Google's XOAUTH2). Pure.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What we offer, as IMAP and SMTP name it.
pub(super) const MECHANISMS: [&str; 3] = ["PLAIN", "XOAUTH2", "OAUTHBEARER"];

/// Who somebody says to be, and what is to prove it.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) enum Presented {
    Password { user: String, password: String },
    Bearer { user: String, token: String },
}

/// Reads a response in base64.
pub(super) fn read(mechanism: &str, response: &str) -> Option<Presented> {
    let bytes = STANDARD.decode(response.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    match mechanism.to_ascii_uppercase().as_str() {
        "PLAIN" => {
            let mut parts = text.split('\0');
            let (_, user, password) = (parts.next()?, parts.next()?, parts.next()?);
            parts.next().is_none().then(|| Presented::Password {
                user: user.to_owned(),
                password: password.to_owned(),
            })
        }
        "XOAUTH2" => {
            let mut fields = text.split('\x01');
            let user = fields.next()?.strip_prefix("user=")?;
            bearer(user.to_owned(), fields)
        }
        "OAUTHBEARER" => {
            let mut fields = text.split('\x01');
            let user = fields.next()?.strip_prefix("n,a=")?.strip_suffix(',')?;
            bearer(user.replace("=2C", ",").replace("=3D", "="), fields)
        }
        _ => None,
    }
}

fn bearer<'a>(user: String, mut fields: impl Iterator<Item = &'a str>) -> Option<Presented> {
    let token = fields.find_map(|field| field.strip_prefix("auth=Bearer "))?;
    let is_whole = !user.is_empty() && !token.is_empty();
    is_whole.then(|| Presented::Bearer {
        user,
        token: token.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::sasl,
        secret::{ExposeSecret as _, Secret},
    };

    #[test]
    fn what_our_own_clients_say_is_read() {
        let secret = Secret::from("s=e,cret");
        let encoded = |said: Result<Secret, sasl::Unusable>| STANDARD.encode(said.unwrap().expose_secret());
        let bearer = || Presented::Bearer {
            user: "a=b,c@x.example".into(),
            token: "s=e,cret".into(),
        };
        let user = "a=b,c@x.example";
        assert!(read("xoauth2", &encoded(sasl::xoauth2(user, &secret))) == Some(bearer()));
        assert!(read("OAUTHBEARER", &encoded(sasl::oauthbearer(user, "h", 1, &secret))) == Some(bearer()));
        let password = Presented::Password {
            user: user.into(),
            password: "s=e,cret".into(),
        };
        assert!(read("PLAIN", &encoded(sasl::plain(user, &secret))) == Some(password));
    }

    #[test]
    fn anything_else_is_nobody() {
        for (mechanism, said) in [
            ("PLAIN", "a"),
            ("PLAIN", "\0a"),
            ("PLAIN", "\0a\0b\0c"),
            ("XOAUTH2", "user=a\x01\x01"),
            ("XOAUTH2", "auth=Bearer x\x01\x01"),
            ("OAUTHBEARER", "n,,\x01auth=Bearer x\x01\x01"),
            ("LOGIN", "a"),
        ] {
            assert!(
                read(mechanism, &STANDARD.encode(said)).is_none(),
                "{mechanism} {said:?}"
            );
            assert!(read(mechanism, "%%%").is_none());
        }
    }
}
