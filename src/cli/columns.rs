//! Columns for people, as wide as a terminal shows them. Pure.

use super::terminal::width;

/// A line for each row, each cell as wide as the widest of its column. The first row has the headings.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let lines = lines(rows);
    lines.map(|line| format!("{line}\n")).collect()
}

/// The same for each row, without its end: for lists that have more to say below a row.
pub(super) fn lines<const N: usize>(rows: &[[String; N]]) -> impl Iterator<Item = String> {
    let mut widths = [0; N];
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    rows.iter().map(move |row| {
        let cells: Vec<_> = row
            .iter()
            .zip(widths)
            .map(|(cell, widest)| padded(cell, widest))
            .collect();
        cells.join("  ").trim_end().to_owned()
    })
}

fn padded(cell: &str, widest: usize) -> String {
    format!("{cell}{}", " ".repeat(widest.saturating_sub(width(cell))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wide_characters_push_nothing_out_of_its_column() {
        let rows = [
            ["FROM", "SUBJECT"],
            ["請求書@例え.jp", "a"],
            ["e\u{301}va@a.example", "b"],
        ];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(
            columns(&rows),
            "FROM            SUBJECT\n請求書@例え.jp  a\ne\u{301}va@a.example   b\n"
        );
    }

    proptest! {
        #[test]
        fn every_column_begins_at_one_place(cells in prop::collection::vec(("[a-z請é…]{0,8}", "[a-z]{1,4}"), 1..8)) {
            let rows: Vec<_> = cells.into_iter().map(|(one, other)| [one, other]).collect();
            let begins: Vec<_> = lines(&rows)
                .zip(&rows)
                .map(|(line, row)| width(&line) - width(&row[1]))
                .collect();
            prop_assert!(begins.windows(2).all(|pair| pair[0] == pair[1]), "{:?}", begins);
        }
    }
}
