//! Attachments as an input: which of them are meant, and whether there are enough and not too many. Pure.

use std::collections::BTreeMap;

use super::{InputResult, InputValue};
use crate::{
    config::{FileInput, Shape},
    message::{Attachment, content},
    plural,
};

/// Patterns that are named to a sender.
const NAMED: usize = 5;

/// The attachments that are meant, in the shape that is wanted.
///
/// # Errors
/// When there are too few or too many.
pub(super) fn chosen(wanted: &FileInput, attachments: &[Attachment<'_>]) -> Result<InputResult, String> {
    let chosen: Vec<_> = attachments.iter().filter(|file| is_meant(wanted, file)).collect();
    let like = || {
        let globs: Vec<_> = wanted.names.iter().take(NAMED).map(String::as_str).collect();
        globs.join(" or ")
    };
    match chosen.len() {
        0 if wanted.min <= 1 => {
            let missing = format!("attach a file that is named like {}", like());
            match wanted.min {
                0 => Ok(empty(wanted.shape).ok_or(missing)),
                _ => Err(format!("is missing: {missing}")),
            }
        }
        n if n < wanted.min => Err(format!(
            "needs {} that are named like {}, but there {}",
            plural::counted(wanted.min, "file"),
            like(),
            are(n)
        )),
        n if n > wanted.max => Err(format!(
            "takes {} named like {}, but there {}",
            match wanted.max {
                1 => "one file that is".to_owned(),
                most => format!("{most} files at most that are"),
            },
            like(),
            are(n)
        )),
        _ => Ok(shaped(wanted.shape, &chosen).ok_or_else(String::new)),
    }
}

fn are(count: usize) -> String {
    match count {
        1 => "is 1".to_owned(),
        n => format!("are {n}"),
    }
}

fn is_meant(wanted: &FileInput, file: &Attachment<'_>) -> bool {
    if !content::matches(&wanted.names, file.shown_name()) {
        return false;
    }
    let types = &wanted.media_types;
    let declared = content::declared(file);
    // The content is decoded only for what fits so far.
    types.is_empty() || (content::matches(types, declared) && content::is_of(types, declared, &file.data()))
}

/// What stands for no file: a list or a map without entries.
fn empty(shape: Shape) -> Option<InputValue> {
    match shape {
        Shape::One => None,
        Shape::List => Some(InputValue::Files(Vec::new())),
        Shape::Map => Some(InputValue::Map(BTreeMap::new())),
    }
}

fn shaped(shape: Shape, files: &[&Attachment<'_>]) -> Option<InputValue> {
    let names = || files.iter().map(|file| file.safe_name.clone());
    Some(match shape {
        Shape::One => InputValue::File(names().next()?),
        Shape::List => InputValue::Files(names().collect()),
        Shape::Map => {
            let mut map = BTreeMap::new();
            for file in files {
                let key = Some(file.shown_name()).filter(|name| !map.contains_key(*name));
                map.insert(key.unwrap_or(&file.safe_name).to_owned(), file.safe_name.clone());
            }
            InputValue::Map(map)
        }
    })
}
