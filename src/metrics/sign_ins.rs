//! How the sign-ins are: a picture that is replaced as a whole, so that no scrape sees half of it, nor an account that is gone.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder},
    metrics::MetricType,
    registry::Unit,
};

/// A sign-in as it is now. Times are seconds since 1970; what isn't known isn't shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignInGauges {
    /// Whether it works.
    pub state: SignInState,
    /// When the token server issued the newest refresh token.
    pub issued: Option<i64>,
    /// When that ends, if nothing renews it.
    pub expires: Option<i64>,
    /// When the client's secret ends.
    pub client_secret: Option<i64>,
    /// When the client's certificate ends.
    pub certificate: Option<i64>,
    /// When the token server last granted an access token.
    pub refreshed: Option<i64>,
}

/// Whether a sign-in works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignInState {
    /// It does.
    SignedIn,
    /// Not until a person has done something.
    NeedsSignIn,
    /// It was never used.
    Never,
    /// It has none that could end: a password, an application's own credentials.
    #[default]
    NotNeeded,
}

impl SignInState {
    const ALL: [Self; 4] = [Self::SignedIn, Self::NeedsSignIn, Self::Never, Self::NotNeeded];

    /// Its code, which is the value of a label.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::NeedsSignIn => "needs_sign_in",
            Self::Never => "never",
            Self::NotNeeded => "not_needed",
        }
    }
}

/// Where the sign-ins are shown. Clones share the picture.
#[derive(Debug, Clone, Default)]
pub struct SignInBoard(Arc<Mutex<BTreeMap<String, SignInGauges>>>);

impl SignInBoard {
    /// Shows these, by name, and no others.
    pub fn show(&self, sign_ins: BTreeMap<String, SignInGauges>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sign_ins;
    }
}

/// A time of each sign-in: its name, its help, and where it is found.
type TimeGauge = (&'static str, &'static str, fn(&SignInGauges) -> Option<i64>);

const TIMES: [TimeGauge; 5] = [
    (
        "refresh_token_issued_timestamp",
        "When the token server issued the newest refresh token.",
        |sign_in| sign_in.issued,
    ),
    (
        "refresh_token_expires_timestamp",
        "When the newest refresh token ends, if nothing renews it.",
        |sign_in| sign_in.expires,
    ),
    (
        "client_secret_expires_timestamp",
        "When the client's secret ends, as declared.",
        |sign_in| sign_in.client_secret,
    ),
    (
        "certificate_expires_timestamp",
        "When the client's certificate ends.",
        |sign_in| sign_in.certificate,
    ),
    (
        "token_refreshed_timestamp",
        "When the token server last granted an access token.",
        |sign_in| sign_in.refreshed,
    ),
];

impl Collector for SignInBoard {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let sign_ins = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let help = "The state of each sign-in: 1 for the one that it is in.";
        let mut states = encoder.encode_descriptor("sign_in_state", help, None, MetricType::Gauge)?;
        for (account, sign_in) in &sign_ins {
            for state in SignInState::ALL {
                let labels = [("account", account.as_str()), ("state", state.code())];
                gauge(&mut states, &labels, i64::from(sign_in.state == state))?;
            }
        }
        for (name, help, of) in TIMES {
            let mut times = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
            for (account, sign_in) in &sign_ins {
                if let Some(seconds) = of(sign_in) {
                    gauge(&mut times, &[("account", account.as_str())], seconds)?;
                }
            }
        }
        Ok(())
    }
}

pub(super) fn gauge(metric: &mut MetricEncoder<'_>, labels: &impl EncodeLabelSet, value: i64) -> fmt::Result {
    metric.encode_family(labels)?.encode_gauge(&value)
}
