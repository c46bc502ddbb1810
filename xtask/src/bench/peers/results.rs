// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What came out of a sitting, or of several.

use super::sample::{Figure, Sample};
use super::scenario::{self, Scenario};

/// What one peer did in one scenario.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    /// Of the rounds that worked.
    pub(crate) samples: Vec<Sample>,
    /// What this peer cannot do.
    pub(crate) obstacle: Option<String>,
    /// What kept other rounds from working.
    pub(crate) failure: Option<String>,
}

impl Cell {
    /// Frames a second over the rounds.
    pub(crate) fn rate(&self) -> Option<Figure> {
        Figure::of(self.samples.iter().map(|sample| sample.rate))
    }

    /// Busy cores over the rounds.
    pub(crate) fn cpu(&self) -> Option<Figure> {
        Figure::of(self.samples.iter().map(|sample| sample.cpu))
    }

    /// Bytes of the switch's own memory over the rounds.
    pub(crate) fn memory(&self) -> Option<Figure> {
        Figure::of(self.samples.iter().map(|sample| sample.memory as f64))
    }

    /// Busy cycles a frame over the rounds.
    pub(crate) fn cycles(&self) -> Option<Figure> {
        Figure::of(self.samples.iter().filter_map(|sample| sample.cycles))
    }

    /// The samples of both; what went wrong is what went wrong last.
    fn join(mut self, later: Cell) -> Cell {
        let measured = !later.samples.is_empty() || later.failure.is_some();
        self.samples.extend(later.samples);
        self.obstacle = later.obstacle.or(self.obstacle);
        self.failure = if measured { later.failure } else { self.failure };
        self
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Results {
    /// Who took part: the columns.
    pub(crate) peers: Vec<String>,
    /// What was measured, and a cell for each peer: the rows.
    pub(crate) rows: Vec<(&'static Scenario, Vec<Cell>)>,
}

impl Results {
    /// Whether everybody got through every round.
    pub(crate) fn complete(&self) -> bool {
        self.rows.iter().all(|(_, cells)| cells.iter().all(|cell| cell.failure.is_none()))
    }

    /// The fewest and the most rounds that a figure is the median of.
    pub(crate) fn rounds(&self) -> (usize, usize) {
        let counts = self.rows.iter().flat_map(|(_, cells)| cells).map(|cell| cell.samples.len());
        let counts: Vec<usize> = counts.filter(|count| *count > 0).collect();
        (counts.iter().copied().min().unwrap_or(0), counts.iter().copied().max().unwrap_or(0))
    }

    /// These and those of a later sitting, as if they had been one.
    pub(crate) fn join(&self, later: &Results) -> Results {
        let mut peers = self.peers.clone();
        peers.extend(later.peers.iter().filter(|peer| !self.peers.contains(peer)).cloned());
        let rows = scenario::ALL.iter().filter(|scenario| self.has(scenario) || later.has(scenario));
        let both = |scenario, peer| self.cell(scenario, peer).join(later.cell(scenario, peer));
        let rows = rows.map(|scenario| (scenario, peers.iter().map(|peer| both(scenario, peer)).collect()));
        Results { rows: rows.collect(), peers }
    }

    fn row(&self, scenario: &Scenario) -> Option<&[Cell]> {
        let row = self.rows.iter().find(|(other, _)| other.name == scenario.name);
        row.map(|(_, cells)| cells.as_slice())
    }

    fn has(&self, scenario: &Scenario) -> bool {
        self.row(scenario).is_some()
    }

    fn cell(&self, scenario: &Scenario, peer: &str) -> Cell {
        let at = self.peers.iter().position(|other| other == peer);
        let cell = at.zip(self.row(scenario)).and_then(|(at, cells)| cells.get(at));
        cell.cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Results, Sample, scenario};

    fn results(peers: &[&str], rows: &[(&str, &[&[f64]])]) -> Results {
        let sample = |rate: &f64| Sample { rate: *rate, cycles: None, cpu: 1.0, memory: 0 };
        let cell = |rates: &&[f64]| Cell { samples: rates.iter().map(sample).collect(), ..Cell::default() };
        let row = |(name, cells): &(&str, &[&[f64]])| {
            (scenario::find(name).expect("a scenario"), cells.iter().map(cell).collect())
        };
        Results { peers: peers.iter().map(|peer| (*peer).to_owned()).collect(), rows: rows.iter().map(row).collect() }
    }

    #[test]
    fn sittings_with_other_scenarios_and_peers_make_one_table() {
        let first = results(&["weft", "ovs"], &[("512", &[&[1.0, 2.0], &[3.0]])]);
        let second = results(&["weft", "io"], &[("64", &[&[7.0], &[8.0]]), ("512", &[&[4.0], &[5.0]])]);
        let both = first.join(&second);
        assert_eq!(both.peers, ["weft", "ovs", "io"]);
        let rates = |cell: &Cell| cell.samples.iter().map(|sample| sample.rate).collect::<Vec<_>>();
        let rows: Vec<_> =
            both.rows.iter().map(|(scenario, cells)| (scenario.name, cells.iter().map(rates).collect())).collect();
        let expected: [(&str, Vec<Vec<f64>>); 2] =
            [("64", vec![vec![7.0], vec![], vec![8.0]]), ("512", vec![vec![1.0, 2.0, 4.0], vec![3.0], vec![5.0]])];
        assert_eq!(rows, expected);
        assert_eq!(both.rounds(), (1, 3));
    }

    #[test]
    fn a_failure_counts_until_it_is_measured_again() {
        let failed = Cell { failure: Some("no".to_owned()), ..Cell::default() };
        let sample = Sample { rate: 1.0, cycles: None, cpu: 1.0, memory: 0 };
        let worked = Cell { samples: vec![sample], ..Cell::default() };
        assert!(failed.clone().join(Cell::default()).failure.is_some());
        assert!(failed.join(worked).failure.is_none());
    }
}
