//! A mail world for tests that are no Rust: `world` starts it, prints as one line of JSON where it is, and ends when its input ends.

use std::io::{self, Read as _, Write as _};

use anyhow::Result;
use mailjob_testbed::{Options, PASSWORD, World};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<()> {
    let world = World::start(Options::default()).await?;
    let (dovecot, postfix) = (&world.dovecot, &world.postfix);
    let place = json!({
        "imaps": dovecot.imaps,
        "lmtp": dovecot.lmtp,
        "submission": postfix.submission,
        "ca": world.tls.ca,
        "password": PASSWORD,
    });
    println!("{place}");
    io::stdout().flush()?;
    // The servers run by themselves; nothing else has to.
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
