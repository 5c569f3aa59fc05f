//! An endpoint's action: whether its webhook can be reached, or its program is there. Neither is called.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use tokio::{net::TcpStream, task::spawn_blocking};

use super::{
    Finding, Kind, Outcome, Stage, Subject, Trouble,
    notes::{LONGEST, Notes},
    way::{look_ahead, of_net, reach, told},
};
use crate::{
    config::{Action, Command, Endpoint, Webhook},
    dispatch::probe::{self, Destination},
    guest::confine,
    net::{self, FirstWords, Traffic},
};

/// Examines an endpoint's file and action.
pub(super) async fn examine(endpoint: &Arc<Endpoint>) -> Vec<Finding> {
    let mut notes = Notes::about(Subject {
        kind: Kind::Endpoint,
        name: endpoint.name.to_string(),
        part: None,
    });
    let (protocol, user) = (endpoint.mailbox.protocol.name(), &endpoint.mailbox.account.user);
    let mailbox = &endpoint.mailbox.name;
    notes.note(
        Stage::Config,
        Outcome::Passed(format!("{mailbox} of {user} by {protocol}")),
    );
    match &endpoint.action {
        Action::Webhook(hook) => webhook(&mut notes, hook).await,
        Action::Command(command) => program(&mut notes, command).await,
    }
    notes.end()
}

async fn program(notes: &mut Notes, command: &Command) {
    let command = command.clone();
    let look = async {
        let look = move || {
            let path = match probe::program(&command) {
                Ok(path) => path,
                Err((what, cure)) => return Ok(Err(Trouble { what, cure })),
            };
            let limits = match command.confine {
                true if confine::is_possible() => confine::closed(&command.write, &std::env::temp_dir())
                    .unwrap_or_else(|| "it reads and writes only what it is granted".to_owned()),
                true => confine::IMPOSSIBLE.to_owned(),
                false => "confine = false: it may read and write all that its user may".to_owned(),
            };
            Ok(Ok((path, limits)))
        };
        let unseen = |what| Trouble {
            what,
            cure: "run mailjob doctor again".to_owned(),
        };
        let (path, limits) = blocking(look).await.map_err(unseen)??;
        Ok(((), format!("{} is there; it was not started; {limits}", path.display())))
    };
    notes.step(Stage::Action, LONGEST, look).await;
}

async fn webhook(notes: &mut Notes, webhook: &Webhook) {
    let hook = webhook.clone();
    let look = async {
        let wrong = |what| Trouble {
            what,
            cure: "check webhook.url, and that its secrets are where the configuration points".to_owned(),
        };
        let destination = probe::destination(&hook).map_err(wrong)?;
        blocking(move || probe::secrets(&hook)).await.map_err(wrong)?;
        let server = &destination.server;
        let told = format!("a webhook on {}:{}; no request is sent", server.host, server.port);
        Ok((destination, told))
    };
    let Some(Destination { server, secure }) = notes.step(Stage::Action, LONGEST, look).await else {
        notes.skip(&[Stage::Dns, Stage::Tcp, Stage::Tls], "there is nowhere to go");
        return;
    };
    notes.part(format!("webhook {}:{}", server.host, server.port));
    let allowed = |found| {
        probe::allowed(webhook, &server.host, found).map_err(|refused| Trouble {
            what: format!("{} is in a private network", refused.0),
            cure: "set webhook.allow_private_network = true if the webhook is yours".to_owned(),
        })
    };
    let traffic = if secure { Traffic::Https } else { Traffic::Http };
    let Some(socket) = reach(notes, &server, traffic, &allowed).await else {
        notes.skip(&[Stage::Tls], "the server can't be reached");
        return;
    };
    if secure {
        shake_hands(notes, socket, &server, webhook).await;
    } else {
        notes.skip(&[Stage::Tls], "the webhook is plain http");
    }
}

async fn shake_hands(notes: &mut Notes, socket: TcpStream, server: &crate::config::Server, webhook: &Webhook) {
    let shaken = notes.step(Stage::Tls, LONGEST, async {
        let stream = net::upgrade_http(socket, server, webhook.tls(), LONGEST).await;
        let mut stream = stream.map_err(|error| of_net(&error))?;
        let handshake = stream.handshake();
        listen(stream.first_words(MOMENT).await)?;
        let told = told(&handshake);
        Ok((handshake, told))
    });
    if let Some(handshake) = shaken.await {
        look_ahead(notes, &handshake, Utc::now());
    }
}

/// How long a webhook's server may take to say, after the handshake, that it does not want us.
const MOMENT: Duration = Duration::from_millis(500);

/// What its first words mean for a webhook.
fn listen(words: FirstWords) -> Result<(), Trouble> {
    match words {
        FirstWords::Fine => Ok(()),
        FirstWords::Http2 => Err(Trouble {
            what: "the server speaks HTTP/2 only, and mailjob HTTP/1.1".to_owned(),
            cure: "have the server offer http/1.1 too".to_owned(),
        }),
        FirstWords::Ends(cure) => Err(Trouble {
            what: "the server ended the connection after the handshake".to_owned(),
            cure: cure.unwrap_or("look into the server's log").to_owned(),
        }),
    }
}

/// Off the runtime's threads: secrets and programs may lie on a slow network disk.
async fn blocking<T: Send + 'static>(look: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    spawn_blocking(look)
        .await
        .unwrap_or_else(|_| Err("it could not be looked at".to_owned()))
}
