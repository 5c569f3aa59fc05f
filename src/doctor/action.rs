//! An endpoint's action: whether its webhook can be reached, or its program is there. Neither is called.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use tokio::{net::TcpStream, task::spawn_blocking};

use super::{
    Finding, Issue, Stage, StepOutcome, Subject, SubjectKind,
    notes::{LONGEST, Notes},
    way::{look_ahead, of_net, reach, told},
};
use crate::{
    config::{Endpoint, Server, Tls, TlsFiles},
    dispatch::action::{self, Destination, ProbeReport, Unfit},
    net::{self, FirstWords, Traffic},
};

/// Examines an endpoint's file and action.
pub(super) async fn examine(endpoint: &Arc<Endpoint>) -> Vec<Finding> {
    let mut notes = Notes::about(Subject {
        kind: SubjectKind::Endpoint,
        name: endpoint.name.to_string(),
        part: None,
    });
    let (protocol, user) = (endpoint.mailbox.protocol.name(), &endpoint.mailbox.account.user);
    let mailbox = &endpoint.mailbox.name;
    notes.note(
        Stage::Config,
        StepOutcome::Passed(format!("{mailbox} of {user} by {protocol}")),
    );
    action(&mut notes, endpoint).await;
    notes.end()
}

async fn action(notes: &mut Notes, endpoint: &Arc<Endpoint>) {
    let described = endpoint.action.describe();
    let looked = endpoint.clone();
    let look = async {
        let looked = spawn_blocking(move || action::probe(&looked.action)).await;
        // Secrets and programs may lie on a slow network disk: off the runtime's threads.
        let looked = looked.map_err(|_torn_down| Issue {
            what: "it could not be looked at".to_owned(),
            cure: "run mailjob doctor again".to_owned(),
        });
        let ProbeReport { told, destination } = looked?.map_err(|Unfit { what, cure }| Issue { what, cure })?;
        Ok((destination, told))
    };
    let found = notes.step(Stage::Action, LONGEST, look).await;
    let Some(remote) = described.remote() else { return };
    let Some(Destination { host, port, is_secure }) = found.flatten() else {
        notes.skip(&[Stage::Dns, Stage::Tcp, Stage::Tls], "there is nowhere to go");
        return;
    };
    let name = described.name();
    notes.part(format!("{name} {host}:{port}"));
    let server = Server {
        host,
        port,
        tls: Tls::Implicit,
    };
    let allowed = |found| {
        action::allowed(&remote, &server.host, found).map_err(|refused| Issue {
            what: format!("{} is in a private network", refused.0),
            cure: format!("set {name}.allow_private_network = true if the {name} is yours"),
        })
    };
    let traffic = if is_secure { Traffic::Https } else { Traffic::Http };
    let Some(socket) = reach(notes, &server, traffic, &allowed).await else {
        notes.skip(&[Stage::Tls], "the server can't be reached");
        return;
    };
    if is_secure {
        shake_hands(notes, socket, &server, remote.tls).await;
    } else {
        notes.skip(&[Stage::Tls], &format!("the {name} is plain http"));
    }
}

async fn shake_hands(notes: &mut Notes, socket: TcpStream, server: &Server, files: TlsFiles<'_>) {
    let shaken = notes.step(Stage::Tls, LONGEST, async {
        let stream = net::upgrade_http(socket, server, files, LONGEST).await;
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
fn listen(words: FirstWords) -> Result<(), Issue> {
    match words {
        FirstWords::Fine => Ok(()),
        FirstWords::Http2 => Err(Issue {
            what: "the server speaks HTTP/2 only, and mailjob HTTP/1.1".to_owned(),
            cure: "have the server offer http/1.1 too".to_owned(),
        }),
        FirstWords::Ends(cure) => Err(Issue {
            what: "the server ended the connection after the handshake".to_owned(),
            cure: cure.unwrap_or("look into the server's log").to_owned(),
        }),
    }
}
