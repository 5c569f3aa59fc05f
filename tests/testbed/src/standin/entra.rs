//! What Microsoft's token endpoint says when it refuses: bodies as Entra ID writes them, for the OAuth server's script.
//!
//! Texts and numbers are Microsoft's (learn.microsoft.com, "Microsoft Entra authentication and authorization error codes" and
//! "OAuth 2.0 device authorization grant"), shortened; clients must not decide by them.

use serde_json::json;

use crate::oauth::TokenAnswer;

/// A refusal of Entra ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntraError {
    /// 700082: the refresh token wasn't used for 90 days.
    RefreshTokenExpired,
    /// 50173: the grant was revoked, such as by a new password.
    GrantRevoked,
    /// 50076: multi-factor authentication is asked for since something changed.
    MfaRequired,
    /// 50079: the user has to set multi-factor authentication up.
    MfaEnrollment,
    /// 7000222: the client secret has expired.
    SecretExpired,
    /// 7000215: the client secret is wrong; often its id was copied in its place.
    SecretWrong,
    /// 700016: there is no such application in this tenant.
    ApplicationNotFound,
    /// 70011: a scope is wrong.
    ScopeInvalid,
    /// 65001: nobody consented.
    ConsentMissing,
    /// 90013: something transient; its form here is remembered, not seen.
    Transient,
    /// The user hasn't decided on the device's code yet.
    AuthorizationPending,
    /// The user said no; RFC 8628 calls it `access_denied`.
    AuthorizationDeclined,
    /// There is no such device code.
    BadVerificationCode,
    /// The device's code has expired.
    ExpiredToken,
}

/// `error`, its number, `suberror`, HTTP status, text.
type Row = (&'static str, u32, Option<&'static str>, u16, &'static str);

impl EntraError {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::RefreshTokenExpired,
        Self::GrantRevoked,
        Self::MfaRequired,
        Self::MfaEnrollment,
        Self::SecretExpired,
        Self::SecretWrong,
        Self::ApplicationNotFound,
        Self::ScopeInvalid,
        Self::ConsentMissing,
        Self::Transient,
        Self::AuthorizationPending,
        Self::AuthorizationDeclined,
        Self::BadVerificationCode,
        Self::ExpiredToken,
    ];

    /// The value of `error`, by which alone a client decides.
    #[must_use]
    pub fn error(self) -> &'static str {
        self.row().0
    }

    /// The number after `AADSTS`.
    #[must_use]
    pub fn code(self) -> u32 {
        self.row().1
    }

    /// For [`crate::OAuth::script`].
    #[must_use]
    pub fn answer(self) -> TokenAnswer {
        let (error, code, suberror, status, text) = self.row();
        let (trace, correlation) = (
            "11111111-aaaa-4bbb-8ccc-222222222222",
            "33333333-dddd-4eee-8fff-444444444444",
        );
        let time = "2026-11-25 08:15:30Z";
        let description =
            format!("AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}");
        let mut body = json!({
            "error": error,
            "error_description": description,
            "error_codes": [code],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        });
        if let Some(suberror) = suberror {
            body["suberror"] = json!(suberror);
        }
        TokenAnswer::json(status, &body)
    }

    fn row(self) -> Row {
        match self {
            Self::RefreshTokenExpired => (
                "invalid_grant",
                700_082,
                None,
                400,
                "The refresh token has expired due to inactivity. The token was issued on 2026-08-01T08:00:00.0000000Z and \
                 was inactive for 90.00:00:00.",
            ),
            Self::GrantRevoked => (
                "invalid_grant",
                50_173,
                Some("bad_token"),
                400,
                "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have \
                 changed or reset their password.",
            ),
            Self::MfaRequired => (
                "interaction_required",
                50_076,
                Some("basic_action"),
                400,
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must \
                 use multi-factor authentication to access the resource.",
            ),
            Self::MfaEnrollment => (
                "interaction_required",
                50_079,
                Some("basic_action"),
                400,
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must \
                 enroll in multi-factor authentication to access the resource.",
            ),
            Self::SecretExpired => (
                "invalid_client",
                7_000_222,
                None,
                401,
                "The provided client secret keys for app '11111111-2222-3333-4444-555555555555' are expired.",
            ),
            Self::SecretWrong => (
                "invalid_client",
                7_000_215,
                None,
                401,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not \
                 the client secret ID.",
            ),
            Self::ApplicationNotFound => (
                "unauthorized_client",
                700_016,
                None,
                400,
                "Application with identifier '11111111-2222-3333-4444-555555555555' was not found in the directory 'Example'.",
            ),
            Self::ScopeInvalid => (
                "invalid_scope",
                70_011,
                None,
                400,
                "The provided request must include a 'scope' input parameter. The provided value is not valid.",
            ),
            Self::ConsentMissing => (
                "invalid_grant",
                65_001,
                Some("consent_required"),
                400,
                "The user or administrator has not consented to use the application.",
            ),
            Self::Transient => (
                "temporarily_unavailable",
                90_013,
                None,
                503,
                "The service is temporarily unavailable. Please retry.",
            ),
            Self::AuthorizationPending => (
                "authorization_pending",
                70_016,
                None,
                400,
                "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
            ),
            Self::AuthorizationDeclined => (
                "authorization_declined",
                70_018,
                None,
                400,
                "The user declined to authorize the application.",
            ),
            Self::BadVerificationCode => (
                "bad_verification_code",
                70_019,
                None,
                400,
                "The device_code is not known.",
            ),
            Self::ExpiredToken => (
                "expired_token",
                70_020,
                None,
                400,
                "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
            ),
        }
    }
}
