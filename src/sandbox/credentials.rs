//! Who may sign in: passwords, clients of the token server, and the tokens that it gave out.

use std::{
    collections::VecDeque,
    io,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{sasl::Presented, secret};

/// How long an access token is good.
pub(super) const LIFE: Duration = Duration::from_secs(3600);
/// Access tokens that are remembered; older ones are good no longer.
const TOKENS: usize = 1000;

/// How a mailbox is signed in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskSignIn {
    /// By a password.
    Password,
    /// By OAuth 2.0, as the application itself: client credentials.
    Application,
    /// By OAuth 2.0, with a refresh token.
    RefreshToken,
}

/// A mailbox that Mailjob may sign in to.
#[derive(Clone)]
pub struct Desk {
    /// Its address, which is the name of its user.
    pub user: String,
    /// How.
    pub sign_in: DeskSignIn,
    /// The password; or the secret of the client, which is called like the user's local part.
    pub secret: String,
    /// The refresh token, where there is one.
    pub refresh_token: String,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Desk({}, {:?})", self.user, self.sign_in)
    }
}

impl Desk {
    pub(super) fn draw(user: &str, sign_in: DeskSignIn) -> io::Result<Self> {
        Ok(Self {
            user: user.to_owned(),
            sign_in,
            secret: secret()?,
            refresh_token: secret()?,
        })
    }

    /// The name of the desk and of its client: the local part of its address.
    #[must_use]
    pub fn name(&self) -> &str {
        self.user.split('@').next().unwrap_or_default()
    }
}

/// What is asked of the token server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GrantRequest<'a> {
    ClientCredentials,
    RefreshToken(&'a str),
}

struct IssuedToken {
    token: String,
    user: String,
    until: Instant,
}

/// Who may sign in.
pub(super) struct Credentials {
    desks: Vec<Desk>,
    issued: Mutex<VecDeque<IssuedToken>>,
}

impl Credentials {
    pub(super) fn new(desks: Vec<Desk>) -> Self {
        Self {
            desks,
            issued: Mutex::default(),
        }
    }

    /// Whose session this is, if it is anybody's.
    pub(super) fn admit(&self, presented: &Presented) -> Option<String> {
        match presented {
            Presented::Password { user, password } => self
                .desks
                .iter()
                .find(|desk| desk.sign_in == DeskSignIn::Password && desk.user == *user)
                .filter(|desk| desk.secret == *password)
                .map(|desk| desk.user.clone()),
            Presented::Bearer { user, token } => {
                let now = Instant::now();
                let issued = self.issued.lock();
                let its = issued.iter().find(|issued| issued.token == *token);
                its.filter(|issued| issued.user == *user && issued.until > now)
                    .map(|issued| issued.user.clone())
            }
        }
    }

    /// An access token for a client that proves itself. Nothing: it doesn't.
    pub(super) fn grant(
        &self,
        client: &str,
        client_secret: &str,
        grant: &GrantRequest<'_>,
    ) -> io::Result<Option<String>> {
        let desk = self.desks.iter().find(|desk| {
            let may = match grant {
                GrantRequest::ClientCredentials => desk.sign_in == DeskSignIn::Application,
                GrantRequest::RefreshToken(token) => {
                    desk.sign_in == DeskSignIn::RefreshToken && desk.refresh_token == *token
                }
            };
            may && desk.name() == client && desk.secret == client_secret
        });
        let Some(desk) = desk else {
            return Ok(None);
        };
        let token = secret()?;
        let mut issued = self.issued.lock();
        if issued.len() >= TOKENS {
            issued.pop_front();
        }
        issued.push_back(IssuedToken {
            token: token.clone(),
            user: desk.user.clone(),
            until: Instant::now() + LIFE,
        });
        Ok(Some(token))
    }
}
