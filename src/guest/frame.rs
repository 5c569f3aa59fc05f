//! What we and a warden say to each other: frames of tagged fields to it, notes of nine bytes from it. Pure.
//!
//! No path, argument or variable can hold a NUL, so a NUL ends each field.

/// A tag and its bytes.
pub(super) type TaggedField = (u8, Vec<u8>);

/// The most bytes of a frame: the kernel takes 2 MiB of arguments and variables, and paths come beside them.
pub(super) const MOST: usize = 8 << 20;

/// The bytes of these fields; `None` where they are too many, or where a field has a NUL and would be two.
pub(super) fn encode<'a>(fields: impl IntoIterator<Item = (u8, &'a [u8])>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for (tag, field) in fields {
        if field.contains(&0) {
            return None;
        }
        bytes.push(tag);
        bytes.extend_from_slice(field);
        bytes.push(0);
    }
    (bytes.len() <= MOST).then_some(bytes)
}

/// The fields of these bytes; what has no tag is left out.
pub(super) fn decode(bytes: &[u8]) -> Vec<TaggedField> {
    let fields = bytes.strip_suffix(&[0]).unwrap_or(bytes).split(|byte| *byte == 0);
    fields
        .filter_map(|field| field.split_first().map(|(tag, field)| (*tag, field.to_vec())))
        .collect()
}

/// What a warden says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    /// The program runs as this process.
    Started(i32),
    /// It could not be started: an error number.
    Failed(i32),
    /// What it may do could not be limited, so it was not started.
    Unconfined,
    /// It ended: a wait status.
    Exited(i32),
    /// It had more processes than it may.
    TooMany,
    /// It had more memory than it may.
    TooLarge,
    /// Nothing of it is left.
    Gone,
}

/// The bytes of a note.
pub(super) const NOTE: usize = 5;

impl Note {
    pub(super) fn bytes(self) -> [u8; NOTE] {
        let (tag, value) = match self {
            Self::Started(pid) => (b'S', pid),
            Self::Failed(errno) => (b'E', errno),
            Self::Unconfined => (b'U', 0),
            Self::Exited(status) => (b'X', status),
            Self::TooMany => (b'P', 0),
            Self::TooLarge => (b'M', 0),
            Self::Gone => (b'G', 0),
        };
        let [a, b, c, d] = value.to_le_bytes();
        [tag, a, b, c, d]
    }

    pub(super) fn of(bytes: [u8; NOTE]) -> Option<Self> {
        let [tag, a, b, c, d] = bytes;
        let value = i32::from_le_bytes([a, b, c, d]);
        Some(match tag {
            b'S' => Self::Started(value),
            b'E' => Self::Failed(value),
            b'U' => Self::Unconfined,
            b'X' => Self::Exited(value),
            b'P' => Self::TooMany,
            b'M' => Self::TooLarge,
            b'G' => Self::Gone,
            _ => return None,
        })
    }
}

/// Begins a frame; its length and bytes follow. What is said about a guest that is gone by then is passed over.
pub(super) const FRAME: u8 = b'F';
/// Asks the guest to end.
pub(super) const TERM: u8 = b'T';
/// Kills all of it.
pub(super) const KILL: u8 = b'K';

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_said_is_heard(fields in prop::collection::vec((1..=255_u8, prop::collection::vec(1..=255_u8, 0..20)), 0..10)) {
            let bytes = encode(fields.iter().map(|(tag, field)| (*tag, &field[..]))).unwrap();
            prop_assert_eq!(decode(&bytes), fields);
        }

        #[test]
        fn notes_are_heard_as_said(value in any::<i32>()) {
            for note in [
                Note::Started(value), Note::Failed(value), Note::Exited(value), Note::Unconfined, Note::TooMany, Note::TooLarge, Note::Gone,
            ] {
                prop_assert_eq!(Note::of(note.bytes()), Some(note));
            }
        }
    }

    #[test]
    fn a_field_is_never_two() {
        assert_eq!(encode([(b'a', &b"x\0by"[..])]), None);
        let long = vec![b'x'; MOST];
        assert_eq!(encode([(b'a', &long[..])]), None);
    }
}
