//! A sign-in with a code that is typed in on another device.

use tokio::time::Instant;

use super::{countdown, fault::LoginError};
use crate::auth::Login;

pub(super) async fn sign_in(login: &Login) -> Result<(), LoginError> {
    let device = login.device().await?;
    println!(
        "On any device, open\n\n  {}\n\nand type in the code\n\n  {}\n",
        device.url(),
        device.code()
    );
    let until = Instant::now() + device.life();
    let ended = tokio::select! {
        ended = login.await_device(&device) => ended,
        () = countdown::show("waiting for the sign-in on the other device", until) => return Ok(()),
    };
    countdown::end();
    Ok(ended?)
}
