//! A sign-in with a browser: on this machine, or on another one whose last address is pasted here.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    countdown,
    fault::LoginError,
    loopback::{Loopback, LoopbackResult},
};
use crate::{
    auth::{BrowserSignIn, Login, NotSignedIn},
    config::Provider,
};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Signs in with a browser that comes back to a port of this machine; a pasted address does as well.
pub(super) async fn here(login: &Login, port: u16, show: bool) -> Result<(), LoginError> {
    let loopback = Loopback::take(port)
        .await
        .map_err(|why| LoginError::Port { port, why })?;
    let sign_in = Arc::new(login.browser(&loopback.redirect()).await?);
    let (listening, came) = loopback.listen(sign_in.clone());
    let opened = show && open::that_detached(sign_in.url().as_str()).is_ok();
    let before = if opened {
        "A browser was opened. If it shows nothing, open this address in one on this machine:"
    } else {
        "Open this address in a browser on this machine:"
    };
    println!("{before}\n\n  {}\n", sign_in.url());
    if io::stdin().is_terminal() {
        println!(
            "With a browser elsewhere, the last page will not load: paste its whole address here, and press Enter.\n"
        );
    }
    let ended = wait(login, &sign_in, came).await;
    listening.end().await;
    ended
}

/// Signs in with a browser anywhere: the address of the page on which it ends is pasted here.
pub(super) async fn elsewhere(login: &Login, provider: Provider) -> Result<(), LoginError> {
    let sign_in = Arc::new(login.browser(&landing(provider)).await?);
    println!(
        "Open this address in a browser, on any machine:\n\n  {}\n",
        sign_in.url()
    );
    println!(
        "Sign in. The page on which it ends is empty or does not load: copy its whole address from the browser's address bar,\npaste it here, and press Enter.\n"
    );
    let (_tell, never) = mpsc::channel(1);
    wait(login, &sign_in, never).await
}

/// Where a browser ends that nobody listens for. Microsoft: "Desktop app that calls web APIs: App registration".
fn landing(provider: Provider) -> String {
    match provider {
        Provider::Microsoft(cloud) => format!("{}/common/oauth2/nativeclient", cloud.authority()),
        Provider::Google | Provider::Other => "http://localhost".to_owned(),
    }
}

/// Waits for the browser or for a pasted address, and ends the sign-in.
async fn wait(
    login: &Login,
    sign_in: &Arc<BrowserSignIn>,
    mut came: mpsc::Receiver<LoopbackResult>,
) -> Result<(), LoginError> {
    let until = Instant::now() + PATIENCE;
    let mut pasted = lines();
    let code = loop {
        tokio::select! {
            Some(came) = came.recv() => break came,
            Some(line) = pasted.recv() => match sign_in.code(&line) {
                Err(error @ (NotSignedIn::State | NotSignedIn::NoCode)) => {
                    countdown::end();
                    drop(writeln!(io::stderr(), "{error}"));
                }
                came => break came,
            },
            () = countdown::show("waiting for the sign-in in the browser", until) => {}
            () = sleep_until(until) => {
                countdown::end();
                return Err(LoginError::Slow(PATIENCE));
            }
        }
    };
    countdown::end();
    Ok(login.redeem(sign_in, &code?).await?)
}

/// The lines that are typed in. A thread of its own reads them: it ends with the program.
fn lines() -> mpsc::Receiver<String> {
    let (tell, lines) = mpsc::channel(1);
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if tell.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}
