//! Asks the process, or else the ledger.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use reqwest::StatusCode;

use crate::{
    cli::{
        own_token::{self, NoToken},
        whereabouts,
    },
    config::{EndpointName, Service, load::Loaded},
    ledger::{self, counts::Counts},
    message::clean::escaped,
    net,
    secret::ExposeSecret as _,
    status::{
        EndpointStatus, Status,
        verdict::{EndpointVerdict, undecided, waiting},
    },
};

/// How long the process may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer: far more than thousands of endpoints have to say.
const LONGEST: u64 = 64 << 20;

/// How everything is, and why the process did not say so.
pub(super) struct StatusAnswer {
    pub(super) status: Status,
    pub(super) silent: Option<String>,
    /// Whether a process has the ledger, and does not answer: it stands still.
    pub(super) stands_still: bool,
    /// Whether no process has the ledger: what ran in it has ended with the process that ran it.
    pub(super) nobody_runs: bool,
}

/// Why nothing can be told.
pub(super) enum StatusError {
    /// The process may not be asked by this user.
    Forbidden(String),
    /// There is no ledger here, and the process that answers has another.
    Another(String),
}

/// Why the process did not say how everything is.
enum Silent {
    /// Nobody of ours answers.
    Away(String),
    /// Somebody takes the question and answers nothing.
    Late(String),
    /// It does not tell us.
    Refused(String),
    /// It is none of this ledger, which there is not.
    Another(String),
}

/// Asks the process at the health address, and the ledger where none answers there.
///
/// # Errors
/// When the process runs as another user.
pub(super) async fn ask(service: &Service, loaded: &Loaded) -> Result<StatusAnswer, StatusError> {
    let nobody_runs = !ledger::is_in_use(&service.ledger);
    let mut stands_still = false;
    let silent = match service.health {
        None => "[service] health = false: no process can be asked".to_owned(),
        Some(address) => match process(whereabouts::here(address), service).await {
            Ok(status) => {
                return Ok(StatusAnswer {
                    status,
                    silent: None,
                    stands_still: false,
                    nobody_runs: false,
                });
            }
            Err(Silent::Late(why)) if !nobody_runs => {
                stands_still = true;
                format!(
                    "{why}, and a process has the ledger: it stands still. Where it was stopped (state T in ps), kill -CONT has it go on; \
                     else end it and start mailjob run anew: what it did is not lost"
                )
            }
            Err(Silent::Away(why) | Silent::Late(why)) => why,
            Err(Silent::Refused(why)) => return Err(StatusError::Forbidden(why)),
            Err(Silent::Another(why)) => return Err(StatusError::Another(why)),
        },
    };
    Ok(StatusAnswer {
        status: ledger(service, loaded).await,
        silent: Some(silent),
        stands_still,
        nobody_runs,
    })
}

/// How everything is, as the process that runs says it, where one does and tells us.
pub(in crate::cli) async fn running(service: &Service) -> Option<Status> {
    process(whereabouts::here(service.health?), service).await.ok()
}

async fn process(address: SocketAddr, service: &Service) -> Result<Status, Silent> {
    let away = |why: String| Silent::Away(why);
    let token = own_token::for_address(service, address);
    if let Err(why @ NoToken::Stranger { .. }) = &token {
        return Err(away(why.to_string()));
    }
    let asked = async {
        let http = net::http::client(None).map_err(|error| away(error.to_string()))?;
        let mut request = http.get(format!("http://{address}/status"));
        if let Ok(token) = &token {
            request = request.bearer_auth(token.expose_secret());
        }
        let mut answer = request.send().await.map_err(|error| {
            away(if error.is_connect() {
                format!("nothing runs: nobody answers at {address}")
            } else {
                format!("{address} can't be asked: {error}")
            })
        })?;
        let status = answer.status();
        match &token {
            _ if status.is_success() => {}
            Err(_) if status == StatusCode::UNAUTHORIZED && matches!(service.ledger.try_exists(), Ok(false)) => {
                return Err(Silent::Another(whereabouts::others(
                    &service.ledger,
                    address,
                    &own_token::listeners(address),
                )));
            }
            Err(why) if status == StatusCode::UNAUTHORIZED => {
                return Err(Silent::Refused(format!(
                    "{address} tells only the user that runs Mailjob how it is: {why}"
                )));
            }
            Ok(_) if status == StatusCode::UNAUTHORIZED => {
                return Err(away(format!(
                    "{address} knows another token than the one beside {}: is that a Mailjob with another ledger, or was the file changed since it started?",
                    service.ledger
                )));
            }
            // As at a start that waits for room on its disk.
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                let said = net::http::body(&mut answer, LONGEST)
                    .await
                    .ok()
                    .flatten()
                    .unwrap_or_default();
                let said = escaped(String::from_utf8_lossy(&said).trim());
                return Err(away(format!("{address} does not work yet: {said}")));
            }
            _ => {
                return Err(away(format!(
                    "{address} answers {}: is that another program, or an older Mailjob?",
                    status.as_u16()
                )));
            }
        }
        let body = net::http::body(&mut answer, LONGEST)
            .await
            .map_err(|error| away(error.to_string()))?
            .ok_or_else(|| away(format!("{address} answers too much: is that another program?")))?;
        serde_json::from_slice(&body).map_err(|_| {
            away(format!(
                "{address} answers what can't be understood: is that another program?"
            ))
        })
    };
    let late = || Silent::Late(format!("{address} did not answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|_| Err(late()))
}

/// What the ledger and the files know. Where there is none yet, none is made.
async fn ledger(service: &Service, loaded: &Loaded) -> Status {
    let at = service.ledger.absolute();
    let mut ledger = ledger::space(&at);
    let counting = async { ledger::beside(&at).await?.counts().counts().await };
    let counts = match ledger.size {
        None => Counts::default(),
        Some(_) => counting.await.unwrap_or_else(|error| {
            ledger.problem = Some(error.to_string());
            Counts::default()
        }),
    };
    Status {
        process: None,
        ledger,
        endpoints: endpoints(&counts, loaded),
        problems: Vec::new(),
    }
}

/// Every endpoint that has a file, or of which the ledger has something to tell. Pure.
fn endpoints(counts: &Counts, loaded: &Loaded) -> Vec<EndpointStatus> {
    let files = loaded.names().map(EndpointName::as_str);
    let senders = counts.replies.iter().map(|row| row.endpoint.as_str());
    let jobs = counts.jobs.keys().map(String::as_str);
    let names: BTreeSet<_> = files.chain(jobs).chain(senders).collect();
    let is_in = |names: &BTreeSet<EndpointName>, name: &str| names.iter().any(|known| known.as_str() == name);
    let endpoint = |name: &str| {
        let jobs = counts.jobs.get(name).copied().unwrap_or_default();
        let verdict = match name {
            name if is_in(&loaded.broken, name) => EndpointVerdict::broken("it has problems"),
            name if is_in(&loaded.disabled, name) => EndpointVerdict::disabled(),
            name => match counts.paused(name) {
                Some((since, by)) => EndpointVerdict::paused(name, since, by),
                None => EndpointVerdict::unknown(Some(jobs)),
            },
        };
        let setback = counts.setbacks.get(name).cloned();
        let waits = setback.as_ref().filter(|setback| setback.needs_person);
        let waits = waits.map(|setback| waiting(name, setback.why()));
        let replies = counts.replies(name);
        let to_do = verdict.to_do.into_iter().chain(waits).chain(undecided(name, &replies));
        let to_do: Vec<_> = to_do.collect();
        EndpointStatus {
            name: name.to_owned(),
            description: String::new(),
            state: verdict.state,
            words: verdict.words,
            to_do: (!to_do.is_empty()).then(|| to_do.join("; ")),
            since: None,
            mailbox: None,
            problem: None,
            jobs: Some(jobs),
            setback,
            replies: Some(replies),
        }
    };
    names.into_iter().map(endpoint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::load::{Sources, load},
        ledger::{ReplyState, counts::ReplyCount},
        status::{EndpointHealth, JobTotals},
    };

    #[test]
    fn the_ledger_tells_numbers_and_the_files_their_endpoints() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("wrong.toml"), "nonsense = 1\n").unwrap();
        let loaded = load(&Sources {
            endpoints: folder.path().to_owned(),
            config: None,
        });
        let mut counts = Counts::default();
        let jobs = JobTotals {
            held: 1,
            ..JobTotals::default()
        };
        counts.jobs.insert("orders".into(), jobs);
        counts.replies.push(ReplyCount {
            endpoint: "bills".into(),
            account: "office".into(),
            state: ReplyState::Queued,
            count: 3,
        });
        let found = endpoints(&counts, &loaded);
        assert_eq!(found.len(), 3);
        assert_eq!(
            (found[2].name.as_str(), found[2].state),
            ("wrong", EndpointHealth::Broken)
        );
        assert_eq!(
            (found[0].name.as_str(), found[0].replies.clone().unwrap().waiting),
            ("bills", 3)
        );
        assert_eq!((found[1].state, found[1].jobs), (EndpointHealth::Unknown, Some(jobs)));
        assert!(found[1].to_do.is_some() && found[0].to_do.is_none());
    }
}
