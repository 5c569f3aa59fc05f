//! What is printed in the end: figures beside their goals. A goal that is missed fails nothing.

use serde::Serialize;

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The scenario.
    pub scenario: &'static str,
    /// What was measured, with its unit.
    pub figure: String,
    /// Mailjob's median.
    pub mailjob: f64,
    /// The median of the ceiling, or of another program.
    pub ceiling: Option<f64>,
    /// The median of each round's Mailjob by the other, in which the machine's noise cancels.
    pub ratio: Option<f64>,
    /// What Mailjob is to reach.
    pub goal: Option<&'static str>,
}

impl Row {
    /// A line from each round's figures of Mailjob and the ceiling, or another program.
    #[must_use]
    pub fn paired(scenario: &'static str, figure: impl Into<String>, rounds: &[(f64, f64)]) -> Self {
        Self {
            scenario,
            figure: figure.into(),
            mailjob: median(rounds.iter().map(|round| round.0)),
            ceiling: Some(median(rounds.iter().map(|round| round.1))),
            ratio: Some(median(rounds.iter().map(|round| round.0 / round.1))),
            goal: None,
        }
    }

    /// A line of Mailjob alone.
    #[must_use]
    pub fn alone(scenario: &'static str, figure: impl Into<String>, rounds: impl IntoIterator<Item = f64>) -> Self {
        Self {
            scenario,
            figure: figure.into(),
            mailjob: median(rounds),
            ceiling: None,
            ratio: None,
            goal: None,
        }
    }

    /// With a goal.
    #[must_use]
    pub fn goal(self, goal: &'static str) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }
}

/// The middle one.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    percentile(values, 50)
}

/// The smallest value that so many percent of all do not exceed.
pub fn percentile(values: impl IntoIterator<Item = f64>, percent: usize) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let index = (values.len() * percent).div_ceil(100).saturating_sub(1);
    values.get(index).copied().unwrap_or(f64::NAN)
}

/// The table; `other` is what stands beside Mailjob.
#[must_use]
pub fn table(rows: &[Row], other: &str) -> String {
    let head = ["scenario", "figure", "Mailjob", other, "ratio", "goal"].map(str::to_owned);
    let mut lines = vec![head];
    lines.extend(rows.iter().map(|row| {
        [
            row.scenario.to_owned(),
            row.figure.clone(),
            number(row.mailjob),
            row.ceiling.map_or_else(String::new, number),
            row.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            row.goal.unwrap_or_default().to_owned(),
        ]
    }));
    let widths: Vec<usize> = (0..6)
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for line in lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            let numeric = (2..5).contains(&column);
            let cell = if numeric {
                format!("{padding}{cell}")
            } else {
                format!("{cell}{padding}")
            };
            out.push_str(&cell);
            out.push_str("  ");
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_cancels_in_the_ratio() {
        let rows = [Row::paired("mix", "mails/s", &[(50.0, 100.0), (20.0, 40.0), (55.0, 100.0)]).goal("half")];
        assert_eq!(
            (rows[0].mailjob, rows[0].ceiling, rows[0].ratio),
            (50.0, Some(100.0), Some(0.5))
        );
        let table = table(&rows, "ceiling");
        assert_eq!(
            table.lines().nth(1),
            Some("mix       mails/s    50.00      100   0.50  half")
        );
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values = || (1..=100).map(f64::from);
        assert_eq!(
            (median(values()), percentile(values(), 90), percentile(values(), 100)),
            (50.0, 90.0, 100.0)
        );
        assert!(median([]).is_nan());
    }
}
