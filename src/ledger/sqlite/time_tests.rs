use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;

fn run(machine: u128, micros: i64) -> Option<MonotonicTime> {
    let id = Uuid::from_u128(machine);
    Some(MonotonicTime { id, micros })
}

fn reading(wall: i64, run: Option<MonotonicTime>) -> ClockReading {
    ClockReading { wall, run }
}

#[test]
fn what_a_look_at_the_clocks_comes_to() {
    let wall = 1_800_000_000 * SECOND;
    let years = 20 * 365 * A_DAY;
    for (what, before, now, moved, doubts) in [
        ("an hour passes", run(1, 0), (HOUR, run(1, HOUR)), 0, false),
        ("a month passes", run(1, 0), (30 * A_DAY, run(1, 30 * A_DAY)), 0, false),
        (
            "set back by an hour",
            run(1, 0),
            (SECOND - HOUR, run(1, SECOND)),
            -HOUR,
            false,
        ),
        (
            "set forward by an hour",
            run(1, 0),
            (SECOND + HOUR, run(1, SECOND)),
            HOUR,
            false,
        ),
        (
            "set forward by years",
            run(1, 0),
            (SECOND + years, run(1, SECOND)),
            years,
            true,
        ),
        (
            "set back by years",
            run(1, 0),
            (SECOND - years, run(1, SECOND)),
            -years,
            false,
        ),
        ("read in two steps", run(1, 0), (HOUR + 90, run(1, HOUR)), 0, false),
        ("off for an hour", run(1, HOUR), (HOUR, run(2, SECOND)), 0, false),
        ("off for a month", run(1, HOUR), (30 * A_DAY, run(2, SECOND)), 0, true),
        (
            "begins anew in 1970",
            run(1, HOUR),
            (-wall, run(2, SECOND)),
            -wall,
            false,
        ),
        (
            "put back to a copy",
            run(1, HOUR),
            (-HOUR, run(1, SECOND)),
            -HOUR,
            false,
        ),
        ("another kind of clock", None, (-HOUR, run(1, SECOND)), -HOUR, false),
        ("no other clock", None, (30 * A_DAY, None), 0, false),
    ] {
        let look = Noted::first(reading(wall, before)).look(reading(wall + now.0, now.1));
        assert_eq!(look.moved, moved, "{what}");
        assert_eq!(look.noted.doubts(wall + now.0), doubts, "{what}");
        assert!(!look.noted.doubts(wall + now.0 + A_DAY), "{what}");
    }
}

/// What happens to a machine and to its clock.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Time passes.
    Pass(i64),
    /// Somebody sets the clock on the wall by so much.
    Set(i64),
    /// Somebody looks; what was to be noted is lost with a crash, or is not.
    Look { lost: bool },
    /// The machine is off for so long, and begins anew with a clock that is wrong by so much.
    Boot { off: i64, wrong: i64 },
    /// A wait of so long begins.
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let span = || prop_oneof![0..5 * SECOND, 0..3 * HOUR, 0..3 * 365 * A_DAY];
    let any_way = || (span(), any::<bool>()).prop_map(|(by, back)| if back { -by } else { by });
    prop_oneof![
        3 => span().prop_map(Step::Pass),
        3 => any_way().prop_map(Step::Set),
        3 => any::<bool>().prop_map(|lost| Step::Look { lost }),
        1 => (span(), any_way()).prop_map(|(off, wrong)| Step::Boot { off, wrong }),
        3 => span().prop_map(Step::Wait),
    ]
}

/// Something that waits: when it is due by the clock on the wall as it is noted, and when its wait began in truth.
struct Waiting {
    due: i64,
    begun: i64,
    wait: i64,
    /// Whether the machine was off since.
    off: bool,
}

proptest! {
    /// However the clock is set, and whenever somebody looks or dies: what waits on a machine that runs is due when its wait is over.
    /// Where the machine was off, nobody knows for how long: then it waits for no longer from then on.
    #[test]
    fn what_waits_keeps_its_wait(steps in prop::collection::vec(step(), 1..60)) {
        // In truth; on the wall; which run of the machine, and since when.
        let (mut truth, mut wall, mut machine, mut up) = (0_i64, 1_800_000_000 * SECOND, 1_u128, 0_i64);
        let mut noted = Noted::first(reading(wall, run(machine, up)));
        let mut all: Vec<Waiting> = Vec::new();
        for step in steps {
            match step {
                Step::Pass(time) => (truth, wall, up) = (truth + time, wall + time, up + time),
                Step::Set(by) => wall += by,
                Step::Boot { off, wrong } => {
                    (truth, wall, machine, up) = (truth + off, wall + off + wrong, machine + 1, 0);
                    all.iter_mut().for_each(|waiting| waiting.off = true);
                }
                Step::Look { .. } | Step::Wait(_) => {}
            }
            let looks = match step {
                Step::Look { lost } => !lost,
                Step::Wait(_) | Step::Boot { .. } => true,
                Step::Pass(_) | Step::Set(_) => false,
            };
            if !looks {
                continue;
            }
            let look = noted.look(reading(wall, run(machine, up)));
            if look.is_news || matches!(step, Step::Boot { .. }) {
                noted = look.noted;
                all.iter_mut().for_each(|waiting| waiting.due += look.moved);
            }
            if let Step::Wait(wait) = step {
                all.push(Waiting { due: wall + wait, begun: truth, wait, off: false });
            }
            for Waiting { due, begun, wait, off } in &all {
                let (left, rest) = (due - wall, begun + wait - truth);
                prop_assert!(left <= wait + NOTE_EVERY + 2 * TOLERANCE, "{} us are left of {}", left, wait);
                prop_assert!(*off || (left - rest).abs() <= 2 * TOLERANCE, "{} us are left in place of {}", left, rest);
            }
        }
    }

    /// Nothing is dropped for its age within a day after the clock went forward by more than a day, however it is set in between.
    #[test]
    fn a_jump_forward_drops_nothing(years in 1..100_i64, sets in prop::collection::vec(-HOUR..HOUR, 0..9)) {
        let mut wall = 1_800_000_000 * SECOND;
        let mut noted = Noted::first(reading(wall, run(1, 0)));
        wall += years * 365 * A_DAY;
        noted = noted.look(reading(wall, run(1, 0))).noted;
        for (set, up) in sets.into_iter().zip(1..) {
            prop_assert!(noted.doubts(wall));
            wall += set + HOUR;
            let look = noted.look(reading(wall, run(1, up * HOUR)));
            if look.is_news {
                noted = look.noted;
            }
        }
        prop_assert!(noted.doubts(wall));
    }
}
