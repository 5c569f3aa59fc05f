//! Verifies DKIM signatures and DMARC ourselves, with keys and policies from DNS. SPF can't be done again: only the server that received
//! the mail knew who sent it.
//!
//! DNS that doesn't answer is no verdict: whoever needs one tries again later.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcResult, MessageAuthenticator, SpfOutput, dkim::DkimError,
    dmarc::verify::DmarcParameters,
};
use tokio::time::timeout;

use crate::{
    config::Proof,
    message::trust::{Evidence, domain_of, is_aligned},
};

/// Signatures of a mail that are looked at: each asks DNS.
const MOST_SIGNATURES: usize = 5;

/// Where keys and policies are asked for.
#[derive(Clone)]
pub struct Dns(Option<MessageAuthenticator>);

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dns")
    }
}

impl Dns {
    /// Asks this server, or those of the system. Nothing is sent before something is verified.
    #[must_use]
    pub fn new(server: Option<SocketAddr>) -> Arc<Self> {
        let authenticator = match server {
            None => MessageAuthenticator::new_system_conf(),
            Some(server) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
                let mut options = ResolverOpts::default();
                // The system's own hosts file holds no keys.
                options.timeout = Duration::from_secs(2);
                MessageAuthenticator::new(ResolverConfig::from_parts(None, vec![], vec![server]), options)
            }
        };
        if let Err(error) = &authenticator {
            tracing::warn!(%error, "the system's DNS servers are unknown: signatures can't be verified");
        }
        Arc::new(Self(authenticator.ok()))
    }

    /// Verifies the signatures that may count for the address that From names, in `limit` at most. It hashes the mail: where that is called,
    /// a thread may be held up; while DNS is waited for, none is.
    ///
    /// # Errors
    /// When DNS doesn't answer: nothing is known then.
    pub async fn verify(&self, raw: &[u8], address: &str, limit: Duration) -> Result<Evidence, String> {
        let Self(Some(authenticator)) = self else {
            return Err("the system's DNS servers are unknown".to_owned());
        };
        let Some(domain) = domain_of(address) else {
            return Ok(Evidence::default());
        };
        let verified = timeout(limit, verify(authenticator, raw, &domain)).await;
        verified.unwrap_or_else(|_elapsed| Err(format!("DNS took longer than {limit:?}")))
    }
}

async fn verify(authenticator: &MessageAuthenticator, raw: &[u8], domain: &str) -> Result<Evidence, String> {
    let mut evidence = Evidence {
        dkim: Some("none".to_owned()),
        sources: vec!["dns".to_owned()],
        ..Evidence::default()
    };
    let Some(mut message) = AuthenticatedMessage::parse(raw) else {
        return Ok(evidence);
    };
    let mut left = MOST_SIGNATURES;
    message.retain_dkim_signatures(|signature| {
        let counts = is_aligned(&signature.d, domain) || is_aligned(domain, &signature.d);
        let signs_from = signature.h.iter().any(|name| name.eq_ignore_ascii_case("from"));
        let kept = counts && signs_from && left > 0;
        left -= usize::from(kept);
        if kept {
            Ok(())
        } else {
            Err(DkimError::UnsupportedVersion)
        }
    });
    if left == MOST_SIGNATURES {
        return Ok(evidence);
    }
    let signatures = authenticator.verify_dkim(&message).await;
    let passed = |output: &&DkimOutput<'_>| *output.result() == DkimResult::Pass;
    let is_ours = |output: &&DkimOutput<'_>| {
        output
            .signature()
            .is_some_and(|signature| is_aligned(&signature.d, domain))
    };
    let dkim = signatures.iter().find(|output| passed(output) && is_ours(output));
    let failed = || {
        let looked_at = signatures.iter().filter(|output| output.signature().is_some());
        looked_at.into_iter().find(|output| !passed(output))
    };
    if let Some(shown) = dkim.or_else(failed) {
        evidence.dkim = Some(dkim_word(shown.result()).to_owned());
    }
    let nobody = SpfOutput::default();
    let dmarc = authenticator.verify_dmarc(DmarcParameters::new(&message, &signatures, "", &nobody));
    let dmarc = dmarc.await;
    let dmarc_passes = *dmarc.dkim_result() == DmarcResult::Pass;
    evidence.dmarc = Some(dmarc_word(dmarc.dkim_result()).to_owned());
    evidence.proofs.extend(dmarc_passes.then_some(Proof::Dmarc));
    evidence.proofs.extend(dkim.map(|_| Proof::Dkim));
    let silent = signatures.iter().find_map(|output| match output.result() {
        DkimResult::TempError(error) => Some(error.to_string()),
        _ => None,
    });
    let silent = silent.filter(|_| dkim.is_none()).or(match dmarc.dkim_result() {
        DmarcResult::TempError(error) => Some(error.to_string()),
        _ => None,
    });
    silent.map_or(Ok(evidence), Err)
}

fn dkim_word(result: &DkimResult) -> &'static str {
    match result {
        DkimResult::Pass => "pass",
        DkimResult::Neutral(_) => "neutral",
        DkimResult::Fail(_) => "fail",
        DkimResult::PermError(_) => "permerror",
        DkimResult::TempError(_) => "temperror",
        DkimResult::None => "none",
    }
}

fn dmarc_word(result: &DmarcResult) -> &'static str {
    match result {
        DmarcResult::Pass => "pass",
        DmarcResult::Fail(_) => "fail",
        DmarcResult::TempError(_) => "temperror",
        DmarcResult::PermError(_) => "permerror",
        DmarcResult::None => "none",
    }
}
