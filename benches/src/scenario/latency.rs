//! From EXISTS to the webhook's answer, one mail at a time, each after the client has come to rest in IDLE.

use anyhow::{Result, ensure};

use crate::{
    ceiling::Login,
    mails,
    pushing::Pushing,
    report::{Row, percentile},
    sink::Sink,
    stage::{Stage, finished},
};

const MAILS: usize = 100;

pub(super) async fn run(stage: &mut Stage, rounds: usize) -> Result<Vec<Row>> {
    let (mut medians, mut high, mut highest) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=rounds {
        let ceiling = push_ceiling(stage).await?;
        let mailjob = push_mailjob(stage).await?;
        let at = |percent| {
            (
                percentile(mailjob.iter().copied(), percent),
                percentile(ceiling.iter().copied(), percent),
            )
        };
        eprintln!("round {number}: medians {:.2?} ms", at(50));
        medians.push(at(50));
        high.push(at(90));
        highest.push(at(100));
    }
    Ok(vec![
        Row::paired("latency", "EXISTS to answer, median, ms", &medians).goal("< 6 where the ceiling does 1.6"),
        Row::paired("latency", "90 of 100 within, ms", &high),
        Row::paired("latency", "all within, ms", &highest),
    ])
}

async fn push_ceiling(stage: &Stage) -> Result<Vec<f64>> {
    let (server, sink) = (Pushing::start(stage.tls()).await?, Sink::start().await?);
    let options = [("url", sink.url.clone()), ("count", MAILS.to_string())];
    let ceiling = stage.start_ceiling("push", Some(&login(stage, &server)), &options)?;
    let times = push_all(&server, &sink).await?;
    finished(ceiling).await?;
    Ok(times)
}

async fn push_mailjob(stage: &mut Stage) -> Result<Vec<f64>> {
    let (server, sink) = (Pushing::start(stage.tls()).await?, Sink::start().await?);
    let action = format!("[webhook]\nurl = \"{}\"\nallow_private_network = true", sink.url);
    let mailjob = stage.start_mailjob(&[login(stage, &server)], &action)?;
    let times = push_all(&server, &sink)
        .await
        .map_err(|error| error.context(mailjob.log()))?;
    mailjob.stop().await?;
    Ok(times)
}

fn login(stage: &Stage, server: &Pushing) -> Login {
    Login {
        port: server.port,
        ..stage.login("push@example.test")
    }
}

async fn push_all(server: &Pushing, sink: &Sink) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for number in 0..MAILS {
        server.await_idle().await?;
        server.push(mails::mail(number, 0));
        let answered = sink.wait_for(number + 1).await?;
        ensure!(
            answered.mails == number + 1,
            "{} mails were posted, {} pushed",
            answered.mails,
            number + 1
        );
        times.push((answered.last - server.announced()?).as_secs_f64() * 1e3);
    }
    Ok(times)
}
