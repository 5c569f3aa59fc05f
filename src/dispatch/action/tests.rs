//! What an action that runs elsewhere may rely on, and what all actions share.

use std::sync::Mutex;

use super::*;
use crate::{
    budget::Holding,
    dispatch::tests::{endpoint, job, scene::Scene, shell},
    job::Answer,
};

/// An action whose work outlives us; notes what it is asked.
#[derive(Default)]
struct Elsewhere {
    asked: Mutex<Vec<String>>,
    /// What it began is gone.
    is_lost: bool,
}

impl Elsewhere {
    fn note(&self, what: impl Into<String>) {
        self.asked.lock().unwrap().push(what.into());
    }
}

#[async_trait]
impl Action for Elsewhere {
    async fn prepare(&self, _dispatch: &Dispatch) -> Result<Prepare, Outcome> {
        Ok(Box::new(|_work| Ok(Box::new(Begin))))
    }

    async fn resume(&self, Handle(handle): &Handle, _run: &mut Run<'_>) -> Resumed {
        self.note(format!("resume {handle}"));
        match self.is_lost {
            true => Resumed::Nothing,
            false => Resumed::Ended(Some(Box::new(Outcome::Done(Answer::default()).into()))),
        }
    }

    fn rehearse(&self, _work: &Work<'_>, _most: u64) -> Result<Plan, Outcome> {
        Ok(Plan::Nothing)
    }

    fn made_up(&self) -> (Outcome, Outcome) {
        (Outcome::Done(Answer::default()), Outcome::Done(Answer::default()))
    }

    fn probe(&self) -> Result<ProbeReport, Unfit> {
        Ok(ProbeReport {
            told: String::new(),
            destination: None,
        })
    }
}

struct Begin;

#[async_trait]
impl Prepared for Begin {
    fn handle(&self) -> Option<Handle> {
        Some(Handle("pod-1".to_owned()))
    }

    async fn run(self: Box<Self>, _run: &mut Run<'_>) -> Option<AttemptResult> {
        Some(
            Outcome::Done(Answer {
                text: Some("begun".to_owned()),
                ..Answer::default()
            })
            .into(),
        )
    }
}

#[derive(Default)]
struct Kept(Mutex<Option<Handle>>);

#[async_trait]
impl Handles for Kept {
    async fn kept(&self, _job: &ClaimedJob) -> Result<Option<Handle>, Outcome> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn keep(&self, _job: &ClaimedJob, handle: &Handle) -> Result<(), Outcome> {
        *self.0.lock().unwrap() = Some(handle.clone());
        Ok(())
    }
}

#[tokio::test]
async fn what_an_earlier_attempt_began_is_resumed_and_not_begun_again() {
    let scene = Scene::with(Vec::new()).await;
    let dispatch = scene.dispatch(endpoint(config::Action::Command(shell("true"))));
    let (job, action, handles) = (job(), Elsewhere::default(), Kept::default());
    let mut holding = Holding::new(&dispatch.memory.work);
    let mut run = Run {
        dispatch: &dispatch,
        job: &job,
        means: AttemptResources::new(&dispatch.memory, &mut holding, 0),
    };
    let text = |ended: Option<AttemptResult>| match ended.unwrap().outcome {
        Outcome::Done(answer) => answer.text,
        other => panic!("{other:?}"),
    };
    let begun = act(&action, Box::new(Begin), &mut run, &handles).await;
    assert_eq!(text(begun).as_deref(), Some("begun"));
    assert_eq!(
        *handles.0.lock().unwrap(),
        Some(Handle("pod-1".to_owned())),
        "kept before it began"
    );
    let resumed = act(&action, Box::new(Begin), &mut run, &handles).await;
    assert_eq!(text(resumed), None);
    assert_eq!(*action.asked.lock().unwrap(), ["resume pod-1"]);
    let lost = Elsewhere {
        is_lost: true,
        ..Elsewhere::default()
    };
    let anew = act(&lost, Box::new(Begin), &mut run, &handles).await;
    assert_eq!(text(anew).as_deref(), Some("begun"), "nothing is left of it");
    // Without a place for its handle nothing is begun.
    let refused = act(&action, Box::new(Begin), &mut run, &NoHandles).await;
    assert!(matches!(
        refused.unwrap().outcome,
        Outcome::Retry {
            reason: Reason::Local,
            ..
        }
    ));
}

#[tokio::test]
async fn what_ends_with_us_has_nothing_to_resume() {
    let scene = Scene::with(Vec::new()).await;
    let dispatch = scene.dispatch(endpoint(config::Action::Command(shell("true"))));
    let job = job();
    let mut holding = Holding::new(&dispatch.memory.work);
    let mut run = Run {
        dispatch: &dispatch,
        job: &job,
        means: AttemptResources::new(&dispatch.memory, &mut holding, 0),
    };
    let webhook = config::Webhook::new("https://erp.example/".to_owned());
    for action in [config::Action::Webhook(webhook), config::Action::Command(shell("true"))] {
        let resumed = of(&action).resume(&Handle("pod-1".to_owned()), &mut run).await;
        assert!(matches!(resumed, Resumed::Nothing), "{}", action.describe().name());
    }
}

#[test]
fn private_addresses_need_the_operator_s_word() {
    let found: Vec<SocketAddr> = ["10.0.0.1:443", "1.1.1.1:443"].map(|a| a.parse().unwrap()).to_vec();
    let strict = RemoteAccess::default();
    assert_eq!(allowed(&strict, "erp.example", found.clone()).unwrap(), found[1..]);
    assert!(allowed(&strict, "erp.example", found[..1].to_vec()).is_err());
    let lax = RemoteAccess {
        allow_private_network: true,
        ..strict
    };
    assert_eq!(allowed(&lax, "erp.example", found.clone()).unwrap(), found);
}
