//! The names of result files. Pure.

use super::ResultNaming;
use crate::{
    config::{NamePiece, NameToken},
    job::{JobScope, ResultFile},
    message::{
        Attachment, Head,
        clean::clean,
        safe_name::{Names, extension, safe_name, split},
    },
};

/// Characters of a subject that names a result.
const SUBJECT: usize = 60;

/// What a result comes from, as the stem of a file's name: the attachment that the job is of, else the only one that is handed
/// on, else the subject, else `mail`.
pub(in crate::dispatch) fn source(share: &JobScope, attachments: &[Attachment<'_>], head: &Head) -> String {
    let attachment = match (share, attachments) {
        (JobScope::Part(part), _) => Some(part.attachment.name.as_str()),
        (JobScope::Whole | JobScope::Gathering { .. }, [only]) => Some(only.safe_name.as_str()),
        (JobScope::Whole | JobScope::Gathering { .. }, _) => None,
    };
    if let Some(name) = attachment {
        return split(name).0.to_owned();
    }
    let subject = clean(&head.subject, SUBJECT).replace(['/', '\\'], "_");
    match subject.trim_matches(['.', ' ', '…']) {
        "" => "mail".to_owned(),
        subject => safe_name(subject, ""),
    }
}

/// Names files: by the template, or as they were named. Each name is safe and there once: `out.pdf`, `out_1.pdf`.
pub(super) fn name(files: &mut [ResultFile], template: Option<&[NamePiece]>, facts: &ResultNaming) {
    let mut names = Names::default();
    for (number, file) in (1..).zip(files) {
        let wanted = match template {
            Some(template) => filled(template, file, number, facts),
            None if file.name.is_empty() => format!("result.{}", extension(&file.media_type)),
            None => file.name.clone(),
        };
        file.name = names.add_indexed(Some(&wanted), &file.media_type);
    }
}

fn filled(template: &[NamePiece], file: &ResultFile, number: usize, facts: &ResultNaming) -> String {
    let (stem, dotted) = split(&file.name);
    let piece = |piece: &NamePiece| match piece {
        NamePiece::Text(text) => text.clone(),
        NamePiece::Token(token) => match token {
            NameToken::Stem if stem.is_empty() => facts.source.clone(),
            NameToken::Stem => stem.to_owned(),
            NameToken::Ext => match dotted.trim_start_matches('.') {
                "" => extension(&file.media_type).to_owned(),
                ext => ext.to_owned(),
            },
            NameToken::N => number.to_string(),
            NameToken::Date => facts.day.to_string(),
            NameToken::Job => facts.job.to_string(),
            NameToken::Source => facts.source.clone(),
        },
    };
    template.iter().map(piece).collect()
}
