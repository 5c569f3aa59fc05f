//! Signing in: where access tokens come from, and the words that SASL wants.
//!
//! One [`Login`] serves every session of a sign-in: it hands out a credential that is good now, refreshes early and one at
//! a time, and saves a rotated refresh token durably before the access token that came with it is used. A person signs in once,
//! by [`BrowserSignIn`] or [`DeviceSignIn`].

mod answer;
mod assertion;
pub mod certificate;
pub mod claims;
mod code;
mod device;
pub mod error;
mod exchange;
mod expiry;
mod external;
pub mod facts;
mod flight;
pub mod forecast;
mod grant;
mod judged;
pub mod key;
mod life;
mod login;
#[cfg(test)]
mod login_world;
mod metadata;
mod normal;
mod person;
mod proof;
pub mod sasl;
mod seal;
mod secrets;
mod staged;
mod stored;
mod token;
mod trouble;

pub use assertion::AssertionError;
pub use code::{BrowserSignIn, NotSignedIn};
pub use device::{DeviceError, DeviceSignIn};
pub use error::{AuthError, AuthVerdict};
pub use external::ExternalError;
pub use judged::judged_as;
pub use key::KeyError;
pub use login::{Login, PauseEnd};
pub use metadata::Addresses;
pub use seal::{BadSealKey, SealError, SealKey};
pub use staged::Staged;
pub use stored::{BlockedSignIn, NullTokenStore, StoreError, StoredSignIn, StoredToken, TokenStore};

use crate::secret::Secret;

/// What proves to a server who we are.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A password.
    Password(Secret),
    /// An access token.
    Bearer(Secret),
}
