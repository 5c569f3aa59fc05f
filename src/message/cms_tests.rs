use proptest::prelude::*;

use super::*;

fn piece(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], length.as_slice(), content].concat()
}

fn endless(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x80], content, &[0, 0]].concat()
}

fn signed(octets: &[u8], wrap: fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
    let encapsulated = wrap(SEQUENCE, &[piece(OID, DATA), wrap(CONTEXT_0, octets)].concat());
    let algorithms = wrap(0x31, &piece(SEQUENCE, &piece(OID, DATA)));
    let data = wrap(
        SEQUENCE,
        &[vec![2, 1, 1], algorithms, encapsulated, piece(0x31, b"")].concat(),
    );
    wrap(SEQUENCE, &[piece(OID, SIGNED), wrap(CONTEXT_0, &data)].concat())
}

#[test]
fn the_content_of_what_is_signed_comes_out() {
    for wrap in [piece, endless] {
        assert_eq!(
            look(&signed(&piece(OCTETS, b"Hello"), wrap)),
            Some(Envelope::Signed(b"Hello".to_vec()))
        );
        let pieces = [piece(OCTETS, b"Hel"), piece(OCTETS, b"lo")].concat();
        assert_eq!(
            look(&signed(&wrap(OCTETS_IN_PIECES, &pieces), wrap)),
            Some(Envelope::Signed(b"Hello".to_vec()))
        );
    }
    for kind in [ENVELOPED, AUTH_ENVELOPED] {
        assert_eq!(look(&piece(SEQUENCE, &piece(OID, kind))), Some(Envelope::Encrypted));
    }
}

#[test]
fn what_is_no_envelope_or_too_deep_is_left() {
    let mut deep = piece(OCTETS, b"x");
    for _ in 0..=DEEPEST {
        deep = endless(OCTETS_IN_PIECES, &deep);
    }
    let detached = piece(
        SEQUENCE,
        &[piece(OID, SIGNED), piece(CONTEXT_0, &piece(SEQUENCE, &[2, 1, 1]))].concat(),
    );
    for bytes in [
        b"".as_slice(),
        b"Hello",
        &[0x30, 0x80],
        &[0x30, 0xff],
        &signed(&deep, piece),
        &detached,
    ] {
        assert_eq!(look(bytes), None);
    }
    assert_eq!(look(&[0x30, 0x80].repeat(1_000_000)), None);
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        drop(look(&bytes));
        for wrap in [piece, endless] {
            let mut envelope = signed(&piece(OCTETS, &bytes), wrap);
            let place = at.index(envelope.len());
            envelope[place] = byte;
            if let Some(Envelope::Signed(content)) = look(&envelope) {
                prop_assert!(content.len() <= envelope.len());
            }
        }
    }
}
