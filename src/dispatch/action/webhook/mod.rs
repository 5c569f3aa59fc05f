//! The webhook: one POST with a signed body, one capped answer.
//!
//! It never follows a redirect, asks for no compression, and ends within its time. A request that may have arrived is only ever
//! repeated as another attempt with the same id; one that was answered with 2xx is not repeated, whatever becomes of the answer.

pub mod answer;
mod body;
pub(in crate::dispatch) mod breaker;
mod probe;
pub(in crate::dispatch) mod probing;
pub(in crate::dispatch) mod rehearsal;
mod request;
mod signature;
mod trace;

use async_trait::async_trait;
use chrono::Utc;
use reqwest::{
    StatusCode, Url,
    header::{CONTENT_ENCODING, HeaderMap},
};
use tokio::time::Instant;
use tokio_util::io::ReaderStream;

#[cfg(test)]
pub(in crate::dispatch) use self::request::prepare;
use self::{
    answer::{AnswerBody, AnswerLimits},
    probing::BreakerChange,
    request::WebhookRequest,
    trace::AnswerTrace,
};
use super::{Action, Handle, Prepare, Prepared, ProbeReport, Resumed, Run, Unfit, plan::Plan};
use crate::{
    causes, config,
    deadline::before,
    dispatch::{
        AttemptResult, Dispatch, catch::CappedBuffer, later, room::AttemptResources, spool::SpooledBody, work::Work,
    },
    job::{Outcome, Reason, TruncatedText},
    message::clean::clean,
    net::{
        self,
        exchange::{AnswerProgress, ExchangeError, HttpAnswer, HttpClient, RequestBody},
        tls_cure,
    },
};

/// Bytes read of an answer that is no success: a refusal's words.
const MAX_REFUSAL: u64 = 16 * 1024;

/// Bytes of a spooled body that are read at once.
const PIECE: usize = 256 * 1024;

#[async_trait]
impl Action for config::Webhook {
    async fn prepare(&self, dispatch: &Dispatch) -> Result<Prepare, Outcome> {
        let (webhook, parked) = (self.clone(), dispatch.memory.parked.clone());
        Ok(Box::new(move |work| {
            let request = request::prepare(&webhook, work)?.parked(&parked)?;
            Ok(Box::new(WebhookPost { webhook, request }))
        }))
    }

    async fn resume(&self, _handle: &Handle, _run: &mut Run<'_>) -> Resumed {
        // A request that is not answered is asked anew, under the same id.
        Resumed::Nothing
    }

    fn rehearse(&self, work: &Work<'_>, most: u64) -> Result<Plan, Outcome> {
        Ok(Plan::Request(rehearsal::request(self, work, most)?))
    }

    fn made_up(&self) -> (Outcome, Outcome) {
        rehearsal::made_up()
    }

    fn probe(&self) -> Result<ProbeReport, Unfit> {
        probe::probe(self)
    }
}

/// A request on its way to its webhook.
struct WebhookPost {
    webhook: config::Webhook,
    request: WebhookRequest,
}

#[async_trait]
impl Prepared for WebhookPost {
    fn handle(&self) -> Option<Handle> {
        None
    }

    /// Sends the request, unless the webhook is down.
    async fn run(self: Box<Self>, run: &mut Run<'_>) -> Option<AttemptResult> {
        let Self { webhook, request } = *self;
        let Run { dispatch, job, means } = run;
        let (endpoint, retry) = (&dispatch.endpoint.name, &dispatch.endpoint.retry);
        let asking = match probing::spares(retry) {
            false => None,
            true => {
                let ask = dispatch.health.webhook.ask(job, retry);
                match dispatch.stop.run_until_cancelled(ask).await? {
                    Ok(asking) => Some(asking),
                    Err(put_off) => return Some(put_off.into()),
                }
            }
        };
        // It may have been waited for long.
        if !job.lease.holds() {
            return None;
        }
        let tells = dispatch.endpoint.reply.tell;
        let sent = send(&dispatch.http, &webhook, request, tells, means);
        let ended = dispatch.health.acting(sent).await;
        match asking.and_then(|asking| asking.ended(&ended.outcome)) {
            Some(BreakerChange::Down(down)) if down.refuses() => {
                tracing::error!(%endpoint, said = down.said, "the webhook refuses us: jobs wait for you, and it is asked now and then by one of them");
            }
            Some(BreakerChange::Down(down)) => {
                tracing::error!(%endpoint, said = down.said, "the webhook is down: jobs wait, and it is asked now and then by one of them");
            }
            Some(BreakerChange::Up(since)) => tracing::info!(%endpoint, %since, "the webhook takes mails again"),
            None => {}
        }
        Some(ended)
    }
}

/// Sends a request and judges the answer, all within the webhook's time.
///
/// The status that an answer begins with says what became of the work: where it was heard, nothing that follows is asked.
pub(in crate::dispatch) async fn send(
    client: &HttpClient,
    webhook: &config::Webhook,
    request: WebhookRequest,
    tells: bool,
    means: &mut AttemptResources<'_>,
) -> AttemptResult {
    let sent = request.body.len();
    let secrets = request.secrets.clone();
    let mut answered = None;
    let mut progress = AnswerProgress::default();
    let until = Instant::now() + webhook.timeout;
    let exchanged = before(until, exchange(client, webhook, request, &mut progress)).await;
    let ended = match (exchanged, progress.status()) {
        (Ok(Ok(answer)), _) => judged(webhook, answer, until, tells, means, &mut answered).await,
        (Ok(Err(error)), Some(status)) => headless(status, why(&error), means, &mut answered).await,
        (Err(_elapsed), Some(status)) => headless(status, late(webhook), means, &mut answered).await,
        (Ok(Err(error)), None) => unreachable(&error).into(),
        (Err(_elapsed), None) => later(Reason::Timeout, late(webhook)).into(),
    };
    AttemptResult {
        exchange: Some(trace::exchange(webhook, sent, answered)),
        ..ended
    }
    .struck(&secrets)
}

fn late(webhook: &config::Webhook) -> String {
    format!("the webhook did not answer within {:?}", webhook.timeout)
}

/// The head of the answer.
async fn exchange(
    client: &HttpClient,
    webhook: &config::Webhook,
    request: WebhookRequest,
    progress: &mut AnswerProgress,
) -> Result<HttpAnswer, ExchangeError> {
    let url = Url::parse(&webhook.url).map_err(|error| ExchangeError::Url(error.to_string()))?;
    let content = match request.body {
        SpooledBody::Memory(bytes) => RequestBody::Bytes(bytes),
        SpooledBody::File { file, .. } => {
            let pieces = ReaderStream::with_capacity(tokio::fs::File::from_std(file), PIECE);
            RequestBody::Stream(reqwest::Body::wrap_stream(pieces))
        }
    };
    let answer = client.post(&url, request.headers, content, progress).await;
    // What was sent is not needed any more.
    drop(request.room);
    answer
}

/// From here on the webhook's status says what the job is: a body that doesn't come costs the answer alone.
async fn judged(
    webhook: &config::Webhook,
    mut answer: HttpAnswer,
    until: Instant,
    tells: bool,
    means: &mut AttemptResources<'_>,
    seen: &mut Option<AnswerTrace>,
) -> AttemptResult {
    let status = answer.status;
    let seen = seen.insert(AnswerTrace::new(status, &answer.headers));
    let most = if status.is_success() {
        webhook.max_answer
    } else {
        MAX_REFUSAL
    };
    let mut body = CappedBuffer::new(means.parked);
    let came = before(until, caught(&mut answer, most, &mut body)).await;
    // What is packed is as large as it may be, once it is unpacked.
    let size = match answer.headers.contains_key(CONTENT_ENCODING) {
        true => body.len().saturating_add(most),
        false => body.len(),
    };
    means.for_result(size).await;
    let came = match came {
        Ok(Ok(true)) => match body.bytes() {
            Ok(body) => {
                seen.body = Some(TruncatedText::head(&body));
                AnswerBody::Whole(body)
            }
            Err(error) => AnswerBody::Broken(format!("its body can't be read from the temporary folder: {error}")),
        },
        Ok(Ok(false)) => AnswerBody::TooLarge { most },
        Ok(Err(error)) => AnswerBody::Broken(format!("its body did not come whole: {}", why(&error))),
        Err(_elapsed) => AnswerBody::Broken(late(webhook)),
    };
    let limits = AnswerLimits {
        most: webhook.max_answer,
        tells,
    };
    answer::judge(status, &answer.headers, came, limits, Utc::now())
}

/// Whether all of an answer's body came, or more than may be.
async fn caught(answer: &mut HttpAnswer, most: u64, body: &mut CappedBuffer) -> Result<bool, hyper::Error> {
    while let Some(piece) = answer.piece().await? {
        if body.len() + piece.len() as u64 > most {
            return Ok(false);
        }
        body.push(&piece);
    }
    Ok(true)
}

/// An answer of which no more than the status is known.
async fn headless(
    status: StatusCode,
    why: String,
    means: &mut AttemptResources<'_>,
    seen: &mut Option<AnswerTrace>,
) -> AttemptResult {
    means.for_result(0).await;
    let none = HeaderMap::new();
    *seen = Some(AnswerTrace::new(status, &none));
    let limits = AnswerLimits { most: 0, tells: false };
    answer::judge(status, &none, AnswerBody::Headless(why), limits, Utc::now())
}

/// What a failure on the way there or back means. The text is without the URL, which may hold a key.
fn unreachable(error: &ExchangeError) -> Outcome {
    if net::is_ours(error) {
        return ours(error);
    }
    let by_tls = tls_cure(error);
    let (reason, cure) = match error {
        ExchangeError::PrivateNetwork(_) => return later(Reason::PrivateNetwork, error.to_string()),
        ExchangeError::Url(_) => return later(Reason::Network, error.to_string()),
        ExchangeError::Connect(net::ConnectError::Proxy(error)) if error.is_operators() => {
            (Reason::Proxy, Some(error.cure()))
        }
        ExchangeError::Connect(net::ConnectError::Timeout { .. }) => (Reason::Timeout, None),
        // It names its cure itself.
        ExchangeError::Connect(net::ConnectError::Resolve { .. }) | ExchangeError::Http(_) => (Reason::Network, None),
        ExchangeError::Connect(error) => (Reason::Network, Some(error.cure())),
    };
    let reason = if by_tls.is_some() { Reason::Tls } else { reason };
    let what = format!("the exchange with the webhook failed: {}", why(error));
    later(
        reason,
        by_tls.or(cure).map_or(what.clone(), |cure| format!("{what}; {cure}")),
    )
}

/// What fails because this machine has no more: the job waits, and no sender hears of it.
fn ours(error: &ExchangeError) -> Outcome {
    let what = why(error);
    later(
        Reason::Local,
        format!(
            "the webhook was not asked: {what}; this machine has no more open files, threads or memory for Mailjob: raise its limits"
        ),
    )
}

fn why(error: &dyn std::error::Error) -> String {
    clean(&causes::causes(error), MAX_CAUSES)
}

/// Characters kept of why a request failed.
const MAX_CAUSES: usize = 1_000;

#[cfg(test)]
mod tests;
