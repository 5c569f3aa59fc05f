//! `mailjob auth`: sign-ins, by hand.

mod browser;
mod countdown;
mod device;
mod login;
mod loopback;

pub(super) use login::{How, login};
