//! What is known of the providers' own ways beside what the standards say: all of one provider in one place. Pure.

use chrono::{Months, TimeDelta};

use crate::config::Provider;

/// The ways of a provider.
pub(super) struct ProviderWays {
    /// What a browser's sign-in is asked with beside RFC 6749.
    pub(super) asked: &'static [(&'static str, &'static str)],
    /// From the issue of a refresh token to its end.
    pub(super) refresh_life: Option<TimeDelta>,
    /// How long a refresh token may be unused.
    pub(super) unused: Option<Months>,
    /// What can't be known of a refresh token and would matter, where nobody wrote how long it lives.
    pub(super) doubt: Option<&'static str>,
}

/// "OAuth 2.0 authorization code flow", `prompt`: which of the browser's accounts is meant. "Refresh tokens in the Microsoft identity
/// platform" (2025-05): they end 90 days after they were issued, and each use brings a new one.
const MICROSOFT: ProviderWays = ProviderWays {
    asked: &[("prompt", "select_account")],
    refresh_life: Some(TimeDelta::days(90)),
    unused: None,
    doubt: None,
};

/// "Using OAuth 2.0 for web server applications": a refresh token is given, also when this client had one before. "Using OAuth 2.0 to
/// Access Google APIs": one ends that was not used for six months, and seven days after the sign-in while the consent screen is in
/// "Testing", which nobody but Google and its owner can know.
const GOOGLE: ProviderWays = ProviderWays {
    asked: &[("access_type", "offline"), ("prompt", "consent")],
    refresh_life: None,
    unused: Some(Months::new(6)),
    doubt: Some(
        "while the consent screen is in \"Testing\", Google ends a sign-in after 7 days, which can't be seen from here: \
         publish the app, or write refresh_token_life = \"7d\"",
    ),
};

const OTHER: ProviderWays = ProviderWays {
    asked: &[],
    refresh_life: None,
    unused: None,
    doubt: Some("how long its refresh tokens live isn't known: write refresh_token_life where the provider tells"),
};

/// The ways of this one.
pub(super) fn ways(provider: Provider) -> &'static ProviderWays {
    match provider {
        Provider::Microsoft(_) => &MICROSOFT,
        Provider::Google => &GOOGLE,
        Provider::Other => &OTHER,
    }
}

/// Where a browser ends that nobody listens for. Microsoft: "Desktop app that calls web APIs: App registration".
#[must_use]
pub fn landing(provider: Provider) -> String {
    match provider {
        Provider::Microsoft(cloud) => format!("{}/common/oauth2/nativeclient", cloud.authority()),
        Provider::Google | Provider::Other => "http://localhost".to_owned(),
    }
}
