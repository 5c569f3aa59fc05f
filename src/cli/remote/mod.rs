//! A Mailjob that runs elsewhere, by its API.

mod jobs;
mod replies;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use bytes::Bytes;
use clap::Args;
use reqwest::{Client, Method, StatusCode, Url, header::CONTENT_TYPE};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    ConfigArgs, beside,
    own_token::{self, NoToken},
};
use crate::{
    config::load::Sources,
    http::api::{ApiProblem, MEDIA_TYPE, ROOT},
    ledger::Error,
    message::clean::clean,
    net,
    secret::{ExposeSecret as _, Secret, SecretRef},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long nothing at all may come.
const SILENCE: Duration = Duration::from_secs(20);

/// Bytes of an answer at most: a mail may be large.
const MOST: u64 = 256 << 20;

/// Characters of what a server says that are told.
const SHOWN: usize = 500;

/// Which Mailjob is asked, where it is not the ledger of this machine.
#[derive(Debug, Args)]
pub(super) struct RemoteArgs {
    /// Ask the API of a running Mailjob, such as `http://127.0.0.1:8025`, instead of the ledger.
    #[arg(long, value_name = "URL", env = "MAILJOB_URL", value_parser = api_url)]
    url: Option<Url>,
    /// The file of its token. Where none is named and the URL is one of this machine: mailjob.token beside the ledger.
    #[arg(long, value_name = "FILE", env = "MAILJOB_TOKEN_FILE")]
    token_file: Option<PathBuf>,
}

impl RemoteArgs {
    /// The API, where one is named; these files say where the ledger of this machine is.
    ///
    /// # Errors
    /// When the token can't be read, or the URL is none of HTTP.
    pub(super) async fn api(self, files: &ConfigArgs) -> Result<Option<Remote>, Error> {
        let Some(url) = self.url else { return Ok(None) };
        let refused = |why: String| Error::Remote(why);
        let (token, no_token) = match self.token_file {
            Some(file) => {
                let token = SecretRef::File(file).read();
                (Some(token.map_err(|error| refused(error.to_string()))?), None)
            }
            None => match own_token(&url, files).await {
                None => (None, None),
                Some(Ok(token)) => (Some(token), None),
                Some(Err(why)) => (None, Some(why.to_string())),
            },
        };
        let http = net::http::client(None).map_err(|error| Error::Remote(error.to_string()))?;
        Ok(Some(Remote {
            http,
            url,
            token,
            no_token,
        }))
    }
}

/// The address of an API.
fn api_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && !url.cannot_be_a_base());
    url.ok_or_else(|| "it is no address of an API: write it as http://127.0.0.1:8025".to_owned())
}

/// The token of this machine, for a URL of this machine by its address: whatever a name leads to could be another.
async fn own_token(url: &Url, files: &ConfigArgs) -> Option<Result<Secret, NoToken>> {
    let host = url.host_str()?;
    let ip = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(ip) => ip,
        Err(_) if host == "localhost" => Ipv4Addr::LOCALHOST.into(),
        Err(_) => return None,
    };
    if !ip.to_canonical().is_loopback() {
        return None;
    }
    let address = SocketAddr::new(ip, url.port_or_known_default()?);
    let (_, service) = beside::read(Sources::from(files.clone())).await;
    Some(own_token::for_address(&service, address))
}

/// An answer.
struct RemoteResponse {
    status: StatusCode,
    is_problem: bool,
    body: Bytes,
}

impl RemoteResponse {
    /// Whether the API knows no such thing.
    fn is_missing(&self) -> bool {
        self.is_problem && self.status == StatusCode::NOT_FOUND
    }
}

/// The API of a running Mailjob.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    http: Client,
    url: Url,
    token: Option<Secret>,
    /// Why that of this machine is not shown.
    no_token: Option<String>,
}

impl Remote {
    /// The address of something, by its steps below the root.
    fn address(&self, steps: &[&str]) -> Url {
        let mut url = self.url.clone();
        url.set_query(None);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty();
            path.extend(ROOT.split('/').filter(|step| !step.is_empty()));
            path.extend(steps);
        }
        url
    }

    async fn get<T: DeserializeOwned>(&self, steps: &[&str], query: &impl Serialize) -> Result<T, Error> {
        let heard = self.look(steps, query).await?;
        self.read(heard)
    }

    async fn post<T: DeserializeOwned>(&self, steps: &[&str], body: &impl Serialize) -> Result<T, Error> {
        let body = serde_json::to_vec(body).map_err(|error| self.odd(&error.to_string()))?;
        let heard = self.ask(Method::POST, self.address(steps), Some(body)).await?;
        self.read(heard)
    }

    async fn look(&self, steps: &[&str], query: &impl Serialize) -> Result<RemoteResponse, Error> {
        let mut url = self.address(steps);
        for (name, value) in pairs(query) {
            url.query_pairs_mut().append_pair(&name, &value);
        }
        self.ask(Method::GET, url, None).await
    }

    async fn ask(&self, method: Method, url: Url, body: Option<Vec<u8>>) -> Result<RemoteResponse, Error> {
        let mut request = self.http.request(method, url).timeout(PATIENCE);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let unreachable = |error: reqwest::Error| {
            let why = match innermost(&error) {
                why if why.contains("InvalidContentType") => {
                    format!("{why}: it speaks no TLS there, write http:// in place of https://")
                }
                why => why,
            };
            Error::Remote(format!("{} can't be asked: {why}", self.url))
        };
        let silent = || {
            let seconds = SILENCE.as_secs();
            Error::Remote(format!(
                "{} did not answer within {seconds} s: look there by mailjob status, it may stand still",
                self.url
            ))
        };
        let begun = tokio::time::timeout(SILENCE, request.send()).await;
        let mut answer = begun.map_err(|_| silent())?.map_err(unreachable)?;
        let media_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_problem = media_type.is_some_and(|it| it.starts_with(MEDIA_TYPE));
        let body = net::http::body(&mut answer, MOST).await.map_err(unreachable)?;
        Ok(RemoteResponse {
            status: answer.status(),
            is_problem,
            body: body.ok_or_else(|| self.odd("the answer is too large"))?,
        })
    }

    fn read<T: DeserializeOwned>(&self, heard: RemoteResponse) -> Result<T, Error> {
        let body = self.body(heard)?;
        serde_json::from_slice(&body).map_err(|error| self.odd(&error.to_string()))
    }

    /// The body of what was done; else why it was not.
    fn body(&self, heard: RemoteResponse) -> Result<Bytes, Error> {
        if heard.status.is_success() {
            return Ok(heard.body);
        }
        let problem = serde_json::from_slice::<ApiProblem>(&heard.body);
        match problem.ok().filter(|_| heard.is_problem) {
            Some(problem) => {
                let mut said = format!("{} says: {} {}", self.url, problem.detail, problem.cure);
                if let Some(why) = &self.no_token {
                    said = format!("{said}; {why}");
                }
                let said = clean(&said, SHOWN);
                Err(match heard.status {
                    StatusCode::NOT_FOUND => Error::Unknown(said),
                    _ => Error::Remote(said),
                })
            }
            None => Err(self.odd(&format!("it answers with status {}", heard.status.as_u16()))),
        }
    }

    /// What answers is no Mailjob, or another one than ours.
    fn odd(&self, why: &str) -> Error {
        let said = format!("{} is no API of a Mailjob like this one: {why}", self.url);
        Error::Remote(clean(&said, SHOWN))
    }
}

/// The pairs of a query: each field that says something, a list as several.
fn pairs(query: &impl Serialize) -> Vec<(String, String)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(query) else {
        return Vec::new();
    };
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let each = fields.into_iter().flat_map(|(name, value)| {
        let values = match value {
            Value::Null => Vec::new(),
            Value::Array(values) => values,
            one => vec![one],
        };
        values.into_iter().map(move |value| (name.clone(), text(value)))
    });
    each.collect()
}

/// The cause behind all others.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::JobFilter;

    fn remote(url: &str) -> Remote {
        net::tls::install_provider();
        Remote {
            http: net::http::client(None).unwrap(),
            url: url.parse().unwrap(),
            token: None,
            no_token: None,
        }
    }

    #[test]
    fn addresses_lie_below_the_url_whatever_is_asked_for() {
        for (url, steps, address) in [
            (
                "http://127.0.0.1:8025",
                &["jobs"][..],
                "http://127.0.0.1:8025/api/v1/jobs",
            ),
            ("http://h/behind/", &["jobs", "a"], "http://h/behind/api/v1/jobs/a"),
            (
                "http://h/?q=1",
                &["endpoints", "../x/é", "pause"],
                "http://h/api/v1/endpoints/..%2Fx%2F%C3%A9/pause",
            ),
        ] {
            assert_eq!(remote(url).address(steps).as_str(), address);
        }
    }

    #[test]
    fn a_filter_becomes_a_query() {
        let filter = JobFilter {
            endpoint: Some("a b".to_owned()),
            states: vec![crate::job::state::State::Held, crate::job::state::State::Failed],
            ..JobFilter::default()
        };
        let pairs: Vec<_> = pairs(&filter)
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(pairs, ["endpoint=a b", "limit=100", "states=held", "states=failed"]);
    }
}
