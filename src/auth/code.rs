//! A person's sign-in with a browser: the authorization code flow with PKCE and state (RFC 6749 section 4.1, RFC 7636, RFC 8252).
//! Pure, but for the random state and verifier.

use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use reqwest::Url;

use super::{
    answer::OAuthClient,
    error::{AuthError, clean},
};
use crate::{config::Provider, secret::Secret};

/// A sign-in that a person has begun in a browser.
pub struct BrowserSignIn {
    url: Url,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
    pub(super) redirect: RedirectUrl,
}

/// Why the address that a browser came back to is no sign-in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSignedIn {
    /// The person or the server said no.
    #[error("the sign-in was refused: {0}")]
    Refused(String),
    /// Of another attempt, or somebody else's.
    #[error("that address belongs to another sign-in: copy the one that this sign-in ended on")]
    State,
    /// No code in it.
    #[error("there is no code in that address: copy it whole, from https:// or http:// to its end")]
    NoCode,
}

impl BrowserSignIn {
    /// Begins one at `authorize`, which sends the browser back to `redirect`.
    pub(super) fn begin(
        client_id: &str,
        authorize: &str,
        redirect: &str,
        scopes: &[String],
        provider: Provider,
    ) -> Result<Self, AuthError> {
        let redirect = RedirectUrl::new(redirect.to_owned()).map_err(|_| AuthError::Url)?;
        let client = OAuthClient::new(ClientId::new(client_id.to_owned()))
            .set_auth_uri(AuthUrl::new(authorize.to_owned()).map_err(|_| AuthError::Url)?)
            .set_redirect_uri(redirect.clone());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(CsrfToken::new_random)
            .set_pkce_challenge(challenge)
            .add_scopes(scopes.iter().cloned().map(Scope::new));
        for (name, value) in extras(provider, scopes) {
            request = request.add_extra_param(*name, *value);
        }
        let (url, state) = request.url();
        Ok(Self {
            url,
            state,
            verifier,
            redirect,
        })
    }

    /// What proves to the token server that it is we who began (RFC 7636 section 4.5).
    pub(super) fn verifier(&self) -> PkceCodeVerifier {
        PkceCodeVerifier::new(self.verifier.secret().clone())
    }

    /// Where the person signs in.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The code in the address that the browser came back to, or only in its query.
    ///
    /// # Errors
    /// When it has none, or is of another attempt (RFC 6749 section 10.12).
    pub fn code(&self, address: &str) -> Result<Secret, NotSignedIn> {
        let address = address.trim();
        let query = address.split_once('?').map_or(address, |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        let mut base = self.url.clone();
        base.set_query(Some(query));
        let find = |name: &str| {
            let mut pairs = base.query_pairs();
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        if find("state").as_deref() != Some(self.state.secret().as_str()) {
            return Err(match find("code").or(find("error")) {
                Some(_) => NotSignedIn::State,
                None => NotSignedIn::NoCode,
            });
        }
        if let Some(error) = find("error") {
            let why = find("error_description").unwrap_or_default();
            return Err(NotSignedIn::Refused(clean(&format!("{error} {why}"), 300)));
        }
        let code = find("code").filter(|code| !code.is_empty());
        code.map(Secret::from).ok_or(NotSignedIn::NoCode)
    }
}

/// What providers want to be asked beside RFC 6749.
///
/// Microsoft: which of the browser's accounts is meant ("OAuth 2.0 authorization code flow", `prompt`). Google: a refresh token, also
/// when this client had one before ("Using OAuth 2.0 for web server applications"). Others: OpenID Connect Core section 11 wants
/// `prompt=consent` beside `offline_access`.
fn extras(provider: Provider, scopes: &[String]) -> &'static [(&'static str, &'static str)] {
    match provider {
        Provider::Microsoft(_) => &[("prompt", "select_account")],
        Provider::Google => &[("access_type", "offline"), ("prompt", "consent")],
        Provider::Other if scopes.iter().any(|scope| scope == "offline_access") => &[("prompt", "consent")],
        Provider::Other => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Cloud, secret::ExposeSecret};

    fn begun(provider: Provider) -> BrowserSignIn {
        let scopes = ["mail".to_owned(), "offline_access".to_owned()];
        let authorize = "https://login.example.com/authorize?tenant=a";
        BrowserSignIn::begin("an id", authorize, "http://localhost:4711", &scopes, provider).unwrap()
    }

    fn parameter(sign_in: &BrowserSignIn, name: &str) -> Option<String> {
        let mut pairs = sign_in.url().query_pairs();
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    #[test]
    fn the_address_asks_for_all_that_it_needs() {
        for (provider, prompt, access) in [
            (Provider::Microsoft(Cloud::Global), "select_account", None),
            (Provider::Google, "consent", Some("offline")),
            (Provider::Other, "consent", None),
        ] {
            let sign_in = begun(provider);
            for (name, value) in [
                ("tenant", Some("a")),
                ("response_type", Some("code")),
                ("client_id", Some("an id")),
                ("redirect_uri", Some("http://localhost:4711")),
                ("scope", Some("mail offline_access")),
                ("code_challenge_method", Some("S256")),
                ("prompt", Some(prompt)),
                ("access_type", access),
            ] {
                assert_eq!(parameter(&sign_in, name).as_deref(), value, "{provider:?} {name}");
            }
            assert!(parameter(&sign_in, "code_challenge").unwrap().len() >= 43);
        }
    }

    #[test]
    fn two_sign_ins_share_nothing() {
        let (one, other) = (begun(Provider::Other), begun(Provider::Other));
        for name in ["state", "code_challenge"] {
            assert_ne!(parameter(&one, name), parameter(&other, name));
        }
        let state = parameter(&other, "state").unwrap();
        let answer = one.code(&format!("http://localhost:4711/?code=c&state={state}"));
        assert_eq!(answer.map(drop), Err(NotSignedIn::State));
    }

    #[test]
    fn the_code_is_found_in_whatever_was_copied() {
        let sign_in = begun(Provider::Other);
        let state = parameter(&sign_in, "state").unwrap();
        for address in [
            format!("http://localhost:4711/?code=a%2Fb&state={state}"),
            format!(" https://login.example.com/nativeclient?state={state}&code=a%2Fb&session_state=x#top\n"),
            format!("code=a%2Fb&state={state}"),
            format!("/?code=a/b&state={state}"),
        ] {
            assert_eq!(sign_in.code(&address).unwrap().expose_secret(), "a/b", "{address}");
        }
    }

    #[test]
    fn anything_else_is_no_sign_in() {
        let sign_in = begun(Provider::Other);
        let state = parameter(&sign_in, "state").unwrap();
        let refused = format!("http://localhost/?error=access_denied&error_description=no%0D%0Away&state={state}");
        assert_eq!(
            sign_in.code(&refused).map(drop),
            Err(NotSignedIn::Refused("access_denied no  way".into()))
        );
        for (address, expected) in [
            (String::new(), NotSignedIn::NoCode),
            ("hello".into(), NotSignedIn::NoCode),
            (format!("?state={state}"), NotSignedIn::NoCode),
            (format!("?code=&state={state}"), NotSignedIn::NoCode),
            ("?code=c".into(), NotSignedIn::State),
            ("?code=c&state=".into(), NotSignedIn::State),
            ("?error=access_denied".into(), NotSignedIn::State),
        ] {
            assert_eq!(sign_in.code(&address).map(drop), Err(expected), "{address}");
        }
    }
}
