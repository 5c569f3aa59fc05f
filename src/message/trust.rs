//! Who a mail's sender is, and what shows it: what From names, and the results that the receiving server wrote. Pure.
//!
//! A header field proves nothing by itself: the sender may have written it. Fields are read from the top, where each server on the way
//! adds its own, as long as those of servers that are believed; the topmost Authentication-Results there counts, no other (RFC 8601
//! section 5). Below the border, which is the first server of ours that took the mail from outside, everything is the sender's text. Microsoft
//! writes its results above its border's Received, so there nothing below counts; Google and many servers of one's own write them right
//! below it. A mail without any Received came past no border, and its results are nobody's.

use std::net::IpAddr;

use super::{
    clean::lossy,
    identity::InvalidFrom,
    results::{MethodResult, Results, parse},
};
use crate::{
    addr_spec::{normal, normal_domain},
    config::{Proof, Trust},
};

/// Fields that are looked at from the top.
const MOST_FIELDS: usize = 200;

/// Who a mail's sender is, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The one address that From names, or why it names nobody.
    pub address: Result<String, InvalidFrom>,
    /// What results say, and whose they are.
    pub evidence: Evidence,
}

/// What results say of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    /// The result of SPF, as a believed server wrote it.
    pub spf: Option<String>,
    /// The result of DKIM for a signature that counts, else of any.
    pub dkim: Option<String>,
    /// The result of DMARC.
    pub dmarc: Option<String>,
    /// What shows that the mail is of whom From names; the strongest first.
    pub proofs: Vec<Proof>,
    /// Who says so: `microsoft`, a server's name, `dns` where we verified it.
    pub sources: Vec<String>,
}

impl Sender {
    /// The strongest proof.
    #[must_use]
    pub fn proven_by(&self) -> Option<Proof> {
        self.evidence.proofs.first().copied()
    }

    /// The address in the form in which addresses are compared.
    #[must_use]
    pub fn normal(&self) -> Option<String> {
        normal(self.address.as_deref().ok()?)
    }

    /// Adds what we verified ourselves: results of DKIM and DMARC for From's domain.
    pub fn verified(&mut self, checked: &Evidence) {
        let ours = |theirs: &mut Option<String>, ours: &Option<String>| {
            if ours.is_some() && theirs.as_deref() != Some("pass") {
                theirs.clone_from(ours);
            }
        };
        ours(&mut self.evidence.dkim, &checked.dkim);
        ours(&mut self.evidence.dmarc, &checked.dmarc);
        if self.address.is_ok() {
            self.evidence.proofs.extend(&checked.proofs);
            self.evidence.proofs.sort_unstable();
            self.evidence.proofs.dedup();
        }
        self.evidence.sources.extend(checked.sources.iter().cloned());
    }
}

/// Who a mail's sender is, by its header fields from the top: names, and values as written.
pub fn sender<'a>(
    address: Result<String, InvalidFrom>,
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    trust: &Trust,
) -> Sender {
    let domain = address.as_deref().ok().and_then(domain_of);
    let believed = believed(fields, trust);
    let evidence = believed.map(|results| evidence(&results, domain.as_deref(), trust));
    Sender {
        address,
        evidence: evidence.unwrap_or_default(),
    }
}

/// The domain of an address, in the form in which domains are compared.
pub fn domain_of(address: &str) -> Option<String> {
    normal_domain(address.rsplit_once('@')?.1)
}

/// The results that count: those of the topmost Authentication-Results above the first Received of a server that is not believed.
fn believed<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>, trust: &Trust) -> Option<Results> {
    let mut fields = fields.take(MOST_FIELDS);
    let mut above = false;
    while let Some((name, value)) = fields.next() {
        if name.eq_ignore_ascii_case("Received") {
            let hop = Hop::read(value)?;
            if !is_own(&hop.by, trust) || is_border(&hop, trust) {
                return None;
            }
            above = true;
        }
        if name.eq_ignore_ascii_case("Authentication-Results") {
            let results = parse(str::from_utf8(value).ok()?).filter(|results| is_of(results, trust))?;
            let next = fields.find(|(name, _)| name.eq_ignore_ascii_case("Received"));
            let below = next
                .and_then(|(_, value)| Hop::read(value))
                .is_some_and(|hop| is_own(&hop.by, trust));
            let came_in = match trust {
                // Its border stands below.
                Trust::Microsoft => below,
                // Its border stands above.
                Trust::Google => above,
                Trust::Servers(_) => above || next.is_some(),
                Trust::Nobody => false,
            };
            return came_in.then_some(results);
        }
    }
    None
}

/// Whether a server of ours took a mail from outside, where the results stand above that. The name that a client calls itself proves
/// nothing, so what stands at Microsoft's border is known by the border's name too.
fn is_border(hop: &Hop, trust: &Trust) -> bool {
    *trust == Trust::Microsoft
        && (hop.by.split('.').any(|label| label == "protection")
            || !hop.from.as_deref().is_some_and(|from| is_own(from, trust)))
}

/// Whether results are of whom we believe. Those of Microsoft 365 name nobody ("Message headers in Microsoft 365", 2025).
fn is_of(results: &Results, trust: &Trust) -> bool {
    match (trust, results.id.as_deref()) {
        (Trust::Microsoft, id) => id.is_none(),
        (Trust::Google, Some(id)) => id == "mx.google.com",
        (Trust::Servers(known), Some(id)) => known.iter().any(|known| known == id),
        (Trust::Google | Trust::Servers(_), None) | (Trust::Nobody, _) => false,
    }
}

/// The servers of Microsoft 365 and its national clouds.
const MICROSOFT: [&str; 5] = [
    "outlook.com",
    "office365.com",
    "office365.us",
    "outlook.cn",
    "exchangelabs.com",
];

/// Whether a server that received the mail is one whose fields above count. Inside Google servers have addresses of private networks,
/// in the form of 6to4 too (2026).
fn is_own(host: &str, trust: &Trust) -> bool {
    let in_domain = |domain: &str| {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    match trust {
        Trust::Nobody => false,
        Trust::Microsoft => MICROSOFT.into_iter().any(in_domain),
        Trust::Google => in_domain("google.com") || host.parse().is_ok_and(is_inside_google),
        Trust::Servers(known) => known.iter().any(|known| in_domain(known)),
    }
}

/// 10.0.0.0/8, as it is and in the form of 6to4.
fn is_inside_google(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets().first() == Some(&10),
        IpAddr::V6(address) => matches!(address.segments(), [0x2002, second, ..] if second >> 8 == 10),
    }
}

/// Who a Received field is of, in lower case.
struct Hop {
    /// The server that wrote it: the word after the first `by` outside of comments (RFC 5321 section 4.4).
    by: String,
    /// What the client called itself.
    from: Option<String>,
}

impl Hop {
    fn read(value: &[u8]) -> Option<Self> {
        let (mut plain, mut depth) = (String::new(), 0_usize);
        for c in lossy(value).chars().take(4_000) {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.checked_sub(1)?,
                _ if depth == 0 => plain.push(c.to_ascii_lowercase()),
                _ => {}
            }
        }
        let mut words = plain.split_ascii_whitespace();
        let host = |word: &str| word.trim_end_matches([';', '.']).to_owned();
        let mut from = None;
        let mut first = words.next()?;
        if first == "from" {
            from = words.next().map(host);
            first = words.next()?;
        }
        if first != "by" {
            words.find(|word| *word == "by")?;
        }
        Some(Self {
            by: host(words.next()?),
            from,
        })
    }
}

fn evidence(results: &Results, domain: Option<&str>, trust: &Trust) -> Evidence {
    let of = |method: &'static str| results.results.iter().filter(move |finding| finding.method == method);
    let passes = |finding: &&MethodResult| finding.result == "pass";
    let aligned = |finding: &&MethodResult, names: &[&str]| {
        let found = names.iter().find_map(|name| finding.property(name));
        found.is_some_and(|found| domain.is_some_and(|domain| is_aligned(found, domain)))
    };
    let dkim = of("dkim").find(|finding| passes(finding) && aligned(finding, &["header.d", "header.i"]));
    // Two verdicts are none.
    let only = |method| {
        let mut found = of(method);
        found.next().filter(|_| found.next().is_none())
    };
    let spf = only("spf")
        .filter(passes)
        .filter(|finding| aligned(finding, &["smtp.mailfrom"]));
    let dmarc = only("dmarc").filter(passes).filter(|finding| {
        let from = finding.property("header.from").and_then(normal_domain);
        from.is_some() && from.as_deref() == domain
    });
    let proofs = [
        dmarc.map(|_| Proof::Dmarc),
        dkim.map(|_| Proof::Dkim),
        spf.map(|_| Proof::Spf),
    ];
    let result = |finding: Option<&MethodResult>| finding.map(|finding| finding.result.chars().take(40).collect());
    Evidence {
        spf: result(only("spf")),
        dkim: result(dkim.or_else(|| of("dkim").next())),
        dmarc: result(only("dmarc")),
        proofs: proofs.into_iter().flatten().collect(),
        sources: vec![match trust {
            Trust::Microsoft => "microsoft".to_owned(),
            _ => results.id.clone().unwrap_or_default(),
        }],
    }
}

/// Whether a domain, or the one of an address, is From's or above it. A single label is above nothing that is of one owner.
pub fn is_aligned(found: &str, domain: &str) -> bool {
    let found = found.rsplit_once('@').map_or(found, |(_, domain)| domain);
    normal_domain(found).is_some_and(|found| {
        let rest = domain.strip_suffix(found.as_str());
        rest.is_some_and(|rest| rest.is_empty() || (rest.ends_with('.') && found.contains('.')))
    })
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
