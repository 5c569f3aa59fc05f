//! Shows that somebody is waited for, and how long still.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often it is said where nobody looks at a terminal.
const SELDOM: Duration = Duration::from_secs(60);

/// Shows the time that is left, for ever: on a terminal in place each second, else in a line each minute.
pub(super) async fn show(what: &str, until: Instant) {
    let terminal = io::stderr().is_terminal();
    let mut ticks = interval(if terminal { Duration::from_secs(1) } else { SELDOM });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let line = line(what, until.saturating_duration_since(Instant::now()));
        // Nobody needs it enough to fail for.
        drop(if terminal {
            write!(io::stderr(), "\r{line} ")
        } else {
            writeln!(io::stderr(), "{line}")
        });
    }
}

/// Ends the line of a countdown on a terminal.
pub(super) fn end() {
    if io::stderr().is_terminal() {
        drop(writeln!(io::stderr()));
    }
}

fn line(what: &str, left: Duration) -> String {
    let seconds = left.as_secs();
    format!("{what} … {}:{:02} left", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_and_seconds() {
        for (seconds, shown) in [(600, "10:00"), (61, "1:01"), (9, "0:09"), (0, "0:00")] {
            let line = line("waiting", Duration::from_secs(seconds));
            assert_eq!(line, format!("waiting … {shown} left"));
        }
    }
}
