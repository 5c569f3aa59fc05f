//! A round of dropping what was kept long enough: readers find it, the writer drops it step by step.

use super::{post::WriterHandle, readers::Readers, schema, space, time};
use crate::{
    config::{Keep, Retention},
    ledger::{
        Dropped, Error, PruneReport,
        rules::forget::{self, PruneCandidate, RetainedKind},
    },
};

/// One round. Others write between any two steps.
pub(in crate::ledger) async fn forget(
    post: &WriterHandle,
    readers: &Readers,
    kept: Retention,
    now: i64,
) -> Result<PruneReport, Error> {
    let mut all = PruneReport::default();
    let doubts = post.ask(0, |tx| time::doubts(tx)).await?;
    for kind in RetainedKind::ALL {
        let keep = kind.keep(&kept);
        // A clock that went forward by years would make all of it old.
        let keep = Keep {
            age: keep.age.filter(|_| !doubts),
            ..keep
        };
        let before = readers.read(move |db| forget::before(db, kind, keep, now)).await?;
        let Some(before) = before else { continue };
        while kind == RetainedKind::History && post.ask(0, move |tx| forget::drop_conversations(tx, before)).await? {}
        let dropped = drop_before(post, readers, kind, before).await?;
        match kind {
            RetainedKind::Mails => all.mails = dropped,
            RetainedKind::Results => all.results = dropped,
            RetainedKind::History => all.history = dropped,
        }
    }
    if !doubts {
        all.mails.bytes += post.ask(0, |tx| forget::drop_uploads(tx)).await?;
    }
    all.given_back = give_back(post, readers).await?;
    Ok(all)
}

async fn drop_before(
    post: &WriterHandle,
    readers: &Readers,
    kind: RetainedKind,
    before: i64,
) -> Result<Dropped, Error> {
    let (mut all, mut behind): (Dropped, PruneCandidate) = (Dropped::default(), (i64::MIN, 0));
    loop {
        let found = readers
            .read(move |db| forget::candidates(db, kind, behind, before))
            .await?;
        if found.is_empty() {
            return Ok(all);
        }
        let (dropped, last) = post.ask(0, move |tx| forget::drop_some(tx, kind, &found)).await?;
        all.count += dropped.count;
        all.bytes += dropped.bytes;
        behind = last.unwrap_or((before, 0));
    }
}

/// Gives back what is free beyond what is soon used again.
async fn give_back(post: &WriterHandle, readers: &Readers) -> Result<u64, Error> {
    let mut all = 0;
    loop {
        let (bytes, more) = post.ask(0, |tx| space::give_back(tx.db)).await?;
        all += bytes;
        if !more {
            break;
        }
    }
    if all > 0 {
        let path = readers.path().to_owned();
        let shrinking = tokio::task::spawn_blocking(move || space::shrink(&schema::side(&path)?, &path));
        // The file shrinks at the writer's next copy of the WAL, at the latest.
        if let Ok(Err(error)) = shrinking.await {
            tracing::debug!(%error, "the ledger's file is shortened later");
        }
    }
    Ok(all)
}
