//! A round of dropping what was kept long enough: readers find it, the writer drops it step by step.

use super::{post::Post, readers::Readers, schema, space, time};
use crate::{
    config::{Keep, Retention},
    ledger::{
        Dropped, Error, Forgotten,
        rules::forget::{self, Found, Kind},
    },
};

/// One round. Others write between any two steps.
pub(in crate::ledger) async fn forget(
    post: &Post,
    readers: &Readers,
    kept: Retention,
    now: i64,
) -> Result<Forgotten, Error> {
    let mut all = Forgotten::default();
    let doubts = post.ask(0, |desk| time::doubts(desk)).await?;
    for kind in Kind::ALL {
        let keep = kind.keep(&kept);
        // A clock that went forward by years would make all of it old.
        let keep = Keep {
            age: keep.age.filter(|_| !doubts),
            ..keep
        };
        let before = readers.read(move |db| forget::before(db, kind, keep, now)).await?;
        let Some(before) = before else { continue };
        while kind == Kind::History
            && post
                .ask(0, move |desk| forget::drop_conversations(desk, before))
                .await?
        {}
        let dropped = drop_before(post, readers, kind, before).await?;
        match kind {
            Kind::Mails => all.mails = dropped,
            Kind::Results => all.results = dropped,
            Kind::History => all.history = dropped,
        }
    }
    if !doubts {
        all.mails.bytes += post.ask(0, |desk| forget::drop_uploads(desk)).await?;
    }
    all.given_back = give_back(post, readers).await?;
    Ok(all)
}

async fn drop_before(post: &Post, readers: &Readers, kind: Kind, before: i64) -> Result<Dropped, Error> {
    let (mut all, mut behind): (Dropped, Found) = (Dropped::default(), (i64::MIN, 0));
    loop {
        let found = readers
            .read(move |db| forget::candidates(db, kind, behind, before))
            .await?;
        if found.is_empty() {
            return Ok(all);
        }
        let (dropped, last) = post.ask(0, move |desk| forget::drop_some(desk, kind, &found)).await?;
        all.count += dropped.count;
        all.bytes += dropped.bytes;
        behind = last.unwrap_or((before, 0));
    }
}

/// Gives back what is free beyond what is soon used again.
async fn give_back(post: &Post, readers: &Readers) -> Result<u64, Error> {
    let mut all = 0;
    loop {
        let (bytes, more) = post.ask(0, |desk| space::give_back(desk.db)).await?;
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
