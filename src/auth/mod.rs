//! Signing in: where access tokens come from, and the words that SASL wants.
//!
//! One [`Login`] serves every session of an account: it hands out a credential that is good now, refreshes early and one at
//! a time, and saves a rotated refresh token durably before the access token that came with it is used.

pub mod certificate;
pub mod error;
mod expiry;
pub mod facts;
pub mod forecast;
mod grant;
pub mod key;
mod life;
mod login;
pub mod sasl;
mod seal;
mod stored;

pub use error::{Error, Verdict};
pub use key::KeyError;
pub use login::Login;
pub use seal::{BadKey, Key, SealError};
pub use stored::{Refused, StoreError, StoredSignIn, StoredToken, TokenStore};

use crate::secret::Secret;

/// What proves to a server who we are.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A password.
    Password(Secret),
    /// An access token.
    Bearer(Secret),
}
