// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Plain columns without borders, as `ip` and `kubectl` print them: good to read, good to cut with `awk`.

use comfy_table::{Cell, CellAlignment, Table as Grid, presets};

use super::text::printable;

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table under construction.
#[derive(Debug)]
pub(crate) struct Table {
    grid: Grid,
    sides: Vec<Side>,
}

impl Table {
    /// A table with these columns; their titles are printed only when `header` says so.
    pub(crate) fn new(columns: &[(&str, Side)], header: bool) -> Table {
        let mut grid = Grid::new();
        grid.load_style(presets::NOTHING);
        let mut table = Table { grid, sides: columns.iter().map(|(_, side)| *side).collect() };
        if header {
            let titles = table.cells(columns.iter().map(|(title, _)| (*title).to_owned()));
            table.grid.set_header(titles);
        }
        table
    }

    /// Adds a row with one cell a column.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.sides.len(), "one cell a column");
        let cells = self.cells(cells.into_iter());
        self.grid.add_row(cells);
    }

    fn cells(&self, texts: impl Iterator<Item = String>) -> Vec<Cell> {
        let cell = |(text, side): (String, &Side)| {
            let alignment = match side {
                Side::Left => CellAlignment::Left,
                Side::Right => CellAlignment::Right,
            };
            Cell::new(printable(&text)).set_alignment(alignment)
        };
        texts.zip(&self.sides).map(cell).collect()
    }

    /// The table as lines that end with a newline; no lines at all when there is neither header nor row.
    pub(crate) fn finish(mut self) -> String {
        if self.grid.is_empty() && self.grid.header().is_none() {
            return String::new();
        }
        self.grid.column_iter_mut().for_each(|column| {
            column.set_padding((0, 2));
        });
        self.grid.trim_fmt() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::{Side, Table};

    const COLUMNS: [(&str, Side); 2] = [("NAME", Side::Left), ("FRAMES", Side::Right)];

    #[test]
    fn aligns_and_escapes() {
        let mut table = Table::new(&COLUMNS, true);
        table.row(["a".to_owned(), "1".to_owned()]);
        table.row(["long\x1b".to_owned(), "1000".to_owned()]);
        assert_eq!(table.finish(), "NAME        FRAMES\na                1\nlong\\u{1b}    1000\n");
    }

    #[test]
    fn header_can_be_left_out() {
        let mut table = Table::new(&COLUMNS, false);
        table.row(["a".to_owned(), "1".to_owned()]);
        assert_eq!(table.finish(), "a  1\n");
        assert_eq!(Table::new(&COLUMNS, false).finish(), "");
        assert_eq!(Table::new(&COLUMNS, true).finish(), "NAME  FRAMES\n");
    }
}
