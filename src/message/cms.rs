//! What an S/MIME envelope is, and the content of one that is only signed (RFC 5652, RFC 8551). Pure.
//!
//! Signatures are not verified, and nothing is decrypted: this only makes readable what everybody can read. BER is read, not DER alone:
//! OpenSSL and others write pieces and lengths that are not known in advance.

/// Pieces inside pieces, at most.
const DEEPEST: usize = 16;

/// What an envelope is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Envelope {
    /// Signed, with its content.
    Signed(Vec<u8>),
    /// Encrypted.
    Encrypted,
}

/// 1.2.840.113549.1.7.1, .2 and .3.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const SIGNED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const ENVELOPED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
/// 1.2.840.113549.1.9.16.1.23, authenticated encryption (RFC 5083).
const AUTH_ENVELOPED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17];

const OID: u8 = 0x06;
const OCTETS: u8 = 0x04;
const OCTETS_IN_PIECES: u8 = 0x24;
const SEQUENCE: u8 = 0x30;
const CONTEXT_0: u8 = 0xa0;

/// Looks at an envelope; `None` when it is none, or none that we know.
pub(super) fn look(bytes: &[u8]) -> Option<Envelope> {
    let (info, _) = inside(bytes, SEQUENCE)?;
    let (kind, content) = value(info, OID)?;
    if kind == ENVELOPED || kind == AUTH_ENVELOPED {
        return Some(Envelope::Encrypted);
    }
    if kind != SIGNED {
        return None;
    }
    let (content, _) = inside(content, CONTEXT_0)?;
    let (signed, _) = inside(content, SEQUENCE)?;
    // Version and digest algorithms come first.
    let rest = skip(skip(signed, 0)?, 0)?;
    let (encapsulated, _) = inside(rest, SEQUENCE)?;
    let (kind, content) = value(encapsulated, OID)?;
    if kind != DATA {
        return None;
    }
    let (content, _) = inside(content, CONTEXT_0)?;
    let mut all = Vec::new();
    octets(content, &mut all, 0)?;
    Some(Envelope::Signed(all))
}

/// A piece's first byte, its length where that is known in advance, and what follows.
fn head(bytes: &[u8]) -> Option<(u8, Option<usize>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, rest) = rest.split_first()?;
    match first {
        0x80 => Some((tag, None, rest)),
        short if short < 0x80 => Some((tag, Some(short.into()), rest)),
        long => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            if digits.len() > 4 {
                return None;
            }
            let length = digits
                .iter()
                .fold(0_usize, |length, digit| length << 8 | usize::from(*digit));
            Some((tag, Some(length), rest))
        }
    }
}

/// What is in a piece of this kind, and what follows it. Where the length is not known in advance, all that follows is in it: what reads
/// it stops where it ends.
fn inside(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, length, rest) = head(bytes)?;
    if found != tag {
        return None;
    }
    match length {
        Some(length) => rest.split_at_checked(length),
        None => Some((rest, &[])),
    }
}

/// The value of a piece of this kind whose length is known, and what follows it.
fn value(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, length, rest) = head(bytes)?;
    rest.split_at_checked(length.filter(|_| found == tag)?)
}

/// What follows a piece.
fn skip(bytes: &[u8], depth: usize) -> Option<&[u8]> {
    if depth > DEEPEST {
        return None;
    }
    let (_, length, mut rest) = head(bytes)?;
    if let Some(length) = length {
        return rest.get(length..);
    }
    loop {
        if let Some(end) = rest.strip_prefix(&[0, 0]) {
            return Some(end);
        }
        rest = skip(rest, depth + 1)?;
    }
}

/// Adds the octets of a string, which may come in pieces, and returns what follows it.
fn octets<'a>(bytes: &'a [u8], all: &mut Vec<u8>, depth: usize) -> Option<&'a [u8]> {
    if depth > DEEPEST {
        return None;
    }
    if let Some((octets, rest)) = value(bytes, OCTETS) {
        all.extend(octets);
        return Some(rest);
    }
    let (tag, length, rest) = head(bytes)?;
    if tag != OCTETS_IN_PIECES {
        return None;
    }
    match length {
        Some(length) => {
            let (mut pieces, rest) = rest.split_at_checked(length)?;
            while !pieces.is_empty() {
                pieces = octets(pieces, all, depth + 1)?;
            }
            Some(rest)
        }
        None => {
            let mut rest = rest;
            loop {
                if let Some(end) = rest.strip_prefix(&[0, 0]) {
                    return Some(end);
                }
                rest = octets(rest, all, depth + 1)?;
            }
        }
    }
}

#[cfg(test)]
#[path = "cms_tests.rs"]
mod tests;
