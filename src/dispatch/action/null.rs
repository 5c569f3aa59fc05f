//! Nothing: a mail that is meant is done, and nobody hears of it.

use async_trait::async_trait;

use super::{Action, Handle, Prepare, Prepared, ProbeReport, Resumed, Run, Unfit, plan::Plan};
use crate::{
    config::action::Null,
    dispatch::{AttemptResult, Dispatch, work::Work},
    job::{Answer, Outcome},
};

#[async_trait]
impl Action for Null {
    async fn prepare(&self, _dispatch: &Dispatch) -> Result<Prepare, Outcome> {
        Ok(Box::new(|_work| Ok(Box::new(NullAttempt))))
    }

    async fn resume(&self, _handle: &Handle, _run: &mut Run<'_>) -> Resumed {
        Resumed::Nothing
    }

    fn rehearse(&self, _work: &Work<'_>, _most: u64) -> Result<Plan, Outcome> {
        Ok(Plan::Nothing)
    }

    fn made_up(&self) -> (Outcome, Outcome) {
        (Outcome::Done(Answer::default()), Outcome::Done(Answer::default()))
    }

    fn probe(&self) -> Result<ProbeReport, Unfit> {
        Ok(ProbeReport {
            told: "nothing is done".to_owned(),
            destination: None,
        })
    }
}

/// Nothing to be done.
struct NullAttempt;

#[async_trait]
impl Prepared for NullAttempt {
    fn handle(&self) -> Option<Handle> {
        None
    }

    async fn run(self: Box<Self>, run: &mut Run<'_>) -> Option<AttemptResult> {
        let done = async { Outcome::Done(Answer::default()).into() };
        Some(run.dispatch.health.acting(done).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config,
        dispatch::tests::{
            MAIL, endpoint,
            scene::{Scene, states},
        },
        job::state::State,
    };

    #[tokio::test]
    async fn what_is_meant_is_done_and_nobody_is_asked_for_a_reply() {
        let mut scene = Scene::with(vec![MAIL.to_owned(), MAIL.replace("Gr=C3=BC=C3=9Fe", "other")]).await;
        let mut endpoint = endpoint(config::Action::Null(Null));
        endpoint.filter.subject = vec!["other".to_owned()];
        scene.start(endpoint);
        let rows = scene.ended().await;
        assert_eq!(states(&rows), [State::Ignored, State::Done]);
        assert!(scene.notes.0.lock().unwrap().is_empty(), "no reply is composed for it");
        scene.stopped().await;
    }
}
