//! Servers of other makes: Cyrus, Courier and Exim of Debian 12, each on the whole path from a mail to its reply.

mod exim;
mod paths;
mod refused;

use mailjob_testbed::{Doors, Mailjob, PASSWORD, Start, World};

use crate::program::program;

pub(super) const USER: &str = "ada@example.test";

/// A program with an account at these doors, whose replies go out by the world's Postfix.
pub(super) fn installed(world: &World, doors: Doors, start: Start) -> Mailjob {
    let postfix = &world.postfix;
    let (imap, pop3, smtp, tls) = match start {
        Start::Implicit => (doors.imaps, doors.pop3s, postfix.submissions, "implicit"),
        Start::StartTls => (doors.imap, doors.pop3, postfix.submission, "starttls"),
    };
    let mut mailjob = program(world);
    mailjob.secret("password", PASSWORD).unwrap();
    let lines = format!(
        "user = \"{USER}\"\nca_file = \"{ca}\"\npassword = {{ file = \"secrets/password\" }}\n\
         imap = {{ host = \"localhost\", port = {imap}, tls = \"{tls}\" }}\n\
         pop3 = {{ host = \"localhost\", port = {pop3}, tls = \"{tls}\" }}\n\
         smtp = {{ host = \"localhost\", port = {smtp}, tls = \"{tls}\" }}",
        ca = world.tls.ca.display(),
    );
    mailjob.account_as("ada", &lines).unwrap();
    mailjob
}
