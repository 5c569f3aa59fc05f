//! What an access token says of itself, for the eye only. Pure.
//!
//! The signature is not looked at, and nothing in this program is allowed or refused by what stands here: a token is
//! its server's own business (Microsoft, "Access tokens": treat them as opaque). It helps a person to see at once that a token was made
//! for another service, or without the scope that the mail server wants.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    config::{Protocol, Provider},
    secret::{ExposeSecret, Secret},
    status::state::time,
};

/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 64 * 1024;
/// Characters of a claim, and entries of a list, that are kept.
const LONGEST_CLAIM: usize = 200;
const MOST_ENTRIES: usize = 50;

/// Microsoft Graph, by its id and by its address: the audience of a token that no mail server takes.
const GRAPH: [&str; 2] = ["00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com"];
/// Exchange Online, by its id and by its addresses in all clouds.
const EXCHANGE: [&str; 6] = [
    "00000002-0000-0ff1-ce00-000000000000",
    "https://outlook.office.com",
    "https://outlook.office365.com",
    "https://outlook.office365.us",
    "https://partner.outlook.cn",
    "https://ps.outlook.com",
];

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The claims of a token that is a JWT (RFC 7519), as far as they tell a person something. Names as RFC 9068 and Microsoft's "Access
/// token claims reference" have them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// `aud`: for whom it was made.
    pub audience: Vec<String>,
    /// `scp` or `scope`: what a person allowed.
    pub scopes: Vec<String>,
    /// `roles`: what an administrator allowed the application itself.
    pub roles: Vec<String>,
    /// `exp`.
    pub expires: Option<DateTime<Utc>>,
    /// `iat`.
    pub issued: Option<DateTime<Utc>>,
    /// `tid`: Microsoft's id of the tenant.
    pub tenant: Option<String>,
    /// `appid`, `azp` or `client_id`.
    pub application: Option<String>,
    /// `upn`, `unique_name`, `preferred_username` or `email`.
    pub user: Option<String>,
    /// Whether it is an application's own rather than a person's (`idtyp`, or no scopes).
    pub app_only: bool,
}

/// What a token should be good for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Whose servers.
    pub provider: Provider,
    /// What for.
    pub uses: &'a [Protocol],
    /// As whom.
    pub user: &'a str,
    /// Of which tenant, where its id is known.
    pub tenant: Option<&'a str>,
    /// The time.
    pub now: DateTime<Utc>,
}

/// What a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What is odd.
    pub what: String,
    /// What to do about it.
    pub cure: &'static str,
}

impl Claims {
    /// Reads a token's claims; nothing when it is opaque: no JWT, or an encrypted one.
    #[must_use]
    pub fn read(token: &Secret) -> Option<Self> {
        let token = token.expose_secret();
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let mut parts = token.split('.');
        let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
        // An encrypted token (RFC 7516) has five parts.
        if parts.next().is_some() {
            return None;
        }
        let claims: Value = serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()?;
        claims.is_object().then(|| Self::of(&claims))
    }

    fn of(claims: &Value) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| text(claims.get(name)?));
        let list = |name: &str| claims.get(name).map(words).unwrap_or_default();
        let time = |name: &str| instant(claims.get(name)?);
        let (mut scopes, roles) = (list("scp"), list("roles"));
        if scopes.is_empty() {
            scopes = list("scope");
        }
        let app_only = match claims.get("idtyp").and_then(Value::as_str) {
            Some(kind) => kind == "app",
            None => scopes.is_empty() && !roles.is_empty(),
        };
        Self {
            audience: list("aud"),
            scopes,
            roles,
            expires: time("exp"),
            issued: time("iat"),
            tenant: first(&["tid"]),
            application: first(&["appid", "azp", "client_id"]),
            user: first(&["upn", "unique_name", "preferred_username", "email"]),
            app_only,
        }
    }

    /// What a person should look at; empty when nothing is odd.
    #[must_use]
    pub fn doubts(&self, expected: &Expected<'_>) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        doubts.extend(self.expired(expected.now));
        if let Provider::Microsoft(_) = expected.provider {
            doubts.extend(self.other_audience());
            doubts.extend(expected.uses.iter().filter_map(|&protocol| self.lacks(protocol)));
            doubts.extend(self.other_tenant(expected.tenant));
            doubts.extend(self.other_user(expected.user));
        }
        doubts
    }

    fn expired(&self, now: DateTime<Utc>) -> Option<Doubt> {
        let expires = self.expires.filter(|expires| *expires <= now)?;
        Some(Doubt {
            what: format!("the access token has expired at {}", time(expires)),
            cure: "get a newer one, and set this machine's clock",
        })
    }

    fn other_audience(&self) -> Option<Doubt> {
        let is = |known: &[&str]| {
            self.audience
                .iter()
                .any(|one| known.contains(&one.trim_end_matches('/')))
        };
        if self.audience.is_empty() || is(&EXCHANGE) {
            return None;
        }
        if is(&GRAPH) {
            return Some(Doubt {
                what: "the access token was made for Microsoft Graph, which no mail server takes".to_owned(),
                cure: "remove the scopes of Graph (https://graph.microsoft.com/…, User.Read, Mail.Read): a token is for one service, here https://outlook.office.com",
            });
        }
        Some(Doubt {
            what: format!(
                "the access token was made for {}, not for Exchange Online",
                self.audience.join(", ")
            ),
            cure: "use the scopes https://outlook.office.com/… for a person, https://outlook.office365.com/.default for an application",
        })
    }

    /// Whether the permission for a protocol is missing; Microsoft, "Authenticate an IMAP, POP or SMTP connection using OAuth".
    fn lacks(&self, protocol: Protocol) -> Option<Doubt> {
        let (scope, role) = match protocol {
            Protocol::Imap => ("IMAP.AccessAsUser.All", "IMAP.AccessAsApp"),
            Protocol::Pop3 => ("POP.AccessAsUser.All", "POP.AccessAsApp"),
            Protocol::Smtp => ("SMTP.Send", "SMTP.SendAsApp"),
        };
        let has =
            |list: &[String], name: &str| list.iter().any(|one| one == name || one.ends_with(&format!("/{name}")));
        let (missing, cure) = if self.app_only {
            let cure = if protocol == Protocol::Smtp {
                "add this application permission of \"Office 365 Exchange Online\" and grant consent (not needed where the role \"Application SMTP.SendAsApp\" is assigned in Exchange)"
            } else {
                "add this application permission of \"Office 365 Exchange Online\" and grant consent"
            };
            ((!has(&self.roles, role)).then_some(role)?, cure)
        } else {
            let cure = "add it to scopes (or leave scopes out), then sign in anew (mailjob auth login)";
            ((!has(&self.scopes, scope)).then_some(scope)?, cure)
        };
        Some(Doubt {
            what: format!("the access token lacks {missing}, which {} needs", protocol.name()),
            cure,
        })
    }

    fn other_tenant(&self, expected: Option<&str>) -> Option<Doubt> {
        let (ours, expected) = (self.tenant.as_deref()?, expected?);
        (!ours.eq_ignore_ascii_case(expected)).then(|| Doubt {
            what: format!("the access token is of tenant {ours}, not of {expected}"),
            cure: "check tenant; a guest's token is of the tenant that was signed in to",
        })
    }

    fn other_user(&self, expected: &str) -> Option<Doubt> {
        let user = self.user.as_deref()?;
        (!user.eq_ignore_ascii_case(expected)).then(|| Doubt {
            what: format!("the access token is {user}'s, and user is {expected}"),
            cure: "right for a shared mailbox to which that person has FullAccess; else sign in as the mailbox's own user",
        })
    }
}

/// A claim that is a time (RFC 7519 section 2, NumericDate). It may have a fraction; whole seconds are enough, and what is too large is
/// no time.
fn instant(claim: &Value) -> Option<DateTime<Utc>> {
    let seconds = claim
        .as_i64()
        .or_else(|| claim.as_f64().map(|seconds| seconds as i64))?;
    DateTime::from_timestamp(seconds, 0)
}

/// A claim that is a text, fit to be shown.
fn text(claim: &Value) -> Option<String> {
    let shown: String = claim.as_str()?.chars().take(LONGEST_CLAIM).map(visible).collect();
    (!shown.is_empty()).then_some(shown)
}

/// A claim that is a list, or a text of words.
fn words(claim: &Value) -> Vec<String> {
    match claim {
        Value::String(words) => (words.split_whitespace().take(MOST_ENTRIES))
            .map(|word| word.chars().take(LONGEST_CLAIM).map(visible).collect())
            .collect(),
        Value::Array(list) => list.iter().take(MOST_ENTRIES).filter_map(text).collect(),
        _ => Vec::new(),
    }
}

fn visible(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
