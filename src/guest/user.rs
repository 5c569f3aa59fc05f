//! Another user that a guest may be.

use std::fs;

use rustix::process::geteuid;

/// A user and the group of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub id: u32,
    /// Its group's number.
    pub group: u32,
}

/// Why a user can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// Nobody is called so here.
    #[error("there is no user {0} on this machine")]
    Unknown(String),
    /// We may not become another.
    #[error("mailjob does not run as root, so its commands can't be another user")]
    Right,
    /// That is root.
    #[error("the user {0} is root, who may do everything")]
    Root(String),
}

impl User {
    /// The user of this name or number on this machine, if we may start programs as that one. Blocks.
    ///
    /// # Errors
    /// When there is none, or we may not.
    pub fn find(name: &str) -> Result<Self, UserError> {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let user = in_passwd(&passwd, name).ok_or_else(|| UserError::Unknown(name.to_owned()))?;
        if user.id == 0 {
            return Err(UserError::Root(name.to_owned()));
        }
        if !geteuid().is_root() {
            return Err(UserError::Right);
        }
        Ok(user)
    }
}

/// A user by name or number; a number need not be listed, its group is then the same number. Pure.
fn in_passwd(passwd: &str, name: &str) -> Option<User> {
    let number: Option<u32> = name.parse().ok();
    let listed = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (listed, id) = (fields.next()?, fields.nth(1)?.parse().ok()?);
        let group = fields.next()?.parse().ok()?;
        (listed == name || number == Some(id)).then_some(User { id, group })
    });
    listed.or_else(|| number.map(|id| User { id, group: id }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_by_name_and_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nworker:x:1200:1300::/:/bin/false\n";
        for (name, user) in [
            ("worker", Some((1200, 1300))),
            ("1200", Some((1200, 1300))),
            ("4711", Some((4711, 4711))),
            ("root", Some((0, 0))),
            ("nobody-here", None),
        ] {
            assert_eq!(
                in_passwd(passwd, name).map(|user| (user.id, user.group)),
                user,
                "{name}"
            );
        }
        assert_eq!(
            User::find("no-such-user"),
            Err(UserError::Unknown("no-such-user".into()))
        );
        assert_eq!(User::find("root"), Err(UserError::Root("root".into())));
    }
}
