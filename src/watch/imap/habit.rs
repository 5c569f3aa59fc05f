//! How a server takes a password, as far as we learned.
//!
//! Some servers offer PLAIN and take only LOGIN (2026-11). A server that refuses both means the password, and counts its failures before
//! it locks the account: so both are said once, and from then on the one.

use parking_lot::Mutex;

use crate::secret::{ExposeSecret, Secret};

/// Refusals of PLAIN after which LOGIN is tried again: the server may have been in trouble when it refused that.
const AGAIN: u32 = 8;

/// What was learned of a password.
#[derive(Debug, Default)]
pub(crate) struct Habit(Mutex<Option<(Secret, Learned)>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Learned {
    /// LOGIN works, or was not heard.
    Login,
    /// Neither does; so often PLAIN was refused since.
    Neither(u32),
}

impl Habit {
    /// Whether this password goes by LOGIN at once.
    pub(super) fn prefers_login(&self, password: &Secret) -> bool {
        self.learned(password) == Some(Learned::Login)
    }

    /// After PLAIN was refused: whether LOGIN is worth a try.
    pub(super) fn tries_login(&self, password: &Secret) -> bool {
        let Some(Learned::Neither(refused)) = self.learned(password) else {
            return true;
        };
        self.learn(password, Learned::Neither((refused + 1) % AGAIN));
        refused + 1 == AGAIN
    }

    /// LOGIN worked, or the server left before it heard that.
    pub(super) fn takes_login(&self, password: &Secret) {
        self.learn(password, Learned::Login);
    }

    /// Both were refused.
    pub(super) fn takes_neither(&self, password: &Secret) {
        self.learn(password, Learned::Neither(0));
    }

    fn learned(&self, password: &Secret) -> Option<Learned> {
        let state = self.0.lock();
        let (of, learned) = state.as_ref()?;
        // Of another password nothing is known.
        (of.expose_secret() == password.expose_secret()).then_some(*learned)
    }

    fn learn(&self, password: &Secret, learned: Learned) {
        *self.0.lock() = Some((password.clone(), learned));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_said_once_and_now_and_then() {
        let habit = Habit::default();
        let (wrong, right) = (Secret::from("wrong"), Secret::from("right"));
        assert!(!habit.prefers_login(&wrong) && habit.tries_login(&wrong));
        habit.takes_neither(&wrong);
        let tries = (0..80).filter(|_| habit.tries_login(&wrong)).count();
        assert_eq!(tries, 10);
        assert!(habit.tries_login(&right));
        habit.takes_login(&right);
        assert!(habit.prefers_login(&right) && !habit.prefers_login(&wrong));
        assert!(!format!("{habit:?}").contains("right"));
    }
}
