//! What the rule promises.

use proptest::prelude::*;

use super::*;

/// A rule with endpoints of these kinds, each of which wants so many at once.
fn rule(jobs: Size, commands: Size, endpoints: &[(SlotKind, usize)]) -> (Rule, Vec<Id>) {
    let mut rule = Rule::new(jobs, commands);
    let ids = endpoints.iter().map(|(kind, most)| rule.join(*kind, *most)).collect();
    (rule, ids)
}

#[test]
fn what_endpoints_get_that_take_all_they_may_one_after_the_other() {
    use Size::{Beside, Exactly};
    use SlotKind::{Command, Webhook};
    for (jobs, commands, endpoints, expected) in [
        // Five slow webhooks, and a sixth that comes when they have all they may.
        (Exactly(32), Exactly(8), &[(Webhook, 8); 6][..], &[8, 8, 8, 4, 2, 1][..]),
        (Beside(32), Beside(8), &[(Webhook, 8); 6], &[8, 8, 8, 7, 3, 2]),
        // Two slow commands, and a third.
        (Exactly(32), Exactly(8), &[(Command, 8); 3], &[4, 2, 1]),
        (Beside(32), Beside(8), &[(Command, 8); 3], &[5, 3, 1]),
        // Commands never take the slots of webhooks.
        (
            Exactly(32),
            Exactly(8),
            &[(Command, 99), (Command, 99), (Webhook, 9)],
            &[4, 2, 9],
        ),
        // The only one gets all.
        (Exactly(8), Exactly(8), &[(Command, 99)], &[8]),
        (Exactly(1), Exactly(1), &[(Webhook, 9)], &[1]),
        (Beside(8), Beside(8), &[(Webhook, 9)], &[9]),
        // More endpoints than slots.
        (Exactly(2), Exactly(2), &[(Webhook, 9); 3], &[1, 1, 0]),
        (Beside(0), Beside(0), &[(Webhook, 9); 3], &[1, 1, 1]),
        // An endpoint that may run as many as there are leaves half.
        (Exactly(600), Exactly(8), &[(Webhook, 600), (Webhook, 8)], &[300, 8]),
    ] {
        let (mut rule, ids) = rule(jobs, commands, endpoints);
        let got: Vec<_> = ids.iter().map(|id| rule.take(*id, usize::MAX)).collect();
        assert_eq!(got, expected, "{jobs:?} {commands:?} {endpoints:?}");
    }
}

#[test]
fn who_runs_nothing_comes_first_then_who_runs_least_then_who_came_first() {
    let (mut rule, ids) = rule(Size::Exactly(8), Size::Exactly(8), &[(SlotKind::Webhook, 9); 3]);
    let [a, b, c] = ids[..] else { panic!() };
    assert_eq!(rule.take(a, 4), 4);
    assert_eq!((rule.take(b, 4), rule.take(c, 2)), (2, 1));
    let [late, early, last] = [rule.ask(a), rule.ask(b), rule.ask(c)];
    assert_eq!(
        rule.grant(),
        None,
        "one is free, and whoever takes it leaves less than it holds"
    );
    rule.give_back(b);
    assert_eq!(rule.grant(), None);
    rule.give_back(b);
    assert_eq!((rule.grant(), rule.grant()), (Some(early), None), "it runs nothing");
    rule.give_back(a);
    assert_eq!((rule.grant(), rule.grant()), (Some(last), None), "it runs least");
    rule.give_back(a);
    assert_eq!(rule.grant(), None);
    rule.give_back(a);
    assert_eq!(rule.grant(), Some(late));
}

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    Join(bool, usize),
    Ask(usize),
    Take(usize, usize),
    GiveBack(usize),
    Withdraw(usize),
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (any::<bool>(), 1..12_usize).prop_map(|(command, most)| Step::Join(command, most)),
        6 => (0..8_usize).prop_map(Step::Ask),
        3 => (0..8_usize, 1..12_usize).prop_map(|(who, most)| Step::Take(who, most)),
        6 => (0..64_usize).prop_map(Step::GiveBack),
        1 => (0..8_usize).prop_map(Step::Withdraw),
        1 => (0..8_usize).prop_map(Step::Leave),
    ]
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        (1..20_usize).prop_map(Size::Exactly),
        (0..20_usize).prop_map(Size::Beside)
    ]
}

/// What a bystander counts.
#[derive(Default)]
struct Counted {
    kinds: BTreeMap<Id, (SlotKind, usize)>,
    held: Vec<Id>,
    waiting: Vec<(Ticket, Id)>,
}

impl Counted {
    fn held(&self, kind: Option<SlotKind>) -> usize {
        let of_kind = |id: &&Id| kind.is_none_or(|kind| self.kinds[*id].0 == kind);
        self.held.iter().filter(of_kind).count()
    }

    fn members(&self, kind: Option<SlotKind>) -> usize {
        self.kinds
            .values()
            .filter(|(of, _)| kind.is_none_or(|kind| kind == *of))
            .count()
    }

    fn holds(&self, id: Id) -> usize {
        self.held.iter().filter(|held| **held == id).count()
    }

    fn pick(&self, nth: usize) -> Option<Id> {
        self.kinds.keys().nth(nth % self.kinds.len().max(1)).copied()
    }
}

proptest! {
    #[test]
    fn no_step_breaks_a_promise(jobs in size(), commands in size(), steps in prop::collection::vec(step(), 1..200)) {
        let mut rule = Rule::new(jobs, commands);
        let mut seen = Counted::default();
        // How many must end before the first job of each that waits, and runs nothing, begins.
        let mut bounds: BTreeMap<Ticket, usize> = BTreeMap::new();
        let mut left = false;
        for step in steps {
            let mut ended = 0;
            match step.clone() {
                Step::Join(command, most) => {
                    let kind = if command { SlotKind::Command } else { SlotKind::Webhook };
                    seen.kinds.insert(rule.join(kind, most), (kind, most));
                }
                Step::Ask(nth) => if let Some(id) = seen.pick(nth) {
                    let before = seen.waiting.len();
                    let waits_already = seen.waiting.iter().any(|(_, waiting)| *waiting == id);
                    let ticket = rule.ask(id);
                    seen.waiting.push((ticket, id));
                    let only_webhooks = seen.members(Some(SlotKind::Command)) == 0;
                    let fits = seen.held(None) <= jobs.of(seen.members(None)).0;
                    if seen.holds(id) == 0 && !waits_already && only_webhooks && fits {
                        bounds.insert(ticket, before + 1);
                    }
                }
                Step::Take(nth, most) => if let Some(id) = seen.pick(nth) {
                    let taken = rule.take(id, most);
                    prop_assert!(taken <= most);
                    seen.held.extend(std::iter::repeat_n(id, taken));
                }
                Step::GiveBack(nth) => if !seen.held.is_empty() {
                    let id = seen.held.swap_remove(nth % seen.held.len());
                    rule.give_back(id);
                    ended = 1;
                }
                Step::Withdraw(nth) => if !seen.waiting.is_empty() {
                    let (ticket, _) = seen.waiting.remove(nth % seen.waiting.len());
                    rule.withdraw(ticket);
                    bounds.remove(&ticket);
                }
                Step::Leave(nth) => if let Some(id) = seen.pick(nth).filter(|id| seen.holds(*id) == 0) {
                    // Who shrinks what there is keeps nobody's promise; that is looked at with endpoints that stay.
                    bounds.clear();
                    rule.leave(id);
                    seen.kinds.remove(&id);
                    seen.waiting.retain(|(_, waiting)| *waiting != id);
                }
            }
            while let Some(ticket) = rule.grant() {
                let at = seen.waiting.iter().position(|(waiting, _)| *waiting == ticket).unwrap();
                let (_, id) = seen.waiting.remove(at);
                // Nobody who runs nothing is passed over, but by who runs nothing and came before.
                let first_come = seen.holds(id) == 0;
                let passed = seen.waiting.iter().any(|(other, waits)| {
                    let same = seen.kinds[waits].0 == seen.kinds[&id].0;
                    same && seen.holds(*waits) == 0 && !(first_come && ticket < *other)
                });
                prop_assert!(!passed, "{ticket} came before one that runs nothing");
                seen.held.push(id);
                bounds.remove(&ticket);
            }
            let all = jobs.of(seen.members(None)).0;
            let of_commands = commands.of(seen.members(Some(SlotKind::Command))).0;
            // An endpoint that left took its own slot with it; what runs goes on.
            left |= matches!(step, Step::Leave(_));
            if !left || matches!((jobs, commands), (Size::Exactly(_), Size::Exactly(_))) {
                prop_assert!(seen.held(None) <= all, "{} of {all}", seen.held(None));
                prop_assert!(seen.held(Some(SlotKind::Command)) <= of_commands);
            }
            for (id, (_, most)) in &seen.kinds {
                prop_assert!(seen.holds(*id) <= *most);
            }
            // Nobody who runs nothing waits while a slot is free for it.
            for (_, id) in &seen.waiting {
                let (kind, most) = seen.kinds[id];
                let is_free = seen.held(None) < all && (kind == SlotKind::Webhook || seen.held(Some(kind)) < of_commands);
                prop_assert!(seen.holds(*id) > 0 || !is_free, "{id} waits");
                // Nor does the only one while any is.
                prop_assert!(seen.kinds.len() > 1 || seen.holds(*id) >= most || !is_free, "{id} is alone and waits");
            }
            // Each end of a job brings the first of those who wait nearer.
            if ended == 1 {
                for more in bounds.values_mut() {
                    *more -= 1;
                    prop_assert!(*more > 0, "a first job waits longer than it may");
                }
            }
        }
    }

    /// Where a slot is kept for each endpoint, the first job of none of them waits, whatever the others do.
    #[test]
    fn with_a_place_kept_for_each_no_first_job_waits(
        shared in 0..40_usize, members in 1..12_usize, written in any::<bool>(),
        steps in prop::collection::vec((any::<bool>(), 0..12_usize, 1..50_usize), 1..200),
    ) {
        let size = if written { Size::Exactly(2 * members + shared) } else { Size::Beside(shared) };
        let (mut rule, ids) = rule(size, size, &vec![(SlotKind::Command, 50); members]);
        let mut held = vec![0; members];
        for (takes, who, most) in steps {
            let who = who % members;
            if takes {
                let taken = rule.take(ids[who], most);
                prop_assert!(taken > 0 || held[who] > 0, "{who} waits for its first");
                held[who] += taken;
                let free = size.of(members).0 - held.iter().sum::<usize>();
                prop_assert!(members == 1 || taken == 0 || held[who] == 1 || held[who] <= free, "{who} has {} and leaves {free}", held[who]);
            } else if held[who] > 0 {
                held[who] -= 1;
                rule.give_back(ids[who]);
            }
        }
    }
}
