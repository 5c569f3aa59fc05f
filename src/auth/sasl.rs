//! The words that SASL mechanisms want, before base64. Pure.
//!
//! Never sends anything, and never lets a user name or a token break out of its field: control characters are refused.

use crate::secret::{ExposeSecret, Secret};

/// Why no SASL response can be built. Never holds the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {0} has control characters or is empty; it can't be used to sign in")]
pub struct Unusable(&'static str);

/// XOAUTH2: `user=` user `^A auth=Bearer ` token `^A^A`.
///
/// <https://developers.google.com/workspace/gmail/imap/xoauth2-protocol>; for a shared mailbox of Microsoft 365 the user is the
/// shared address and the token is the person's.
///
/// # Errors
/// When user or token are empty or have control characters.
pub fn xoauth2(user: &str, token: &Secret) -> Result<Secret, Unusable> {
    let (user, token) = (clean("user name", user)?, clean("access token", token.expose_secret())?);
    Ok(Secret::from(format!("user={user}\x01auth=Bearer {token}\x01\x01")))
}

/// OAUTHBEARER (RFC 7628 section 3.1): a GS2 header without channel binding, then host and port of the server in use.
///
/// # Errors
/// When user, host or token are empty or have control characters.
pub fn oauthbearer(user: &str, host: &str, port: u16, token: &Secret) -> Result<Secret, Unusable> {
    let user = saslname(clean("user name", user)?);
    let (host, token) = (clean("host", host)?, clean("access token", token.expose_secret())?);
    Ok(Secret::from(format!(
        "n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01"
    )))
}

/// PLAIN (RFC 4616) with an empty authorization identity.
///
/// # Errors
/// When user or password are empty or have control characters.
pub fn plain(user: &str, password: &Secret) -> Result<Secret, Unusable> {
    let (user, password) = (clean("user name", user)?, clean("password", password.expose_secret())?);
    Ok(Secret::from(format!("\0{user}\0{password}")))
}

/// The `saslname` of RFC 5801 section 4: `=` and `,` are written `=3D` and `=2C`.
fn saslname(user: &str) -> String {
    user.replace('=', "=3D").replace(',', "=2C")
}

fn clean<'a>(what: &'static str, value: &'a str) -> Result<&'a str, Unusable> {
    if value.is_empty() || value.chars().any(char::is_control) {
        return Err(Unusable(what));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    fn encoded(response: Result<Secret, Unusable>) -> String {
        STANDARD.encode(response.unwrap().expose_secret())
    }

    /// Google's example: developers.google.com, "The SASL XOAUTH2 Mechanism".
    #[test]
    fn xoauth2_as_google_shows_it() {
        let token = Secret::from("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
        assert_eq!(
            encoded(xoauth2("someuser@example.com", &token)),
            "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
        );
    }

    /// Microsoft's example: learn.microsoft.com, "Authenticate an IMAP, POP or SMTP connection using OAuth".
    #[test]
    fn xoauth2_as_microsoft_shows_it() {
        let token = Secret::from("EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA");
        assert_eq!(
            encoded(xoauth2("test@contoso.onmicrosoft.com", &token)),
            "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0VvQUEBAQ=="
        );
    }

    /// RFC 7628 section 4.1.
    #[test]
    fn oauthbearer_as_the_rfc_shows_it() {
        let token = Secret::from("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
        assert_eq!(
            encoded(oauthbearer("user@example.com", "server.example.com", 143, &token)),
            "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
        );
    }

    #[test]
    fn oauthbearer_escapes_the_saslname() {
        let response = oauthbearer("a=b,c", "h", 1, &Secret::from("t")).unwrap();
        assert!(response.expose_secret().starts_with("n,a=a=3Db=2Cc,\x01"));
    }

    /// RFC 4616 section 4.
    #[test]
    fn plain_as_the_rfc_shows_it() {
        let response = plain("tim", &Secret::from("tanstaaftanstaaf")).unwrap();
        assert_eq!(response.expose_secret(), "\0tim\0tanstaaftanstaaf");
    }

    #[test]
    fn control_characters_are_refused() {
        let good = Secret::from("t");
        for bad in ["", "a\x01b", "a\r\nb", "a\0b", "a\u{85}b"] {
            let secret = Secret::from(bad);
            assert!(xoauth2(bad, &good).is_err(), "{bad:?}");
            assert!(xoauth2("u", &secret).is_err(), "{bad:?}");
            assert!(oauthbearer(bad, "h", 1, &good).is_err(), "{bad:?}");
            assert!(oauthbearer("u", bad, 1, &good).is_err(), "{bad:?}");
            assert!(plain(bad, &good).is_err(), "{bad:?}");
            assert!(plain("u", &secret).is_err(), "{bad:?}");
        }
    }
}
