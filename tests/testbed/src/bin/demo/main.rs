//! The demo: a real mail world on loopback, Mailjob with two endpoints, twenty mails, and a table of what became of each.
//!
//! `demo BINARY` ends with 0 only when every mail is where it has to be and every expected reply arrived once, and no other.

mod action;
mod cast;
mod table;

use std::{
    env,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use mailjob_testbed::{Mailjob, Options, World};

use crate::{action::Actions, cast::Role, table::Outcome};

/// Until everything has to be where it belongs.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let start = Instant::now();
    let say = |words: &str| println!("[{:4.1}s] {words}", start.elapsed().as_secs_f32());
    let binary = PathBuf::from(env::args().nth(1).context("usage: demo BINARY")?).canonicalize()?;

    say("Start Dovecot, Postfix and an OAuth 2.0 server");
    let world = World::start(Options::default()).await?;
    let mut mailjob = Mailjob::new(&world, binary)?;
    let actions = Actions::install(&world, &mut mailjob).await?;

    say("Start Mailjob");
    mailjob.start()?;
    mailjob.ready().await?;

    let roles = cast::cast();
    say(&format!("Send {} mails", roles.len()));
    for role in &roles {
        world.dovecot.deliver(role.to, &role.bytes).await?;
    }
    let settled = settle(&world, &mut mailjob, &actions, &roles, say).await;
    say("Stop Mailjob");
    let code = mailjob.term()?;
    // What it submitted at the last moment arrives too, wanted or not.
    while world.postfix.queued()? > 0 {
        ensure!(
            start.elapsed() < PATIENCE * 2,
            "Postfix doesn't get rid of its mails:\n{}",
            world.postfix.log()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let mut wrong = Outcome::read(&world, &actions, &roles).await?.print(&roles);
    if code != 0 {
        wrong.push(format!("mailjob ended with {code}"));
    }
    if wrong.is_empty() {
        println!("\nEvery mail was handled once, every expected reply arrived once, and no other.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nMailjob's log:\n{}\nWrong:", mailjob.log());
    settled.unwrap_or_else(|error| wrong.push(error.to_string()));
    wrong.iter().for_each(|what| println!("- {what}"));
    Ok(ExitCode::FAILURE)
}

/// Waits until every mail is where it belongs and every reply has come.
async fn settle(
    world: &World,
    mailjob: &mut Mailjob,
    actions: &Actions,
    roles: &[Role],
    say: impl Fn(&str),
) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let wanted = (roles.len(), roles.iter().filter(|role| role.fate.replied()).count());
    let mut last = None;
    loop {
        let now = Outcome::read(world, actions, roles).await?.progress(roles);
        if last != Some(now) {
            say(&format!(
                "{} of {} mails settled, {} of {} replies arrived",
                now.0, wanted.0, now.1, wanted.1
            ));
            last = Some(now);
        }
        if now.0 == wanted.0 && now.1 >= wanted.1 {
            return Ok(());
        }
        ensure!(mailjob.exited()?.is_none(), "mailjob has ended");
        ensure!(
            Instant::now() < deadline,
            "not all mails were settled within {PATIENCE:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
